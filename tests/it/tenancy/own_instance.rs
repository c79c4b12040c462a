//! A token of some companies that writes has an instance of its own, and reaches nobody from there.

use itop_sandbox::Options;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::{App, StartError},
    clock::Clock,
    config::{AutoLink, Scope, Token},
};

use super::{Kind, LIMITED, Tenants, secret};
use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

#[tokio::test]
async fn no_other_company_gets_into_it_whoever_posts() {
    let tenants = Tenants::start().await;
    let of = |company: u64, key: &str| {
        let company = json!({"id": company, "name": format!("Company {key}")});
        with(with(event(key), "/company", company), "/source", json!({"instance": "tenant"}))
    };
    let post = async |token: &str, body: &Value| tenants.post(token, body).await;
    let foreign = post("tenant", &of(43, "new")).await.problem(403, "forbidden");
    assert_eq!(foreign, "The token 'tenant' is not for company 'Company new' (id:43).");
    // The same company by another key is another company.
    let by_name = with(of(42, "new"), "/company", json!("Company cobalt"));
    post("tenant", &by_name).await.problem(403, "forbidden");
    // Nor does one that may post for all.
    for token in ["ingest", "admin"] {
        let preview = "/api/v1/acknowledgements/preview";
        let answer = post(token, &of(43, "new")).await;
        let detail = answer.problem(403, "forbidden");
        assert!(detail.starts_with("Instance 'tenant' is that of a token"), "{detail}");
        tenants.ask(token, "post", preview, &of(43, "new")).await.problem(403, "forbidden");
        post(token, &of(42, token)).await.expect(201);
    }
    let list = post("ingest", &json!([of(43, "new"), of(42, "listed")])).await.expect(200);
    assert_eq!(list["items"][0]["status"], 403, "{list}");
    assert_eq!(list["items"][1]["status"], 202, "{list}");
    tenants.finish().await;
}

#[tokio::test]
async fn ids_of_controls_and_events_meet_no_others() {
    let tenants = Tenants::start().await;
    let amber = tenants.object("amber");
    let before = tenants.get("admin", "/api/v1/controls/control-amber/ticket").await.expect(200);
    // The same control and event, in its own instance: another control and another event.
    let mut same = amber.event();
    same["source"] = json!({});
    let own = tenants.post("tenant", &same).await.expect(201);
    assert_eq!(own["instance"], "tenant");
    assert_ne!(own["ticket"]["ref"], *amber.number);
    let other = with(same, "/ticket", json!({"new": true}));
    tenants.post("tenant", &other).await.problem(409, "conflict");
    let after = tenants.get("admin", "/api/v1/controls/control-amber/ticket").await.expect(200);
    assert_eq!(after["ticket"]["ref"], before["ticket"]["ref"]);
    tenants.post("admin", &amber.event()).await.expect(200);
    tenants.finish().await;
}

#[tokio::test]
async fn such_a_token_never_links() {
    let tenants = Tenants::start().await;
    let wish = json!({"organization": "Demo"});
    for path in ["42", "43", "42/sites/7", "42?instance=tenant", "9", "name:Demo"] {
        for (method, body) in [("put", &wish), ("delete", &Value::Null)] {
            let path = format!("/api/v1/links/{path}");
            let detail = tenants.ask("tenant-admin", method, &path, body).await;
            let detail = detail.problem(403, "forbidden");
            assert_eq!(
                detail,
                "The token 'tenant-admin' is limited to companies, and such tokens change no links."
            );
        }
    }
    tenants.finish().await;
}

#[tokio::test]
async fn a_tenant_links_none_by_the_name_it_gives() {
    let mut world = World::with(Options::default(), |config| {
        config.links.auto = AutoLink::ExactName;
        config.auth.tokens = vec![LIMITED[1].token()];
    })
    .await;
    world.token = Some(secret("tenant"));
    let guess = with(event("guess"), "/company", json!({"id": 42, "name": "ACME Logistics"}));
    let row = world.acknowledge(&guess).await.expect(202);
    assert_eq!(row["problem"]["code"], "company-not-linked");
    let preview = world.post("/api/v1/acknowledgements/preview", &guess).await.expect(200);
    assert_eq!(preview["outcome"], "blocked");
    world.get("/api/v1/links/42").await.problem(404, "not-found");
    assert_eq!(world.get("/api/v1/companies").await.expect(200)["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_company_that_a_token_is_limited_to_is_one_however_its_name_is_written() {
    let mut world = World::with(Options::default(), |config| {
        let companies = Some(vec!["name:Espace  Double".to_owned()]);
        config.auth.tokens = vec![
            Token { companies, ..LIMITED[1].token() },
            Kind { name: "all", scopes: &[Scope::Admin], own: None }.token(),
        ];
    })
    .await;
    let named = |key, name| with(event(key), "/company", json!(name));
    world.token = Some(secret("all"));
    world.acknowledge(&named("foreign", "Espace-double")).await.expect(202);
    let link = json!({"organization": "Demo", "team": "Helpdesk"});
    world.link("name:ESPACE%20DOUBLE?instance=tenant", link).await;
    world.token = Some(secret("tenant"));
    world.acknowledge(&named("own", "espâce double")).await.expect(201);
    world.acknowledge(&named("other", "Espace-double")).await.problem(403, "forbidden");
    let counted =
        async |path: &str| world.get(path).await.expect(200)["items"].as_array().unwrap().len();
    assert_eq!(counted("/api/v1/links").await, 1);
    assert_eq!(counted("/api/v1/acknowledgements?state=created").await, 1);
    assert_eq!(counted("/api/v1/tickets").await, 1);
    assert_eq!(counted("/api/v1/tickets?company=name:Espace%20double").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn an_instance_in_which_there_are_others_already_is_no_tenants() {
    let mut world = World::linked().await;
    world.acknowledge(&event("a")).await.expect(201);
    world.stop_bridge().await;
    let start = async |world: &World, instance: &str, company: &str| {
        let token = Token {
            instance: Some(instance.to_owned()),
            companies: Some(vec![company.to_owned()]),
            ..LIMITED[1].token()
        };
        let mut config = world.config.clone();
        config.auth.tokens = vec![token];
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        App::build(config, Clock::system(), listener).await.map(drop)
    };
    let error = start(&world, "default", "id:43").await.unwrap_err();
    assert!(matches!(&error, StartError::Crowded(instance) if instance.as_str() == "default"));
    assert!(error.to_string().contains("Give the token an instance of its own"), "{error}");
    start(&world, "acme", "id:43").await.unwrap();
    start(&world, "default", "id:42").await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn an_operator_has_the_levers_and_no_links() {
    let tenants = Tenants::start().await;
    let failing = with(event("failing"), "/ticket/existing_ref", json!("I-999999"));
    let failed = tenants.post("ingest", &failing).await.expect(202);
    let lever = |lever: &str| format!("{ACKNOWLEDGEMENTS}/{}/{lever}", failed["id"]);
    let reason = json!({"reason": "mistyped"});
    for token in ["ingest", "read"] {
        for name in ["retry", "discard"] {
            let answer = tenants.ask(token, "post", &lever(name), &reason).await;
            let detail = answer.problem(403, "forbidden");
            assert_eq!(detail, format!("The token '{token}' lacks the scope 'operate'."));
        }
    }
    tenants.ask("operate", "post", &lever("retry"), &Value::Null).await.expect(200);
    let discarded = tenants.ask("operate", "post", &lever("discard"), &reason).await.expect(200);
    assert_eq!(discarded["state"], "discarded");
    let wish = json!({"organization": "Demo"});
    for (method, path) in [
        ("put", "/api/v1/links/50"),
        ("delete", "/api/v1/links/42"),
        ("get", "/api/v1/links/unlinked"),
    ] {
        let answer = tenants.ask("operate", method, path, &wish).await;
        assert!(answer.problem(403, "forbidden").contains("lacks the scope 'admin'"));
    }
    tenants.finish().await;
}
