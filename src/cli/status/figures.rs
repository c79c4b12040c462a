//! What a bridge tells of itself, judged and shown.

use std::{borrow::Cow, fmt::Write as _};

use jiff::Timestamp;
use serde_json::Value;

use super::{Bounds, SERVICE, Verdict};
use crate::{
    cli::{
        desks, print,
        screen::{Screen, Tone, age, plain, span},
    },
    clock::elapsed,
    desk::DeskName,
};

/// One thing that is looked at.
struct Figure {
    name: Cow<'static, str>,
    value: String,
    verdict: Verdict,
    /// What is the matter, where something is.
    matter: String,
    /// As plugins write it.
    performance: Option<String>,
}

/// All of them.
pub(super) struct Figures {
    figures: Vec<Figure>,
    /// What is said where nothing is the matter.
    calm: &'static str,
}

impl Figures {
    /// Reads the answer of `/readyz` or `/api/v1/health`.
    pub(super) fn of(answer: &Value, bounds: &Bounds, now: Timestamp) -> Self {
        let mut figures = gates(answer, bounds, now);
        figures.extend(inbox(answer, bounds));
        figures.extend(answer["desks"].as_array().into_iter().flatten().filter_map(requests));
        figures.extend(beside(answer, now));
        let calm = match answer["desks"].as_array().map(Vec::as_slice) {
            None => "the way to iTop is open, and nothing needs anybody",
            Some([_]) => "the way to its ticket system is open, and nothing needs anybody",
            Some(_) => "all ways are open, and nothing needs anybody",
        };
        Self { figures, calm }
    }

    /// The worst of all.
    pub(super) fn verdict(&self) -> Verdict {
        self.figures.iter().map(|figure| figure.verdict).max().unwrap_or(Verdict::Unknown)
    }

    /// Prints them: a screen for people, for a program the line of a plugin first.
    pub(super) fn print(&self, screen: Screen) {
        print::line(self.shown(screen).trim_end());
    }

    fn shown(&self, screen: Screen) -> String {
        let (verdict, matters) = (self.verdict(), self.matters());
        let mut shown = if screen.is_terminal() {
            format!("{}: {matters}\n\n", screen.toned(Some(tone(verdict)), &verdict.to_string()))
        } else {
            let performance =
                self.figures.iter().filter_map(|figure| figure.performance.as_deref());
            let performance = performance.collect::<Vec<_>>().join(" ");
            // What stands behind a bar is performance data.
            format!("{SERVICE} {verdict}: {} | {performance}\n", matters.replace('|', "/"))
        };
        for figure in &self.figures {
            let bad = Some(tone(figure.verdict)).filter(|_| figure.verdict > Verdict::Ok);
            let value = screen.toned(bad, &figure.value);
            // Writing to a text cannot fail.
            let _ = writeln!(shown, "{:<10} {}", figure.name, value.replace('|', "/"));
        }
        shown
    }

    /// What is the matter, the worst first.
    fn matters(&self) -> String {
        let mut bad: Vec<_> =
            self.figures.iter().filter(|figure| figure.verdict > Verdict::Ok).collect();
        bad.sort_by_key(|figure| std::cmp::Reverse(figure.verdict));
        let mut matters: Vec<_> = bad.into_iter().map(|figure| figure.matter.as_str()).collect();
        if matters.is_empty() {
            matters.push(self.calm);
        }
        matters.join(", ")
    }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Warning | Verdict::Unknown => Tone::Doubtful,
        Verdict::Critical => Tone::Bad,
    }
}

/// The way to iTop; or to each ticket system, where others are served.
fn gates(answer: &Value, bounds: &Bounds, now: Timestamp) -> Vec<Figure> {
    let Some(desks) = answer["desks"].as_array() else {
        return vec![gate(&answer["gate"], None, bounds, now)];
    };
    desks.iter().map(|desk| gate(&desk["gate"], Some(desks::named(desk)), bounds, now)).collect()
}

/// The way to a ticket system, which is named where it need not be iTop.
fn gate(gate: &Value, desk: Option<DeskName>, bounds: &Bounds, now: Timestamp) -> Figure {
    let name = desk.map_or(Cow::from("Gate"), |desk| desk.title().into());
    let label = desk.map_or("gate".to_owned(), |desk| format!("gate_{}", desk.code()));
    let where_to = desk.unwrap_or(DeskName::Itop).title();
    let since = gate["since"].as_str().and_then(|since| since.parse::<Timestamp>().ok());
    let lasts = since.map_or(0, |since| elapsed(since, now).as_secs());
    if gate["state"] == "open" {
        return Figure {
            name,
            value: format!("open for {}", span(lasts)),
            verdict: Verdict::Ok,
            matter: String::new(),
            performance: Some(bounds.closed.performance(&label, 0, "s")),
        };
    }
    let reason = plain(gate["reason"].as_str().unwrap_or("no reason"));
    let told = ["message", "mend"].map(|member| plain(gate[member].as_str().unwrap_or_default()));
    let closed = format!("closed for {} ({reason})", span(lasts));
    let value = format!("{closed} {}", told.join(" ")).trim_end().to_owned();
    // It does not open by itself then.
    let needs_somebody = reason == "marker-lost";
    // In its first second it is closed too.
    let verdict = bounds.closed.judge(lasts.max(1));
    Figure {
        name,
        value,
        verdict: if needs_somebody { Verdict::Critical } else { verdict },
        matter: format!("the way to {where_to} is {closed}"),
        performance: Some(bounds.closed.performance(&label, lasts, "s")),
    }
}

/// How much of its requests of the day a ticket system says are used, where it counts them.
fn requests(desk: &Value) -> Option<Figure> {
    let of = |member: &str| desk["requests"][member].as_u64();
    let (used, limit) = (of("used")?, of("limit")?);
    let desk = desks::named(desk);
    Some(Figure {
        name: "Requests".into(),
        value: format!("{used} of {limit} of {} in 24 h", desk.title()),
        verdict: Verdict::Ok,
        matter: String::new(),
        performance: Some(format!("requests_{}={used};;;0;{limit}", desk.code())),
    })
}

/// What has not ended well.
fn inbox(answer: &Value, bounds: &Bounds) -> [Figure; 6] {
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let inbox = &answer["inbox"];
    let waiting = number(&answer["waiting"]);
    let oldest = number(&answer["oldest_waiting_seconds"]);
    let counted =
        |name: &'static str, label, limits: super::Limits, figure: u64, matter: &str| Figure {
            name: name.into(),
            value: figure.to_string(),
            verdict: limits.judge(figure),
            matter: format!("{figure} {matter}"),
            performance: Some(limits.performance(label, figure, "")),
        };
    let of = |state: &str| number(&inbox[state]);
    [
        counted("Waiting", "waiting", bounds.waiting, waiting, "wait for their tickets"),
        Figure {
            name: "Oldest".into(),
            value: if waiting == 0 { "none waits".to_owned() } else { span(oldest) },
            verdict: bounds.oldest.judge(oldest),
            matter: format!("the oldest waits for {}", span(oldest)),
            performance: Some(bounds.oldest.performance("oldest", oldest, "s")),
        },
        counted("Unknown", "unknown", super::Limits::default(), of("unknown"), ""),
        counted("Blocked", "blocked", bounds.blocked, of("blocked"), "blocked"),
        counted("Failed", "failed", bounds.failed, of("failed"), "failed"),
        counted("Rejected", "rejected", bounds.rejected, of("rejected"), "rejected"),
    ]
}

/// What is told to those who may know more.
fn beside(answer: &Value, now: Timestamp) -> Vec<Figure> {
    let said = |name: &'static str, value| Figure {
        name: name.into(),
        value,
        verdict: Verdict::Ok,
        matter: String::new(),
        performance: None,
    };
    let mut figures = Vec::new();
    match (answer["role"].as_str(), answer["term"].as_i64()) {
        (Some("leading"), Some(term)) => figures.push(said("Role", format!("leads, Term {term}"))),
        (Some("following"), _) => {
            figures.push(said("Role", "follows: another instance leads".to_owned()));
        }
        _ => {}
    }
    if let Some(ticket) = answer["ticket_of_probe"].as_str() {
        let ticket = plain(ticket);
        figures.push(Figure {
            verdict: Verdict::Warning,
            matter: format!("a probe has made ticket {ticket}"),
            ..said("Probe", format!("made ticket {ticket}: close it in iTop"))
        });
    }
    let slow = answer["slow_creates"].as_array().into_iter().flatten();
    let slow: Vec<_> = slow
        .map(|slow| {
            let seconds = slow["seconds"].as_u64().unwrap_or_default();
            format!("{} for {}", slow["acknowledgement"], span(seconds))
        })
        .collect();
    if !slow.is_empty() {
        figures
            .push(said("Slow", format!("iTop is still making the tickets of {}", slow.join(", "))));
    }
    figures.extend(equipment(&answer["equipment"]));
    if let Some(version) = answer["version"].as_str() {
        let up = answer["up_since"].as_str().and_then(|up| up.parse().ok());
        let up = up.map(|up| format!(", up for {}", age(up, now))).unwrap_or_default();
        figures.push(said("Version", format!("{}{up}", plain(version))));
    }
    figures
}

/// What keeps equipment from going on, and what waits for somebody's yes.
fn equipment(told: &Value) -> Vec<Figure> {
    let of = |value, matter, verdict| Figure {
        name: "Equipment".into(),
        value,
        verdict,
        matter,
        performance: None,
    };
    let mut figures = Vec::new();
    for halt in told["halts"].as_array().into_iter().flatten() {
        let (class, reason) = (&halt["class"], &halt["reason"]);
        let [class, reason] = [class, reason].map(|said| plain(said.as_str().unwrap_or_default()));
        let matter = format!("the data source of {class} is halted");
        figures.push(of(format!("{matter}: {reason}"), matter, Verdict::Warning));
    }
    // Nobody is needed: it goes on by itself, as deliveries do.
    if let Some(obstacle) = told["obstacle"].as_str().map(plain) {
        figures.push(of(obstacle, String::new(), Verdict::Ok));
    }
    let held = told["held"].as_array().into_iter().flatten();
    let held: u64 = held.filter_map(|held| held["rows"].as_u64()).sum();
    if held > 0 {
        figures.push(of(
            format!("{held} held until somebody says yes"),
            String::new(),
            Verdict::Ok,
        ));
    }
    figures
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};
    use serde_json::json;

    use super::*;

    fn bounds(arguments: &[&str]) -> Bounds {
        let command = Bounds::augment_args(clap::Command::new("status").no_binary_name(true));
        Bounds::from_arg_matches(&command.get_matches_from(arguments)).unwrap()
    }

    fn figures(answer: &Value, arguments: &[&str]) -> Figures {
        Figures::of(answer, &bounds(arguments), "2026-11-21T10:00:00Z".parse().unwrap())
    }

    fn open() -> Value {
        json!({"gate": {"state": "open", "since": "2026-11-21T07:00:00Z"},
               "inbox": {"accepted": 0, "creating": 0, "unknown": 0, "failed": 0, "blocked": 0,
                         "rejected": 0},
               "waiting": 0, "oldest_waiting_seconds": null})
    }

    #[test]
    fn a_program_is_given_the_line_of_a_plugin() {
        let told = figures(&open(), &[]).shown(Screen::PIPED);
        assert_eq!(
            told.lines().next().unwrap(),
            "SERVICENAV-ITOP-BRIDGE OK: the way to iTop is open, and nothing needs anybody | \
             gate=0s;0;900;0 waiting=0;100;1000;0 oldest=0s;900;7200;0 unknown=0;;;0 \
             blocked=0;0;10;0 failed=0;0;10;0 rejected=0;0;100;0"
        );
        assert_eq!(told.lines().nth(1).unwrap(), "Gate       open for 3 h");
        assert_eq!(figures(&open(), &[]).verdict(), Verdict::Ok);
    }

    #[test]
    fn the_worst_is_told_first_and_decides() {
        let mut answer = open();
        answer["gate"] = json!({"state": "closed", "reason": "unreachable", "message": "a | b\u{1b}[2J",
            "mend": "Check it.", "since": "2026-11-21T09:55:00Z"});
        answer["inbox"]["failed"] = json!(11);
        answer["waiting"] = json!(7);
        answer["oldest_waiting_seconds"] = json!(901);
        let told = figures(&answer, &[]);
        assert_eq!(told.verdict(), Verdict::Critical);
        let text = told.shown(Screen::PIPED);
        assert!(
            text.starts_with(
                "SERVICENAV-ITOP-BRIDGE CRITICAL: 11 failed, the way to iTop is closed for 5 min \
                 (unreachable), the oldest waits for 15 min | gate=300s;0;900;0 waiting=7;"
            ),
            "{text}"
        );
        // The bar of the first line is the only one, and nothing is obeyed.
        assert_eq!(text.matches('|').count(), 1);
        assert!(text.contains("(unreachable) a / b Check it."), "{text}");
        let calm = ["--failed", "20", "--closed", "1h", "--oldest", "none"];
        assert_eq!(figures(&answer, &calm).verdict(), Verdict::Ok);
    }

    #[test]
    fn of_several_ticket_systems_each_way_is_told_and_the_worst_decides() {
        let mut answer = open();
        let open_since = answer["gate"].clone();
        let used_up = json!({"state": "closed", "reason": "request-limit", "message": "All used.",
            "mend": "Wait.", "since": "2026-11-21T09:40:00Z"});
        answer["desks"] = json!([{"desk": "itop", "gate": open_since.clone()},
                                 {"desk": "salesforce", "gate": open_since}]);
        let calm = figures(&answer, &[]);
        assert_eq!(calm.verdict(), Verdict::Ok);
        let text = calm.shown(Screen::PIPED);
        assert!(
            text.starts_with(
                "SERVICENAV-ITOP-BRIDGE OK: all ways are open, and nothing needs anybody | \
                 gate_itop=0s;0;900;0 gate_salesforce=0s;0;900;0 waiting=0;"
            ),
            "{text}"
        );
        answer["desks"][1]["gate"] = used_up;
        let told = figures(&answer, &[]);
        assert_eq!(told.verdict(), Verdict::Critical);
        let text = told.shown(Screen::PIPED);
        let mut lines = text.lines();
        assert_eq!(
            lines.next().unwrap().split(" waiting").next().unwrap(),
            "SERVICENAV-ITOP-BRIDGE CRITICAL: the way to Salesforce is closed for 20 min (request-limit) \
             | gate_itop=0s;0;900;0 gate_salesforce=1200s;0;900;0"
        );
        assert_eq!(lines.next().unwrap(), "iTop       open for 3 h");
        assert_eq!(
            lines.next().unwrap(),
            "Salesforce closed for 20 min (request-limit) All used. Wait."
        );
        assert!(!text.contains("equests_") && !text.contains("Requests"), "{text}");
        answer["desks"][1]["requests"] = json!({"used": 100_000, "limit": 100_000});
        let text = figures(&answer, &[]).shown(Screen::PIPED);
        assert!(text.contains(" requests_salesforce=100000;;;0;100000\n"), "{text}");
        assert!(text.contains("\nRequests   100000 of 100000 of Salesforce in 24 h\n"), "{text}");
    }

    #[test]
    fn what_does_not_mend_itself_is_critical_at_once() {
        let mut answer = open();
        answer["gate"] =
            json!({"state": "closed", "reason": "marker-lost", "since": "2026-11-21T10:00:00Z"});
        assert_eq!(figures(&answer, &["--closed", "none"]).verdict(), Verdict::Critical);
        answer["gate"]["reason"] = json!("maintenance");
        assert_eq!(figures(&answer, &[]).verdict(), Verdict::Warning);
        let mut answer = open();
        answer["ticket_of_probe"] = json!("I-000007");
        assert_eq!(figures(&answer, &[]).verdict(), Verdict::Warning);
    }

    #[test]
    fn a_halted_source_is_a_warning_and_held_equipment_is_told() {
        let mut answer = open();
        answer["equipment"] = json!({"held": [{"held": "adopt", "rows": 2}, {"held": "retire", "rows": 30}],
            "obstacle": "the login is refused", "halts": []});
        let told = figures(&answer, &[]);
        assert_eq!(told.verdict(), Verdict::Ok);
        let text = told.shown(Screen::PIPED);
        assert!(text.contains("\nEquipment  the login is refused\n"), "{text}");
        assert!(text.contains("\nEquipment  32 held until somebody says yes\n"), "{text}");
        answer["equipment"]["halts"] = json!([{"class": "Server", "reason": "it did more"}]);
        let told = figures(&answer, &[]);
        assert_eq!(told.verdict(), Verdict::Warning);
        let text = told.shown(Screen::PIPED);
        assert!(text.contains(" WARNING: the data source of Server is halted |"), "{text}");
        assert!(
            text.contains("Equipment  the data source of Server is halted: it did more"),
            "{text}"
        );
    }
}
