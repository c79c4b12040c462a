//! What came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use servicenav_itop_bridge::clock::Clock;

use crate::{plan::Plan, processes::Processes, sending::Accepted};

/// Acknowledgements that do not have exactly one ticket, or one of others.
pub struct Outcome {
    pub lost: Vec<String>,
    pub duplicated: Vec<String>,
    /// Those in a ticket of another company, or of a desk where their company never was.
    pub foreign: Vec<String>,
}

/// What stands in one place of a ticket, and whose that ticket is.
pub struct Told {
    /// Whether it is the description, which tells of one acknowledgement alone.
    pub is_description: bool,
    pub text: String,
    /// The organization of iTop by its key, or the Account by its name.
    pub org: String,
}

impl Outcome {
    /// Counts the tickets, and lines in tickets, of each acknowledgement by the event id that stands there.
    pub async fn count(plan: &Plan, processes: &Processes, accepted: &Accepted) -> Self {
        let mut tickets = BTreeMap::<String, u32>::new();
        let (mut foreign, prefix) = (BTreeSet::new(), format!("torture-{}-", plan.seed));
        for Told { is_description, text, org } in processes.told().await {
            let ids = text.match_indices(&prefix).filter_map(|(start, _)| {
                let rest = &text[start..];
                Some(&rest[..rest.find("-end")? + "-end".len()])
            });
            let ids: Vec<_> = if is_description {
                // It may stand there more than once.
                let ids: BTreeSet<_> = ids.collect();
                assert_eq!(ids.len(), 1, "a ticket names one event: {text}");
                ids.into_iter().collect()
            } else {
                ids.collect()
            };
            for id in ids {
                *tickets.entry(id.to_owned()).or_default() += 1;
                if !is_at_home(plan, id, &org) {
                    foreign.insert(id.to_owned());
                }
            }
        }
        let events: Vec<_> = accepted.events.iter().map(|number| plan.event_id(*number)).collect();
        let lost = events.iter().filter(|event| !tickets.contains_key(*event)).cloned().collect();
        let several = tickets.into_iter().filter(|(_, count)| *count > 1);
        let duplicated = several.map(|(event, _)| event).collect();
        Self { lost, duplicated, foreign: foreign.into_iter().collect() }
    }
}

/// Whether the company of an event can have its tickets there.
fn is_at_home(plan: &Plan, event_id: &str, org: &str) -> bool {
    let number = event_id.rsplit('-').nth(1).and_then(|number| number.parse().ok());
    let company = plan.company(number.expect("the number of an event stands in its id"));
    let in_itop = company.itop.is_some_and(|(_, key, _)| key.to_string() == org);
    // A real iTop has keys of its own.
    in_itop || company.salesforce.is_some_and(|(name, _)| name == org) || plan.itop.is_some()
}

/// Waits until the inbox has nothing under way; false if that takes too long.
pub async fn drained(base: &str, patience: Duration) -> bool {
    let clock = Clock::system();
    let http = reqwest::Client::new();
    let deadline = clock.now() + patience;
    while clock.now() < deadline {
        if let Ok(answer) = http.get(format!("{base}/readyz")).send().await {
            let text = answer.text().await.unwrap_or_default();
            let ready: Value = serde_json::from_str(&text).unwrap_or_default();
            let left =
                ["accepted", "creating", "unknown"].map(|state| ready["inbox"][state].as_u64());
            if left == [Some(0); 3] {
                return true;
            }
        }
        clock.sleep(Duration::from_millis(100)).await;
    }
    false
}
