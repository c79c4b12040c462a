//! The table of a job.

use serde_json::{Value, json};

use super::job::Job;
use crate::{
    access::Access,
    record::Body,
    schema::{Object, Schema},
};

/// The rows of a job, cell by cell.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// How long one cell may be, in characters.
const LONGEST: usize = 131_072;

impl Job {
    pub(super) fn separator(&self) -> u8 {
        match self.delimiter.as_str() {
            "SEMICOLON" => b';',
            "TAB" => b'\t',
            "PIPE" => b'|',
            "CARET" => b'^',
            "BACKQUOTE" => b'`',
            _ => b',',
        }
    }

    /// Reads the data of the job; an error ends it.
    pub(super) fn table(&self, data: &[u8], breaks_refused: bool) -> Result<Table, String> {
        let wrong_end = || {
            format!(
                "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting \
                 is {}",
                self.line_ending
            )
        };
        let crlf = self.line_ending == "CRLF";
        let lone = data
            .iter()
            .enumerate()
            .any(|(place, byte)| *byte == b'\n' && (place == 0 || data[place - 1] != b'\r'));
        // An end of line in a cell counts as one: nobody knows where theirs are told apart.
        if crlf && lone || !crlf && data.contains(&b'\r') {
            return Err(wrong_end());
        }
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.separator())
            .has_headers(false)
            .flexible(true)
            .from_reader(data);
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|error| format!("ClientInputError : {error}"))?;
            rows.push(row.iter().map(ToOwned::to_owned).collect::<Vec<String>>());
        }
        if rows.is_empty() {
            return Err("InvalidBatch : The job has no data".to_owned());
        }
        let header = rows.remove(0);
        for row in &rows {
            if row.len() != header.len() {
                return Err(format!(
                    "InvalidBatch : Number of columns in a row, {}, is not that of the header, {}",
                    row.len(),
                    header.len()
                ));
            }
            if breaks_refused && row.iter().any(|cell| cell.contains('\n')) {
                return Err(wrong_end());
            }
            if row.iter().any(|cell| cell.chars().count() > LONGEST) {
                let message = "InvalidBatch : The length of a field exceeds the limit of 131072";
                return Err(message.to_owned());
            }
        }
        Ok(Table { header, rows })
    }

    /// The first column that the object does not have, as this user sees it.
    pub(super) fn unknown<'t>(
        schema: &Schema,
        access: &Access,
        object: &Object,
        table: &'t Table,
    ) -> Option<&'t str> {
        let seen = |object: &Object, name: &str| {
            object.field(name).is_some_and(|field| access.sees_field(&object.name, &field.name))
        };
        let known = |column: &str| match column.split_once('.') {
            None => seen(object, column),
            Some((relation, key)) => {
                let (kind, relation) = match relation.split_once(':') {
                    Some((kind, relation)) => (Some(kind), relation),
                    None => (None, relation),
                };
                let Some(field) = object.relation(relation) else { return false };
                // Of several parents one must be named, of one none.
                if kind.is_some() != (field.reference_to.len() > 1) {
                    return false;
                }
                let parent = kind.or(field.reference_to.first().map(String::as_str));
                let parent = parent.and_then(|parent| schema.object(parent));
                parent.is_some_and(|parent| seen(parent, key))
            }
        };
        table.header.iter().map(String::as_str).find(|column| !known(column))
    }
}

impl Table {
    /// A row as a body: empty cells say nothing, `#N/A` is nothing.
    pub(super) fn body(&self, row: &[String]) -> Body {
        let mut body = Body::new();
        for (column, cell) in self.header.iter().zip(row) {
            if cell.is_empty() {
                continue;
            }
            let value = if cell == "#N/A" { Value::Null } else { json!(cell) };
            match column.split_once('.') {
                None => body.insert(column.clone(), value),
                Some((relation, key)) => {
                    let (kind, relation) = relation.split_once(':').unwrap_or(("", relation));
                    let mut parent = json!({key: value});
                    if !kind.is_empty() {
                        parent["attributes"] = json!({"type": kind});
                    }
                    body.insert(relation.to_owned(), parent)
                }
            };
        }
        body
    }

    /// The cell of a column, by its name in any case.
    pub(super) fn cell<'r>(&self, row: &'r [String], column: &str) -> &'r str {
        let place = self.header.iter().position(|own| own.eq_ignore_ascii_case(column));
        place.and_then(|place| row.get(place)).map_or("", String::as_str)
    }
}
