//! The page of companies, as it is read without a script.

use itop_sandbox::Options;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Config, Scope};

use crate::world::{Answer, World, event, limited, token, with};

const PAGE: &str = "/companies";

async fn page(world: &World, query: &str, language: &str) -> Answer {
    let headers = [("accept-language", language)];
    let answer = world.send(reqwest::Method::GET, &format!("{PAGE}{query}"), &headers, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    answer
}

#[tokio::test]
async fn what_lacks_a_link_comes_first_and_the_chosen_one_stands_beside() {
    let world = World::start().await;
    let empty = page(&world, "", "en").await.text;
    assert!(empty.contains("No company yet."), "{empty}");
    world
        .link(42, json!({"organization": "ACME Logistics", "name": "Clinique", "team": "Helpdesk"}))
        .await;
    world
        .link("42/sites/8", json!({"organization": "Demo", "name": "Imaging", "tickets": false}))
        .await;
    world.acknowledge(&with(event("1"), "/company", json!("ACME"))).await.expect(202);
    let text = page(&world, "", "en").await.text;
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no '{what}' in {text}"));
    assert!(at(">ACME</a>") < at(">Clinique</a>") && at(">Clinique</a>") < at(">Imaging</a>"));
    for said in [
        "1 linked, 1 not; 1 acknowledgement waits for a link",
        "Link 1 exact match…",
        "1 waits",
        "one exact match",
        "ACME Group",
        "Choose a company",
        "links.csv?separator=comma\"",
    ] {
        assert!(text.contains(said), "no '{said}' in {text}");
    }
    let french = page(&world, "?company=id:42&site=id:8", "fr").await.text;
    for said in ["1 reliée, 1 non reliée", "Organisation iTop", "separator=semicolon", "id:8"] {
        assert!(french.contains(said), "no '{said}' in {french}");
    }
    let chosen = page(&world, "?company=id:42", "en").await.text;
    assert!(chosen.contains("id=\"chosen\"") && chosen.contains("1 site;"), "{chosen}");
    let off = page(&world, "?group=off", "en").await.text;
    assert!(off.contains(">Imaging</a>") && !off.contains(">ACME</a>"), "{off}");
    let none = page(&world, "?q=nobody", "en").await.text;
    assert!(none.contains("No company fits."), "{none}");
    // One of which nothing is known can be entered.
    let new = page(&world, "?new=1", "en").await.text;
    assert!(new.contains("data-view=\"null\""), "{new}");
    page(&world, "?company=id:99", "en").await;
    for wrong in ["?company=42", "?group=some", "?sort=name"] {
        assert_eq!(world.get(&format!("{PAGE}{wrong}")).await.status, 400, "{wrong}");
    }
    world.finish().await;
}

#[tokio::test]
async fn no_name_is_anything_but_text() {
    const EVIL: &str = "\"><script>alert(1)</script>'<img src=x onerror=alert(1)>";
    let world = World::start().await;
    world.itop_creates("Organization", json!({"name": EVIL, "status": "active"})).await;
    let company = json!({"id": EVIL, "name": EVIL});
    let waits = with(with(event("1"), "/company", company), "/site", json!(EVIL));
    world.acknowledge(&waits).await.expect(202);
    world.link(42, json!({"organization": EVIL, "name": EVIL})).await;
    let key: String =
        EVIL.bytes().fold("id:".to_owned(), |key, byte| key + format!("%{byte:02x}").as_str());
    for query in ["", "?company=id:42", &format!("?q={}", &key[3..]), &format!("?company={key}")] {
        let text = page(&world, query, "en").await.text;
        for raw in ["<script>alert", "<img", "\"><"] {
            assert!(!text.contains(raw) || raw == "\"><" && !text.contains("\"><script>"), "{raw}");
        }
        assert!(text.contains("&lt;script&gt;alert(1)"), "{query}: {text}");
        // What is not of the bridge's own runs nowhere.
        for inline in [" onclick=", " style=", "<script>", "javascript:"] {
            assert!(!text.contains(inline), "{inline}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn who_may_not_link_is_offered_nothing_and_sees_its_own_alone() {
    let tokens = |config: &mut Config| {
        config.auth.tokens = vec![
            token("admin-of-all-companies", &[Scope::Admin]),
            token("reader-of-all-companies", &[Scope::Read]),
            limited("reader-of-one-company", &[Scope::Read], "", &["id:42"]),
        ];
    };
    let mut world = World::with(Options::default(), tokens).await;
    world.token = Some("admin-of-all-companies".to_owned());
    world.link(42, json!({"organization": "ACME Logistics", "name": "Own"})).await;
    world.link(43, json!({"organization": "Demo", "name": "Another"})).await;
    let offered = ["id=\"edit\"", "id=\"import\"", "id=\"matches-dialog\"", "new=1"];
    let text = page(&world, "?company=id:42", "en").await.text;
    assert!(offered.iter().all(|what| text.contains(what)), "{text}");
    assert!(text.contains("id=\"try-dialog\"") && text.contains("Another"), "{text}");

    world.token = Some("reader-of-all-companies".to_owned());
    let text = page(&world, "?company=id:42", "en").await.text;
    assert!(!offered.iter().any(|what| text.contains(what)), "{text}");
    assert!(!text.contains("id=\"try-dialog\"") && text.contains("Another"), "{text}");

    world.token = Some("reader-of-one-company".to_owned());
    let text = page(&world, "?company=id:42", "en").await.text;
    assert!(text.contains("Own") && !text.contains("Another"), "{text}");
    // The organization above its own is another company's.
    assert!(!text.contains("ACME Group"), "{text}");
    for hidden in ["?company=id:43", "?company=id:99"] {
        assert_eq!(world.get(&format!("{PAGE}{hidden}")).await.status, 404);
    }
    assert_eq!(
        world.get("/api/v1/links/companies").await.body["items"][0]["suggestion"],
        Value::Null
    );
    world.finish().await;
}
