//! Those that make the crowd. Each begins again when it was cut.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use servicenav_itop_bridge::clock::{Clock, Stopwatch};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{ACKNOWLEDGEMENTS, BEAT, honest::event};

/// What each answer begins with.
const HEAD: &[u8] = b"HTTP/1.1 ";

/// Requests a second of the wild token, and on how many connections.
pub const STORM: usize = 10_000;
pub const STORM_CONNECTIONS: usize = 40;

/// What is never sent to its end.
const GIGABYTE: usize = 1 << 30;

pub fn request(method: &str, path: &str, token: &str, body: &str, length: usize) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nprefer: wait=0\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Says nothing.
pub async fn idle(address: String) {
    let clock = Clock::system();
    loop {
        if let Ok(mut connection) = TcpStream::connect(&address).await {
            while connection.read(&mut [0; 16]).await.is_ok_and(|bytes| bytes > 0) {}
        }
        clock.sleep(BEAT).await;
    }
}

/// Says the beginning, and of the rest a byte each second.
pub async fn slow(address: String, begun: String, rest: String, cut: Arc<AtomicU64>) {
    let clock = Clock::system();
    loop {
        if let Ok(mut connection) = TcpStream::connect(&address).await {
            let mut goes_on = connection.write_all(begun.as_bytes()).await.is_ok();
            for byte in rest.as_bytes().iter().map(std::slice::from_ref) {
                goes_on = goes_on && connection.write_all(byte).await.is_ok();
                if !goes_on {
                    break;
                }
                clock.sleep(Duration::from_secs(1)).await;
            }
        }
        cut.fetch_add(1, Ordering::Relaxed);
        clock.sleep(BEAT).await;
    }
}

/// Asks for a lot, and reads nothing of it.
pub async fn deaf(address: String, asks: String, cut: Arc<AtomicU64>) {
    let clock = Clock::system();
    loop {
        if let Ok(mut connection) = TcpStream::connect(&address).await {
            let mut goes_on = connection.write_all(asks.as_bytes()).await.is_ok();
            while goes_on {
                clock.sleep(Duration::from_secs(1)).await;
                goes_on = connection.write_all(b" ").await.is_ok();
            }
        }
        cut.fetch_add(1, Ordering::Relaxed);
        clock.sleep(BEAT).await;
    }
}

/// Sends a gigabyte until it is refused, again and again; counts refusals, and what was sent at most.
pub async fn endless(address: String, refused: Arc<AtomicU64>, most: Arc<AtomicU64>) {
    let (clock, piece) = (Clock::system(), vec![b' '; 64 << 10]);
    loop {
        if let Ok(mut connection) = TcpStream::connect(&address).await {
            let head = request("POST", ACKNOWLEDGEMENTS, "endless", "", GIGABYTE);
            let _ = connection.write_all(head.as_bytes()).await;
            let mut sent = 0;
            while sent < GIGABYTE && connection.write_all(&piece).await.is_ok() {
                sent += piece.len();
            }
            most.fetch_max(sent as u64, Ordering::Relaxed);
            let mut answer = vec![0; 4096];
            let read = connection.read(&mut answer).await.unwrap_or_default();
            if answer[..read].starts_with(b"HTTP/1.1 413 ") {
                refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        clock.sleep(BEAT).await;
    }
}

/// What the storm has got back, by status; 0 for connections that were lost.
pub type Statuses = Arc<Mutex<BTreeMap<u16, u64>>>;

/// One connection of the storm: what is due is sent at once, and each answer is counted.
pub async fn storm(address: String, number: usize, statuses: Statuses) {
    let clock = Clock::system();
    let a_beat = STORM / STORM_CONNECTIONS / 10;
    let count =
        |status: u16| *statuses.lock().expect("nobody panics here").entry(status).or_default() += 1;
    let mut sent = 0_u64;
    loop {
        let Ok(connection) = TcpStream::connect(&address).await else {
            count(0);
            clock.sleep(BEAT).await;
            continue;
        };
        let (mut reader, mut writer) = connection.into_split();
        let sending = async {
            loop {
                let watch = Stopwatch::start();
                let mut all = String::new();
                for _ in 0..a_beat {
                    let event = event(77, &format!("wild-{number}-{sent}"));
                    all += &request("POST", ACKNOWLEDGEMENTS, "wild", &event, event.len());
                    sent += 1;
                }
                if writer.write_all(all.as_bytes()).await.is_err() {
                    return;
                }
                clock.sleep(BEAT.saturating_sub(Duration::from_micros(watch.micros()))).await;
            }
        };
        let reading = async {
            let (mut text, mut read) = (Vec::new(), vec![0; 64 << 10]);
            while let Ok(bytes @ 1..) = reader.read(&mut read).await {
                text.extend_from_slice(&read[..bytes]);
                let mut from = 0;
                while let Some(at) = find(&text[from..], HEAD) {
                    let status = from + at + HEAD.len();
                    let Some(digits) = text.get(status..status + 3) else { break };
                    count(
                        std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok()).unwrap_or(0),
                    );
                    from = status + 3;
                }
                // The beginning of a head may be there already.
                let kept = from.max(text.len().saturating_sub(HEAD.len() + 2));
                text.drain(..kept);
            }
        };
        tokio::select! {
            () = sending => {}
            () = reading => {}
        }
        count(0);
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
