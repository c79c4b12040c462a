//! The connections themselves: senders that close, that are slow, that say nothing, and that are many.

use std::time::Duration;

use itop_sandbox::Options;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{ACKNOWLEDGEMENTS, World, event};

/// A connection to the bridge.
async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.base.trim_start_matches("http://")).await.unwrap()
}

/// A request as it stands on the wire.
fn request(method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

fn post(event: &Value) -> String {
    request("POST", ACKNOWLEDGEMENTS, &event.to_string())
}

/// Reads until the bridge closes the connection.
async fn read_to_end(connection: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let all = connection.read_to_end(&mut read);
    // One that is reset is closed too.
    let _ = tokio::time::timeout(Duration::from_mins(1), all).await.expect("it is closed");
    String::from_utf8_lossy(&read).into_owned()
}

/// Waits until the bridge has closed the connection, its clock moved on again and again.
async fn until_closed(world: &World, connection: &mut TcpStream, steps: Duration) -> String {
    let mut read = Vec::new();
    let deadline = servicenav_itop_bridge::clock::Clock::system();
    let (began, patience) = (deadline.now(), Duration::from_mins(1));
    loop {
        let mut chunk = [0; 1024];
        let bytes = tokio::time::timeout(Duration::from_millis(20), connection.read(&mut chunk));
        match bytes.await {
            Ok(Ok(0) | Err(_)) => return String::from_utf8_lossy(&read).into_owned(),
            Ok(Ok(bytes)) => read.extend_from_slice(&chunk[..bytes]),
            Err(_) => world.clock.advance(steps),
        }
        let waited = deadline.now().duration_since(began);
        assert!(waited < patience.try_into().unwrap(), "it was not closed");
    }
}

#[tokio::test]
async fn a_sender_that_closes_after_its_request_is_heard() {
    let world = World::linked().await;
    world.read_lists().await;
    for number in 0..60 {
        let mut sender = connect(&world).await;
        sender.write_all(post(&event(&format!("gone-{number}"))).as_bytes()).await.unwrap();
        drop(sender);
    }
    let created = async || {
        let rows = world.get(&format!("{ACKNOWLEDGEMENTS}?state=created&limit=100")).await;
        (rows.expect(200)["items"].as_array().unwrap().len() == 60).then_some(())
    };
    world.until("all have their tickets", created).await;
    assert_eq!(world.itop.tickets().await.unwrap().len(), 60);
    world.finish().await;
}

#[tokio::test]
async fn a_sender_that_closes_its_half_is_answered() {
    let world = World::linked().await;
    let mut sender = connect(&world).await;
    sender.write_all(post(&event("half")).as_bytes()).await.unwrap();
    sender.shutdown().await.unwrap();
    let answer = read_to_end(&mut sender).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.contains("\"state\":\"created\""), "{answer}");
    world.finish().await;
}

#[tokio::test]
async fn requests_that_come_one_behind_the_other_are_all_done_though_nobody_takes_the_answers() {
    let world = World::linked().await;
    let mut sender = connect(&world).await;
    let both = [post(&event("first")), post(&event("second"))].concat();
    sender.write_all(both.as_bytes()).await.unwrap();
    // Closed with what comes unread, the peer refuses each further answer.
    drop(sender);
    for key in ["first", "second"] {
        let path = format!("/api/v1/controls/control-{key}/ticket");
        world
            .until("it has its ticket", async || {
                let known = world.get(&path).await;
                (known.status == 200 && known.body["ticket"]["ref"].is_string()).then_some(())
            })
            .await;
    }
    world.finish().await;
}

#[tokio::test]
async fn connections_that_say_nothing_make_room() {
    let world = World::with(Options::default(), |config| config.server.max_connections = 8).await;
    let mut silent = Vec::new();
    for number in 0..40 {
        let mut connection = connect(&world).await;
        if number % 2 == 0 {
            // Half a header is none.
            connection.write_all(b"GET /healthz HTTP/1.1\r\nhost: loc").await.unwrap();
        }
        silent.push(connection);
    }
    let asking = tokio::spawn(world.http.get(format!("{}/healthz", world.base)).send());
    let asked = async || {
        world.clock.advance(Duration::from_secs(1));
        asking.is_finished().then_some(())
    };
    world.until("somebody who has a request is answered", asked).await;
    assert_eq!(asking.await.unwrap().unwrap().status(), 200);
    drop(silent);
    world.finish().await;
}

#[tokio::test]
async fn what_does_not_come_in_time_is_not_waited_for() {
    let world = World::linked().await;
    // Neither a request, nor the rest of a header, nor that of a body.
    let whole = post(&event("late"));
    let cut = &whole[..whole.len() - 10];
    for sent in ["", "GET /healthz HTTP/1.1\r\nhost: loc", cut] {
        let mut connection = connect(&world).await;
        connection.write_all(sent.as_bytes()).await.unwrap();
        let answer = until_closed(&world, &mut connection, Duration::from_secs(5)).await;
        assert_eq!(answer, "", "{sent}");
    }
    // One that is used again lives on.
    let mut connection = connect(&world).await;
    for _ in 0..5 {
        connection.write_all(request("GET", "/healthz", "").as_bytes()).await.unwrap();
        let mut chunk = [0; 1024];
        assert!(connection.read(&mut chunk).await.unwrap() > 0);
        world.clock.advance(Duration::from_secs(30));
    }
    let rows = world.get(ACKNOWLEDGEMENTS).await.expect(200);
    assert_eq!(rows["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn long_bodies_that_do_not_come_hold_up_no_short_one() {
    let world = World::linked().await;
    let list = json!(vec![event("list"); 200]).to_string();
    assert!(list.len() > 100 * 1024, "{}", list.len());
    let list = request("POST", ACKNOWLEDGEMENTS, &list);
    let mut unfinished = Vec::new();
    for _ in 0..20 {
        let mut connection = connect(&world).await;
        connection.write_all(&list.as_bytes()[..list.len() / 2]).await.unwrap();
        unfinished.push(connection);
    }
    world.acknowledge(&event("short")).await.expect(201);
    // One that comes whole has its turn when they have gone.
    let mut connection = connect(&world).await;
    connection.write_all(list.as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    drop(unfinished);
    let answer = read_to_end(&mut connection).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    world.finish().await;
}
