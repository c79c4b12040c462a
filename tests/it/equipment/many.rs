//! 50,000 rows: taken as they come, and an unchanged list costs no commit.

use std::{io::Write as _, time::Duration};

use flate2::{Compression, write::GzEncoder};
use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{EQUIPMENT, OF_42, counts, rows, send, world};
use crate::world::World;

const ROWS: usize = 50_000;

fn list(changed: usize) -> String {
    let mut list = String::new();
    for number in 0..ROWS {
        let row = json!({
            "id": format!("eq-{number}"), "name": format!("srv-{number:05}.example.com"),
            "address": format!("10.{}.{}.7", number / 250, number % 250),
            "category": "Windows server", "site": "Lyon", "criticality": "high",
            "manufacturer": "Dell", "model": if number < changed { "R750" } else { "R740" },
            "serial_number": format!("SN-{number}"), "os": "Windows Server", "os_version": "2022",
            "purchase_date": "2024-05-01", "description": "Rack B2, second row, behind the door.",
        });
        list.push_str(&row.to_string());
        list.push('\n');
    }
    list
}

/// When the last list came, as it is stored.
async fn listed_at(world: &World) -> i64 {
    world
        .look(|db| db.query_row("SELECT listed_at FROM equipment_lists", [], |row| row.get(0)))
        .await
}

#[tokio::test]
async fn a_whole_list_is_taken_and_the_same_again_is_free() {
    let world = world().await;
    let whole = list(0);
    let put = async |list: String| {
        send(&world, Method::PUT, OF_42, "application/x-ndjson", list).await.expect(200)
    };
    assert_eq!(counts(&put(whole.clone()).await), [("new", 50_000)]);
    let first = listed_at(&world).await;
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(counts(&put(whole.clone()).await), [("unchanged", 50_000)]);
    assert_eq!(listed_at(&world).await, first, "an unchanged list is written nowhere");
    // But for the hour in which it came: whoever looks sees that lists still come.
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(counts(&put(whole).await), [("unchanged", 50_000)]);
    assert!(listed_at(&world).await > first);
    let hundred = list(100);
    assert_eq!(counts(&put(hundred).await), [("changed", 100), ("unchanged", 49_900)]);
    // Looking at it takes as long as ever.
    let found = world.get(&format!("{EQUIPMENT}?q=srv-49999&count=true")).await.expect(200);
    assert_eq!(found["items"][0]["id"], "eq-49999");
    assert_eq!(found["counts"]["new"], 50_000);
    let one_more = list(0) + "{\"id\": \"x\", \"name\": \"x\"}\n";
    let refused = send(&world, Method::PUT, OF_42, "application/x-ndjson", one_more).await;
    let said = refused.problem(422, "invalid");
    assert!(said.contains("line 50001: a list may have at most 50000 rows"), "{said}");
    world.finish().await;
}

#[tokio::test]
async fn a_list_that_is_too_long_is_refused_while_it_comes() {
    let world = world().await;
    let row = format!("{{\"id\": 1, \"name\": \"x\", \"rack\": \"{}\"}}\n", "x".repeat(1 << 20));
    let row = row.repeat(40);
    // Packed it is short, and says nothing of how long it is.
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(row.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1 << 20, "{}", packed.len());
    for body in [row.into_bytes(), packed] {
        let refused = send(&world, Method::PUT, OF_42, "application/x-ndjson", body).await;
        let said = refused.problem(413, "too-large");
        assert!(said.contains("33554432"), "{said}");
    }
    assert_eq!(world.get(OF_42).await.expect(200)["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_list_that_breaks_off_between_two_rows_changes_nothing() {
    let world = world().await;
    world.put(OF_42, &rows(1..=3)).await.expect(200);
    let before = world.get(OF_42).await.expect(200);
    let row = "{\"id\": 1, \"name\": \"x\"}\n";
    let length = format!("Content-Length: {}", 2 * row.len());
    let piece = format!("{:x}\r\n{row}\r\n", row.len());
    let chunked = "Transfer-Encoding: chunked".to_owned();
    for (length, piece) in [(length, row.to_owned()), (chunked, piece)] {
        let address = world.base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "PUT {OF_42} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-ndjson\r\n\
             {length}\r\n\r\n{piece}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.is_empty() || answer.contains("It broke off"), "{answer}");
        assert_eq!(world.get(OF_42).await.expect(200), before, "{length}");
    }
    world.finish().await;
}
