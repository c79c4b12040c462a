//! Objects that a source, or a file, makes and changes.

use std::{collections::BTreeMap, fmt::Write as _};

use rusqlite::OptionalExtension as _;
use serde_json::{Map, Value};

use super::{
    lookup,
    source::{Source, SourceAttribute},
};
use crate::{
    classes::Class,
    refusal::Refusal,
    session::{Found, Session},
    write,
};

/// What a row wants of its object.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// All as text; of external keys the id.
    pub(super) fields: Map<String, Value>,
    /// The sets of links, one a line.
    pub(super) linked: String,
    /// What could not be found; empty where all is well.
    pub(super) warning: String,
}

impl Wanted {
    /// What the columns of a row say, of which those that are null say nothing.
    pub(super) fn of(
        session: &Session<'_>,
        source: &Source,
        columns: &Map<String, Value>,
    ) -> Result<Self, rusqlite::Error> {
        let mut wanted = Self::default();
        for attribute in source.attributes.iter().filter(|attribute| attribute.update) {
            let Some(text) = columns.get(&attribute.code).and_then(Value::as_str) else { continue };
            if source.class.attribute(&attribute.code).is_none() {
                // A set of links, or something else that the sandbox does not have.
                // Writing to a String cannot fail.
                let _ = writeln!(wanted.linked, "{}={text}", attribute.code);
                continue;
            }
            let (value, warning) = value(session, source.class, attribute, text)?;
            wanted.warning.push_str(&warning);
            wanted.fields.insert(attribute.code.clone(), Value::String(value));
        }
        Ok(wanted)
    }

    /// Leaves what the object has already, and what may be written only where it is empty.
    pub(super) fn keep_changes(
        &mut self,
        session: &Session<'_>,
        source: &Source,
        found: &Found,
    ) -> Result<bool, rusqlite::Error> {
        let Some(stored) = stored(session, source.class, found, self.fields.keys())? else {
            return Ok(false);
        };
        self.fields.retain(|code, value| {
            let stored = stored.get(code).map_or("", String::as_str);
            let only_if_empty =
                source.attribute(code).is_some_and(|known| known.policy == "write_if_empty");
            let empty = matches!(stored, "" | "0");
            value.as_str() != Some(normal(value, stored)) && (empty || !only_if_empty)
        });
        Ok(true)
    }
}

/// An external key of nothing is empty in a file and 0 in an object.
fn normal<'a>(value: &Value, stored: &'a str) -> &'a str {
    match (value.as_str(), stored) {
        (Some(""), "0") => "",
        (Some("0"), "") => "0",
        (_, stored) => stored,
    }
}

/// The value of a column, and a warning where it means nothing. Its words are not recorded.
pub(super) fn value(
    session: &Session<'_>,
    class: &'static Class,
    attribute: &SourceAttribute,
    text: &str,
) -> Result<(String, String), rusqlite::Error> {
    if !attribute.key {
        return Ok((text.to_owned(), String::new()));
    }
    let found = match lookup::target(session, class, &attribute.code) {
        Some(target) => lookup::key(session, target, &attribute.by, text)?,
        // The sandbox does not have what the key points at.
        None => Some(0),
    };
    let Some(id) = found else {
        let code = &attribute.code;
        let warning = format!("Could not reconcile '{text}' for the attribute {code}. ");
        return Ok(("0".to_owned(), warning));
    };
    Ok((id.to_string(), String::new()))
}

/// What an object has of some attributes, as text; none is an object that is gone.
pub(super) fn stored<'a>(
    session: &Session<'_>,
    class: &Class,
    found: &Found,
    codes: impl Iterator<Item = &'a String>,
) -> Result<Option<BTreeMap<String, String>>, rusqlite::Error> {
    let codes: Vec<_> = codes.cloned().collect();
    let mut columns = String::new();
    for code in &codes {
        let _ = write!(columns, ", coalesce(CAST(\"{code}\" AS TEXT), '')");
    }
    let sql = format!("SELECT id{columns} FROM base_{} WHERE id = ?", class.table);
    session
        .database
        .prepare_cached(&sql)?
        .query_row([found.id], |row| {
            codes.into_iter().enumerate().map(|(n, code)| Ok((code, row.get(n + 1)?))).collect()
        })
        .optional()
}

/// Makes an object.
pub(super) fn create(
    session: &Session<'_>,
    class: &'static Class,
    fields: &Map<String, Value>,
) -> Result<Found, Refusal> {
    if class.is_abstract() {
        let message = format!("Cannot instantiate the abstract class {}", class.name);
        return Err(Refusal::error(message));
    }
    let mut pending = write::create(session, class, fields)?;
    pending.complete(session)?;
    pending.store(session)
}

/// Changes an object, whatever a source has locked of it.
pub(super) fn change(
    session: &Session<'_>,
    class: &'static Class,
    found: &Found,
    fields: &Map<String, Value>,
) -> Result<(), Refusal> {
    write::synchronize(session, class, found.clone(), fields)?.store(session)?;
    Ok(())
}

/// What went wrong, in words.
pub(super) fn words(refusal: Refusal) -> String {
    match refusal {
        Refusal::Thrown(_, message) | Refusal::Verdict(_, message) => message,
        Refusal::Crashed => "An error occurred".to_owned(),
    }
}
