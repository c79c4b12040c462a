//! `show`: one acknowledgement, with all that is known of it.

use std::{fmt::Write as _, process::ExitCode};

use jiff::Timestamp;
use serde_json::Value;

use super::{ACKNOWLEDGEMENTS, called, tone};
use crate::{
    cli::{
        bridge::Bridge,
        desks, print,
        screen::{Screen, Tone, age, harmless_json, plain},
    },
    clock::Clock,
};

/// Which one.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    bridge: Bridge,
    /// Its number, as list has it
    id: i64,
    /// Also what would be sent now, and what iTop has refused
    #[arg(long)]
    request: bool,
    /// For programs: the answer of the API; with --request that about the request
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(in crate::cli) async fn run(self) -> anyhow::Result<ExitCode> {
        let path = format!("{ACKNOWLEDGEMENTS}/{}", self.id);
        let request = if self.request {
            Some(self.bridge.get(&format!("{path}/request")).await?)
        } else {
            None
        };
        if let Some(request) = request.as_ref().filter(|_| self.json) {
            print::json(&request.text)?;
            return Ok(ExitCode::SUCCESS);
        }
        let answer = self.bridge.get(&path).await?;
        if self.json {
            print::json(&answer.text)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut shown = shown(&answer.body, Screen::stdout(), Clock::system().now());
        if let Some(request) = request {
            let why = request.body["why_not_now"].as_str().map(|why| Value::from(plain(why)));
            let now = Some(&request.body["now"]).filter(|now| !now.is_null());
            section(&mut shown, "Would be sent now", now.or(why.as_ref()));
            section(&mut shown, "Refused by iTop", Some(&request.body["refused"]));
        }
        print::bytes(shown.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The whole row, as lines.
fn shown(row: &Value, screen: Screen, now: Timestamp) -> String {
    let text = |value: &Value| value.as_str().map(plain).filter(|text| !text.is_empty());
    let when = |value: &Value| {
        let time = text(value)?;
        let ago = time.parse().map(|since| format!(" ({} ago)", age(since, now)));
        Some(time + ago.unwrap_or_default().as_str())
    };
    let both = |named: &Value, key: &str| {
        let (name, key) = (text(&named["name"]), text(&named[key]));
        match (name, key) {
            (Some(name), Some(key)) if name != key => Some(format!("{name} ({key})")),
            (name, key) => name.or(key),
        }
    };
    let state = text(&row["state"]).unwrap_or_default();
    let toned = screen.toned(tone(&state), &state);
    let problem = &row["problem"];
    let problem = text(&problem["message"])
        .map(|said| format!("{said} ({})", text(&problem["code"]).unwrap_or_default()));
    let ticket = &row["ticket"];
    let number = text(&ticket["ref"]);
    let ticket =
        number.map(|number| format!("{number}  {}", text(&ticket["url"]).unwrap_or_default()));
    let next = text(&row["next_attempt_at"]).filter(|_| row["ended_at"].is_null());
    let mut shown = String::new();
    for (name, value) in [
        ("Acknowledgement", Some(row["id"].to_string())),
        ("State", Some(toned)),
        ("Problem", problem),
        ("Reason", text(&row["reason"])),
        ("Ticket", ticket),
        ("Desk", desks::named(&row["ticket"]).unless_itop().map(|desk| desk.title().to_owned())),
        ("Company", both(&row["company"], "key")),
        ("Control", both(&row["control"], "id")),
        ("Instance", text(&row["instance"])),
        ("Event", text(&row["event_id"])),
        ("Kind", text(&row["event_type"]).filter(|kind| kind != "acknowledgement")),
        ("Received", when(&row["received_at"])),
        ("Changed", when(&row["updated_at"])),
        ("Next attempt", next),
    ] {
        if let Some(value) = value {
            // Writing to a text cannot fail.
            let _ = writeln!(shown, "{name:<16} {value}");
        }
    }
    for warning in row["warnings"].as_array().into_iter().flatten().filter_map(text) {
        let _ =
            writeln!(shown, "{:<16} {}", "Warning", screen.toned(Some(Tone::Doubtful), &warning));
    }
    for attempt in row["history"].as_array().into_iter().flatten() {
        let (times, said) = (attempt["times"].as_u64().unwrap_or(1), text(&attempt["message"]));
        let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
        let (last, said) = (text(&attempt["last_at"]), said.unwrap_or_default());
        let _ = writeln!(shown, "{:<16} {}  {said}{times}", "Attempt", last.unwrap_or_default());
    }
    for action in row["actions"].as_array().into_iter().flatten() {
        let member = |name: &str| text(&action[name]).unwrap_or_default();
        let reason = text(&action["reason"]).map(|reason| format!(": {reason}"));
        let reason = reason.unwrap_or_default();
        let (at, what, by) = (member("at"), member("what"), member("by"));
        let _ = writeln!(shown, "{:<16} {at}  {what} by {by}{reason}", "Action");
    }
    section(&mut shown, "Body", Some(&row["body"]));
    shown
}

/// A part of its own: JSON as it is read best, or a text.
fn section(shown: &mut String, heading: &str, value: Option<&Value>) {
    let Some(value) = value.filter(|value| !value.is_null()) else { return };
    let text = match value {
        Value::String(text) => text.lines().map(plain).collect::<Vec<_>>().join("\n"),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    let _ = writeln!(shown, "\n{heading}\n{}", harmless_json(&text));
}

/// What a row is about, in a few words.
pub(super) fn about(row: &Value) -> String {
    plain(&format!("{} {}", called(&row["company"]), called(&row["control"])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_of_a_row_is_shown_and_nothing_of_it_is_obeyed() {
        let row = json!({
            "id": 7, "state": "failed", "instance": "default", "event_id": "e\u{1b}[2J7",
            "event_type": "acknowledgement",
            "company": {"key": "id:42", "name": "De\u{9b}31mmo"},
            "control": {"id": "svc-1", "name": "svc-1"},
            "problem": {"code": "refused-by-itop", "message": "iTop:\nno \u{1b}]0;x\u{7}value"},
            "ticket": null, "warnings": ["Contact left out"], "next_attempt_at": null,
            "received_at": "2026-11-21T09:15:02Z", "updated_at": "2026-11-21T09:16:02Z",
            "ended_at": null,
            "history": [{"code": "x", "message": "refused", "times": 3,
                         "first_at": "2026-11-21T09:15:02Z", "last_at": "2026-11-21T09:16:02Z"}],
            "actions": [{"at": "2026-11-21T09:16:02Z", "by": "ops", "what": "retried", "reason": null}],
            "body": {"event_id": "e\u{9b}7"},
        });
        let now = "2026-11-21T09:20:02Z".parse().unwrap();
        let told = shown(&row, Screen::PIPED, now);
        assert_eq!(
            told,
            "Acknowledgement  7\n\
             State            failed\n\
             Problem          iTop: no value (refused-by-itop)\n\
             Company          De31mmo (id:42)\n\
             Control          svc-1\n\
             Instance         default\n\
             Event            e7\n\
             Received         2026-11-21T09:15:02Z (5 min ago)\n\
             Changed          2026-11-21T09:16:02Z (4 min ago)\n\
             Warning          Contact left out\n\
             Attempt          2026-11-21T09:16:02Z  refused (3 times)\n\
             Action           2026-11-21T09:16:02Z  retried by ops\n\
             \n\
             Body\n{\n  \"event_id\": \"e\\u009b7\"\n}\n"
        );
    }
}
