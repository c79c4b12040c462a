//! Senders that post until they are answered, as ServiceNav would, some of them twice at once.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use servicenav_itop_bridge::clock::Clock;

use crate::plan::{FaultSet, Plan};

/// Senders at once.
const SENDERS: u32 = 8;

/// What was answered 2xx.
#[derive(Debug, Default)]
pub struct Accepted {
    pub events: BTreeSet<u32>,
    pub posts: u64,
}

impl Accepted {
    pub fn len(&self) -> usize {
        self.events.len()
    }
}

/// Posts all acknowledgements, each until it is answered 2xx.
pub async fn send_all(plan: Arc<Plan>, set: FaultSet, base: String) -> Accepted {
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| tokio::spawn(send_some(plan.clone(), set, base.clone(), sender)))
        .collect();
    let mut all = Accepted::default();
    for sender in senders {
        let some = sender.await.expect("a sender ends");
        all.events.extend(some.events);
        all.posts += some.posts;
    }
    all
}

async fn send_some(plan: Arc<Plan>, set: FaultSet, base: String, sender: u32) -> Accepted {
    let clock = Clock::system();
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a client without options");
    let url = format!("{base}/api/v1/acknowledgements");
    let mut random = StdRng::seed_from_u64(plan.seed.wrapping_add(u64::from(sender) << 32));
    let mut accepted = Accepted::default();
    for number in (sender..plan.acks).step_by(SENDERS as usize) {
        let body = plan.event(number).to_string();
        let twice = random.random_bool(0.2);
        loop {
            let post = || {
                let request = http.post(&url).header("content-type", "application/json");
                request.header("prefer", "wait=0").body(body.clone()).send()
            };
            accepted.posts += 1 + u64::from(twice);
            let answers = if twice {
                let (one, two) = tokio::join!(post(), post());
                vec![one, two]
            } else {
                vec![post().await]
            };
            let is_accepted = |answer: &Result<reqwest::Response, _>| {
                answer.as_ref().is_ok_and(|answer| answer.status().is_success())
            };
            if answers.iter().any(is_accepted) {
                accepted.events.insert(number);
                break;
            }
            clock.sleep(Duration::from_millis(20)).await;
        }
        let pause = plan.pause_ms(set, SENDERS);
        clock.sleep(Duration::from_millis(random.random_range(0..=2 * pause))).await;
    }
    accepted
}
