//! A row on its way into the table of a data source, as MySQL takes it or not.

use serde_json::{Map, Value};

use crate::{
    classes::{Attribute, Kind},
    synchro::{
        source::{Source, SourceAttribute},
        table::{self, Table},
    },
};

/// What leaves an attribute alone.
const NULL: &[u8] = b"<NULL>";

pub(super) struct Row<'a> {
    source: &'a Source,
    header: &'a [String],
    values: Vec<Vec<u8>>,
    /// Places of dates that are left as the table has them.
    skipped: Vec<usize>,
}

impl<'a> Row<'a> {
    pub(super) fn new(source: &'a Source, table: &'a Table, values: &[Vec<u8>]) -> Self {
        Self { source, header: &table.header, values: values.to_vec(), skipped: Vec::new() }
    }

    pub(super) fn primary_key(&self) -> String {
        let place = self.header.iter().position(|name| name == "primary_key");
        place.and_then(|place| self.values.get(place)).map_or_else(String::new, |key| lossy(key))
    }

    /// Writes dates as SQL has them. One in another format is emptied, and so is what has no column, of a
    /// row that is new (recorded of the latter), else skipped; this tells which. What leaves any other
    /// attribute alone is a date in another format (seen on 3.2.0).
    pub(super) fn convert_dates(
        &mut self,
        format: &str,
        day_format: &str,
        is_new: bool,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        for (place, value) in self.values.iter_mut().enumerate() {
            let column = self.header.get(place);
            let kind = column.and_then(|code| self.source.class.attribute(code)).map(|a| a.kind);
            let day = match (column, kind) {
                (None, _) | (Some(_), Some(Kind::Date)) => false,
                (Some(_), Some(Kind::Day)) => true,
                _ => continue,
            };
            if value.is_empty() {
                continue;
            }
            let format = if day { day_format } else { format };
            let text = if value == NULL { String::new() } else { lossy(value) };
            let date = column.and_then(|_| table::date(format, &text, day));
            if date.is_none() {
                wrong.push(format!(
                    "Wrong format for {} column {place}: '{text}' does not match the expected \
                     format: '{format}' (column skipped)",
                    column.map_or("", |_| if day { "DATE" } else { "DATETIME" })
                ));
            }
            if date.is_none() && !is_new {
                self.skipped.push(place);
            }
            *value = date.unwrap_or_default().into_bytes();
        }
        wrong
    }

    /// The columns beside the key.
    pub(super) fn columns(&self) -> Map<String, Value> {
        self.header
            .iter()
            .zip(&self.values)
            .enumerate()
            .filter(|(place, (code, _))| *code != "primary_key" && !self.skipped.contains(place))
            .map(|(_, (code, value))| {
                let value = if value == NULL { Value::Null } else { Value::String(lossy(value)) };
                (code.clone(), value)
            })
            .collect()
    }

    /// What MySQL says against the row.
    pub(super) fn check(&self, update: bool) -> Result<(), String> {
        let table = self.source.table();
        let error = if self.values.len() == self.header.len() {
            let columns = self.header.iter().zip(&self.values);
            columns
                .filter(|(_, value)| *value != NULL)
                .find_map(|(code, value)| self.issue(code, value))
        } else {
            Some((1136, "Column count doesn't match value count at row 1".to_owned()))
        };
        let Some((number, error)) = error else { return Ok(()) };
        let names: Vec<_> = self.header.iter().map(|code| format!("`{code}`")).collect();
        let values: Vec<_> = self.values.iter().map(|value| literal(value)).collect();
        let query = if update {
            // Not recorded.
            let pairs = names.iter().zip(&values).map(|(name, value)| format!("{name} = {value}"));
            let key = self.primary_key();
            format!(
                "UPDATE `{table}` SET {} WHERE `primary_key` = '{key}'",
                pairs.collect::<Vec<_>>().join(", ")
            )
        } else {
            format!("INSERT INTO `{table}` ({}) VALUES ({})", names.join(", "), values.join(", "))
        };
        Err(format!(
            "Failed to issue SQL query: query = {query}, mysql_errno = {number}, mysql_error = {error}"
        ))
    }

    /// What MySQL says against a value. That of an enumeration and of the bytes are recorded; that
    /// the id of an external key is a number, and the length of texts, are MySQL's own.
    fn issue(&self, code: &str, value: &[u8]) -> Option<(u32, String)> {
        let place = format!("`itop2`.`{}`.`{code}` at row 1", self.source.table());
        let Ok(text) = std::str::from_utf8(value) else {
            return Some((
                1366,
                format!("Incorrect string value: '{}' for column {place}", wrong_bytes(value)),
            ));
        };
        let too_long = || Some((1406, format!("Data too long for column '{code}' at row 1")));
        let attribute = self.source.attribute(code);
        match (self.source.class.attribute(code), attribute) {
            (Some(Attribute { kind: Kind::Choice(words), .. }), _) => {
                let known = text.is_empty() || words.contains(&text);
                (!known).then(|| (1265, format!("Data truncated for column '{code}' at row 1")))
            }
            (_, Some(SourceAttribute { key: true, by, .. })) if by.is_empty() => {
                let number = text.is_empty() || text.parse::<i64>().is_ok();
                (!number).then(|| {
                    (1366, format!("Incorrect integer value: '{text}' for column {place}"))
                })
            }
            _ if text.chars().count() > 255 && !code.ends_with("_list") => too_long(),
            _ => None,
        }
    }
}

/// A client reads bytes that are no text as this too.
fn lossy(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn literal(value: &[u8]) -> String {
    if value == NULL {
        return "NULL".to_owned();
    }
    let text = lossy(value).replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
    format!("'{text}'")
}

/// The first bytes from where a text is none, as MySQL shows them.
fn wrong_bytes(value: &[u8]) -> String {
    let from = std::str::from_utf8(value).map_or_else(|error| error.valid_up_to(), str::len);
    let shown = value[from..].iter().take(6).map(|byte| match byte {
        b' '..=b'~' => char::from(*byte).to_string(),
        byte => format!("\\x{byte:02X}"),
    });
    shown.collect()
}
