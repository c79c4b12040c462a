//! Loading rows into the table of a data source: what `synchro_import.php` answers to
//! `synchronize=0&output=details&no_stop_on_import_error=1`.
//!
//! `output=retcode` would answer a bare `0`, and hides that a date was dropped, and that fewer rows
//! arrived than were sent. So the details are asked for, and each of them has to be right.

use super::{
    DoorError,
    page::{bare, count},
};
use crate::{
    domain::text::{cut_chars, one_line},
    outgoing::Raw,
};

/// The longest words of iTop about a row, in characters.
const LONGEST_ISSUE: usize = 300;

/// The title behind which the sums stand. The last one counts: what stands before it may repeat what was
/// sent.
const SUMMARY: &str = "# Import phase summary<br/>";

/// What a load has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The class of the data source.
    pub class: String,
    /// Rows that were new to the table; one that the database refused is counted too.
    pub created: u64,
    /// Rows that were in the table, likewise.
    pub updated: u64,
    /// Rows that were left out, and rows of which a value was; all others are loaded.
    pub issues: Vec<RowIssue>,
}

/// What was wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowIssue {
    /// Its number in the table that was sent; the first is 0.
    pub row: usize,
    /// iTop's words, cut, without what stood in the row.
    pub message: String,
}

/// Judges the answer to a load of so many rows into this source.
pub(super) fn read(raw: &Raw, text: &str, source: &str, rows: usize) -> Result<Loaded, DoorError> {
    let Some((before, summary)) = text.rsplit_once(SUMMARY) else {
        return Err(refusal(raw, text, source));
    };
    let lines: Vec<&str> = summary.lines().filter_map(comment).collect();
    let named = |label: &str| lines.iter().find_map(|line| line.strip_prefix(label));
    let sum = |label: &str| lines.iter().find_map(|line| count(line, label)).map(|(sum, _)| sum);
    let unclear =
        |what: &str| DoorError::Unclear { reason: format!("{what}: {}", raw.echo(summary)) };
    if let Some((_, error)) = summary.split_once("ERROR: ") {
        return Err(DoorError::Refused { message: raw.echo(&bare(error)) });
    }
    let (Some(class), Some(failed), Some(created), Some(updated)) = (
        named("Class: "),
        sum("Issues (before synchro)"),
        sum("Created (before synchro)"),
        sum("Updated (before synchro)"),
    ) else {
        return Err(unclear("the summary is cut"));
    };
    if named("Synchronize: ") != Some("0") || named("Simulate: ") != Some("0") {
        return Err(unclear("it did something else than was asked"));
    }
    let arrived = sum("Data Lines");
    if arrived != u64::try_from(rows).ok() || Some(created + updated) != arrived {
        return Err(unclear(&format!("{rows} rows were sent, and not all arrived")));
    }
    let issues = issues(raw, before, rows);
    let left_out = issues.iter().filter(|(kind, _)| *kind != Kind::Value).count();
    if u64::try_from(left_out).ok() != Some(failed) {
        return Err(unclear("rows were left out, and it does not say which"));
    }
    let issues = issues.into_iter().map(|(_, issue)| issue).collect();
    Ok(Loaded { class: class.to_owned(), created, updated, issues })
}

/// The words of a line that is a comment.
fn comment(line: &str) -> Option<&str> {
    Some(line.trim().strip_prefix('#')?.strip_suffix("<br/>")?.trim_end())
}

/// Why there is no summary. iTop says one line then, or ends with the words of an exception.
fn refusal(raw: &Raw, text: &str, source: &str) -> DoorError {
    let is_title = |line: &str| line.starts_with("# ") || line.starts_with("#-----");
    let mut said = text.match_indices('#').map(|(at, _)| &text[at..]);
    let begins = |rest: &&str| {
        let before = text[..text.len() - rest.len()].rsplit('\n').next().unwrap_or_default();
        before.trim().is_empty() && !is_title(rest)
    };
    match said.find(begins) {
        Some(rest) => {
            let message = bare(&rest[1..]);
            if message.starts_with("Unknown data source id") {
                return DoorError::NoSource { source_id: source.to_owned() };
            }
            DoorError::Refused { message: raw.echo(without_values(&message)) }
        }
        None => DoorError::Unclear {
            reason: format!("the answer has no summary: {}", raw.shown(&raw.body)),
        },
    }
}

/// What kind of issue a line tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The row was left out.
    Row,
    /// A value of it was.
    Value,
}

/// The rows that were left out or changed, in their order.
fn issues(raw: &Raw, text: &str, rows: usize) -> Vec<(Kind, RowIssue)> {
    let mut issues: Vec<(Kind, RowIssue)> = Vec::new();
    // A message may have several lines, because it repeats what was sent.
    let mut open = false;
    for line in text.lines().map(str::trim) {
        match issue(line).filter(|(row, ..)| *row < rows) {
            Some((row, kind, message)) => {
                issues.push((kind, RowIssue { row, message: message.to_owned() }));
                open = kind == Kind::Row;
            }
            None if is_progress(line) => open = false,
            None => {
                if let Some((_, last)) = issues.last_mut().filter(|_| open) {
                    last.message.push('\n');
                    last.message.push_str(line);
                }
            }
        }
    }
    for (_, issue) in &mut issues {
        let shown = raw.redactor.text(without_values(&issue.message)).into_owned();
        issue.message = cut_chars(&one_line(&shown), LONGEST_ISSUE).into_owned();
    }
    issues
}

/// `N: Import error '…' (continuing)...`, `N: Error - …`, `N: Wrong format for …`.
fn issue(line: &str) -> Option<(usize, Kind, &str)> {
    let (number, said) = line.split_once(": ")?;
    let kind = match said {
        _ if said.starts_with("Import error '") || said.starts_with("Error - ") => Kind::Row,
        _ if said.starts_with("Wrong format for ") => Kind::Value,
        _ => return None,
    };
    Some((number.parse().ok()?, kind, said))
}

/// `N: New entry, …` or `N: Update entry, …`.
fn is_progress(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(number, said)| {
        number.bytes().all(|byte| byte.is_ascii_digit())
            && (said.starts_with("New entry,") || said.starts_with("Update entry,"))
    })
}

/// The words of the database, without the query in which the values of the row stand.
fn without_values(message: &str) -> &str {
    let words = message.rsplit_once("mysql_error = ").map_or(message, |(_, words)| words);
    let words = words.split("' (continuing)").next().unwrap_or(words);
    words.split(" in /").next().unwrap_or(words)
}
