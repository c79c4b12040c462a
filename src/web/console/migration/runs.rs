//! The runs of steps, and what they came to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    domain::ticket_text::Language,
    migrate::{
        report::span,
        staging::{Seen, StepRun},
    },
    web::console::health::grouped,
};

/// The steps for which there are words.
const KNOWN: [&str; 7] =
    ["extract", "load", "verify", "rollback", "delta", "switch", "switch_back"];

/// Whether there is a word for a step.
pub(super) fn is_known(step: &str) -> bool {
    KNOWN.contains(&step)
}

/// A run as the table shows it.
#[derive(Serialize)]
pub(super) struct RunRow {
    step: String,
    is_known: bool,
    began: Option<Timestamp>,
    took: Option<String>,
    /// `under_way`, `ended`, or `broken_off`.
    state: &'static str,
    /// What it came to, by the key of a text.
    came_to: Option<&'static str>,
    /// The numbers of that text, as people read them.
    numbers: [String; 3],
    rate: Option<String>,
}

impl RunRow {
    /// All runs, the newest first.
    pub(super) fn all(seen: &Seen, language: Language) -> Vec<Self> {
        let under_way = seen.under_way().map(|run| run.id);
        let row = |(at, run): (usize, &StepRun)| {
            let (came_to, numbers) = came_to(run).unzip();
            let seconds = run.began.zip(run.ended).map(|(began, ended)| {
                u64::try_from(ended.duration_since(began).as_secs()).unwrap_or(0)
            });
            let rate = rows(run, &seen.steps[at + 1..]).zip(seconds);
            let rate = rate.and_then(|(rows, seconds)| rows.checked_div(seconds));
            Self {
                step: run.step.clone(),
                is_known: is_known(&run.step),
                began: run.began,
                took: seconds.map(span),
                state: match run.ended {
                    Some(_) => "ended",
                    None if under_way == Some(run.id) => "under_way",
                    None => "broken_off",
                },
                came_to,
                numbers: numbers.unwrap_or_default().map(|number| grouped(number, language)),
                rate: rate.filter(|rate| *rate > 0).map(|rate| grouped(rate, language)),
            }
        };
        seen.steps.iter().enumerate().map(row).collect()
    }
}

fn came_to(run: &StepRun) -> Option<(&'static str, [u64; 3])> {
    run.ended?;
    let of = |member: &str| run.came_to[member].as_u64().unwrap_or(0);
    Some(match run.step.as_str() {
        StepRun::EXTRACT => ("extract", [of("objects"), of("gone"), 0]),
        "load" => ("load", [of("created"), of("found"), of("failed")]),
        "rollback" => ("rollback", [of("deleted"), of("kept"), 0]),
        "switch" => ("switch", [of("links"), of("controls"), 0]),
        "switch_back" => ("switch_back", [of("links"), of("controls"), 0]),
        "verify" if run.came_to["is_sound"] == true => ("sound", [compared(run), 0, 0]),
        "verify" => ("differs", [compared(run), Differing::in_run(run).all(), 0]),
        _ => return None,
    })
}

/// How much a run has done, where that is known. A load tells how much is there, also from earlier ones.
fn rows(run: &StepRun, older: &[StepRun]) -> Option<u64> {
    run.ended?;
    match run.step.as_str() {
        StepRun::EXTRACT => run.came_to["objects"].as_u64(),
        "rollback" => run.came_to["deleted"].as_u64(),
        "verify" => Some(compared(run)),
        "load" => {
            let there = run.came_to["created"].as_u64()?;
            let before = older.iter().find(|run| matches!(&*run.step, "load" | "rollback"));
            let before = match before {
                None => 0,
                Some(before) if before.step == "load" => before.came_to["created"].as_u64()?,
                Some(_) => return None,
            };
            there.checked_sub(before)
        }
        _ => None,
    }
}

fn compared(run: &StepRun) -> u64 {
    Differing::in_run(run).0.values().map(|class| class.compared).sum()
}

/// What the last comparison saw, by class.
#[derive(Debug, Default)]
pub(super) struct Differing(BTreeMap<String, OfClass>);

/// What was compared of a class.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OfClass {
    pub(super) compared: u64,
    pub(super) differing: u64,
    pub(super) left_out: u64,
}

impl Differing {
    /// As the newest comparison that has ended saw it.
    pub(super) fn of(steps: &[StepRun]) -> Self {
        let newest = steps.iter().find(|run| run.step == "verify" && run.ended.is_some());
        newest.map(Self::in_run).unwrap_or_default()
    }

    fn in_run(run: &StepRun) -> Self {
        let class = |class: &Value| {
            let name = class["class"].as_str()?.to_owned();
            Some((name, OfClass::deserialize(class).ok()?))
        };
        Self(run.came_to["classes"].as_array().into_iter().flatten().filter_map(class).collect())
    }

    fn all(&self) -> u64 {
        self.0.values().map(|class| class.differing).sum()
    }

    /// Of one class.
    pub(super) fn of_class(&self, class: &str) -> Option<&OfClass> {
        self.0.get(class)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(id: i64, step: &str, minutes: Option<i64>, came_to: Value) -> StepRun {
        let began: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
        let ended = minutes.map(|minutes| began + jiff::SignedDuration::from_mins(minutes));
        StepRun { id, step: step.to_owned(), began: Some(began), ended, came_to }
    }

    #[test]
    fn each_run_says_what_it_came_to_and_how_fast_it_was() {
        let classes =
            json!([{"class": "Incident", "compared": 240, "differing": 2, "left_out": 5}]);
        let seen = Seen {
            steps: vec![
                run(6, "switch", Some(1), json!({"links": 12, "controls": 1_340})),
                run(5, "another", Some(1), Value::Null),
                run(4, "verify", Some(2), json!({"is_sound": false, "classes": classes})),
                run(3, "load", Some(1), json!({"created": 1_300, "found": 1, "failed": 2})),
                run(2, "load", Some(1), json!({"created": 100, "found": 1, "failed": 2})),
                run(1, "extract", None, Value::Null),
            ],
            ..Seen::default()
        };
        let rows = RunRow::all(&seen, Language::En);
        let told = |row: &RunRow| (row.state, row.came_to, row.numbers.join(" "), row.rate.clone());
        let switched = ("ended", Some("switch"), "12 1,340 0".to_owned(), None);
        assert_eq!(told(&rows[0]), switched);
        let rows = &rows[1..];
        assert_eq!(told(&rows[0]), ("ended", None, "0 0 0".to_owned(), None));
        assert_eq!(
            told(&rows[1]),
            ("ended", Some("differs"), "240 2 0".to_owned(), Some("2".to_owned()))
        );
        let load = ("ended", Some("load"), "1,300 1 2".to_owned(), Some("20".to_owned()));
        assert_eq!(told(&rows[2]), load);
        // Less than one a second.
        assert_eq!(rows[3].rate.as_deref(), Some("1"));
        assert_eq!(told(&rows[4]), ("broken_off", None, "0 0 0".to_owned(), None));
        assert_eq!((rows[1].is_known, rows[0].is_known), (true, false));
        let differing = Differing::of(&seen.steps);
        assert_eq!(differing.of_class("Incident").map(|class| class.left_out), Some(5));
        assert!(differing.of_class("Server").is_none());
    }
}
