//! Health: what whoever is woken looks at, and what an administrator wants to see is right.

use axum::{extract::State, response::Response};
use jiff::Timestamp;
use minijinja::{Value, context};
use serde::Serialize;

use super::{
    page::Page,
    plots::{Line, lines},
    templates::value,
    texts::translated,
};
use crate::{
    check::{Latest, Verdict},
    desk::{DeskName, Desks},
    domain::{
        bucket::{BUCKET, Bucket, start_of},
        ticket_text::Language,
    },
    hooks::HookFigures,
    web::{
        AppState,
        api::health::{
            configuration::Shown,
            report::{ListReport, Report},
        },
        parameters::{NoParams, Params},
        problem::ApiError,
    },
};

/// A day in quarters of an hour, and the one that goes on.
const BUCKETS: i64 = 97;

/// `GET /health`
pub(in crate::web) async fn page(
    page: Page,
    State(state): State<AppState>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, ApiError> {
    let language = page.language;
    let report = Report::for_caller(&page.caller, &state);
    let counts = [
        ("acknowledgements", report.acknowledgements()),
        ("waiting", report.waiting()),
        ("being_settled", report.being_settled()),
    ];
    let counts: std::collections::BTreeMap<_, _> =
        counts.into_iter().map(|(name, count)| (name, grouped(count, language))).collect();
    let plots = match report.buckets() {
        Some(buckets) => Some(plots(buckets, state.clock.now(), &state.desks, language)?),
        None => None,
    };
    let row = |list| ListRow::of(list, language);
    let lists: Vec<_> = report.lists().iter().map(row).collect();
    let hooks: Vec<_> = report.hooks().iter().map(|hook| HookRow::of(hook, language)).collect();
    let oversees = page.caller.oversees();
    let check = oversees.then(|| Examination::of(state.checks.latest()));
    let configuration = oversees.then(|| Configuration::of(&Shown::of(&state.config.get())));
    let default_desk = state.desks.default().name().code();
    let ways = ways(&report, default_desk, language);
    let values = context! {
        ways,
        report => value(&report), counts, plots, lists => value(&lists), hooks => value(&hooks),
        oversees,
        check => check.as_ref().map(value), configuration => configuration.as_ref().map(value),
    };
    page.render("health/page.html", values).await
}

/// The way to each ticket system.
fn ways(report: &Report, default_desk: &str, language: Language) -> Vec<Value> {
    let Some(desks) = report.desks() else {
        return vec![context! { desk => default_desk, gate => value(report.gate()) }];
    };
    let number = |value: &serde_json::Value| grouped(value.as_u64().unwrap_or_default(), language);
    let way = |desk: &serde_json::Value| {
        let requests = &desk["requests"];
        let requests = requests.is_object().then(|| {
            context! { used => number(&requests["used"]), limit => number(&requests["limit"]) }
        });
        let name = desk["desk"].as_str().and_then(DeskName::parse).unwrap_or(DeskName::Itop);
        let gate = value(&desk["gate"]);
        context! { desk => name.code(), title => name.title(), gate, requests }
    };
    desks.iter().map(way).collect()
}

/// A list with what the page writes otherwise than a program reads it.
#[derive(Serialize)]
struct ListRow<'r> {
    list: &'r ListReport,
    /// What people call the ticket system that it is of.
    desk: &'static str,
    items: String,
    /// The calls that read it anew, as JSON.
    refresh: String,
}

impl<'r> ListRow<'r> {
    fn of(list: &'r ListReport, language: Language) -> Self {
        let refresh = serde_json::to_string(&list.refresh).unwrap_or_default();
        let desk = list.desk.unwrap_or(DeskName::Itop).title();
        Self { list, desk, items: grouped(list.items as u64, language), refresh }
    }
}

/// A hook with what the page writes otherwise than a program reads it.
#[derive(Serialize)]
struct HookRow<'h> {
    name: &'h str,
    events: String,
    failing_since: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
    oldest_waiting_at: Option<Timestamp>,
    error: Option<&'h str>,
    waiting: u64,
    waiting_shown: String,
    delivered: u64,
    delivered_shown: String,
    given_up: u64,
    given_up_shown: String,
}

impl<'h> HookRow<'h> {
    fn of(hook: &'h HookFigures, language: Language) -> Self {
        let events: Vec<_> = hook.events.iter().map(|event| event.as_str()).collect();
        let record = &hook.record;
        Self {
            name: &hook.name,
            events: events.join(", "),
            failing_since: hook.failing_since,
            delivered_at: record.delivered_at,
            oldest_waiting_at: hook.oldest_waiting_at,
            error: record.error.as_deref(),
            waiting: hook.waiting,
            waiting_shown: grouped(hook.waiting, language),
            delivered: record.delivered,
            delivered_shown: grouped(record.delivered, language),
            given_up: record.given_up,
            given_up_shown: grouped(record.given_up, language),
        }
    }
}

/// The plots of the last day: how long each ticket system took to answer, and what came.
fn plots(
    buckets: &[Bucket],
    now: Timestamp,
    desks: &Desks,
    language: Language,
) -> Result<Value, ApiError> {
    let end = start_of(now);
    let begin = end.saturating_sub(BUCKET * 96).unwrap_or(end);
    let at = |place: i64| begin.as_second() + place * BUCKET.as_secs();
    let known = |place: i64| buckets.iter().find(|bucket| bucket.start.as_second() == at(place));
    let line = |of: &dyn Fn(&Bucket) -> Option<f64>| Line {
        values: (0..BUCKETS).map(|place| known(place).and_then(of)).collect(),
    };
    let millis = |micros: u32| f64::from(micros) / 1_000.0;
    // More than that in a quarter of an hour no bridge takes.
    let stored = |bucket: &Bucket| u32::try_from(bucket.acknowledgements).unwrap_or(u32::MAX);
    let acknowledged = line(&|bucket| Some(f64::from(stored(bucket))));
    let draw = |of: &[Line], key: &str, desk: &str| {
        let latest = of.first().and_then(|line| line.values.iter().rev().flatten().next());
        let latest = latest.map_or("–".to_owned(), |latest| format!("{latest:.0}"));
        let values = [("latest", latest.as_str()), ("desk", desk)];
        let values = values.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
        let label = translated(language, key, &values).map_err(|_| ApiError::Internal)?;
        Ok::<_, ApiError>(Value::from_safe_string(lines(of, begin, end, &label)))
    };
    let answers = |desk: DeskName| {
        let median = line(&|bucket| bucket.answers(desk).map(|took| millis(took.median)));
        let tail = line(&|bucket| bucket.answers(desk).map(|took| millis(took.p95)));
        let plot = draw(&[median, tail], "health.plot.answers", desk.code())?;
        Ok::<_, ApiError>(context! { desk => desk.code(), plot })
    };
    Ok(context! {
        answers => desks.names().map(answers).collect::<Result<Vec<_>, _>>()?,
        acknowledgements => draw(&[acknowledged], "health.plot.acknowledgements", "")?,
    })
}

/// The last examination, or the one that runs.
#[derive(Serialize)]
struct Examination {
    is_running: bool,
    ended_at: Option<String>,
    findings: Vec<FindingRow>,
}

#[derive(Serialize)]
struct FindingRow {
    verdict: &'static str,
    what: &'static str,
    seen: String,
    mend: Option<String>,
}

impl Examination {
    fn of(Latest { running, latest }: Latest) -> Self {
        let is_running = running.is_some();
        let ended_at = latest.as_ref().map(|ended| ended.ended_at.to_string());
        let findings = running
            .map(|running| running.findings)
            .or_else(|| latest.map(|ended| ended.findings))
            .unwrap_or_default();
        let row = |finding: crate::check::Finding| FindingRow {
            verdict: match finding.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "warning",
                Verdict::Failure => "failure",
            },
            what: finding.what,
            seen: finding.seen,
            mend: finding.mend,
        };
        Self { is_running, ended_at, findings: findings.into_iter().map(row).collect() }
    }
}

/// The configuration as people read it.
#[derive(Serialize)]
struct Configuration {
    file: Option<String>,
    changed: usize,
    keys: Vec<KeyRow>,
}

#[derive(Serialize)]
struct KeyRow {
    key: String,
    value: String,
    default: String,
    changed: bool,
}

impl Configuration {
    fn of(shown: &Shown) -> Self {
        let keys = shown.keys.iter().map(|key| KeyRow {
            key: key.key.clone(),
            value: as_text(&key.value),
            default: as_text(&key.default),
            changed: key.changed,
        });
        Self {
            file: shown.file.as_ref().map(|file| file.display().to_string()),
            changed: shown.changed.len(),
            keys: keys.collect(),
        }
    }
}

/// What stands in a configuration, without the signs that only programs need.
fn as_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "–".to_owned(),
        serde_json::Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64, language: Language) -> String {
    let digits = number.to_string();
    let separator = match language {
        Language::En => ',',
        Language::Fr => '\u{202f}',
    };
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (184_201, "184,201"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number, Language::En), expected);
        }
        assert_eq!(grouped(50_031, Language::Fr), "50\u{202f}031");
    }
}
