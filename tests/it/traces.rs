//! Traces: what a sender says of its own is found again in the log and at iTop, after a restart too.

use std::sync::{Arc, Mutex};

use axum::{Router, body::to_bytes, extract::Request};
use serde_json::{Value, json};
use servicenav_itop_bridge::domain::{
    keys::{EventId, Instance},
    marker::Marker,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    program::configuration,
    serve::Serving,
    world::{ACKNOWLEDGEMENTS, World, event},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A way to iTop on which the traces of calls are written down: the operation and the header.
struct Way {
    url: String,
    seen: Arc<Mutex<Vec<(String, String)>>>,
    server: JoinHandle<()>,
}

impl Way {
    async fn to_itop(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (http, behind) = (world.http.clone(), world.itop.url());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = seen.clone();
        let routes = Router::new().fallback(async move |request: Request| {
            let target = format!("{}{}", behind.trim_end_matches('/'), request.uri());
            let trace = request
                .headers()
                .get("traceparent")
                .map(|value| value.to_str().unwrap().to_owned());
            let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
            let form = String::from_utf8(body.to_vec()).unwrap();
            if let Some(trace) = trace {
                let is_create = form.contains("core%2Fcreate");
                let operation = if is_create { "create" } else { "other" };
                noted.lock().unwrap().push((operation.to_owned(), trace));
            }
            let kind = "application/x-www-form-urlencoded";
            let request = http.post(target).header("content-type", kind).body(body);
            request.send().await.unwrap().text().await.unwrap()
        });
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, seen, server }
    }

    /// The traces of the creates.
    fn creates(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let creates = seen.iter().filter(|(operation, _)| operation == "create");
        creates.map(|(_, trace)| trace.clone()).collect()
    }
}

async fn post(world: &World, serving: &Serving, event: &Value, headers: &[(&str, &str)]) -> Value {
    let mut request = world.http.post(format!("{}{ACKNOWLEDGEMENTS}", serving.base()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header("content-type", "application/json").header("prefer", "wait=0");
    let answer = request.body(event.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap()["id"].clone()
}

#[tokio::test]
async fn the_trace_of_a_post_is_that_of_its_delivery_after_a_kill_too() {
    let world = World::start().await;
    let way = Way::to_itop(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&world, folder.path(), "");
    let text = std::fs::read_to_string(&config).unwrap().replace(&world.itop.url(), &way.url);
    std::fs::write(&config, text).unwrap();
    let serving = Serving::start(&world, &config).await;
    let linked_to = json!({"organization": "Demo", "team": "Helpdesk"}).to_string();
    let request = world.http.put(format!("{}/api/v1/links/42", serving.base()));
    let request = request.header("content-type", "application/json").body(linked_to);
    assert!(request.send().await.unwrap().status().is_success());

    // Away when it is posted; the process that delivers it has never seen the request.
    world.itop.faults().set_database_down(true);
    let given = post(&world, &serving, &event("given"), &[("traceparent", TRACEPARENT)]).await;
    let received = serving.until_said(&world, &format!("trace_id=\"{TRACE}\"")).await;
    assert!(received.contains("request_id="), "{received}");
    let upper = TRACEPARENT.to_uppercase();
    let twice = [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)];
    let malformed = post(&world, &serving, &event("malformed"), &[("traceparent", &upper)]).await;
    let doubled = post(&world, &serving, &event("doubled"), &twice).await;
    let none = post(&world, &serving, &event("none"), &[]).await;
    serving.kill().await;

    world.itop.faults().set_database_down(false);
    let serving = Serving::start(&world, &config).await;
    let said_of = async |id: &Value| {
        serving.until_said(&world, &format!("ticket created acknowledgement={id} ")).await
    };
    let line = said_of(&given).await;
    assert!(line.contains(&format!("trace_id=\"{TRACE}\"")), "{line}");
    let mut expected = vec![TRACEPARENT.to_owned()];
    for (id, key) in [(&malformed, "malformed"), (&doubled, "doubled"), (&none, "none")] {
        let event_id: EventId = format!("event-{key}").parse().unwrap();
        let marker = Marker::new(&Instance::default(), &event_id);
        let line = said_of(id).await;
        assert!(line.contains(&format!("trace_id=\"{}\"", marker.digits())), "{line}");
        assert!(line.contains("request_id="), "{line}");
        let digits = marker.digits();
        expected.push(format!("00-{digits}-{}-00", &digits[..16]));
    }
    let mut creates = way.creates();
    creates.sort();
    creates.dedup();
    expected.sort();
    assert_eq!(creates, expected);
    // Each line about it, of whatever task.
    let about = format!("acknowledgement={given} ");
    assert!(
        serving
            .lines()
            .iter()
            .filter(|line| line.contains(&about))
            .all(|line| line.contains(TRACE))
    );
    serving.stop().await;
    way.server.abort();
    world.finish().await;
}
