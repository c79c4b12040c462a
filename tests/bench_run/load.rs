//! The load generator: connections that each send the next request when the last was answered.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{requests::Requests, wire::Connection};

/// What it took.
pub struct Load {
    /// Until the last answer.
    pub took: Duration,
    /// Microseconds of each request, sorted.
    latencies: Vec<u32>,
}

impl Load {
    /// Of one request or more.
    pub fn of(mut latencies: Vec<u32>, took: Duration) -> Self {
        assert!(!latencies.is_empty(), "nothing was measured");
        latencies.sort_unstable();
        Self { took, latencies }
    }

    pub fn requests(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).expect("fewer than four thousand million"))
    }

    pub fn per_second(&self) -> f64 {
        self.requests() / self.took.as_secs_f64()
    }

    /// The latency that so many of a hundred requests do not exceed, in milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.latencies.len() * percent).div_ceil(100).max(1);
        f64::from(self.latencies[rank - 1]) / 1_000.0
    }
}

/// The instant, for differences far below a millisecond.
#[expect(clippy::disallowed_methods, reason = "the Clock counts in milliseconds")]
pub fn now() -> Instant {
    Instant::now()
}

/// Microseconds since `then`.
pub fn micros_since(then: Instant) -> u32 {
    u32::try_from((now() - then).as_micros()).unwrap_or(u32::MAX)
}

/// Sends on one connection for each source of requests, until `period` is over or they run out.
/// What is answered with an error ends the benchmark: it would measure something else.
pub async fn closed_loop<R: Requests>(
    address: SocketAddr,
    sources: Vec<R>,
    period: Duration,
) -> Load {
    let mut connections = Vec::new();
    for source in sources {
        let connection = Connection::open(address).await.expect("a connection");
        connections.push((connection, source));
    }
    let began = now();
    let mut tasks = JoinSet::new();
    for (mut connection, mut source) in connections {
        tasks.spawn(async move {
            let mut latencies = Vec::with_capacity(16_384);
            while let Some(request) = source.take_next() {
                let sent = now();
                let answer = connection.exchange(request).await.expect("an answer");
                latencies.push(micros_since(sent));
                let body = || String::from_utf8_lossy(answer.body);
                assert!((200..300).contains(&answer.status), "{}: {}", answer.status, body());
                if began.elapsed() >= period {
                    break;
                }
            }
            latencies
        });
    }
    let latencies = tasks.join_all().await;
    Load::of(latencies.concat(), now() - began)
}
