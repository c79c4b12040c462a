//! One row of a file into one object.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::columns::{Column, Columns};
use crate::{
    classes::{self, Class, Kind},
    session::{Found, Session},
    synchro::{lock, lookup, objects},
};

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Issue,
    Created,
    Updated,
    Unchanged,
}

/// A cell: what it wants, how it was sent, and what is wrong with it.
struct Cell<'a> {
    column: &'a Column,
    sent: String,
    /// As it is stored.
    value: String,
    issue: Option<String>,
}

/// Imports a row; also gives the line of the answer, less its number.
pub(super) fn import(
    session: &Session<'_>,
    columns: &Columns,
    values: &[Vec<u8>],
    simulate: bool,
) -> Result<(Outcome, String), rusqlite::Error> {
    let mut cells = Vec::new();
    for column in columns.in_order() {
        let sent =
            values.get(column.place).map(|value| String::from_utf8_lossy(value).into_owned());
        let sent = sent.unwrap_or_default();
        let (value, issue) = match &column.key {
            Some((target, by)) => match lookup::key(session, target, by, &sent)? {
                // Unlike a load, an import takes 0 for the key of an object (seen).
                Some(id) if sent != "0" => (id.to_string(), None),
                _ => ("0".to_owned(), Some(no_match(session, target, by, &sent)?)),
            },
            None => (sent.clone(), wrong(column, &sent, columns.localized)),
        };
        cells.push(Cell { column, sent, value, issue });
    }
    if cells.iter().any(|cell| cell.column.key.is_some() && cell.issue.is_some()) {
        return Ok((Outcome::Issue, line("Issue: failed to reconcile", None, &cells, bare)));
    }
    let conditions: Vec<_> = cells
        .iter()
        .filter(|cell| cell.column.reconciles)
        .map(|cell| (cell.column.attribute.code, cell.value.clone()))
        .collect();
    let found = lookup::objects(session, columns.class, &conditions)?;
    match &*found {
        [] => create(session, columns.class, &cells, simulate),
        [one] => update(session, columns.class, one, cells, simulate),
        // The words are not recorded.
        _ => Ok((Outcome::Issue, line("Issue: ambiguous reconciliation", None, &cells, bare))),
    }
}

fn create(
    session: &Session<'_>,
    class: &'static Class,
    cells: &[Cell<'_>],
    simulate: bool,
) -> Result<(Outcome, String), rusqlite::Error> {
    let unexpected = "Issue: Unexpected attribute value(s)";
    if cells.iter().any(|cell| cell.issue.is_some()) {
        return Ok((Outcome::Issue, line(unexpected, None, cells, quoted)));
    }
    // Simulated too, so that what it lacks is found.
    session.database.execute_batch("SAVEPOINT created")?;
    let made = objects::create(session, class, &fields(cells.iter()));
    let undo = if simulate || made.is_err() { "ROLLBACK TO created; " } else { "" };
    session.database.execute_batch(&format!("{undo}RELEASE created"))?;
    Ok(match made {
        Ok(found) => {
            let id = if simulate { 0 } else { found.id };
            let found = Found { class: class.name.to_owned(), id };
            (Outcome::Created, line("created", Some(&found), cells, quoted))
        }
        // How iTop words it is not recorded.
        Err(refusal) => {
            let message = format!("Issue: {}", objects::words(refusal));
            (Outcome::Issue, line(&message, None, cells, quoted))
        }
    })
}

fn update(
    session: &Session<'_>,
    class: &'static Class,
    found: &Found,
    mut cells: Vec<Cell<'_>>,
    simulate: bool,
) -> Result<(Outcome, String), rusqlite::Error> {
    let codes: Vec<_> = cells.iter().map(|cell| cell.column.attribute.code.to_owned()).collect();
    let stored: BTreeMap<String, String> =
        objects::stored(session, class, found, codes.iter())?.unwrap_or_default();
    let locked = lock::locked(session, found)?;
    let mut changed = Vec::new();
    for (n, cell) in cells.iter_mut().enumerate() {
        let code = cell.column.attribute.code;
        let old = stored.get(code).map_or("", String::as_str);
        if old == cell.value {
            cell.issue = None;
            continue;
        }
        if locked.iter().any(|locked| locked == code) {
            let sent = &cell.sent;
            cell.issue = Some(format!(
                "'{sent}' is an invalid value. The attribute '{code}' is read-only and cannot be \
                 modified (current value: {old}, proposed value: {sent})"
            ));
        }
        changed.push(n);
    }
    let unexpected = "Issue: Unexpected attribute value(s)";
    if cells.iter().any(|cell| cell.issue.is_some()) {
        return Ok((Outcome::Issue, line(unexpected, Some(found), &cells, bare)));
    }
    if changed.is_empty() {
        return Ok((Outcome::Unchanged, line("unchanged", Some(found), &cells, bare)));
    }
    let concrete = classes::find(session.flavour, &found.class).unwrap_or(class);
    let wanted = fields(changed.iter().map(|n| &cells[*n]));
    session.database.execute_batch("SAVEPOINT changed")?;
    let done = objects::change(session, concrete, found, &wanted);
    let undo = if simulate || done.is_err() { "ROLLBACK TO changed; " } else { "" };
    session.database.execute_batch(&format!("{undo}RELEASE changed"))?;
    if let Err(refusal) = done {
        let message = format!("Issue: {}", objects::words(refusal));
        return Ok((Outcome::Issue, line(&message, Some(found), &cells, bare)));
    }
    let mut shown = Vec::new();
    for (n, cell) in cells.iter().enumerate() {
        let modified = changed.contains(&n) && cell.column.key.is_none();
        let value = bare(cell);
        shown.push(if modified { format!("\"{value}\"Modified") } else { value });
    }
    let status = format!("updated {} cols", changed.len());
    Ok((Outcome::Updated, format!("{status};{};{};{}", found.class, found.id, shown.join(";"))))
}

fn fields<'a>(cells: impl Iterator<Item = &'a Cell<'a>>) -> Map<String, Value> {
    cells
        .map(|cell| (cell.column.attribute.code.to_owned(), Value::from(cell.value.clone())))
        .collect()
}

fn line(
    status: &str,
    found: Option<&Found>,
    cells: &[Cell<'_>],
    shown: impl Fn(&Cell<'_>) -> String,
) -> String {
    let (class, id) = match found {
        Some(found) => (found.class.clone(), found.id.to_string()),
        None => ("n/a".to_owned(), "n/a".to_owned()),
    };
    let cells = cells.iter().map(|cell| cell.issue.clone().unwrap_or_else(|| shown(cell)));
    format!("{status};{class};{id};{}", cells.collect::<Vec<_>>().join(";"))
}

/// A value as it stands; of an external key the id.
fn bare(cell: &Cell<'_>) -> String {
    if cell.column.key.is_some() { cell.value.clone() } else { cell.sent.clone() }
}

/// A value that is new stands in quotes.
fn quoted(cell: &Cell<'_>) -> String {
    if cell.column.key.is_some() { cell.value.clone() } else { format!("\"{}\"", cell.sent) }
}

/// What iTop says where an external key means nothing.
fn no_match(
    session: &Session<'_>,
    target: &'static Class,
    by: &str,
    value: &str,
) -> Result<String, rusqlite::Error> {
    let (values, more) = lookup::some_values(session, target, by, 3)?;
    let values = values.join(", ") + if more { "..." } else { "" };
    let label = target.name;
    let some = format!("Some possible '{label}' value(s): {values}");
    Ok(if session.user.companies.is_some() && lookup::is_hidden(session, target, by, value)? {
        format!("There are some '{label}' objects not visible with your current profile. {some}")
    } else {
        format!("No match for value '{value}'. {some}")
    })
}

/// What is wrong with a value: recorded for the words of an enumeration, in both forms.
fn wrong(column: &Column, value: &str, localized: bool) -> Option<String> {
    let Kind::Choice(words) = column.attribute.kind else { return None };
    if value.is_empty() || words.contains(&value) {
        return None;
    }
    let code = column.attribute.code;
    Some(if localized {
        let words = words.join(",");
        format!("'{value}' is an invalid value. Allowed '{code}' value(s): {words}")
    } else {
        format!(
            "'{value}' is an invalid value. Unexpected value for attribute '{code}': Value not \
             allowed [{value}]"
        )
    })
}
