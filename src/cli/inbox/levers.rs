//! `retry` and `discard`: what an operator does with rows that need somebody.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::{Value, json};

use super::{ACKNOWLEDGEMENTS, list, show::about};
use crate::cli::{
    ask::{self, Assent},
    bridge::{Bridge, Query},
    print,
    screen::{Screen, plain},
};

/// Rows that one call takes, and that a page of the list has.
const AT_ONCE: usize = 1_000;

/// Try failed or blocked acknowledgements again, now; needs the scope operate
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Retry {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    how: How,
}

/// Give acknowledgements up, or tick refused ones off; needs the scope operate
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Discard {
    #[command(flatten)]
    which: Which,
    /// All that were refused
    #[arg(long, group = "chosen")]
    rejected: bool,
    /// Why, for those who look at them later
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

/// Which rows: by their numbers, or all of a kind.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("chosen").required(true))]
struct Which {
    /// Their numbers, as list has them
    #[arg(value_name = "ID", group = "chosen")]
    ids: Vec<i64>,
    /// All that have failed
    #[arg(long, group = "chosen")]
    failed: bool,
    /// All that are blocked
    #[arg(long, group = "chosen")]
    blocked: bool,
    /// All that have this code as their problem, such as refused-by-itop
    #[arg(long, value_name = "CODE", group = "chosen")]
    code: Option<String>,
    /// Of those only what is of a company: its id in ServiceNav, or name:NAME
    #[arg(long, conflicts_with = "ids")]
    company: Option<String>,
    /// Of those only what is of one ServiceNav
    #[arg(long, conflicts_with = "ids")]
    instance: Option<String>,
}

#[derive(Debug, clap::Args)]
struct How {
    #[command(flatten)]
    bridge: Bridge,
    /// Do not ask, however many they are
    #[arg(short, long)]
    yes: bool,
    /// Only say which
    #[arg(long)]
    dry_run: bool,
    /// For programs: the answers of the API, one a line
    #[arg(long)]
    json: bool,
}

/// What is done to rows.
struct Lever {
    /// The last part of its address.
    path: &'static str,
    /// As a question has it.
    verb: &'static str,
    /// As a report has it.
    done: &'static str,
    /// In which states rows can have it done to them.
    states: &'static [&'static str],
    reason: Option<String>,
}

impl Retry {
    pub(in crate::cli) async fn run(self) -> anyhow::Result<ExitCode> {
        let lever = Lever {
            path: "retry",
            verb: "Try",
            done: "to be tried again, now",
            states: &["failed", "blocked"],
            reason: None,
        };
        run(self.which, false, lever, self.how).await
    }
}

impl Discard {
    pub(in crate::cli) async fn run(self) -> anyhow::Result<ExitCode> {
        let lever = Lever {
            path: "discard",
            verb: "Discard",
            done: "discarded",
            states: &["failed", "blocked", "rejected"],
            reason: Some(self.reason),
        };
        run(self.which, self.rejected, lever, self.how).await
    }
}

async fn run(which: Which, rejected: bool, lever: Lever, how: How) -> anyhow::Result<ExitCode> {
    let are_named = !which.ids.is_empty();
    let rows = rows(&which, rejected, &lever, &how).await?;
    if how.dry_run {
        let screen = Screen::stdout();
        list::rows(&Value::Array(rows), screen).print(screen)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        print::line("None of them is there: nothing was done.");
        return Ok(ExitCode::SUCCESS);
    }
    // Whoever has written each number has said it often enough.
    if !how.yes && !are_named && rows.len() > ask::A_FEW {
        let question =
            format!("{} {} acknowledgements ({})?", lever.verb, rows.len(), causes(&rows));
        if ask::whether(&question)? == Assent::No {
            print::line("Nothing was done.");
            return Ok(ExitCode::FAILURE);
        }
    }
    let ids: Vec<_> = rows.iter().map(|row| row["id"].clone()).collect();
    let about: BTreeMap<_, _> = rows.iter().map(|row| (row["id"].as_i64(), about(row))).collect();
    let (mut done, mut left) = (0, 0);
    for ids in ids.chunks(AT_ONCE) {
        let mut body = json!({"ids": ids});
        if let Some(reason) = &lever.reason {
            body["reason"] = json!(reason);
        }
        let answer = how.bridge.post(&format!("{ACKNOWLEDGEMENTS}/{}", lever.path), &body).await?;
        if how.json {
            print::json(&answer.text)?;
        }
        done += answer.body["done"].as_u64().unwrap_or_default();
        for one in answer.body["left"].as_array().into_iter().flatten() {
            left += 1;
            let why = plain(one["why"].as_str().unwrap_or_default());
            let about = about.get(&one["id"].as_i64()).map_or("", String::as_str);
            print::note(format_args!("{} {about}: {why}", one["id"]));
        }
    }
    if !how.json {
        print::line(format_args!("{done} {}", lever.done));
    }
    // What somebody else has done meanwhile to one of many is no failure.
    Ok(if left > 0 && are_named { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The rows that are meant; of those that are named by number no more than that is known.
async fn rows(
    which: &Which,
    rejected: bool,
    lever: &Lever,
    how: &How,
) -> anyhow::Result<Vec<Value>> {
    if !which.ids.is_empty() {
        return Ok(which.ids.iter().map(|id| json!({"id": id})).collect());
    }
    let state = [(which.failed, "failed"), (which.blocked, "blocked"), (rejected, "rejected")];
    let state = state.into_iter().find_map(|(is_asked, state)| is_asked.then_some(state));
    let query = || {
        Query::default()
            .with("limit", Some(AT_ONCE))
            .with("state", state)
            .with("group", which.code.as_ref().map(|_| "needs"))
            .with("cause", which.code.as_ref())
            .with("company", which.company.as_ref())
            .with("instance", which.instance.as_ref())
    };
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let path = query().with("cursor", cursor).of(ACKNOWLEDGEMENTS);
        let mut page = how.bridge.get(&path).await?.body;
        if let Some(items) = page["items"].as_array_mut() {
            rows.append(items);
        }
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    rows.retain(|row| row["state"].as_str().is_some_and(|state| lever.states.contains(&state)));
    Ok(rows)
}

/// What rows need somebody for, most of them first.
fn causes(rows: &[Value]) -> String {
    let mut causes = BTreeMap::<_, usize>::new();
    for row in rows {
        *causes.entry(row["problem"]["code"].as_str().unwrap_or("no problem")).or_default() += 1;
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told = causes.iter().map(|(code, count)| format!("{count} {code}"));
    plain(&told.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_says_for_what_they_need_somebody() {
        let row = |code: &str| json!({"id": 1, "problem": {"code": code}});
        let rows =
            [row("given-up"), row("team-missing"), row("given-up"), json!({"problem": null})];
        assert_eq!(causes(&rows), "2 given-up, 1 no problem, 1 team-missing");
    }
}
