//! Bodies that are refused at once, in words, and what is kept of them.

use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event, with};

/// Pointer and code of each error, sorted.
fn errors(refused: &Value) -> Vec<(String, String)> {
    let own = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = refused["errors"].as_array().unwrap().iter();
    let mut errors: Vec<_> =
        errors.map(|error| (own(&error["pointer"]), own(&error["code"]))).collect();
    errors.sort();
    errors
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> =
        expected.iter().map(|(pointer, code)| ((*pointer).into(), (*code).into())).collect();
    pairs.sort();
    pairs
}

async fn rejected(world: &World) -> Vec<Value> {
    let rows = world.get("/api/v1/acknowledgements?state=rejected").await.expect(200);
    rows["items"].as_array().unwrap().clone()
}

/// Posts bytes as they are; gives status and body.
async fn post_raw(world: &World, content_type: Option<&str>, body: Vec<u8>) -> (u16, Value) {
    let mut request = world.http.post(format!("{}{ACKNOWLEDGEMENTS}", world.base)).body(body);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn an_empty_event_names_everything_that_is_missing() {
    let world = World::start().await;
    let refused = world.acknowledge(&json!({})).await;
    refused.problem(422, "invalid");
    let missing = ["/company", "/control", "/acknowledgement"];
    assert_eq!(errors(&refused.body), pairs(&missing.map(|pointer| (pointer, "required"))));

    let parts = json!({
        "company": " ", "control": {}, "acknowledgement": {}
    });
    let refused = world.acknowledge(&parts).await.expect(422);
    let missing = [
        "/company",
        "/control/id",
        "/control/name",
        "/control/element_type",
        "/control/state",
        "/acknowledgement/author",
    ];
    assert_eq!(errors(&refused), pairs(&missing.map(|pointer| (pointer, "required"))));
    for body in [json!(null), json!("text"), json!(5)] {
        let refused = world.acknowledge(&body).await.expect(422);
        assert_eq!(errors(&refused), pairs(&[("", "type")]), "{body}");
    }
    world.finish().await;
}

#[tokio::test]
async fn all_errors_of_a_body_are_told_at_once() {
    let world = World::start().await;
    let body = json!({
        "event_id": "x".repeat(201),
        "event_type": "reboot",
        "created_at": "2026-11-21T09:15:02",
        "source": {"instance": "a\u{7}b"},
        "company": {"id": 4.5},
        "site": ["Lyon"],
        "contact": 7,
        "team": {},
        "contract": true,
        "service": {"name": "x".repeat(501)},
        "service_element": {"id": {}},
        "ci": "",
        "priority": 5,
        "equipment": {"id": true, "itsm_id": "x".repeat(201)},
        "control": {
            "id": "a\nb", "name": "  ", "element_type": "printer", "state": 3,
            "status_changed_at": "yesterday", "criticality": "urgent", "output": ["a", "b"],
            "url": "javascript:alert(1)"
        },
        "title": 12,
        "acknowledgement": {
            "author": [], "comment": 5, "acknowledged_at": "2026-13-41T00:00:00Z",
            "sticky": "perhaps", "expires_at": true
        },
        "ticket": {"requested": 7, "new": true, "existing_ref": "I-000001"}
    });
    let refused = world.acknowledge(&body).await;
    let detail = refused.problem(422, "invalid");
    let expected = [
        ("/event_id", "length"),
        ("/event_type", "value"),
        ("/created_at", "offset"),
        ("/source/instance", "format"),
        ("/company/id", "type"),
        ("/site", "type"),
        ("/contact", "type"),
        ("/team", "required"),
        ("/contract", "type"),
        ("/service/name", "length"),
        ("/service_element/id", "type"),
        ("/priority", "value"),
        ("/equipment/id", "type"),
        ("/equipment/name", "required"),
        ("/equipment/itsm_id", "length"),
        ("/control/id", "format"),
        ("/control/name", "required"),
        ("/control/element_type", "value"),
        ("/control/state", "type"),
        ("/control/status_changed_at", "format"),
        ("/control/criticality", "value"),
        ("/control/output", "type"),
        ("/control/url", "format"),
        ("/title", "type"),
        ("/acknowledgement/author", "type"),
        ("/acknowledgement/comment", "type"),
        ("/acknowledgement/acknowledged_at", "format"),
        ("/acknowledgement/sticky", "type"),
        ("/acknowledgement/expires_at", "type"),
        ("/ticket/requested", "type"),
        ("/ticket/existing_ref", "value"),
    ];
    assert_eq!(errors(&refused.body), pairs(&expected));
    // The one line that a simple sender shows to its operator says it all.
    for (pointer, _) in expected {
        assert!(detail.contains(&format!("{pointer}: ")), "{pointer} is not in: {detail}");
    }
    insta::assert_json_snapshot!(refused.body);
    world.finish().await;
}

#[tokio::test]
async fn each_value_is_refused_for_itself() {
    let world = World::start().await;
    let long = json!("x".repeat(501));
    let cases = [
        ("/event_type", json!("reboot"), "/event_type", "value"),
        ("/event_type", json!("PROBLEM"), "/event_type", "value"),
        ("/source", json!("sn-b"), "/source", "type"),
        ("/source", json!({"instance": "$INSTANCE$"}), "/source/instance", "macro"),
        ("/created_at", json!("2026-11-21T09:15:02"), "/created_at", "offset"),
        ("/created_at", json!("2026-11-21"), "/created_at", "offset"),
        ("/company", json!({"id": "4\u{7f}2"}), "/company", "format"),
        ("/company", json!({"id": 4.5, "name": "Demo"}), "/company/id", "type"),
        ("/company", json!({"id": "$_HOSTCOMPANY$", "name": "Demo"}), "/company/id", "macro"),
        ("/company", json!({"id": "", "name": " "}), "/company", "required"),
        ("/company", json!("x".repeat(501)), "/company", "length"),
        ("/control/id", json!("x".repeat(201)), "/control/id", "length"),
        ("/control/name", long.clone(), "/control/name", "length"),
        ("/control/state", json!("ON FIRE"), "/control/state", "value"),
        (
            "/control/status_changed_at",
            json!("2026-11-21 09:14:09"),
            "/control/status_changed_at",
            "offset",
        ),
        ("/control/id", json!("$SERVICEID$"), "/control/id", "macro"),
        ("/control/id", json!("undefined"), "/control/id", "macro"),
        ("/control/name", json!("{ITEM.NAME}"), "/control/name", "macro"),
        ("/equipment", json!(null), "/equipment", "required"),
        ("/equipment", json!("$HOSTNAME$"), "/equipment", "macro"),
        ("/equipment/name", json!("\u{0}"), "/equipment/name", "required"),
        ("/acknowledgement/author", json!({"login": " "}), "/acknowledgement/author", "required"),
        ("/acknowledgement/author", long, "/acknowledgement/author", "length"),
        ("/acknowledgement/author", json!(null), "/acknowledgement/author", "required"),
        (
            "/ticket",
            json!({"new": "yes", "existing_ref": "I-000001"}),
            "/ticket/existing_ref",
            "value",
        ),
    ];
    for (pointer, value, at, code) in cases {
        let body = with(event("one"), pointer, value.clone());
        let answer = world.acknowledge(&body).await;
        assert_eq!(answer.status, 422, "{pointer} = {value}: {}", answer.text);
        assert_eq!(errors(&answer.body), pairs(&[(at, code)]), "{pointer} = {value}");
        if code == "macro" {
            // The one that the sender has to look at stands in the words.
            let detail = answer.body["detail"].as_str().unwrap();
            let found = value.as_str().or(value["id"].as_str()).or(value["instance"].as_str());
            assert!(detail.contains(&format!(" {}, which ", found.unwrap())), "{detail}");
        }
    }
    // Colours and control characters of a name are dropped: it is for people, and no id.
    let body = with(event("name"), "/company", json!({"name": "a\u{1b}[31mb"}));
    let answer = world.acknowledge(&body).await.expect(202);
    assert_eq!(answer["company"]["name"], "ab");
    world.finish().await;
}

#[tokio::test]
async fn empty_macros_of_a_simple_sender_count_as_absent() {
    let world = World::linked().await;
    let mut body = event("macros");
    for name in ["contact", "service", "service_element", "contract", "site", "ci"] {
        body[name] = json!({"id": "", "name": "  "});
    }
    body["contact"]["email"] = json!("");
    for name in ["title", "description", "priority", "event_type"] {
        body[name] = json!("");
    }
    // What is left of a title without its control characters is nothing.
    body["title"] = json!("\u{0}\u{1}");
    let created = world.acknowledge(&body).await.expect(201);
    assert_eq!(created["warnings"], json!([]));
    let tickets = world.itop.tickets().await.unwrap();
    assert_eq!(tickets[0].title, "[CRITICAL] Server4 – Disk C:");
    assert_eq!((tickets[0].caller_id, tickets[0].service_id), (0, 0));
    world.finish().await;
}

#[tokio::test]
async fn a_user_service_needs_no_equipment() {
    let world = World::linked().await;
    let mut body = with(event("view"), "/control/element_type", json!("user_service"));
    body.as_object_mut().unwrap().remove("equipment");
    world.acknowledge(&body).await.expect(201);
    let tickets = world.itop.tickets().await.unwrap();
    assert_eq!(tickets[0].title, "[CRITICAL] Disk C:");
    assert_eq!(tickets[0].ci_ids, [0_i64; 0]);
    // User service, high: priority 1.
    assert_eq!(tickets[0].priority, "1");
    world.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_kept() {
    let world = World::start().await;
    let json = Some("application/json");
    let good = event("good").to_string();
    let cut = good[..good.len() - 1].to_owned();
    let mut invalid_utf8 = good.clone().into_bytes();
    let at = good.find("Demo").unwrap();
    invalid_utf8[at] = 0xe9;
    let deep = "[".repeat(100_000);
    for (body, says) in [
        (cut.into_bytes(), "JSON"),
        (Vec::new(), "JSON"),
        (b"event_id=1".to_vec(), "JSON"),
        (deep.into_bytes(), "JSON"),
        (invalid_utf8, "UTF-8"),
    ] {
        let (status, problem) = post_raw(&world, json, body).await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["type"].as_str().unwrap().ends_with(":unreadable"));
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    let form = Some("application/x-www-form-urlencoded");
    for content_type in [None, Some("text/plain"), form, Some("application/jsonp")] {
        let (status, problem) = post_raw(&world, content_type, good.clone().into_bytes()).await;
        assert_eq!(status, 415, "{content_type:?}: {problem}");
        assert!(problem["type"].as_str().unwrap().ends_with(":unsupported-media-type"));
        let says_how = problem["detail"].as_str().unwrap().contains("configure a token");
        assert_eq!(says_how, content_type == form, "{problem}");
    }
    let large = with(event("large"), "/control/output", json!("x".repeat(256 * 1024)));
    let (status, problem) = post_raw(&world, json, large.to_string().into_bytes()).await;
    assert_eq!(status, 413, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("262144"), "{problem}");
    let list = format!("[{}]", " ".repeat(8 * 1024 * 1024));
    let (status, problem) = post_raw(&world, json, list.into_bytes()).await;
    assert_eq!(status, 413, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("8388608"), "{problem}");

    let mut codes: Vec<_> =
        rejected(&world).await.iter().map(|row| row["problem"]["code"].clone()).collect();
    codes.reverse();
    let expected = [("unreadable", 5), ("unsupported-media-type", 4), ("too-large", 2)];
    let expected = expected.iter().flat_map(|(code, times)| vec![json!(code); *times]);
    assert_eq!(codes, expected.collect::<Vec<_>>());
    // Parameters of the content type, and other JSON types, are no reason to refuse.
    for content_type in ["application/json; charset=utf-8", "application/cloudevents+json"] {
        let headers = [("content-type", content_type), ("prefer", "wait=0")];
        let post = reqwest::Method::POST;
        let answer = world.send(post, ACKNOWLEDGEMENTS, &headers, Some(good.clone())).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    world.finish().await;
}

#[tokio::test]
async fn json_that_is_refused_is_kept_and_does_not_stand_in_the_way() {
    let world = World::linked().await;
    let wrong = with(event("kept"), "/control/state", json!("ON FIRE"));
    let wrong = with(wrong, "/control/output", json!("é".repeat(40_000)));
    world.acknowledge(&wrong).await.expect(422);
    world.acknowledge(&wrong).await.expect(422);
    let rows = rejected(&world).await;
    assert_eq!(rows.len(), 2);
    let row = &rows[0];
    assert_eq!(row["event_id"], "event-kept");
    assert_eq!(row["problem"]["code"], "invalid");
    let sentence = row["problem"]["message"].as_str().unwrap();
    assert!(sentence.starts_with("/control/state: 'state' must be one of OK, "), "{sentence}");
    assert_eq!(row["event_type"], "acknowledgement");
    assert_eq!(row["company"], json!({"key": "id:42", "name": "Demo"}));
    assert_eq!(row["control"], json!({"id": "control-kept", "name": "Disk C:"}));
    assert_eq!((&row["ticket"], row["links"].get("open")), (&json!(null), None));
    assert!(row["ended_at"].is_string());

    // The body is kept, bounded.
    let whole = world.get(row["links"]["self"].as_str().unwrap()).await.expect(200);
    let kept = whole["body"].as_str().unwrap();
    assert!(kept.starts_with("{\"event_id\":\"event-kept\""), "{kept}");
    assert!(kept.len() <= 16 * 1024 && kept.len() > 16 * 1000, "{}", kept.len());

    world.acknowledge(&event("kept")).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_kept_and_spoils_no_other() {
    let world = World::linked().await;
    let good = event("good");
    // A plugin's output that was cut in the middle of a character.
    let torn = event("torn").to_string().replace("Disk C:", "Disk \\ud83d");
    let answer = post_text(&world, format!("[{good}, {torn}]")).await.expect(200);
    assert_eq!(answer["items"][0]["event_id"], "event-good");
    assert_eq!(answer["items"][1]["status"], 400);
    assert!(answer["items"][1]["type"].as_str().unwrap().ends_with(":unreadable"));
    let rejected = world.get(&format!("{ACKNOWLEDGEMENTS}?state=rejected")).await.expect(200);
    assert_eq!(rejected["items"].as_array().unwrap().len(), 1);
    assert_eq!(rejected["items"][0]["problem"]["code"], "unreadable");
    let path = rejected["items"][0]["links"]["self"].as_str().unwrap();
    assert_eq!(world.get(path).await.expect(200)["body"], torn);
    world.finish().await;
}

#[tokio::test]
async fn of_two_members_with_one_name_the_last_counts() {
    let world = World::linked().await;
    let good = event("twice").to_string();
    let twice = format!("{{\"company\": {{\"id\": 77}}, {}", &good[1..]);
    let row = post_text(&world, twice).await.expect(201);
    assert_eq!(row["company"]["key"], "id:42");
    let row = world.get(row["links"]["self"].as_str().unwrap()).await.expect(200);
    assert_eq!(row["body"]["company"], json!({"id": 42, "name": "Demo"}));
    world.finish().await;
}

async fn post_text(world: &World, body: String) -> Answer {
    let json = [("content-type", "application/json")];
    world.send(reqwest::Method::POST, ACKNOWLEDGEMENTS, &json, Some(body)).await
}
