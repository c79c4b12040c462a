//! Links as a table: what is written is read again, bad lines are named, and no cell is a formula.

use std::path::Path;

use itop_sandbox::Options;
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Config, Scope};

use crate::{
    program::{command, output},
    world::{Answer, World, event, limited, token, with},
};

const LINKS: &str = "/api/v1/links";

async fn put(world: &World, table: impl Into<reqwest::Body>, query: &str) -> Answer {
    let request = world.http.put(format!("{}{LINKS}{query}", world.base));
    let request = request.header("content-type", "text/csv").body(table);
    Answer::read(request.send().await.unwrap()).await
}

fn counts(report: &Value) -> Vec<(&str, u64)> {
    let counts = report["counts"].as_object().unwrap().iter();
    let counts = counts.map(|(name, count)| (name.as_str(), count.as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

/// Line, column and code of each error.
fn errors(body: &Value) -> Vec<(u64, &str, &str)> {
    let errors = body["errors"].as_array().unwrap_or_else(|| panic!("{body}")).iter();
    errors
        .map(|error| {
            let column = error["column"].as_str().unwrap_or("–");
            (error["line"].as_u64().unwrap(), column, error["code"].as_str().unwrap())
        })
        .collect()
}

async fn stored(world: &World) -> usize {
    world.get(LINKS).await.expect(200)["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was_and_nothing_in_it_is_a_formula() {
    let world = World::start().await;
    let formula = "=HYPERLINK(\"http://evil.example\";\"x\")";
    world.itop_creates("Organization", json!({"name": "@SUM(1)", "status": "active"})).await;
    world
        .link(
            42,
            json!({"organization": "ACME Logistics", "name": formula, "team": "Helpdesk",
            "contact": {"id": 605}, "service": "Network", "service_element": {"id": 105}}),
        )
        .await;
    world.link("42/sites/name:-2+3", json!({"organization": "@SUM(1)", "tickets": false})).await;
    let waits = with(event("1"), "/company", json!("+cmd|' /C calc'!A0"));
    world.acknowledge(&waits).await.expect(202);
    for separator in ["", "?separator=semicolon"] {
        let export = world.get(&format!("/api/v1/links.csv{separator}")).await;
        assert_eq!(export.status, 200);
        assert_eq!(export.header("content-type"), "text/csv; charset=utf-8");
        assert!(export.header("content-disposition").starts_with("attachment"));
        let text = export.text.strip_prefix('\u{feff}').unwrap_or(&export.text);
        assert!(text.contains("ACME Group"), "the tree: {text}");
        let delimiter = if separator.is_empty() { ',' } else { ';' };
        for line in text.lines() {
            for cell in line.split(delimiter) {
                let cell = cell.trim_start_matches('"');
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t']), "{cell}");
            }
        }
        let dry = put(&world, export.text.clone(), "?dry_run=true").await.expect(200);
        assert_eq!(counts(&dry), [("same", 2), ("skipped", 1)], "{dry}");
    }
    // Read again after all were removed, all are as they were.
    let before = world.get(LINKS).await.expect(200);
    let export = world.get("/api/v1/links.csv").await.text;
    for link in ["42/sites/name:-2+3", "42"] {
        world.delete(&format!("{LINKS}/{link}")).await.expect(204);
    }
    assert_eq!(
        counts(&put(&world, export, "").await.expect(200)),
        [("created", 2), ("skipped", 1)]
    );
    let mut after = world.get(LINKS).await.expect(200);
    for at in 0..2 {
        after["items"][at]["updated_at"] = before["items"][at]["updated_at"].clone();
    }
    assert_eq!(after, before);
    assert_eq!(before["items"][0]["name"], formula);
    world.finish().await;
}

#[tokio::test]
async fn each_bad_line_is_named_and_none_is_stored() {
    let world = World::start().await;
    let table = "Company;Site;Organization;Organization_id;Team;Contact;Tickets;Remove\r\n\
                 id:1;;Demo;;Helpdesk;;;\r\n\
                 id:2;;Demo;;No such team;;;\r\n\
                 Mairie;;Demo;;;;maybe;\r\n\
                 id:3;;ACME Logistics;;;Jean Dupont;;\r\n\
                 \r\n\
                 id:1;;Demo;;;;;\r\n\
                 id:4;;Nowhere;3;;;;\r\n\
                 id:5;;;;;;;\r\n\
                 id:6;;;;Helpdesk;;;\r\n";
    let expected = [
        (4, "tickets", "type"),
        (4, "company", "format"),
        (7, "company", "duplicate"),
        (10, "organization", "required"),
        (3, "team", "unknown"),
        (5, "contact", "ambiguous"),
        // The name counts, and the key beside it is another one's.
        (8, "organization", "unknown"),
    ];
    let refused = put(&world, table, "").await;
    let detail = refused.problem(422, "invalid");
    assert!(detail.contains("so nothing was changed. line 4, tickets: "), "{detail}");
    assert_eq!(errors(&refused.body), expected);
    let dry = put(&world, table, "?dry_run=true").await.expect(200);
    assert_eq!(errors(&dry), expected);
    assert_eq!(counts(&dry), [("created", 1), ("skipped", 1), ("errors", 6)]);
    assert_eq!(dry["items"][0]["line"], 2);
    let message = dry["errors"][5]["message"].as_str().unwrap();
    assert!(message.contains("key 604") && message.contains("key 605"), "{message}");
    assert_eq!(stored(&world).await, 0);
    // The key tells which of several is meant.
    let told = "company,organization,contact,contact_id\nid:3,ACME Logistics,jean dupont,604\n";
    put(&world, told, "").await.expect(200);
    let link = world.get(&format!("{LINKS}/3")).await.expect(200);
    assert_eq!(link["contact"]["id"], "604");

    for (table, expected) in [
        ("", (1, "–", "required")),
        ("id:1;Demo\n", (1, "company", "required")),
        ("company,organization\nid:1,Demo,surplus\n", (2, "–", "length")),
    ] {
        let refused = put(&world, table, "").await;
        refused.problem(422, "invalid");
        assert!(errors(&refused.body).contains(&expected), "{}", refused.text);
    }
    assert_eq!(stored(&world).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_table_is_read_in_the_alphabet_of_its_program() {
    let world = World::start().await;
    let text = "company;organization;tickets\nid:1;Hôpital Saint-Éloi;non\n";
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let utf_16 = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (table, outcome) in
        [(latin, "created"), (utf_16, "same"), (format!("\u{feff}{text}").into_bytes(), "same")]
    {
        let done = put(&world, table, "").await.expect(200);
        assert_eq!(counts(&done), [(outcome, 1)]);
    }
    let link = world.get(&format!("{LINKS}/1")).await.expect(200);
    assert_eq!((&link["organization"]["id"], &link["tickets"]), (&json!("5004"), &json!(false)));
    let gone = put(&world, "company,remove\nid:1,oui\n", "").await.expect(200);
    assert_eq!((counts(&gone), stored(&world).await), (vec![("removed", 1)], 0));
    world.finish().await;
}

#[tokio::test]
async fn a_token_has_the_table_of_its_own_companies() {
    let tokens = |config: &mut Config| {
        config.auth.tokens = vec![
            token("admin-of-all-companies", &[Scope::Admin]),
            limited("admin-of-one-instance", &[Scope::Admin], "sn-b", &[]),
            limited("reader-of-one-company", &[Scope::Read], "", &["id:42"]),
        ];
    };
    let mut world = World::with(Options::default(), tokens).await;
    world.token = Some("admin-of-all-companies".to_owned());
    world.link_demo().await;
    world.link(43, json!({"organization": "ACME Logistics", "name": "Other one"})).await;
    world.link("44?instance=sn-b", json!({"organization": "ACME Retail", "name": "Third"})).await;

    world.token = Some("reader-of-one-company".to_owned());
    let table = world.get("/api/v1/links.csv").await;
    assert_eq!(table.status, 200);
    assert!(table.text.contains("id:42") && !table.text.contains("id:43"), "{}", table.text);
    let list = world.get("/api/v1/links/companies").await.expect(200);
    assert_eq!((&list["found"], &list["counts"]["companies"]), (&json!(1), &json!(1)));
    // The company above its own is another company.
    world.put(LINKS, &json!({"items": []})).await.problem(403, "forbidden");
    world.post("/api/v1/links/matches", &Value::Null).await.problem(403, "forbidden");
    let other = world.send(Method::POST, "/api/v1/links/43/trial", &[], None).await;
    other.problem(403, "forbidden");

    world.token = Some("admin-of-one-instance".to_owned());
    let table = world.get("/api/v1/links.csv").await.text;
    assert!(table.contains("id:44") && !table.contains("id:42"), "{table}");
    let items = json!({"items": [
        {"company": "id:45", "organization": "Demo"},
        {"company": "id:42", "instance": "default", "organization": "Demo"},
    ]});
    let refused = world.put(LINKS, &items).await;
    refused.problem(422, "invalid");
    assert_eq!(refused.body["errors"][0]["pointer"], "/items/1/instance");
    let own = json!({"items": [{"company": "id:45", "organization": "Demo"}]});
    let made = world.put(LINKS, &own).await.expect(200);
    assert_eq!(made["items"][0]["instance"], "sn-b");
    world.finish().await;
}

/// Runs `links …` against the bridge of a world: whether it succeeded, its output, its errors.
async fn links(world: &World, arguments: &[&str]) -> (bool, String, String) {
    let mut command = command(&["links"]);
    command.args(arguments).args(["--url", &world.base]);
    let output = output(command).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn the_program_exports_previews_and_imports() {
    let secret = "token-of-the-administrator";
    let tokens = |config: &mut Config| {
        config.auth.tokens = vec![token(secret, &[Scope::Admin])];
    };
    let mut world = World::with(Options::default(), tokens).await;
    world.token = Some(secret.to_owned());
    world.link_demo().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("token"), format!("{secret}\n")).unwrap();
    let file = path("links.csv");
    let with_token = ["--token-file", &path("token")].map(str::to_owned);
    let run = async |arguments: &[&str]| {
        let token = with_token.iter().map(String::as_str);
        links(&world, &arguments.iter().copied().chain(token).collect::<Vec<_>>()).await
    };
    let (good, out, _) = run(&["export", "--output", &file]).await;
    assert!(good && out.is_empty());
    let mut table = std::fs::read_to_string(&file).unwrap();
    assert_eq!(run(&["export"]).await, (true, table.clone(), String::new()));
    table.push_str("default,id:43,,Other,ACME Logistics\r\n");
    std::fs::write(&file, &table).unwrap();

    let (good, out, err) = run(&["import", &file, "--dry-run"]).await;
    assert!(good, "{err}");
    assert!(out.contains("3     created  id:43 Other"), "{out}");
    assert!(out.ends_with(
        "Nothing was changed; it would be: 1 created, 0 changed, 0 removed, 1 the same, 0 without \
         an organization, 0 wrong\n"
    ), "{out}");
    assert_eq!(stored(&world).await, 1);
    assert!(run(&["import", &file]).await.0);
    assert_eq!(stored(&world).await, 2);

    // A bad line, in a file whose name a terminal would obey.
    let bad = path("b\u{1b}[31m\nad.csv");
    std::fs::write(&bad, "company,organization\nid:9,\u{1b}]0;title\u{7}Nowhere\n").unwrap();
    for arguments in [&["import", &bad][..], &["import", &bad, "--dry-run"]] {
        let (good, _, err) = run(arguments).await;
        assert!(!good);
        assert!(
            err.contains(".csv:2: organization: 'Nowhere' is no organization in iTop"),
            "{err}"
        );
        assert!(!err.contains('\u{1b}'), "{err:?}");
    }
    assert_eq!(stored(&world).await, 2);
    let (good, _, err) = links(&world, &["export"]).await;
    assert!(!good && err.contains("by --token-file or BRIDGE_TOKEN_FILE"), "{err}");
    let (good, _, err) = run(&["import", "/nonexistent\u{1b}[2J.csv"]).await;
    assert!(!good && err.contains("/nonexistent.csv cannot be read"), "{err}");
    assert!(Path::new(&file).exists());
    world.finish().await;
}
