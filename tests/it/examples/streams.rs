//! What is asked for its acknowledgements: Icinga's event stream, and Alertmanager's silences.

use std::future::IntoFuture as _;

use axum::{
    Json, Router,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{AWKWARD, Place, is_there, succeeds};

/// Serves what stands in for another program; gives its address.
async fn served(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, routes).into_future());
    url
}

#[tokio::test]
async fn icingas_event_stream() {
    if !is_there(&["curl"]) {
        return;
    }
    let place = Place::start().await;
    let set = json!({
        "acknowledgement_type": 1.0, "author": "Zoé Martin", "comment": format!("{AWKWARD}\nsecond line"),
        "expiry": 0.0, "host": "icinga-host", "notify": false, "persistent": false,
        "service": "disk", "state": 2.0, "state_type": 1.0,
        "timestamp": 1_763_713_000.418_217, "type": "AcknowledgementSet",
    });
    let of = |changes: &[(&str, Value)]| {
        let mut event = set.clone();
        for (name, value) in changes {
            event[name] = value.clone();
        }
        format!("{event}\n")
    };
    let lines = [
        of(&[]),
        of(&[("type", json!("AcknowledgementCleared")), ("host", json!("cleared"))]),
        of(&[("type", json!("CommentAdded")), ("host", json!("commented"))]),
        "this is no event\n\n".to_owned(),
        of(&[("service", json!("")), ("host", json!("web1")), ("state", json!(1.0))]),
    ]
    .concat();
    let asked_for = post(async move |Json(query): Json<Value>| {
        assert_eq!(query["types"], json!(["AcknowledgementSet"]));
        lines
    });
    let url = served(Router::new().route("/v1/events", asked_for)).await;
    let mut script = place.script("icinga2/event-stream");
    script.env("ICINGA_URL", url);
    let said = succeeds(script).await;
    assert!(said.contains("is no JSON"), "{said}");
    let row = place.created("icinga-host!disk").await;
    let comment = format!("{AWKWARD}\nsecond line");
    assert_eq!(row["body"]["acknowledgement"]["comment"], comment);
    assert_eq!(row["body"]["company"]["name"], "Demo");
    place.shows(&row, &comment).await;
    let host = place.created("web1").await;
    assert_eq!(host["body"]["control"]["state"], "DOWN");
    assert_eq!(place.rows().await.len(), 2);
    place.world.finish().await;
}

#[tokio::test]
async fn alertmanagers_silences() {
    if !is_there(&["curl", "jq", "bash"]) {
        return;
    }
    let place = Place::start().await;
    let silence = |id: &str, comment: &str, state: &str| {
        json!({
            "id": id, "comment": comment, "createdBy": "Zoé Martin", "status": {"state": state},
            "startsAt": "2026-11-21T08:20:11.123Z", "endsAt": "2026-11-21T12:20:11.123Z",
        })
    };
    let alert = |fingerprint: &str, silences: &[&str]| {
        json!({
            "fingerprint": fingerprint, "startsAt": "2026-11-21T08:14:09.000Z",
            "labels": {"alertname": "Disk C:", "instance": "Server4", "company": "Demo",
                       "severity": "warning"},
            "annotations": {"description": format!("{AWKWARD}\nsecond line")},
            "generatorURL": "https://prometheus.example/graph?g0.expr=a%20%2B%20b",
            "status": {"state": "suppressed", "silencedBy": silences, "inhibitedBy": []},
        })
    };
    let silences = json!([
        silence("s-1", &format!("ACK! {AWKWARD}"), "active"),
        silence("s-2", "maintenance of the night", "active"),
        silence("s-3", "ACK! of yesterday", "expired"),
    ]);
    let alerts = json!([
        alert("aaaa", &["s-1"]),
        alert("bbbb", &["s-2"]),
        alert("cccc", &["s-3", "s-9"]),
        alert("dddd", &["s-2", "s-1"]),
    ]);
    let routes = Router::new()
        .route("/api/v2/silences", get(async move || Json(silences)))
        .route("/api/v2/alerts", get(async move || Json(alerts)));
    let url = served(routes).await;
    for _ in 0..2 {
        let mut script = place.script("alertmanager/acknowledged-alerts");
        script.env("ALERTMANAGER_URL", &url);
        succeeds(script).await;
    }
    for control in ["aaaa", "dddd"] {
        let row = place.created(control).await;
        let body = &row["body"];
        assert_eq!(body["acknowledgement"]["comment"], AWKWARD);
        assert_eq!(body["control"]["output"], format!("{AWKWARD}\nsecond line"));
        assert_eq!(body["control"]["state"], "WARNING");
        assert_eq!(row["warnings"], json!([]), "{row}");
        place.shows(&row, AWKWARD).await;
        place.shows(&row, "Zoé Martin").await;
    }
    assert_eq!(place.rows().await.len(), 2);
    place.world.finish().await;
}
