//! Names as the database of a real iTop compares them.

use serde_json::json;
use servicenav_itop_bridge::{domain::names::same, itop::oql};

use super::{
    company::{Account, Company},
    world,
};
use crate::world::{World, with};

/// Names that are alike or nearly so.
const NAMES: [&str; 46] = [
    "srv",
    "SRV",
    "srv ",
    "s rv",
    "sr-v",
    "sr_v",
    "sr.v",
    "šrv",
    "s\u{301}rv",
    "srv\u{200b}",
    "œuvre",
    "oeuvre",
    "ŒUVRE",
    "straße",
    "strasse",
    "été",
    "ETE",
    "e\u{301}te\u{301}",
    "a  b",
    "a b",
    "a\u{a0}b",
    "a\tb",
    "it's",
    "it’s",
    "🔥",
    "💧",
    "ø",
    "o",
    "ł",
    "l",
    "æ",
    "ae",
    "ﬁ",
    "fi",
    "1",
    "①",
    "１",
    "²",
    "2",
    "İ",
    "i",
    "ı",
    "a\\b",
    "a\"b",
    "%",
    "_",
];

/// What is one name to the bridge and several to iTop's database: letters with a stroke, and spaces
/// that nobody sees. Such a name is found in a list where iTop finds none.
const WIDER: [&[&str]; 4] =
    [&["ø", "o"], &["ł", "l"], &["æ", "ae"], &["a  b", "a b", "a\u{a0}b", "a\tb"]];

/// A bridge that has read nothing of the company.
async fn cold(world: &mut World) {
    world.stop_bridge().await;
    world.start_bridge().await;
}

#[tokio::test]
async fn live_names_are_found_cold_however_they_are_written() {
    let Some(admin) = Account::admin() else { return };
    let Some((mut world, _)) = world(|_| {}).await else { return };
    let company = Company::found(&admin, &world, "Straße Œuvré d'été  a\\b").await;
    company.link(&world).await;
    let as_it_is = |text: String| text;
    let plain = |text: String| text.replace('œ', "oe").replace('Œ', "OE").replace('é', "e");
    let spellings: [(&str, &dyn Fn(String) -> String); 5] = [
        ("exact", &as_it_is),
        ("upper case", &|text| text.replace('ß', "SS").to_uppercase()),
        ("lower case", &|text| text.to_lowercase()),
        ("without accents", &plain),
        ("other spaces", &|text| text.replace("  ", " \u{a0} ").replace("Live", " Live")),
    ];
    for (spelling, spelt) in spellings {
        for spaces in ["two", "one"] {
            let spelt = |what: &str| {
                let spelt = spelt(company.called(what));
                if spaces == "one" { spelt.replace("  ", " ") } else { spelt }
            };
            cold(&mut world).await;
            let event = company.event(&format!("{spelling} {spaces}"));
            let event = with(event, "/team", json!(spelt("Team")));
            let event = with(event, "/contact", json!({"name": spelt("Jane")}));
            let event = with(event, "/service", json!(spelt("Service")));
            let event = with(event, "/service_element", json!(spelt("Element")));
            let event = with(event, "/equipment", json!({"name": spelt("srv")}));
            let row = world.acknowledge(&event).await.expect(201);
            assert_eq!(row["warnings"], json!([]), "{spelling}, {spaces} spaces: {row}");
            let ticket = admin.ticket(&row["ticket"]).await;
            assert_eq!(
                (ticket.team, ticket.contact, ticket.service, ticket.element, ticket.cis),
                (company.team, company.contact, company.service, company.element, vec![company.ci]),
                "{spelling}, {spaces} spaces"
            );
        }
    }
    world.finish().await;
    company.end(&admin).await;
}

#[tokio::test]
async fn live_the_database_takes_the_same_names_for_one_as_the_bridge() {
    let Some(admin) = Account::admin() else { return };
    let Some((world, _)) = world(|_| {}).await else { return };
    let company = Company::found(&admin, &world, "collation").await;
    let mut ids = Vec::new();
    for name in NAMES {
        // As it is, without what another helper adds.
        let fields = json!({"name": name, "org_id": company.org});
        ids.push(admin.create("Server", fields).await);
    }
    let mut differences = Vec::new();
    for wanted in NAMES {
        let query = format!(
            "SELECT Server WHERE org_id = {} AND name = {}",
            company.org,
            oql::quote(wanted)
        );
        let found = admin.read(&query, "id").await;
        for (id, name) in ids.iter().zip(NAMES) {
            let in_itop = found.iter().any(|server| server.id == *id);
            let here = same(name, wanted);
            let may_differ =
                WIDER.iter().any(|wider| [name, wanted].iter().all(|n| wider.contains(n)));
            if in_itop != here && (in_itop || !may_differ) {
                differences.push((name, wanted, in_itop, here));
            }
        }
    }
    assert!(differences.is_empty(), "name, wanted, in iTop, here: {differences:?}");
    world.finish().await;
    company.end(&admin).await;
}
