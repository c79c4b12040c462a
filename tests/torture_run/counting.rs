//! What came of it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use servicenav_itop_bridge::clock::Clock;

use crate::{plan::Plan, processes::Processes, sending::Accepted};

/// Acknowledgements that do not have exactly one ticket.
pub struct Outcome {
    pub lost: Vec<String>,
    pub duplicated: Vec<String>,
}

impl Outcome {
    /// Counts the tickets of each acknowledgement by the event id in their descriptions.
    pub async fn count(plan: &Plan, processes: &Processes, accepted: &Accepted) -> Self {
        let mut tickets = BTreeMap::<String, u32>::new();
        let prefix = format!("torture-{}-", plan.seed);
        for description in processes.descriptions().await {
            let ids = description.match_indices(&prefix).filter_map(|(start, _)| {
                let rest = &description[start..];
                Some(&rest[..rest.find("-end")? + "-end".len()])
            });
            let ids: std::collections::BTreeSet<_> = ids.collect();
            assert_eq!(ids.len(), 1, "a ticket names one event: {description}");
            for id in ids {
                *tickets.entry(id.to_owned()).or_default() += 1;
            }
        }
        let events: Vec<_> = accepted.events.iter().map(|number| plan.event_id(*number)).collect();
        let lost = events.iter().filter(|event| !tickets.contains_key(*event)).cloned().collect();
        let several = tickets.into_iter().filter(|(_, count)| *count > 1);
        Self { lost, duplicated: several.map(|(event, _)| event).collect() }
    }
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
