//! What came of the rows of a job, as tables.

use std::collections::HashMap;

use super::{csv::Table, job::Job};
use crate::{refusal::Refusal, store::State};

/// Which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Successful,
    Failed,
    Unprocessed,
}

/// What came of one row.
struct Outcome {
    id: String,
    created: bool,
    error: Option<String>,
}

impl Job {
    pub(super) fn results(&self, state: &State, which: Which) -> Result<String, Refusal> {
        let data = self.data(state)?;
        let table = self.table(&data, false).unwrap_or(Table { header: vec![], rows: vec![] });
        let sql = "SELECT place, id, created, error FROM _job_row WHERE job = ?";
        let mut statement = state.db.prepare(sql)?;
        let outcomes = statement.query_map([&self.id], |row| {
            let outcome = Outcome { id: row.get(1)?, created: row.get(2)?, error: row.get(3)? };
            Ok((row.get(0)?, outcome))
        })?;
        let outcomes: HashMap<usize, Outcome> = outcomes.collect::<Result<_, _>>()?;
        let separator = char::from(self.separator());
        let end = if self.line_ending == "CRLF" { "\r\n" } else { "\n" };
        let plain = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| bare(cell, separator)).collect();
            cells.join(&separator.to_string())
        };
        let full = |cells: &[&str]| {
            let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
            cells.join(&separator.to_string())
        };
        let head = match which {
            Which::Successful => format!("\"sf__Id\"{separator}\"sf__Created\"{separator}"),
            Which::Failed => format!("\"sf__Id\"{separator}\"sf__Error\"{separator}"),
            Which::Unprocessed => String::new(),
        };
        let mut text = format!("{head}{}{end}", plain(&table.header));
        // Their order is not that of the rows: nobody may rely on it.
        for (place, row) in table.rows.iter().enumerate().rev() {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            let line = match (which, outcomes.get(&place)) {
                (Which::Successful, Some(Outcome { id, created, error: None })) => {
                    let created = created.to_string();
                    let own = [id.as_str(), created.as_str()];
                    full(&own.into_iter().chain(cells).collect::<Vec<_>>())
                }
                (Which::Failed, Some(Outcome { id, error: Some(error), .. })) => {
                    let own = [id.as_str(), error.as_str()];
                    full(&own.into_iter().chain(cells).collect::<Vec<_>>())
                }
                (Which::Unprocessed, None) => plain(row),
                _ => continue,
            };
            text.push_str(&line);
            text.push_str(end);
        }
        Ok(text)
    }
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// In quotes where it must be.
fn bare(cell: &str, separator: char) -> String {
    let must = cell.contains(|letter: char| letter == separator || "\"\n\r".contains(letter));
    if must { quoted(cell) } else { cell.to_owned() }
}
