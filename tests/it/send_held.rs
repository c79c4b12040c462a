//! `send` while the bridge is away for long, or has trouble with one event.

use std::{
    collections::BTreeMap,
    future::IntoFuture as _,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};
use servicenav_itop_bridge::sender::Spool;
use tokio::net::TcpListener;

use crate::{
    program::{command, output, text},
    world::{ACKNOWLEDGEMENTS, World, event, with},
};

fn flush(base: &str, spool: &Path, timeout: &str) -> Command {
    let spool = spool.to_str().unwrap();
    command(&["send", "--flush", "--url", base, "--spool", spool, "--timeout", timeout])
}

fn waiting(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|e| e == "json")).count()
}

/// What waits, while nobody sends it.
fn files(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// The comments of each control's rows, in the order in which they came.
async fn comments(world: &World) -> BTreeMap<String, Vec<String>> {
    let list = world.get(&format!("{ACKNOWLEDGEMENTS}?limit=1000")).await.expect(200);
    let mut comments = BTreeMap::<String, Vec<String>>::new();
    for row in list["items"].as_array().unwrap().iter().rev() {
        let whole = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", row["id"])).await.expect(200);
        let comment = whole["body"]["acknowledgement"]["comment"].as_str().unwrap();
        let control = row["control"]["id"].as_str().unwrap();
        comments.entry(control.to_owned()).or_default().push(comment.to_owned());
    }
    comments
}

/// An event of a control, by its comment.
fn said(control: &str, comment: &str) -> Value {
    let event = with(event(comment), "/control/id", json!(control));
    with(event, "/acknowledgement/comment", json!(comment))
}

/// A bridge in front of the world's that has trouble with one control, while it has.
async fn with_trouble(world: &World, control: &'static str) -> (String, Arc<AtomicBool>) {
    let has_trouble = Arc::new(AtomicBool::new(true));
    let (http, url, is_on) =
        (world.http.clone(), format!("{}{ACKNOWLEDGEMENTS}", world.base), has_trouble.clone());
    let relay = async move |headers: HeaderMap, body: Bytes| -> Response {
        let event: Value = serde_json::from_slice(&body).unwrap();
        if is_on.load(Ordering::Acquire) && event["control"]["id"] == control {
            let problem = [(header::CONTENT_TYPE, "application/problem+json")];
            let body = r#"{"title": "A defect of the bridge", "status": 500}"#;
            return (StatusCode::INTERNAL_SERVER_ERROR, problem, body).into_response();
        }
        let post = http.post(&url).header("prefer", "wait=0");
        let post = post.header("content-type", headers["content-type"].clone());
        let answer = post.body(body).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap()).into_response()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().route(ACKNOWLEDGEMENTS, post(relay));
    tokio::spawn(axum::serve(listener, routes).into_future());
    (base, has_trouble)
}

#[tokio::test]
async fn an_event_that_the_bridge_cannot_take_holds_up_its_own_control_alone() {
    let world = World::linked().await;
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let waits = [
        said("good", "first"),
        said("bad", "poison"),
        said("bad", "behind it"),
        said("good", "second"),
        said("other", "third"),
    ];
    for event in &waits {
        spool.keep(event.to_string().as_bytes()).unwrap();
    }
    let (base, has_trouble) = with_trouble(&world, "bad").await;
    let held = output(flush(&base, folder.path(), "1s")).await;
    assert!(!held.status.success(), "{}", text(&held));
    assert!(text(&held).contains("2 wait: 500"), "{}", text(&held));
    assert_eq!(files(folder.path()), [waits[1].to_string(), waits[2].to_string()]);
    // What comes later passes too, and of its control nothing does.
    for event in [said("good", "fourth"), said("bad", "last")] {
        spool.keep(event.to_string().as_bytes()).unwrap();
    }
    output(flush(&base, folder.path(), "1s")).await;
    assert_eq!(waiting(folder.path()), 3);
    has_trouble.store(false, Ordering::Release);
    let rest = output(flush(&base, folder.path(), "50s")).await;
    assert!(rest.status.success(), "{}", text(&rest));
    let expected = [
        ("bad", vec!["poison", "behind it", "last"]),
        ("good", vec!["first", "second", "fourth"]),
        ("other", vec!["third"]),
    ];
    let came = comments(&world).await;
    assert_eq!(came.len(), expected.len());
    for (control, comments) in expected {
        assert_eq!(came[control], comments, "{control}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_bridge_that_was_away_for_an_hour_has_each_acknowledgement_once() {
    const CONTROLS: usize = 25;
    let mut world = World::linked().await;
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    world.stop_bridge().await;
    // Each is told to two contacts, and each control is acknowledged again half an hour later.
    let acknowledged = |control: usize, at: &str, contact: &str| {
        let event = with(event("x"), "/event_id", json!(format!("{control}:{at}")));
        let event = with(event, "/control/id", json!(format!("c{control}")));
        let event = with(event, "/contact", json!(contact));
        with(event, "/acknowledgement/comment", json!(at))
    };
    for (minutes, at) in [(30, "first"), (30, "second")] {
        for control in 0..CONTROLS {
            for contact in ["agatha.christie@demo.com", "claude.monet@demo.com"] {
                let event = acknowledged(control, at, contact).to_string();
                spool.keep(event.as_bytes()).unwrap();
            }
        }
        world.clock.advance(Duration::from_mins(minutes));
        let away = output(flush("http://127.0.0.1:9", folder.path(), "0.3s")).await;
        assert!(!away.status.success(), "{}", text(&away));
    }
    let all = 4 * CONTROLS;
    assert_eq!(waiting(folder.path()), all);
    // An hour has passed for what lies there too.
    let hour =
        std::fs::metadata(folder.path()).unwrap().modified().unwrap() - Duration::from_hours(1);
    for number in 1..=all {
        let file = std::fs::File::open(folder.path().join(format!("{number:012}.json"))).unwrap();
        file.set_modified(hour).unwrap();
    }
    world.start_bridge().await;
    for at_least in [5, 40, 60] {
        let mut killed = flush(&world.base, folder.path(), "50s").spawn().unwrap();
        world
            .until("some are sent", async || {
                (waiting(folder.path()) <= all - at_least).then_some(())
            })
            .await;
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    let rest = output(flush(&world.base, folder.path(), "50s")).await;
    assert!(rest.status.success(), "{}", text(&rest));
    let came = comments(&world).await;
    assert_eq!(came.len(), CONTROLS);
    assert!(came.values().all(|comments| comments == &["first", "second"]), "{came:#?}");
    let rows = world.get(&format!("{ACKNOWLEDGEMENTS}?limit=1000")).await.expect(200);
    for row in rows["items"].as_array().unwrap() {
        world
            .until("it has ended", async || {
                let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", row["id"])).await.expect(200);
                ["created", "reused"].contains(&row["state"].as_str().unwrap()).then_some(())
            })
            .await;
    }
    assert_eq!(world.itop.tickets().await.unwrap().len(), CONTROLS);
    world.finish().await;
}
