//! Those beside the crowd, and how they fare.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use servicenav_itop_bridge::clock::{Clock, Stopwatch};

use super::{ACKNOWLEDGEMENTS, BEAT, both::Both};

/// How long the bridge may take to deliver what it has when the crowd has gone.
const PATIENCE: Duration = Duration::from_mins(5);

/// How long answers took, in microseconds, and their statuses.
#[derive(Default)]
pub struct Answers {
    micros: Vec<u64>,
    pub statuses: BTreeMap<u16, usize>,
}

impl Answers {
    fn add(&mut self, micros: u64, status: u16) {
        self.micros.push(micros);
        *self.statuses.entry(status).or_default() += 1;
    }

    pub fn in_words(&mut self) -> String {
        self.micros.sort_unstable();
        let at = |part: f64| {
            let last = self.micros.len().saturating_sub(1);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "an index into some thousands"
            )]
            let index = (last as f64 * part).round() as usize;
            let micros = self.micros.get(index).copied().unwrap_or_default();
            Duration::from_micros(micros).as_secs_f64() * 1_000.0
        };
        let (median, p99, most) = (at(0.5), at(0.99), at(1.0));
        format!("{:?}; median {median:.1} ms, p99 {p99:.1} ms, most {most:.1} ms", self.statuses)
    }
}

/// An event of this company; its id ends where the next one of the same beginning does not.
pub fn event(company: u32, id: &str) -> String {
    json!({
        "event_id": format!("{id}-end"), "created_at": "2026-11-21T09:15:02+01:00",
        "company": {"id": company, "name": format!("Company {company}")},
        "control": {
            "id": format!("control-{id}"), "element_type": "user_service", "name": "Crowd",
            "state": "DEGRADED", "status_changed_at": "2026-11-21T08:14:09Z"
        },
        "acknowledgement": {"author": "crowd", "comment": "one of many"}
    })
    .to_string()
}

/// Posts one event after the other as an honest sender does, until it is told to stop.
pub async fn honest(base: String, until: Arc<AtomicU64>) -> (Vec<String>, Answers) {
    let (clock, http) = (Clock::system(), reqwest::Client::new());
    let (mut events, mut answers) = (Vec::new(), Answers::default());
    while until.load(Ordering::Relaxed) == 0 {
        let id = format!("honest-{}", events.len());
        let post = http.post(format!("{base}{ACKNOWLEDGEMENTS}")).bearer_auth("honest");
        let post = post.header("content-type", "application/json").header("prefer", "wait=0");
        let watch = Stopwatch::start();
        let answer = post.body(event(42, &id)).send().await;
        answers.add(watch.micros(), answer.map_or(0, |answer| answer.status().as_u16()));
        events.push(format!("{id}-end"));
        clock.sleep(BEAT).await;
    }
    (events, answers)
}

/// Looks at a page or a call again and again.
pub async fn looks(base: String, path: &'static str, until: Arc<AtomicU64>) -> Answers {
    let (clock, http) = (Clock::system(), reqwest::Client::new());
    let mut answers = Answers::default();
    while until.load(Ordering::Relaxed) == 0 {
        let watch = Stopwatch::start();
        let asked = http.get(format!("{base}{path}")).bearer_auth("honest").send().await;
        let status = match asked {
            Ok(answer) => {
                let status = answer.status().as_u16();
                if answer.bytes().await.is_ok() { status } else { 0 }
            }
            Err(_) => 0,
        };
        answers.add(watch.micros(), status);
        clock.sleep(BEAT).await;
    }
    answers
}

/// How many tickets name each of these events, once each has one, or the time is up.
pub async fn tickets(both: &Both, events: &[String]) -> BTreeMap<String, u32> {
    let (clock, http) = (Clock::system(), reqwest::Client::new());
    let deadline = clock.now() + PATIENCE;
    loop {
        let answer = http.get(format!("{}/sandbox/tickets", both.itop_base)).send().await;
        let text =
            answer.expect("the simulated iTop answers").text().await.expect("a whole answer");
        let list: Value = serde_json::from_str(&text).expect("JSON");
        let mut tickets = BTreeMap::new();
        for ticket in list.as_array().expect("a list of tickets") {
            let description = ticket["description"].as_str().unwrap_or_default();
            for event in events.iter().filter(|event| description.contains(*event)) {
                *tickets.entry(event.clone()).or_default() += 1;
            }
        }
        if tickets.len() >= events.len() || clock.now() > deadline {
            return tickets;
        }
        clock.sleep(Duration::from_secs(1)).await;
    }
}
