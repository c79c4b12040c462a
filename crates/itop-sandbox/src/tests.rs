//! What the recordings do not show: restarts, faults, rights, the pages.

use serde_json::json;

use super::*;

mod conditions;
mod held;
mod objects;
mod synchro;

async fn start(options: Options) -> Sandbox {
    // An error says that another test of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Sandbox::start(listener, options, Clock::system()).await.unwrap()
}

async fn try_call(
    sandbox: &Sandbox,
    user: &str,
    data: serde_json::Value,
) -> Result<reqwest::Response, reqwest::Error> {
    post(&sandbox.url(), user, data).await
}

async fn post(
    url: &str,
    user: &str,
    data: serde_json::Value,
) -> Result<reqwest::Response, reqwest::Error> {
    let url = format!("{url}/webservices/rest.php?version=1.3");
    let data = data.to_string();
    let form = [("auth_user", user), ("auth_pwd", PASSWORD), ("json_data", &data)];
    // A client of its own: no connection is reused, so that every failure is the sandbox's.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.build().unwrap().post(url).form(&form).send().await
}

async fn call(sandbox: &Sandbox, user: &str, data: serde_json::Value) -> serde_json::Value {
    json(try_call(sandbox, user, data).await.unwrap()).await
}

async fn json(response: reqwest::Response) -> serde_json::Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

fn create(title: &str) -> serde_json::Value {
    json!({
        "operation": "core/create", "class": "UserRequest", "comment": "test",
        "fields": { "org_id": 5002, "title": title, "description": "d" },
        "output_fields": "id,ref",
    })
}

fn get(class: &str, oql: &str, output: &str) -> serde_json::Value {
    json!({ "operation": "core/get", "class": class, "key": oql, "output_fields": output })
}

fn count(answer: &serde_json::Value) -> usize {
    assert_eq!(answer["code"], 0, "{answer}");
    answer["objects"].as_object().map_or(0, serde_json::Map::len)
}

#[tokio::test]
async fn a_file_survives_the_death_of_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { file: Some(folder.path().join("itop.db")), ..Options::default() };
    let sandbox = start(options.clone()).await;
    let created = call(&sandbox, "bridge", create("kept")).await;
    drop(sandbox);
    let sandbox = start(options).await;
    let tickets = sandbox.tickets().await.unwrap();
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0].title, "kept");
    assert!(created["objects"].get(format!("UserRequest::{}", tickets[0].id)).is_some());
    assert_ne!(tickets[0].reference, format!("R-{:06}", tickets[0].id));
}

#[tokio::test]
async fn fifty_thousand_servers_come_in_one_answer() {
    let sandbox = start(Options { servers: 50_000, ..Options::default() }).await;
    let all = get("FunctionalCI", "SELECT FunctionalCI WHERE org_id = 3", "id,name,finalclass");
    assert_eq!(count(&call(&sandbox, "bridge", all).await), 50_031);
}

#[tokio::test]
async fn the_companies_show_the_awkward_cases() {
    let sandbox = start(Options::default()).await;
    for (class, oql, expected) in [
        ("Organization", r"SELECT Organization WHERE name = 'O\'Brien & Sons'", 1),
        ("Organization", r#"SELECT Organization WHERE name = "Back\\Slash Ltd""#, 1),
        ("Organization", "SELECT Organization WHERE name = 'acme logistics'", 1),
        ("Organization", "SELECT Organization WHERE name = 'HÔPITAL\u{a0}saint-eloi  '", 1),
        ("Organization", "SELECT Organization WHERE name LIKE 'hopital%'", 1),
        ("Organization", "SELECT Organization WHERE name = ' acme logistics'", 0),
        ("Organization", "SELECT Organization WHERE name IN ('hôpital saint-éloi', 'x')", 1),
        ("Organization", "SELECT Organization WHERE ISNULL(name)", 0),
        ("FunctionalCI", "SELECT FunctionalCI WHERE org_id = 5002 AND name = 'printsrv'", 2),
        ("FunctionalCI", r"SELECT FunctionalCI WHERE name LIKE '%100\\%%'", 1),
        ("FunctionalCI", "SELECT FunctionalCI WHERE org_id = 5002 AND obsolescence_flag = 1", 1),
        ("FunctionalCI", "SELECT FunctionalCI WHERE org_id IN ('5006')", 0),
        ("Person", "SELECT Person WHERE org_id = 5002 AND status = 'active'", 4),
        (
            "Service",
            "SELECT Service AS s JOIN lnkCustomerContractToService AS l ON l.service_id = s.id \
             JOIN CustomerContract AS cc ON l.customercontract_id = cc.id WHERE cc.org_id = 5002",
            4,
        ),
    ] {
        assert_eq!(
            count(&call(&sandbox, "bridge", get(class, oql, "id")).await),
            expected,
            "{oql}"
        );
    }
    // What SQLite alone finds wrong is a syntax error too.
    let wrong = get("Person", "SELECT Person WHERE name = = 'x' (", "id");
    let answer = call(&sandbox, "bridge", wrong).await;
    assert!(answer["message"].as_str().unwrap().contains("OQLParserSyntaxErrorException"));
}

#[tokio::test]
async fn rights_are_checked() {
    let sandbox = start(Options::default()).await;
    let refused = call(&sandbox, "reader", create("t")).await;
    assert_eq!(refused["code"], 1);
    let all = get("Person", "SELECT Person", "org_id");
    let seen = call(&sandbox, "limited", all).await;
    assert_eq!(count(&seen), 7);
    let other = json!({
        "operation": "core/get", "class": "Person", "key": { "org_id": 5002 },
        "output_fields": "id",
    });
    assert!(
        call(&sandbox, "limited", other.clone()).await["message"]
            .as_str()
            .unwrap()
            .contains("Invalid object Organization::5002")
    );
    assert_eq!(count(&call(&sandbox, "bridge", other).await), 5);

    let client = reqwest::Client::new();
    let url = format!("{}/webservices/rest.php?version=1.3&login_mode=basic", sandbox.url());
    let form = [("json_data", r#"{"operation":"list_operations"}"#)];
    for (password, code) in [("sandbox", 0), ("sandbox:and more", 0), ("wrong", 1)] {
        let sent = client.post(&url).basic_auth("bridge", Some(password)).form(&form).send().await;
        let text = sent.unwrap().text().await.unwrap();
        assert!(text.starts_with(&format!("{{\"code\":{code},")), "{text}");
    }
    let sent = client
        .post(url.replace("&login_mode=basic", ""))
        .header("Auth-Token", TOKEN)
        .form(&form)
        .send()
        .await;
    assert!(sent.unwrap().text().await.unwrap().starts_with("{\"code\":0,"));
}

#[tokio::test]
async fn a_cut_before_the_effect_does_nothing_and_one_after_it_does_all() {
    let sandbox = start(Options::default()).await;
    let once = |kind| Fault::new(kind).on(Operations::Create).times(1);
    sandbox.faults().switch_on(once(FaultKind::CutBefore));
    assert!(try_call(&sandbox, "bridge", create("a")).await.is_err());
    assert_eq!(sandbox.tickets().await.unwrap().len(), 0);
    sandbox.faults().switch_on(once(FaultKind::CutAfter));
    assert!(try_call(&sandbox, "bridge", create("b")).await.is_err());
    assert_eq!(sandbox.tickets().await.unwrap().len(), 1);
    sandbox.faults().switch_on(once(FaultKind::BadGateway).after_effect());
    assert_eq!(try_call(&sandbox, "bridge", create("c")).await.unwrap().status(), 502);
    sandbox.faults().switch_on(once(FaultKind::Code100AfterCommit));
    assert_eq!(call(&sandbox, "bridge", create("d")).await["code"], 100);
    assert_eq!(sandbox.tickets().await.unwrap().len(), 3);
    assert!(sandbox.faults().switched_on().is_empty());
    assert_eq!(call(&sandbox, "bridge", create("e")).await["code"], 0);
    assert_eq!(sandbox.requests_seen().of("core/create"), 5);
}

#[tokio::test]
async fn a_create_goes_on_without_its_client() {
    let sandbox = start(Options::default()).await;
    let clock = sandbox.itop.clock.clone();
    let slow = FaultKind::Slow { before_ms: 3_600_000, after_ms: 0 };
    sandbox.faults().switch_on(Fault::new(slow).times(1));
    let seen = || sandbox.requests_seen();
    tokio::select! {
        _ = try_call(&sandbox, "bridge", create("late")) => panic!("an hour has not passed"),
        () = async { while seen().creates_in_flight == 0 { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(sandbox.tickets().await.unwrap().len(), 0);
    clock.advance(std::time::Duration::from_hours(1));
    while seen().creates_in_flight > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(sandbox.tickets().await.unwrap().len(), 1);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_stopped_or_dropped_sandbox_is_gone() {
    for stopped in [true, false] {
        let sandbox = start(Options::default()).await;
        let client = reqwest::Client::new();
        let url = sandbox.url();
        assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
        if stopped {
            sandbox.stop().await.unwrap();
        } else {
            drop(sandbox);
        }
        // The connection that the client kept is closed as well.
        assert!(client.get(&url).send().await.is_err());
    }
}

#[tokio::test]
async fn faults_are_switched_over_http() {
    let sandbox = start(Options::default()).await;
    let client = reqwest::Client::new();
    let url = format!("{}/sandbox/faults", sandbox.url());
    let fault = r#"{"kind":"slow","before_ms":1,"on":"read","probability":1.0,"seed":7}"#;
    let post = |body: &'static str| {
        client.post(&url).header("content-type", "application/json").body(body).send()
    };
    assert_eq!(post(fault).await.unwrap().text().await.unwrap(), "1");
    assert_eq!(post(r#"{"kind":"nope"}"#).await.unwrap().status(), 422);
    let listed = client.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(listed.contains(r#""kind":"slow""#), "{listed}");
    client.delete(format!("{url}/1")).send().await.unwrap();
    assert_eq!(sandbox.faults().switched_on(), []);
    for (page, content) in [("stats", "by_operation"), ("tickets", "[]")] {
        let url = format!("{}/sandbox/{page}", sandbox.url());
        assert!(client.get(url).send().await.unwrap().text().await.unwrap().contains(content));
    }
}

#[tokio::test]
async fn dice_of_the_same_seed_strike_the_same_requests() {
    let struck = |faults: &Faults| {
        (0..100)
            .filter(|_| faults.strike(operations::Effect::Read).has(&FaultKind::WrongJson))
            .count()
    };
    let faults = || {
        let faults = Faults::default();
        faults.switch_on(Fault::new(FaultKind::WrongJson).with_probability(0.3, 42));
        faults
    };
    let first = struck(&faults());
    assert!((15..45).contains(&first), "{first}");
    assert_eq!(first, struck(&faults()));
}

#[tokio::test]
async fn a_long_text_of_wide_characters_passes_itop_and_fails_in_mysql() {
    let sandbox = start(Options::default()).await;
    let mut long = create("t");
    long["fields"]["description"] = json!("🔥".repeat(20_000));
    let answer = call(&sandbox, "bridge", long).await;
    assert_eq!(answer["code"], 1406);
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("Data too long for column 'description' at row 1"));
    assert!(message.contains("🔥🔥"));
    let mut twice = create("t");
    twice["fields"]["functionalcis_list"] =
        json!([{ "functionalci_id": 200_001 }, { "functionalci_id": "200001" }]);
    assert_eq!(call(&sandbox, "bridge", twice).await["code"], 100);
    assert_eq!(sandbox.tickets().await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_ticket_page_moves_a_ticket_along() {
    let sandbox = start(Options::default()).await;
    call(&sandbox, "bridge", create("Disk <full> & hot")).await;
    let id = sandbox.tickets().await.unwrap()[0].id;
    let url = format!("{}/pages/UI.php", sandbox.url());
    let client = reqwest::Client::new();
    for (stimulus, status) in [
        ("ev_assign", "assigned"),
        ("ev_pending", "pending"),
        ("ev_assign", "assigned"),
        ("ev_resolve", "resolved"),
        ("ev_reopen", "assigned"),
        ("ev_resolve", "resolved"),
        ("ev_close", "closed"),
    ] {
        let form = [("class", "UserRequest"), ("id", &id.to_string()), ("stimulus", stimulus)];
        let page = client.post(&url).form(&form).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("Disk &lt;full&gt; &amp; hot"), "{page}");
        assert_eq!(sandbox.tickets().await.unwrap()[0].status, status);
    }
    let list = client.get(sandbox.url()).send().await.unwrap().text().await.unwrap();
    assert!(list.contains("ACME Logistics"));
    let gone = client.get(format!("{url}?operation=details&class=Incident&id=1")).send().await;
    assert_eq!(gone.unwrap().status(), 404);
    assert!(sandbox.apply_stimulus("UserRequest", id, "ev_close").await.is_err());
    sandbox.delete_ticket("UserRequest", id).await.unwrap();
    assert!(sandbox.tickets().await.unwrap().is_empty());
}
