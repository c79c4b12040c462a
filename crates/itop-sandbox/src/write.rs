//! Creating and changing objects: fields are converted one by one, which evaluates the queries
//! among them; then the object is checked as a whole, as iTop does. A refusal of the first kind names the field; one of the second lists
//! all issues, and by then a new ticket has already used up a number.

mod links;
mod logs;
mod value;

use rusqlite::{OptionalExtension as _, params_from_iter, types::Value as Sql};
use serde_json::{Map, Value};

use super::{
    classes::{Class, Kind},
    faults::FaultKind,
    lifecycle,
    refusal::Refusal,
    session::{Found, Session},
    synchro,
};
use logs::StoredLog;
use value::Draft;

/// The size of a TEXT column of MySQL, in bytes.
const MYSQL_TEXT: usize = 65_535;

/// A write that is evaluated: values are converted, conditions have held, and what it will add a
/// line to has been read. What others write from now on it does not see.
pub(super) struct Pending {
    class: &'static Class,
    draft: Draft,
    of: Of,
}

enum Of {
    New,
    Stored { found: Found, logs: Vec<StoredLog> },
}

/// Evaluates the creation of an object of a concrete class.
pub(super) fn create(
    session: &Session<'_>,
    class: &'static Class,
    fields: &Map<String, Value>,
) -> Result<Pending, Refusal> {
    let draft = Draft::convert(session, class, fields)?;
    Ok(Pending { class, draft, of: Of::New })
}

/// Evaluates the change of an object by a user, who may not change what a data source masters.
pub(super) fn update(
    session: &Session<'_>,
    class: &'static Class,
    found: Found,
    fields: &Map<String, Value>,
) -> Result<Pending, Refusal> {
    let draft = Draft::convert(session, class, fields)?;
    synchro::refuse_locked(session, class, &found, &draft.values)?;
    Pending::change(session, class, found, draft)
}

/// Evaluates the change of an object by a data source.
pub(super) fn synchronize(
    session: &Session<'_>,
    class: &'static Class,
    found: Found,
    fields: &Map<String, Value>,
) -> Result<Pending, Refusal> {
    let draft = Draft::convert(session, class, fields)?;
    Pending::change(session, class, found, draft)
}

impl Pending {
    fn change(
        session: &Session<'_>,
        class: &'static Class,
        found: Found,
        draft: Draft,
    ) -> Result<Self, Refusal> {
        let logs = logs::read(session, &found, &draft)?;
        Ok(Self { class, draft, of: Of::Stored { found, logs } })
    }

    pub(super) fn is_new(&self) -> bool {
        matches!(self.of, Of::New)
    }

    /// Whether this makes a ticket, which takes a number and passes the locks on the way.
    pub(super) fn is_new_ticket(&self) -> bool {
        self.is_new() && self.class.is_ticket()
    }

    /// Completes a new object, which gives a ticket its number, and checks it as a whole.
    pub(super) fn complete(&mut self, session: &Session<'_>) -> Result<(), Refusal> {
        if !self.is_new() {
            return Ok(());
        }
        let (class, draft) = (self.class, &mut self.draft);
        if matches!(class.table, "ci" | "contact" | "ticket" | "typology" | "sync_attribute") {
            draft.set("finalclass", class.name);
        }
        if class.is_ticket() {
            let number: i64 = session.database.query_row(
                "UPDATE ref_counter SET next = next + 1 WHERE class = ? RETURNING next - 1",
                [class.name],
                |row| row.get(0),
            )?;
            let prefix = match class.name {
                "Incident" => "I",
                "NormalChange" => "C",
                "SecurityIncident" => "S",
                _ => "R",
            };
            draft.set("ref", &format!("{prefix}-{number:06}"));
            complete_ticket(session, class, draft);
        }
        if session.strike.has(&FaultKind::SkipChecks) {
            draft.fill(class);
            return Ok(());
        }
        draft.check(class, None)
    }

    /// Has the effect. What is new was completed before.
    pub(super) fn store(self, session: &Session<'_>) -> Result<Found, Refusal> {
        let Self { class, draft, of } = self;
        match of {
            Of::New => insert(session, class, &draft),
            Of::Stored { found, logs } => {
                store_changes(session, class, &found, draft, logs)?;
                Ok(found)
            }
        }
    }
}

fn insert(session: &Session<'_>, class: &Class, draft: &Draft) -> Result<Found, Refusal> {
    let codes: Vec<_> = draft.values.keys().map(|code| format!("\"{code}\"")).collect();
    let marks = vec!["?"; codes.len()].join(", ");
    let sql = format!("INSERT INTO base_{} ({}) VALUES ({marks})", class.table, codes.join(", "));
    fits_mysql(&sql, draft)?;
    session.database.execute(&sql, params_from_iter(draft.values.values()))?;
    let found = Found { class: class.name.to_owned(), id: session.database.last_insert_rowid() };
    if !session.strike.has(&FaultKind::MarkerLost) {
        logs::write(session, &found, draft, Vec::new())?;
    }
    links::link(session, &found, draft)?;
    if class.table == "sync_source" {
        synchro::complete_source(session, found.id)?;
    }
    Ok(found)
}

/// Evaluates the step of a ticket along its life cycle.
pub(super) fn apply_stimulus(
    session: &Session<'_>,
    class: &'static Class,
    found: Found,
    stimulus: &str,
    fields: &Map<String, Value>,
) -> Result<Pending, Refusal> {
    let mut draft = Draft::convert(session, class, fields)?;
    if !class.is_ticket() {
        return Err(Refusal::error(format!("'{}' has no life cycle", class.name)));
    }
    let (reference, status): (String, String) = session.database.query_row(
        "SELECT ref, status FROM base_ticket WHERE id = ?",
        [found.id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some((_, target)) =
        lifecycle::transitions(&status).iter().find(|(known, _)| *known == stimulus)
    else {
        return Err(Refusal::Verdict(
            100,
            format!("Invalid stimulus: '{stimulus}' on the object {reference} in state '{status}'"),
        ));
    };
    let mut missing = Vec::new();
    for code in lifecycle::expected_in(target) {
        let given = match draft.values.get(code) {
            Some(value) => {
                !matches!(value, Sql::Text(text) if text.is_empty()) && *value != Sql::Integer(0)
            }
            None => is_filled(session, &found, code)?,
        };
        if !given {
            missing.push(*code);
        }
    }
    if !missing.is_empty() {
        let message = format!(
            "Missing mandatory attribute(s) for applying the stimulus: {}.",
            missing.join(", ")
        );
        return Err(Refusal::Verdict(100, message));
    }
    draft.set("status", target);
    draft.set("operational_status", lifecycle::operational_status(target));
    if let Some(date) = lifecycle::dated_by(target) {
        draft.set(date, &session.now);
    }
    Pending::change(session, class, found, draft)
}

fn is_filled(session: &Session<'_>, found: &Found, code: &str) -> Result<bool, Refusal> {
    let sql = format!("SELECT {code} NOT IN ('', 0) FROM base_ticket WHERE id = ?");
    Ok(session.database.query_row(&sql, [found.id], |row| row.get(0))?)
}

fn store_changes(
    session: &Session<'_>,
    class: &'static Class,
    found: &Found,
    mut draft: Draft,
    logs: Vec<StoredLog>,
) -> Result<(), Refusal> {
    if class.is_ticket() {
        draft.set("last_update", &session.now);
        if draft.values.contains_key("impact") || draft.values.contains_key("urgency") {
            compute_priority(session, Some(found), &mut draft)?;
        }
    }
    if !session.strike.has(&FaultKind::SkipChecks) {
        draft.check(class, Some(found))?;
    }
    if !draft.values.is_empty() {
        let columns: Vec<_> = draft.values.keys().map(|code| format!("\"{code}\" = ?")).collect();
        let sql = format!(
            "UPDATE base_{} SET {} WHERE id = {}",
            class.table,
            columns.join(", "),
            found.id
        );
        fits_mysql(&sql, &draft)?;
        session.database.execute(&sql, params_from_iter(draft.values.values()))?;
    }
    logs::write(session, found, &draft, logs)?;
    if draft.links.is_some() {
        session.database.execute("DELETE FROM base_ticket_ci WHERE ticket_id = ?", [found.id])?;
        links::link(session, found, &draft)?;
    }
    Ok(())
}

/// The values that iTop gives a new ticket by itself.
fn complete_ticket(session: &Session<'_>, class: &Class, draft: &mut Draft) {
    draft.values.retain(|_, value| *value != Sql::Null);
    draft.set_if_missing("impact", "1");
    draft.set_if_missing("urgency", "4");
    draft.set_if_missing("start_date", &session.now);
    draft.set("last_update", &session.now);
    if let Some(Kind::Choice(&[only])) = class.attribute("request_type").map(|a| a.kind) {
        draft.set_if_missing("request_type", only);
    }
    let priority = lifecycle::priority(draft.text("impact"), draft.text("urgency"));
    draft.set("priority", priority);
}

fn compute_priority(
    session: &Session<'_>,
    found: Option<&Found>,
    draft: &mut Draft,
) -> Result<(), Refusal> {
    let stored: Option<(String, String)> = session
        .database
        .query_row(
            "SELECT impact, urgency FROM base_ticket WHERE id = ?",
            [found.map_or(0, |found| found.id)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let (impact, urgency) = stored.unwrap_or_default();
    let pick = |code, stored| {
        if draft.values.contains_key(code) { draft.text(code).to_owned() } else { stored }
    };
    let priority = lifecycle::priority(&pick("impact", impact), &pick("urgency", urgency));
    draft.set("priority", priority);
    Ok(())
}

/// iTop checks lengths in characters; MySQL then counts bytes, and echoes the whole statement.
fn fits_mysql(sql: &str, draft: &Draft) -> Result<(), Refusal> {
    let too_long = draft.values.iter().find_map(|(code, value)| match value {
        Sql::Text(text) if text.len() > MYSQL_TEXT => Some((code, text)),
        _ => None,
    });
    let Some((code, text)) = too_long else { return Ok(()) };
    Err(Refusal::Thrown(
        1406,
        format!(
            "Failed to issue SQL query: query = {}, mysql_errno = 1406, mysql_error = Data too \
             long for column '{code}' at row 1",
            sql.replacen('?', &format!("'{text}'"), 1)
        ),
    ))
}
