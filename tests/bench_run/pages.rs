//! People who have the board open: what deliveries notice of them.

use std::{net::SocketAddr, time::Duration};

use servicenav_itop_bridge::clock::Clock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    flood::{SLOW, creates_per_second, post},
    load::{Load, micros_since, now},
    measure::median,
    report::Line,
    requests,
    wire::Connection,
    world::World,
};

const PAGES: usize = 200;
const EVENTS: u32 = 600;
/// Of each, in turns.
const ROUNDS: usize = 3;
/// How long a page waits at least before it shows the next change (`live.js`).
const LEAST_PAUSE: Duration = Duration::from_secs(2);
/// A slow bridge is asked less often: by so many times what its answer took.
const SHARE: u32 = 20;

/// The same deliveries with nobody looking, and with 200 boards that follow them.
pub async fn open() -> Vec<Line> {
    let (mut alone, mut watched, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(drain(0).await.0);
        let (rate, load) = drain(PAGES).await;
        watched.push(rate);
        looks.extend(load);
    }
    let looks = Load::of(looks, Duration::ZERO);
    vec![
        Line::new("600 at once, 200 open boards: creates", median(watched), "/s")
            .beside(median(alone))
            .ratio_at_least(0.95),
        Line::new("600 at once, 200 open boards: a board anew, p95", looks.percentile(95), "ms"),
        Line::new("600 at once, 200 open boards: boards read anew", looks.requests(), ""),
    ]
}

/// Creates a second, and the microseconds of each look of a page.
async fn drain(pages: usize) -> (f64, Vec<u32>) {
    let world = World::linked(&SLOW).await;
    let mut open = JoinSet::new();
    for _ in 0..pages {
        let stream = Stream::open(world.bridge.address).await;
        open.spawn(stream.follow(world.bridge.address));
    }
    let before = world.seen("core/create").await;
    post(&world, EVENTS).await;
    let rate = creates_per_second(&world, before, EVENTS).await;
    // Without the bridge each page ends, and tells what it saw.
    drop(world);
    let looks = open.join_all().await;
    assert!(looks.iter().all(|looks| !looks.is_empty()), "a board was told nothing");
    (rate, looks.concat())
}

/// The changes that a page is told.
struct Stream(TcpStream);

impl Stream {
    async fn open(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let asked = requests::get("/api/v1/tickets/stream");
        stream.write_all(&asked).await.expect("a connection that takes a request");
        let mut told = Self(stream);
        assert!(told.is_told("event: ready").await, "no stream");
        told
    }

    /// Waits for this among what is told; false at the end.
    async fn is_told(&mut self, what: &str) -> bool {
        let mut text = Vec::new();
        loop {
            match self.0.read_buf(&mut text).await {
                Ok(0) | Err(_) => return false,
                Ok(_) if String::from_utf8_lossy(&text).contains(what) => return true,
                Ok(_) => {}
            }
        }
    }

    /// Reads the board anew after each change, as `live.js` does.
    async fn follow(mut self, address: SocketAddr) -> Vec<u32> {
        let clock = Clock::system();
        let page = requests::get("/");
        let mut connection = Connection::open(address).await.expect("a connection");
        let mut looks = Vec::new();
        while self.is_told("event: control").await {
            let sent = now();
            let Ok(answer) = connection.exchange(&page).await else { break };
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(answer.body));
            looks.push(micros_since(sent));
            clock.sleep(LEAST_PAUSE.max(sent.elapsed() * SHARE)).await;
        }
        looks
    }
}
