//! What was measured, as a table for people and a list for programs.

use std::{fmt, fmt::Write as _, fs, path::Path};

use serde::Serialize;
use servicenav_itop_bridge::clock::Clock;

/// One figure of the bridge.
#[derive(Debug, Serialize)]
pub struct Line {
    what: String,
    figure: f64,
    unit: &'static str,
    /// What the same machine does at best, measured beside it.
    floor: Option<f64>,
    ratio: Option<f64>,
    goal: Option<String>,
    reached: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_us_per_request: Option<f64>,
}

impl Line {
    /// A figure without a goal.
    pub fn new(what: impl Into<String>, figure: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            figure: rounded(figure),
            unit,
            floor: None,
            ratio: None,
            goal: None,
            reached: None,
            cpu_us_per_request: None,
        }
    }

    /// The floor that was measured beside it.
    pub fn beside(mut self, floor: f64) -> Self {
        self.floor = Some(rounded(floor));
        self.ratio = Some(rounded(self.figure / floor));
        self
    }

    /// The processor time of the bridge for each request, in microseconds.
    pub fn cpu(mut self, micros: f64) -> Self {
        self.cpu_us_per_request = Some(rounded(micros));
        self
    }

    /// The goal is a ratio to the floor of at least this.
    pub fn ratio_at_least(self, goal: f64) -> Self {
        let reached = self.ratio.is_some_and(|ratio| ratio >= goal);
        self.goal(format!("ratio ≥ {goal:.2}"), reached)
    }

    /// The goal is a ratio to the floor of at most this.
    pub fn ratio_at_most(self, goal: f64) -> Self {
        let reached = self.ratio.is_some_and(|ratio| ratio <= goal);
        self.goal(format!("ratio ≤ {goal:.2}"), reached)
    }

    /// The goal is a figure of at least this.
    pub fn at_least(self, goal: f64) -> Self {
        let reached = self.figure >= goal;
        self.goal(format!("≥ {}", shown(goal)), reached)
    }

    /// The goal is a figure of at most this.
    pub fn at_most(self, goal: f64) -> Self {
        let reached = self.figure <= goal;
        self.goal(format!("≤ {}", shown(goal)), reached)
    }

    /// The goal counts only where this holds too: a figure can be good because less was done.
    pub fn provided(mut self, holds: bool, what: &str) -> Self {
        self.goal = self.goal.map(|goal| format!("{goal}, {what}"));
        self.reached = self.reached.map(|reached| reached && holds);
        self
    }

    fn goal(mut self, goal: String, reached: bool) -> Self {
        self.goal = Some(goal);
        self.reached = Some(reached);
        self
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = |value: Option<f64>| value.map(shown).unwrap_or_default();
        let cpu = self.cpu_us_per_request.map(|micros| format!("{} µs", shown(micros)));
        let reached = self.reached.map(|reached| if reached { "yes" } else { "**no**" });
        let figure = format!("{} {}", shown(self.figure), self.unit);
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} |",
            self.what,
            figure.trim(),
            optional(self.floor),
            optional(self.ratio),
            cpu.unwrap_or_default(),
            self.goal.as_deref().unwrap_or_default(),
            reached.unwrap_or_default(),
        )
    }
}

fn rounded(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

/// As many digits as mean something.
fn shown(figure: f64) -> String {
    let digits = match figure {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    format!("{figure:.digits$}")
}

/// The table, in Markdown.
pub fn table(lines: &[Line]) -> String {
    let mut table =
        "| what | figure | floor | ratio | CPU per request | goal | reached |\n".to_owned();
    table.push_str("|---|---|---|---|---|---|---|\n");
    for line in lines {
        let _ = writeln!(table, "{line}");
    }
    table
}

/// Where it was measured, and when.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!(
        "{}, {} cores, {}, Linux {}",
        Clock::system().now().strftime("%-d %B %Y"),
        std::thread::available_parallelism().map_or(0, usize::from),
        model.map_or("unknown processor", |(_, model)| model),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}

/// Writes `bench.json` into the folder that everything is built in.
pub fn keep(lines: &[Line]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in target");
    let mut json = serde_json::to_string_pretty(lines).expect("figures are JSON");
    json.push('\n');
    fs::write(folder.join("bench.json"), json).expect("target can be written to");
}
