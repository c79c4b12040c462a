//! Company links: what is kept, what is refused, what sites inherit, and what follows for
//! acknowledgements.

use itop_sandbox::{FaultKind, Options};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{AutoLink, UnlinkedPolicy};

use crate::world::{World, event, with};

const LINK: &str = "/api/v1/links/42";
const UNLINKED: &str = "/api/v1/links/unlinked";

#[tokio::test]
async fn a_link_is_made_shown_replaced_and_removed() {
    let world = World::start().await;
    world.get(LINK).await.problem(404, "not-found");
    let body = json!({"organization": {"id": 5002}, "name": "ACME"});
    let made = world.put(LINK, &body).await.expect(201);
    let expected = json!({
        "instance": "default", "company": "id:42", "site": null, "name": "ACME",
        "organization": {"id": "5002", "name": "ACME Logistics"}, "tickets": true,
        "team": null, "contact": null, "service": null, "service_element": null,
        "updated_at": made["updated_at"], "updated_by": "anyone", "warnings": [],
    });
    assert_eq!(made, expected);
    assert_eq!(world.get(LINK).await.expect(200), kept(&made));

    // Replaced as a whole, with every default, by name in another case and by key as a text.
    let body = json!({
        "organization": "acme logistics", "tickets": false, "team": "helpdesk",
        "contact": {"id": "605"}, "service": {"name": "Network"}, "service_element": {"id": 105},
    });
    let replaced = world.put(LINK, &body).await.expect(200);
    assert_eq!(replaced["name"], Value::Null);
    assert_eq!(replaced["tickets"], false);
    assert_eq!(replaced["organization"], json!({"id": "5002", "name": "ACME Logistics"}));
    assert_eq!(replaced["team"], json!({"id": "37", "name": "Helpdesk"}));
    assert_eq!(replaced["contact"], json!({"id": "605", "name": "Jean Dupont"}));
    assert_eq!(replaced["service"], json!({"id": "12", "name": "Network"}));
    assert_eq!(replaced["service_element"], json!({"id": "105", "name": "Slow network"}));
    let replaced = kept(&replaced);
    assert_eq!(world.get(LINK).await.expect(200), replaced);

    world.link(43, json!({"organization": "O'Brien & Sons"})).await;
    let list = world.get("/api/v1/links").await.expect(200);
    let companies: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|link| &link["company"]).collect();
    assert_eq!(companies, ["id:42", "id:43"]);
    assert_eq!(list["items"][0], replaced);

    assert_eq!(world.delete(LINK).await.expect(204), Value::Null);
    world.delete(LINK).await.problem(404, "not-found");
    world.get(LINK).await.problem(404, "not-found");
    assert_eq!(world.get("/api/v1/links").await.expect(200)["items"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn keys_are_ids_or_names_and_stand_for_one_instance() {
    let world = World::start().await;
    let body = json!({"organization": "Demo"});
    for (address, key) in [
        ("42", "id:42"),
        ("id:7", "id:7"),
        ("name:42", "name:42"),
        ("Demo", "id:Demo"),
        ("sn:12", "id:sn:12"),
        ("name:Hôpital A%2FB & C", "name:hopital a/b & c"),
    ] {
        let link = world.put(&format!("/api/v1/links/{address}"), &body).await.expect(201);
        assert_eq!(link["company"], key);
    }
    assert_eq!(world.get("/api/v1/links/id:42").await.expect(200)["company"], "id:42");
    let long = "x".repeat(201);
    for wrong in ["id:", "name:", "name:%20", "id:a%0Ab", &long, "42/sites/id:", "42/sites/a%00"] {
        let path = format!("/api/v1/links/{wrong}");
        world.put(&path, &body).await.problem(400, "bad-parameter");
        world.get(&path).await.problem(400, "bad-parameter");
        world.delete(&path).await.problem(400, "bad-parameter");
    }

    let other = format!("{LINK}?instance=other");
    world.get(&other).await.problem(404, "not-found");
    let link = world.put(&other, &json!({"organization": "ACME Retail"})).await.expect(201);
    assert_eq!((&link["instance"], &link["organization"]["id"]), (&json!("other"), &json!("5003")));
    assert_eq!(world.get(LINK).await.expect(200)["organization"]["id"], "3");
    world.delete(&other).await.expect(204);
    world.get(LINK).await.expect(200);
    let detail = world.get(&format!("{LINK}?instance=%20")).await.problem(400, "bad-parameter");
    assert!(detail.contains("'instance'"), "{detail}");
    world.finish().await;
}

#[tokio::test]
async fn a_link_that_does_not_fit_is_refused_at_every_place_at_once() {
    let world = World::start().await;
    world.itop_creates("Organization", json!({"name": "Demo", "status": "active"})).await;
    let acme = |other: Value| with(other, "/organization", json!("ACME Logistics"));
    for (body, expected) in [
        (json!([{"organization": 3}]), vec![("", "type")]),
        (json!("Demo"), vec![("", "type")]),
        (json!({}), vec![("/organization", "required")]),
        (json!({"organization": "  "}), vec![("/organization", "required")]),
        (json!({"organization": {}}), vec![("/organization", "required")]),
        (json!({"organization": 3}), vec![("/organization", "type")]),
        (json!({"organization": {"id": 3.5}}), vec![("/organization/id", "type")]),
        (
            json!({"organization": [], "tickets": "perhaps", "name": 5, "team": true}),
            vec![
                ("/organization", "type"),
                ("/tickets", "type"),
                ("/name", "type"),
                ("/team", "type"),
            ],
        ),
        (acme(json!({"name": "n".repeat(501)})), vec![("/name", "length")]),
        // Neither a key where a name is wanted, nor an inactive organization.
        (json!({"organization": "3"}), vec![("/organization", "unknown")]),
        (json!({"organization": {"id": 5007}}), vec![("/organization", "unknown")]),
        (json!({"organization": "Demo"}), vec![("/organization", "ambiguous")]),
        // Of other companies: iTop would take all of these.
        (
            acme(json!({
                "team": "Hardware support", "contact": "Agatha Christie", "service": "Software",
            })),
            vec![("/team", "unknown"), ("/contact", "unknown"), ("/service", "unknown")],
        ),
        (acme(json!({"contact": "Paul Ancien"})), vec![("/contact", "unknown")]),
        (acme(json!({"contact": "Jean Dupont"})), vec![("/contact", "ambiguous")]),
        (acme(json!({"service": "Fax service"})), vec![("/service", "unknown")]),
        (acme(json!({"service_element": "Link down"})), vec![("/service", "required")]),
        (
            acme(json!({"service": "Server hosting", "service_element": "Link down"})),
            vec![("/service_element", "unknown")],
        ),
        (
            acme(json!({"service": "Network", "service_element": "Firewall rule"})),
            vec![("/service_element", "unknown")],
        ),
        // A default that would silently be dropped.
        (
            acme(json!({"contact": {"email": "julie.martin@acme.example"}})),
            vec![("/contact", "required")],
        ),
    ] {
        let answer = world.put(LINK, &body).await;
        answer.problem(422, "invalid");
        assert_eq!(errors(&answer.body), expected, "{body}");
    }
    let ambiguous = world.put(LINK, &acme(json!({"contact": "Jean Dupont"}))).await;
    let message = ambiguous.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("key 604") && message.contains("key 605"), "{message}");
    assert_eq!(world.get("/api/v1/links").await.expect(200)["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_link_that_cannot_be_read_or_checked_is_not_kept() {
    let world = World::start().await;
    let put = async |headers: &[(&str, &str)], body: &str| {
        world.send(Method::PUT, LINK, headers, Some(body.to_owned())).await
    };
    put(&[], "{").await.problem(400, "unreadable");
    let text = [("content-type", "text/plain")];
    put(&text, r#"{"organization": "Demo"}"#).await.problem(415, "unsupported-media-type");
    world.itop.faults().set(FaultKind::Maintenance, true);
    put(&[], r#"{"organization": "Demo"}"#).await.problem(503, "itop-unavailable");
    assert_eq!(world.get("/api/v1/links").await.expect(200)["items"], json!([]));
    // Removing one needs no iTop, and neither does the list of those who wait.
    world.delete(LINK).await.problem(404, "not-found");
    assert_eq!(world.get(UNLINKED).await.expect(200)["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_site_inherits_and_its_own_link_wins() {
    let world = World::start().await;
    let site = format!("{LINK}/sites/name:Depot");
    let effective = format!("{site}/effective");
    world.get(&effective).await.problem(404, "not-found");
    world.link_demo().await;
    world.get(&site).await.problem(404, "not-found");
    let inherited = world.get(&effective).await.expect(200);
    assert_eq!((&inherited["inherited"], &inherited["site"]), (&json!(true), &Value::Null));
    assert_eq!(inherited["team"]["name"], "Helpdesk");

    let own = json!({"organization": "ACME Logistics", "team": "On-call team"});
    let made = world.put(&site, &own).await.expect(201);
    assert_eq!((&made["company"], &made["site"]), (&json!("id:42"), &json!("name:depot")));
    assert_eq!(made["name"], "Depot");
    assert_eq!(world.get(&site).await.expect(200), kept(&made));
    let found = world.get(&effective).await.expect(200);
    assert_eq!(
        (&found["inherited"], &found["organization"]["id"]),
        (&json!(false), &json!("5002"))
    );
    let company = world.get(&format!("{LINK}/effective")).await.expect(200);
    assert_eq!(
        (&company["inherited"], &company["organization"]["id"]),
        (&json!(false), &json!("3"))
    );

    let bare = |key| {
        let event = with(event(key), "/team", Value::Null);
        with(with(event, "/service", Value::Null), "/service_element", Value::Null)
    };
    world.acknowledge(&with(bare("site"), "/site", json!("Depot"))).await.expect(201);
    world.acknowledge(&with(bare("elsewhere"), "/site", json!("Shop"))).await.expect(201);
    let tickets = world.itop.tickets().await.unwrap();
    let told: Vec<_> = tickets.iter().map(|ticket| (ticket.org_id, ticket.team_id)).collect();
    assert_eq!(told, [(5002, 501), (3, 37)]);

    world.delete(&site).await.expect(204);
    assert_eq!(world.get(&effective).await.expect(200)["inherited"], true);
    world.get(LINK).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn companies_without_a_link_are_listed_with_the_one_that_fits() {
    let world = World::start().await;
    world.itop_creates("Organization", json!({"name": "HSE", "status": "active"})).await;
    for (key, company) in [
        ("1", json!({"id": 42, "name": "demo"})),
        ("2", json!({"id": 7, "name": "acme-log"})),
        ("3", json!({"id": 7, "name": "acme-log"})),
        ("4", json!("HSE")),
        ("5", json!("ACME")),
        ("6", json!("Globex (closed)")),
    ] {
        let answer = world.acknowledge(&with(event(key), "/company", company)).await;
        assert_eq!(answer.expect(202)["problem"]["code"], "company-not-linked");
    }
    let list = world.get(UNLINKED).await.expect(200);
    let told: Vec<_> = list["items"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(
        told,
        [
            ("id:7", "acme-log", 2, Some("5002")),
            ("id:42", "demo", 1, Some("3")),
            // The code of ACME Group, and part of other names.
            ("name:acme", "ACME", 1, Some("5001")),
            ("name:globex (closed)", "Globex (closed)", 1, None),
            // The name of one organization and the code of another.
            ("name:hse", "HSE", 1, None),
        ]
    );
    let first = &list["items"][0];
    assert_eq!((&first["instance"], &first["recorded"]), (&json!("default"), &json!(0)));
    assert!(first["since"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let suggested = json!({"id": "5002", "name": "ACME Logistics", "code": "ACME-LOG"});
    assert_eq!(first["suggestion"]["organization"], suggested);

    world.link(7, json!({"organization": {"id": 5002}})).await;
    let list = world.get(UNLINKED).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 4);
    assert_eq!(list["items"][0]["company"]["key"], "id:42");
    world.finish().await;
}

#[tokio::test]
async fn linking_releases_what_waits_and_removing_the_link_makes_later_ones_wait() {
    let world = World::start().await;
    let other = with(event("other"), "/company", json!({"id": 43, "name": "Other"}));
    let mut waiting = Vec::new();
    for event in [event("a"), event("b"), other] {
        waiting.push(world.acknowledge(&event).await.expect(202)["id"].clone());
    }
    assert_eq!(world.itop.tickets().await.unwrap().len(), 0);
    world.link_demo().await;
    for id in &waiting[..2] {
        let row = world.until_state(id, "created").await;
        assert_eq!(row["problem"], Value::Null);
    }
    let path = format!("/api/v1/acknowledgements/{}", waiting[2]);
    assert_eq!(world.get(&path).await.expect(200)["state"], "blocked");

    world.delete(LINK).await.expect(204);
    let later = world.acknowledge(&event("c")).await.expect(202);
    assert_eq!(later["state"], "blocked");
    assert_eq!(later["problem"]["code"], "company-not-linked");
    assert_eq!(world.itop.tickets().await.unwrap().len(), 2);
    world.link_demo().await;
    world.until_state(&later["id"], "created").await;
    world.finish().await;
}

#[tokio::test]
async fn tickets_turned_off_and_companies_not_yet_served_are_recorded() {
    let world = World::with(Options::default(), |config| {
        config.links.unlinked = UnlinkedPolicy::Record;
    })
    .await;
    let unlinked = world.acknowledge(&event("unlinked")).await.expect(200);
    assert_eq!(unlinked["state"], "recorded");
    assert_eq!(unlinked["problem"]["code"], "company-not-linked");
    let list = world.get(UNLINKED).await.expect(200);
    assert_eq!(
        (&list["items"][0]["waiting"], &list["items"][0]["recorded"]),
        (&json!(0), &json!(1))
    );

    world.link(42, json!({"organization": "Demo", "tickets": false})).await;
    let off = world.acknowledge(&event("off")).await.expect(200);
    assert_eq!(
        (&off["state"], &off["problem"]["code"]),
        (&json!("recorded"), &json!("tickets-off"))
    );
    assert_eq!(world.itop.tickets().await.unwrap().len(), 0);

    world.link_demo().await;
    world.acknowledge(&event("on")).await.expect(201);
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_company_links_itself_only_by_its_exact_name_and_only_where_configured() {
    let world =
        World::with(Options::default(), |config| config.links.auto = AutoLink::ExactName).await;
    let lower = with(event("lower"), "/company/name", json!("demo"));
    world.acknowledge(&lower).await.expect(202);
    world.get(LINK).await.problem(404, "not-found");
    world.acknowledge(&event("exact")).await.expect(201);
    let link = world.get(LINK).await.expect(200);
    assert_eq!((&link["organization"]["id"], &link["name"]), (&json!("3"), &json!("Demo")));
    world.finish().await;
}

#[tokio::test]
async fn a_link_by_name_is_found_however_the_name_is_written() {
    let world = World::start().await;
    let named = |key, name| with(event(key), "/company", json!(name));
    let waiting = world.acknowledge(&named("1", "espace DOUBLE")).await.expect(202);
    let other = world.acknowledge(&named("2", "Espace-double")).await.expect(202);
    assert_eq!(waiting["company"], json!({"key": "name:espace double", "name": "espace DOUBLE"}));

    let body = json!({"organization": "Demo", "team": "Helpdesk"});
    let made = world.put("/api/v1/links/name:Espace%20%20double", &body).await.expect(201);
    assert_eq!(
        (&made["company"], &made["name"]),
        (&waiting["company"]["key"], &json!("Espace double"))
    );
    world.until_state(&waiting["id"], "created").await;
    for (key, name) in
        [("3", "Espace  double"), ("4", "ÉSPACE\u{a0}DOUBLE"), ("5", "espace\tdouble ")]
    {
        world.acknowledge(&named(key, name)).await.expect(201);
    }
    let path = format!("/api/v1/acknowledgements/{}", other["id"]);
    assert_eq!(world.get(&path).await.expect(200)["state"], "blocked");
    // An id is one exactly as it is written.
    let by_id = with(event("6"), "/company", json!({"id": "Espace double"}));
    world.acknowledge(&by_id).await.expect(202);

    // The same link in every spelling: replaced, shown, removed.
    world.put("/api/v1/links/name:ESPACE%20DOUBLE", &body).await.expect(200);
    let shown = world.get("/api/v1/links/name:Espa%CC%A7ce%C2%A0double").await.expect(200);
    assert_eq!(shown["name"], "ESPACE DOUBLE");
    world.get("/api/v1/links/name:Espace-double").await.problem(404, "not-found");
    world.delete("/api/v1/links/name:%C3%89space%20double").await.expect(204);
    assert_eq!(world.get("/api/v1/links").await.expect(200)["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn an_organization_is_never_the_wrong_one_of_two_with_one_name() {
    let world = World::start().await;
    for name in ["Espace double", "Espace  double", "L'Eau", "L’Eau"] {
        world.itop_creates("Organization", json!({"name": name, "status": "active"})).await;
    }
    for name in ["Espace  double", "Espace double", "espace DOUBLE", "Éspace\u{a0}double"] {
        let answer = world.put(LINK, &json!({"organization": name})).await;
        answer.problem(422, "invalid");
        assert_eq!(errors(&answer.body), [("/organization", "ambiguous")], "{name}");
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("'Espace double' (key "), "{message}");
        assert!(message.contains("'Espace  double' (key "), "{message}");
    }
    // Another mark is another name.
    let made = world.put(LINK, &json!({"organization": "l’eau"})).await.expect(201);
    assert_eq!(made["organization"]["name"], "L’Eau");
    let key = made["organization"]["id"].clone();
    let again = world.put(LINK, &json!({"organization": {"id": key}})).await.expect(200);
    assert_eq!(again["organization"], made["organization"]);
    world.finish().await;
}

#[tokio::test]
async fn a_name_where_an_id_is_meant_is_warned_of() {
    let world = World::start().await;
    let body = json!({"organization": "Demo"});
    let warnings = async |address: &str| {
        let answer = world.put(&format!("/api/v1/links/{address}"), &body).await;
        answer.body["warnings"].as_array().unwrap_or_else(|| panic!("{}", answer.body)).clone()
    };
    assert_eq!(
        warnings("D%C3%A9mo").await,
        [
            "This is the link of the company whose id in ServiceNav is 'Démo'. That is also the name \
          of an organization in iTop, and no acknowledgement waits under this name. If ServiceNav \
          sends the company by name without an id, write /api/v1/links/name:D%C3%A9mo instead, \
          and delete this link."
        ]
    );
    for (key, name) in
        [("1", "Globex (closed)"), ("2", "GLOBEX  (closed)"), ("3", "77"), ("4", "Nil")]
    {
        world.acknowledge(&with(event(key), "/company", json!(name))).await.expect(202);
    }
    for (address, expected) in [
        (
            "globex%20(CLOSED)",
            "'globex (CLOSED)'. That is also the name of a company without a link, \
                               and 2 acknowledgements wait under this name.",
        ),
        ("id:nil", "1 acknowledgement waits under this name."),
        ("Nil/sites/name:Depot", "write /api/v1/links/name:Nil/sites/name:depot instead,"),
        ("Demo?instance=sn-b", "write /api/v1/links/name:Demo?instance=sn-b instead,"),
    ] {
        let warnings = warnings(address).await;
        let warning = warnings[0].as_str().unwrap();
        assert!(warning.contains(expected), "{address}: {warning}");
    }
    // Digits are meant as an id, other letters are nobody's name, and this is the right way.
    for address in ["77", "sn:12", "Nil?instance=sn-b", "name:Demo", "name:Globex%20(closed)"] {
        assert_eq!(warnings(address).await, [""; 0], "{address}");
    }
    // Nobody waits any more.
    assert_eq!(warnings("globex%20(closed)").await, [""; 0]);
    world.finish().await;
}

/// A link as it is shown later: without the warnings of the answer that made it.
fn kept(made: &Value) -> Value {
    let mut kept = made.clone();
    let warnings = kept.as_object_mut().unwrap().remove("warnings");
    assert_eq!(warnings, Some(json!([])));
    kept
}

/// Pointer and code of each error of a 422.
fn errors(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect()
}

/// Key, name, how many wait, and the key of the suggestion of a company without a link.
fn told(company: &Value) -> (&str, &str, u64, Option<&str>) {
    (
        company["company"]["key"].as_str().unwrap(),
        company["company"]["name"].as_str().unwrap(),
        company["waiting"].as_u64().unwrap(),
        company["suggestion"]["organization"]["id"].as_str(),
    )
}

#[tokio::test]
async fn a_member_that_a_link_does_not_have_is_refused() {
    let world = World::start().await;
    let answer = world.put(LINK, &json!({"organization": "Demo", "teem": "Helpdesk"})).await;
    answer.problem(422, "invalid");
    assert_eq!(answer.body["errors"][0]["pointer"], "/teem");
    world.get(LINK).await.problem(404, "not-found");
    world.finish().await;
}

#[tokio::test]
async fn what_somebody_else_has_changed_is_not_overwritten_unasked() {
    let world = World::start().await;
    let send = async |method: Method, condition: (&str, &str), org: &str| {
        let body = (method == Method::PUT).then(|| json!({"organization": org}).to_string());
        world.send(method, LINK, &[condition], body).await
    };
    let (put, delete) = (Method::PUT, Method::DELETE);
    let any = "*";
    let none = send(put.clone(), ("if-match", any), "Demo").await;
    assert_eq!(
        none.problem(412, "link-changed"),
        "There is none any more, and nothing was changed."
    );
    let made = send(put.clone(), ("if-none-match", any), "Demo").await;
    let first = made.headers["etag"].to_str().unwrap().to_owned();
    made.expect(201);
    send(put.clone(), ("if-none-match", any), "ACME Retail").await.problem(412, "link-changed");
    send(put.clone(), ("if-none-match", "\"0\""), "Demo").await.problem(400, "bad-parameter");
    let shown = world.get(LINK).await;
    assert_eq!(shown.headers["etag"], first);
    assert_eq!(shown.expect(200)["organization"]["name"], "Demo");

    // Somebody else changes it; then it is another one.
    let other = send(put.clone(), ("if-match", &first), "ACME Retail").await;
    let second = other.headers["etag"].to_str().unwrap().to_owned();
    other.expect(200);
    assert_ne!(first, second);
    let late = send(put.clone(), ("if-match", &first), "ACME Logistics").await;
    assert!(late.problem(412, "link-changed").contains("'link' is what there is now"));
    assert_eq!(late.body["link"]["organization"]["name"], "ACME Retail");
    assert_eq!(late.body["etag"], second);
    send(delete.clone(), ("if-match", &first), "").await.problem(412, "link-changed");
    assert_eq!(world.get(LINK).await.expect(200)["organization"]["name"], "ACME Retail");
    // A proxy that packs answers calls the tag weak; several may be named.
    let tags = format!("\"0\", W/{second}");
    send(put, ("if-match", &tags), "ACME Retail").await.expect(200);
    send(delete, ("if-match", &second), "").await.expect(204);
    world.finish().await;
}
