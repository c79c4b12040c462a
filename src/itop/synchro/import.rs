//! `import.php`: a file of CSV at once, without memory of its rows.

use super::{DoorError, page::count};
use crate::outgoing::Raw;

/// What is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import<'a> {
    /// The class of iTop.
    pub class: &'a str,
    /// The CSV: UTF-8, separated by commas, the first line names attributes (`name`, `org_id->name`).
    pub csv: &'a str,
    /// By which attributes an object is found that is there already. There is no default: iTop's own
    /// takes another company's CI for this one.
    pub keys: &'a [String],
    /// Only says what would happen.
    pub simulate: bool,
}

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportAnswer {
    /// In the order of the file.
    pub rows: Vec<ImportedRow>,
    /// Objects made.
    pub created: u64,
    /// Objects changed.
    pub updated: u64,
    /// Objects that are as their rows say.
    pub unchanged: u64,
    /// Rows that were left out.
    pub issues: u64,
    /// Values that were left out of rows that were not.
    pub warnings: u64,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRow {
    /// What became of it.
    pub outcome: Outcome,
    /// iTop's word for it, in the language of the account; for a row that was left out, with all that it
    /// says about it, cut.
    pub said: String,
    /// The class of its object; empty where there is none.
    pub class: String,
    /// The id of its object; empty where there is none, as in a simulation.
    pub id: String,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An object is made.
    Created,
    /// An object is changed.
    Updated,
    /// An object is as the row says.
    Unchanged,
    /// The row is left out.
    Issue,
    /// iTop says it in a language that is not known here.
    Said,
}

/// The title of the table of rows.
const TABLE: &str = "\nLine;Status;Object Class;Object Id";

/// Judges the answer to an import of this class.
pub(super) fn read(raw: &Raw, text: &str, simulate: bool) -> Result<ImportAnswer, DoorError> {
    let (head, table) = text.split_once(TABLE).unwrap_or((text, ""));
    let comments: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix('#')).collect();
    let sum = |label: &str| comments.iter().find_map(|line| count(line, label)).map(|(sum, _)| sum);
    let (Some(issues), Some(created), Some(updated), Some(unchanged), Some(lines)) =
        (sum("Issues"), sum("Created"), sum("Updated"), sum("Unchanged"), sum("Data Lines"))
    else {
        return Err(refusal(raw, &comments));
    };
    let unclear = |what: &str| DoorError::Unclear { reason: format!("{what}: {}", raw.echo(head)) };
    if comments.contains(&"Simulate: 1") != simulate || !comments.contains(&"Localize: no") {
        return Err(unclear("it did something else than was asked"));
    }
    let rows = rows(raw, table);
    let has = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let told = [
        (Outcome::Created, created),
        (Outcome::Updated, updated),
        (Outcome::Unchanged, unchanged),
        (Outcome::Issue, issues),
    ];
    let differs = told.iter().any(|(outcome, sum)| u64::try_from(has(*outcome)).ok() != Some(*sum));
    let is_known = has(Outcome::Said) == 0;
    if u64::try_from(rows.len()).ok() != Some(lines) || is_known && differs {
        return Err(unclear("its rows are not those of its sums"));
    }
    let warnings = sum("Warnings").unwrap_or(0);
    Ok(ImportAnswer { rows, created, updated, unchanged, issues, warnings })
}

/// What iTop says where it imports nothing: the last comment.
fn refusal(raw: &Raw, comments: &[&str]) -> DoorError {
    const USUAL: [&str; 12] = [
        "Output format: ",
        "Class: ",
        "Separator: ",
        "Qualifier: ",
        "Charset Encoding:",
        "Date and time format: ",
        "Date format: ",
        "Localize: ",
        "Data Size: ",
        "Data Lines: ",
        "Simulate: ",
        "Columns: ",
    ];
    let is_usual = |line: &str| USUAL.iter().any(|usual| line.starts_with(usual));
    match comments.last().filter(|line| !is_usual(line)) {
        Some(said) => DoorError::Refused { message: raw.echo(said) },
        None => DoorError::Unclear {
            reason: format!("the answer has no sums: {}", raw.shown(&raw.body)),
        },
    }
}

/// The rows of the table. A value may have several lines: a row begins with the number that follows.
fn rows(raw: &Raw, table: &str) -> Vec<ImportedRow> {
    let mut rows = Vec::new();
    for line in table.lines().skip(1) {
        let next = rows.len().to_string();
        let said = line.strip_prefix(&next).and_then(|rest| rest.strip_prefix(';'));
        rows.extend(said.and_then(|said| row(raw, said)));
    }
    rows
}

/// `created;Server;56690;…`.
fn row(raw: &Raw, said: &str) -> Option<ImportedRow> {
    let mut parts = said.splitn(4, ';');
    let (word, class, id) = (parts.next()?, parts.next()?, parts.next()?);
    // Behind the columns that it takes; a line in the middle of a value has none of this.
    let is_class = class.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_/".contains(&byte));
    let is_id = id == "n/a" || id.bytes().all(|byte| byte.is_ascii_digit());
    if !is_class || !is_id {
        return None;
    }
    let outcome = outcome(word);
    let values = parts.next().unwrap_or_default();
    let said = match outcome {
        Outcome::Issue => raw.echo(&format!("{word} ({values})")),
        _ => raw.echo(word),
    };
    let none_of =
        |text: &str| if text == "n/a" || text == "0" { String::new() } else { text.to_owned() };
    Some(ImportedRow { outcome, said, class: none_of(class), id: none_of(id) })
}

/// iTop's words are in the language of the account.
fn outcome(word: &str) -> Outcome {
    match word {
        "created" | "créé" => Outcome::Created,
        "unchanged" | "inchangé" => Outcome::Unchanged,
        _ if word.starts_with("updated ") || word.ends_with(" colonnes modifiées") => {
            Outcome::Updated
        }
        _ if word.starts_with("Issue: ") || word.starts_with("Erreur: ") => Outcome::Issue,
        _ => Outcome::Said,
    }
}
