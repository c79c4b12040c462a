//! What `check` says of answers that real iTops give and the simulated one does not: something
//! between the two gives them in its place.

use axum::{
    Router,
    body::to_bytes,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Config;
use tokio::net::TcpListener;

use crate::{check::report, world::World};

/// The report where `answer` takes some of the operations.
async fn relayed(
    create_ticket: bool,
    change: impl FnOnce(&mut Config),
    answer: fn(&Value) -> Option<Response>,
) -> String {
    let mut world = World::linked().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = format!("http://{}/", listener.local_addr().unwrap());
    let (http, behind) = (world.http.clone(), world.itop.url());
    let routes = Router::new().fallback(async move |request: Request| {
        let target = format!("{}{}", behind.trim_end_matches('/'), request.uri());
        let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
        let form = String::from_utf8(body.to_vec()).unwrap().replace('+', " ");
        let data = form.split('&').find_map(|pair| pair.strip_prefix("json_data=")).unwrap();
        let data = percent_encoding::percent_decode_str(data).decode_utf8().unwrap();
        if let Some(response) = answer(&serde_json::from_str(&data).unwrap()) {
            return response;
        }
        let form = "application/x-www-form-urlencoded";
        let request = http.post(target).header("content-type", form).body(body);
        request.send().await.unwrap().text().await.unwrap().into_response()
    });
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    world.config.itop.as_mut().unwrap().url = relay;
    change(&mut world.config);
    let report = report(&world, create_ticket).await;
    server.abort();
    world.finish().await;
    report
}

fn refused(words: &str) -> Response {
    json!({"code": 100, "message": format!("Error: {words}")}).to_string().into_response()
}

/// The simulated iTop hides as a real one does, but does not know the condition by which that can be
/// told; this is what iTop 3.2.0 says to it.
#[tokio::test]
async fn that_companies_are_hidden_is_told() {
    let limited = |config: &mut Config| config.itop.as_mut().unwrap().user = "limited".to_owned();
    let report = relayed(false, limited, |operation| {
        let found = json!({"Organization::3": {
            "code": 0, "message": "", "class": "Organization", "key": "3", "fields": {"id": "3"},
        }});
        let answer = json!({"objects": found, "code": 0, "message": "Found: 1"});
        let query = operation["key"].as_str()?;
        query.contains("NOT BELOW").then(|| answer.to_string().into_response())
    });
    let report = report.await;
    assert!(report.contains("warning  visible companies: iTop hides some"), "{report}");
    assert!(report.contains("-> The teams of a company are often its provider's"), "{report}");
}

/// iTop 3.2.0 answers with a page to an empty text for an attribute that names an object.
#[tokio::test]
async fn the_field_on_which_itop_breaks_is_named() {
    let fields = |config: &mut Config| {
        let fields = [("agent_id", "{{ site }}"), ("external_ref", "x")];
        config.ticket.fields =
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    };
    let report = relayed(false, fields, |operation| {
        let fields = operation["fields"].as_object()?;
        if fields.get("agent_id").is_some_and(|agent| agent == "") {
            let page = "<p>iTop: An error occurred, check server error log.</p>";
            return Some((StatusCode::INTERNAL_SERVER_ERROR, page).into_response());
        }
        // The rest of it the relay's iTop takes.
        fields
            .contains_key("servicenav_itop_bridge_probe")
            .then(|| refused("servicenav_itop_bridge_probe: Unknown attribute"))
    });
    let report = report.await;
    assert!(report.contains("failure  right to create: ticket.fields.agent_id = ''"), "{report}");
    assert!(report.contains("takes a key or a query (SELECT …), and never an empty"), "{report}");
}

/// What iTop demands of a whole ticket shows when it is created, in iTop's words.
#[tokio::test]
async fn a_mandatory_attribute_shows_with_create_ticket() {
    let words = "Unexpected value for attribute 'Site' (site) : Null not allowed";
    for create_ticket in [false, true] {
        let report = relayed(
            create_ticket,
            |_| {},
            |operation| {
                let fields = operation["fields"].as_object()?;
                let is_real = operation["operation"] == "core/create"
                    && fields.contains_key("org_id")
                    && !fields.contains_key("servicenav_itop_bridge_probe");
                is_real.then(|| {
                    refused("Unexpected value for attribute 'Site' (site) : Null not allowed")
                })
            },
        );
        let report = report.await;
        assert!(report.contains("mandatory attributes of this data model"), "{report}");
        assert_eq!(report.contains(words), create_ticket, "{report}");
        assert_eq!(report.contains("set it in [ticket.fields]"), create_ticket, "{report}");
    }
}

/// An iTop that takes faulty tickets must not be probed with them.
#[tokio::test]
async fn an_itop_that_accepts_the_probe_is_told() {
    let report = relayed(
        true,
        |_| {},
        |operation| {
            let title = operation["fields"]["title"].as_str()?;
            let made = json!({"Incident::7": {"code": 0, "message": "created", "class": "Incident",
            "key": "7", "fields": {"id": "7", "ref": "I-000007"}}});
            let answer = json!({"objects": made, "code": 0, "message": null});
            (title.chars().count() > 255).then(|| answer.to_string().into_response())
        },
    );
    let report = report.await;
    assert!(report.contains("warning  path probe: I-000007 (Incident::7) was created"), "{report}");
    assert!(report.contains("-> Set delivery.path_probe = \"off\""), "{report}");
    assert!(report.contains("ok       priorities"), "{report}");
}
