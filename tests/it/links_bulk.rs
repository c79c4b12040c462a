//! Many links at once: few requests to iTop, all or none, and what would change before it does.

use std::time::Duration;

use itop_sandbox::FaultKind;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, with};

const LINKS: &str = "/api/v1/links";
const COMPANIES: &str = "/api/v1/links/companies";
const MATCHES: &str = "/api/v1/links/matches";

fn list(items: &[Value]) -> Value {
    json!({"items": items})
}

async fn put(world: &World, items: &[Value], dry_run: bool) -> Answer {
    world.put(&format!("{LINKS}?dry_run={dry_run}"), &list(items)).await
}

/// Pointer and code of each error.
fn errors(body: &Value) -> Vec<(&str, &str)> {
    let errors = body["errors"].as_array().unwrap_or_else(|| panic!("{body}")).iter();
    errors
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect()
}

fn counts(report: &Value) -> Vec<(&str, u64)> {
    let counts = report["counts"].as_object().unwrap().iter();
    let counts = counts.map(|(name, count)| (name.as_str(), count.as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

async fn stored(world: &World) -> usize {
    world.get(LINKS).await.expect(200)["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn three_hundred_links_ask_for_each_list_once() {
    let world = World::start().await;
    let of_org = [
        json!({"organization": {"id": 3}, "team": "Helpdesk", "service": "Telecom and connectivity",
            "service_element": "Network Troubleshooting"}),
        json!({"organization": "ACME Logistics", "team": "helpdesk", "contact": {"id": "605"},
            "service": {"name": "Network"}, "service_element": {"id": 105}, "tickets": false}),
        json!({"organization": "ACME Retail", "team": "Helpdesk"}),
    ];
    let items: Vec<_> = (0..300)
        .map(|n| with(of_org[n % 3].clone(), "/company", json!(format!("id:{}", 1_000 + n))))
        .collect();
    let before = world.reads();
    let dry = put(&world, &items, true).await.expect(200);
    assert_eq!(counts(&dry), [("created", 300)]);
    assert_eq!((&dry["dry_run"], stored(&world).await), (&json!(true), 0));
    // The companies; three lists of teams, one of contacts, two of services in three parts each; and
    // what kind of tickets there are.
    let reads = world.reads() - before;
    assert!(reads <= 1 + 3 + 1 + 6 + 2, "{reads} requests");
    let before = world.reads();
    let made = put(&world, &items, false).await.expect(200);
    assert_eq!(counts(&made), [("created", 300)]);
    assert_eq!(stored(&world).await, 300);
    let link = world.get("/api/v1/links/1001").await.expect(200);
    assert_eq!(link["service_element"], json!({"id": "105", "name": "Slow network"}));
    assert_eq!((&link["tickets"], &link["contact"]["id"]), (&json!(false), &json!("605")));
    // Again, and all is as it was.
    let again = put(&world, &items, false).await.expect(200);
    assert_eq!(counts(&again), [("same", 300)]);
    assert_eq!(again["items"][1]["link"]["updated_at"], link["updated_at"]);
    assert_eq!(world.reads(), before, "the lists have just been read");
    world.finish().await;
}

#[tokio::test]
async fn one_bad_link_keeps_all_from_being_stored() {
    let world = World::start().await;
    let good = json!({"company": "id:1", "organization": "Demo"});
    let items = [
        good.clone(),
        json!({"company": "id:2", "organization": "Demo", "team": "No such team"}),
        json!({"company": 3, "organization": "Nowhere"}),
        json!({"company": "id:1", "organization": "Demo"}),
        // A name as an id would link nobody.
        json!({"company": "Mairie de Quimper", "organization": "Demo"}),
        json!({"organization": "Demo", "teem": "Helpdesk"}),
        json!("Demo"),
        json!({"company": {"name": "Mairie"}, "site": {"id": 7}, "organization": "Demo"}),
    ];
    let expected = [
        ("/items/3/company", "duplicate"),
        ("/items/4/company", "format"),
        ("/items/5/teem", "unknown"),
        ("/items/5/company", "required"),
        ("/items/6", "type"),
        ("/items/1/team", "unknown"),
        ("/items/2/organization", "unknown"),
    ];
    let refused = put(&world, &items, false).await;
    let detail = refused.problem(422, "invalid");
    assert!(
        detail.starts_with("6 of 8 cannot be kept, so nothing was changed. /items/"),
        "{detail}"
    );
    assert_eq!(errors(&refused.body), expected);
    assert_eq!(stored(&world).await, 0);

    let dry = put(&world, &items, true).await.expect(200);
    assert_eq!(errors(&dry), expected);
    assert_eq!(counts(&dry), [("created", 2), ("errors", 6)]);
    let indices: Vec<_> = dry["items"].as_array().unwrap().iter().map(|i| &i["index"]).collect();
    assert_eq!(indices, [0, 7]);
    let last = &dry["items"][1];
    assert_eq!((&last["company"], &last["site"]), (&json!("name:mairie"), &json!("id:7")));
    assert_eq!(stored(&world).await, 0);

    for (body, expected) in [
        (json!({}), ("/items", "required")),
        (json!({"items": {}}), ("/items", "type")),
        (json!({"items": [], "dry": true}), ("/dry", "unknown")),
        (list(&vec![good; 5_001]), ("/items", "length")),
        (json!([]), ("", "type")),
    ] {
        let answer = world.put(LINKS, &body).await;
        answer.problem(422, "invalid");
        assert_eq!(errors(&answer.body), [expected]);
    }
    world.finish().await;
}

#[tokio::test]
async fn what_would_change_is_told_and_then_done() {
    let world = World::start().await;
    world.link(42, json!({"organization": "Demo", "name": "Demo", "team": "Helpdesk"})).await;
    world.link("42/sites/7", json!({"organization": "ACME Logistics"})).await;
    world.link(43, json!({"organization": "Demo"})).await;
    let waiting = world.acknowledge(&with(event("w"), "/company", json!("Mairie"))).await;
    let waiting = waiting.expect(202)["id"].clone();
    let items = [
        json!({"company": "id:42", "name": "Demo", "organization": "ACME Retail", "tickets": "no"}),
        json!({"company": 42, "site": 7, "remove": true}),
        json!({"company": "id:43", "organization": {"id": "3"}}),
        json!({"company": "id:44", "remove": true}),
        json!({"company": {"name": "Mairie"}, "organization": "Demo", "team": "Helpdesk"}),
        json!({"company": "id:Demo", "organization": "Demo"}),
    ];
    for dry_run in [true, false] {
        let told = put(&world, &items, dry_run).await.expect(200);
        let expected = [("created", 2), ("changed", 1), ("same", 2), ("removed", 1)];
        assert_eq!(counts(&told), expected, "{dry_run}");
        let changed = &told["items"][0];
        assert_eq!(
            changed["changes"],
            json!([
                {"field": "organization", "from": "Demo (3)", "to": "ACME Retail (5003)"},
                {"field": "tickets", "from": "on", "to": "off"},
                {"field": "team", "from": "Helpdesk (37)", "to": null},
            ])
        );
        assert_eq!(changed["link"]["organization"]["id"], "5003");
        assert_eq!(
            (&told["items"][1]["link"], &told["items"][3]["outcome"]),
            (&Value::Null, &json!("same"))
        );
        let made = &told["items"][4];
        assert_eq!((&made["name"], &made["waiting"]), (&json!("Mairie"), &json!(1)));
        assert_eq!(made["warnings"], json!([]));
        let warning = told["items"][5]["warnings"][0].as_str().unwrap();
        assert!(warning.contains("/api/v1/links/name:Demo"), "{warning}");
    }
    world.until_state(&waiting, "created").await;
    world.get("/api/v1/links/42/sites/7").await.problem(404, "not-found");
    assert_eq!(world.get("/api/v1/links/42").await.expect(200)["tickets"], false);
    world.finish().await;
}

#[tokio::test]
async fn exact_matches_are_shown_and_then_linked() {
    let world = World::start().await;
    let mut waiting = Vec::new();
    for (key, company) in [
        ("1", json!("hopital saint-eloi")),
        ("2", json!({"id": 7, "name": "ACME"})),
        ("3", json!("Nobody")),
    ] {
        let row = world.acknowledge(&with(event(key), "/company", company)).await.expect(202);
        waiting.push(row["id"].clone());
    }
    let companies = world.get(COMPANIES).await.expect(200);
    assert_eq!(companies["counts"]["matches"], 2);
    let dry = world.post(&format!("{MATCHES}?dry_run=true"), &Value::Null).await.expect(200);
    assert_eq!(counts(&dry), [("created", 2)]);
    let told: Vec<_> = dry["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["company"].as_str().unwrap(), item["changes"][1]["to"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [("id:7", "ACME Group (5001)"), ("name:hopital saint-eloi", "Hôpital Saint-Éloi (5004)")]
    );
    assert_eq!(stored(&world).await, 0);
    let made = world.post(MATCHES, &Value::Null).await.expect(200);
    assert_eq!(counts(&made), [("created", 2)]);
    let link = world.get("/api/v1/links/name:hopital%20saint-eloi").await.expect(200);
    assert_eq!(
        (&link["name"], &link["organization"]["id"]),
        (&json!("hopital saint-eloi"), &json!("5004"))
    );
    // What waited goes on; it has no team, which is another matter.
    world
        .until("the first has been looked at again", async || {
            let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", waiting[0])).await.expect(200);
            (row["problem"]["code"] != "company-not-linked").then_some(())
        })
        .await;
    assert_eq!(counts(&world.post(MATCHES, &Value::Null).await.expect(200)), []);
    world.finish().await;
}

/// Company or site, what it is called, its organization with the tree, and how many wait.
fn told(item: &Value) -> (String, &str, String, u64) {
    let site = item["site"].as_str().map(|site| format!("/{site}")).unwrap_or_default();
    let organization = &item["link"]["organization"];
    let path = organization["path"].as_array().into_iter().flatten();
    let path: String = path.flat_map(|name| [name.as_str().unwrap(), " › "]).collect();
    let inherited = if item["inherited"] == true { "inherits " } else { "" };
    let name = organization["name"].as_str().unwrap_or("–");
    (
        format!("{}{site}", item["company"].as_str().unwrap()),
        item["name"].as_str().unwrap_or("–"),
        format!("{inherited}{path}{name}"),
        item["waiting"].as_u64().unwrap(),
    )
}

#[tokio::test]
async fn all_companies_and_sites_are_listed_with_what_applies_to_them() {
    let world = World::start().await;
    world.link_demo().await;
    world.link("42/sites/8", json!({"organization": "ACME Logistics", "name": "Imaging"})).await;
    world
        .link(47, json!({"organization": "Nouvelle Entreprise", "name": "Port", "tickets": false}))
        .await;
    for (key, company, site) in [
        ("1", json!({"id": 42, "name": "Demo"}), json!({"id": 7, "name": "Surgery"})),
        ("2", json!("Mairie"), Value::Null),
        ("3", json!("Mairie"), json!("Annexe")),
        ("4", json!("Mairie"), json!("Annexe")),
        ("5", json!({"id": 53}), Value::Null),
    ] {
        let event = with(with(event(key), "/company", company), "/site", site);
        let answer = world.acknowledge(&event).await;
        assert!([201, 202].contains(&answer.status), "{}", answer.text);
    }
    let row = |key: &str, name: &'static str, org: &str, waiting| {
        (key.to_owned(), name, org.to_owned(), waiting)
    };
    let mairie =
        [row("name:mairie", "Mairie", "–", 3), row("name:mairie/name:annexe", "Annexe", "–", 2)];
    let nameless = row("id:53", "–", "–", 1);
    let demo = [
        row("id:42", "Demo", "Demo", 0),
        row("id:42/id:7", "Surgery", "inherits Demo", 0),
        row("id:42/id:8", "Imaging", "ACME Group › ACME Logistics", 0),
    ];
    let port = row("id:47", "Port", "Nouvelle Entreprise", 0);
    let all = [&mairie[..], std::slice::from_ref(&nameless), &demo, std::slice::from_ref(&port)];
    let found = async |query: &str| {
        let list = world.get(&format!("{COMPANIES}{query}")).await.expect(200);
        let items = list["items"].as_array().unwrap().iter();
        let items: Vec<_> = items
            .map(|item| {
                let (key, name, org, waiting) = told(item);
                (key, name.to_owned(), org, waiting)
            })
            .collect();
        (items, list)
    };
    let owned = |rows: &[(String, &str, String, u64)]| -> Vec<_> {
        rows.iter().map(|(a, b, c, d)| (a.clone(), (*b).to_owned(), c.clone(), *d)).collect()
    };
    let (items, list) = found("").await;
    assert_eq!(items, owned(&all.concat()));
    assert_eq!(
        list["counts"],
        json!({"companies": 4, "linked": 2, "unlinked": 2, "off": 1, "waiting": 4, "matches": 0})
    );
    assert_eq!((&list["next"], &list["found"]), (&Value::Null, &json!(7)));
    let demo_view = &list["items"][3];
    assert_eq!((&demo_view["sites"], &demo_view["linked_sites"]), (&json!(2), &json!(1)));
    assert!(list["items"][0]["since"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());

    assert_eq!(found("?group=unlinked").await.0, owned(&all[..2].concat()));
    assert_eq!(found("?group=off").await.0, owned(all[3]));
    // A company with all its sites; a site with its company.
    assert_eq!(found("?q=d%C3%89mo").await.0, owned(&demo));
    assert_eq!(found("?q=annex").await.0, owned(&mairie));
    assert_eq!(found("?q=logist").await.0, owned(&[demo[0].clone(), demo[2].clone()]));
    assert_eq!(found("?q=id:53").await.0, owned(std::slice::from_ref(&nameless)));
    assert_eq!(found("?q=nobody").await.0, []);
    let (first, list) = found("?limit=3").await;
    assert_eq!((first.len(), &list["next"]), (3, &json!(3)));
    let (rest, list) = found("?limit=100&cursor=3").await;
    assert_eq!(([first, rest].concat(), &list["next"]), (owned(&all.concat()), &Value::Null));
    for wrong in ["?group=some", "?limit=0", "?limit=9999", "?sort=name", "?instance=%20"] {
        world.get(&format!("{COMPANIES}{wrong}")).await.problem(400, "bad-parameter");
    }
    // Without iTop the list is as good, only without trees.
    world.finish().await;
}

#[tokio::test]
async fn an_itop_that_hangs_is_waited_for_a_moment_alone() {
    let world = World::linked().await;
    let list = "/api/v1/links/companies";
    let fresh = world.get(list).await.expect(200);
    assert_eq!(fresh["found"], 1);
    world.clock.advance(world.config.catalog.ttl.duration() * 2);
    let hangs = FaultKind::Slow { before_ms: 600_000, after_ms: 0 };
    world.itop.faults().set(hangs.clone(), true);
    let before = world.itop.requests_seen().of("core/get");
    let is_asked = world.until("iTop is asked", async || {
        (world.itop.requests_seen().of("core/get") > before).then_some(())
    });
    let passes = async {
        is_asked.await;
        // The time in which it is waited for.
        world.clock.advance(Duration::from_secs(3));
    };
    let (known, ()) = tokio::join!(world.get(list), passes);
    let known = known.expect(200);
    assert_eq!((&known["items"], &known["as_of"]), (&fresh["items"], &fresh["as_of"]));
    world.itop.faults().set(hangs, false);
    world.clock.advance(Duration::from_mins(10));
    world.finish().await;
}

#[tokio::test]
async fn a_trial_tells_what_would_become_of_an_acknowledgement() {
    let world = World::start().await;
    let trial = async |place: &str| {
        world.send(Method::POST, &format!("{LINKS}/{place}/trial"), &[], None).await.expect(200)
    };
    let blocked = trial("42").await;
    assert_eq!(
        (&blocked["outcome"], &blocked["problem"]["code"]),
        (&json!("blocked"), &json!("company-not-linked"))
    );
    world.link_demo().await;
    world
        .link("42/sites/8", json!({"organization": "ACME Logistics", "team": "On-call team"}))
        .await;
    let created = trial("42").await;
    assert_eq!(created["outcome"], "created");
    assert_eq!(created["resolution"]["company"]["name"], "Demo");
    assert_eq!(created["resolution"]["team"]["name"], "Helpdesk");
    assert_eq!(created["acknowledgement"]["company"]["id"], "42");
    let of_site = trial("42/sites/8").await;
    assert_eq!(of_site["resolution"]["company"]["name"], "ACME Logistics");
    assert_eq!(of_site["resolution"]["team"]["name"], "On-call team");
    world.link(43, json!({"organization": "Demo", "tickets": false})).await;
    assert_eq!(trial("43").await["problem"]["code"], "tickets-off");
    // Nothing of it is there.
    assert_eq!(world.get(ACKNOWLEDGEMENTS).await.expect(200)["items"], json!([]));
    assert_eq!(world.itop.tickets().await.unwrap().len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn only_what_was_looked_at_is_taken_over() {
    let world = World::start().await;
    let items = [1, 2]
        .map(|n| json!({"company": format!("id:{n}"), "organization": "Demo", "team": "Helpdesk"}));
    let path = |digest: &Value| format!("{LINKS}?digest={}", digest.as_str().unwrap());
    let dry = put(&world, &items, true).await.expect(200);
    // The same looked at again is the same.
    assert_eq!(put(&world, &items, true).await.expect(200)["digest"], dry["digest"]);
    // Somebody links one of them otherwise.
    world.put("/api/v1/links/1", &json!({"organization": "ACME Retail"})).await.expect(201);
    let refused = world.put(&path(&dry["digest"]), &list(&items)).await;
    let detail = refused.problem(409, "preview-outdated");
    assert!(detail.contains("Nothing was changed; look at it again."), "{detail}");
    assert_eq!(stored(&world).await, 1);
    let dry = put(&world, &items, true).await.expect(200);
    assert_eq!(counts(&dry), [("created", 1), ("changed", 1)]);
    // Other lines than those that were looked at.
    world.put(&path(&dry["digest"]), &list(&items[..1])).await.problem(409, "preview-outdated");
    let made = world.put(&path(&dry["digest"]), &list(&items)).await.expect(200);
    assert_eq!(
        (counts(&made), &made["digest"]),
        (vec![("created", 1), ("changed", 1)], &Value::Null)
    );
    // What was changed already would be changed no more.
    world.put(&path(&dry["digest"]), &list(&items)).await.problem(409, "preview-outdated");
    world.finish().await;
}
