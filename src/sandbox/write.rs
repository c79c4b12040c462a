//! Creating and changing objects: fields are converted one by one, then the object is checked as
//! a whole, as iTop does. A refusal of the first kind names the field; one of the second lists
//! all issues, and by then a new ticket has already used up a number.

mod value;

use rusqlite::{OptionalExtension as _, params_from_iter, types::Value as Sql};
use serde_json::{Map, Value};

use super::{
    classes::{Class, Kind},
    lifecycle,
    session::{Found, Refusal, Session},
};
use value::{CiLink, Draft, Entry, LogChange};

/// The size of a TEXT column of MySQL, in bytes.
const MYSQL_TEXT: usize = 65_535;

/// Creates an object of a concrete class.
pub(super) fn create(
    session: &Session<'_>,
    class: &'static Class,
    fields: &Map<String, Value>,
) -> Result<Found, Refusal> {
    let mut draft = Draft::convert(session, class, fields)?;
    if matches!(class.table, "ci" | "contact" | "ticket") {
        draft.set("finalclass", class.name);
    }
    if class.is_ticket() {
        let number: i64 = session.database.query_row(
            "UPDATE ref_counter SET next = next + 1 WHERE class = ? RETURNING next - 1",
            [class.name],
            |row| row.get(0),
        )?;
        let prefix = if class.name == "Incident" { "I" } else { "R" };
        draft.set("ref", &format!("{prefix}-{number:06}"));
        complete_ticket(session, class, &mut draft);
    }
    draft.check(class, None)?;
    let codes: Vec<_> = draft.values.keys().copied().collect();
    let marks = vec!["?"; codes.len()].join(", ");
    let sql = format!("INSERT INTO base_{} ({}) VALUES ({marks})", class.table, codes.join(", "));
    fits_mysql(&sql, &draft)?;
    session.database.execute(&sql, params_from_iter(draft.values.values()))?;
    let found = Found { class: class.name.to_owned(), id: session.database.last_insert_rowid() };
    if !session.loses_logs {
        write_logs(session, &found, &draft)?;
    }
    link_cis(session, &found, &draft)?;
    Ok(found)
}

/// Changes an object.
pub(super) fn update(
    session: &Session<'_>,
    class: &'static Class,
    found: &Found,
    fields: &Map<String, Value>,
) -> Result<(), Refusal> {
    let draft = Draft::convert(session, class, fields)?;
    store_changes(session, class, found, draft)
}

/// Moves a ticket along its life cycle.
pub(super) fn apply_stimulus(
    session: &Session<'_>,
    class: &'static Class,
    found: &Found,
    stimulus: &str,
    fields: &Map<String, Value>,
) -> Result<(), Refusal> {
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
            None => is_filled(session, found, code)?,
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
    store_changes(session, class, found, draft)
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
) -> Result<(), Refusal> {
    if class.is_ticket() {
        draft.set("last_update", &session.now);
        if draft.values.contains_key("impact") || draft.values.contains_key("urgency") {
            compute_priority(session, Some(found), &mut draft)?;
        }
    }
    draft.check(class, Some(found))?;
    if !draft.values.is_empty() {
        let columns: Vec<_> = draft.values.keys().map(|code| format!("{code} = ?")).collect();
        let sql = format!(
            "UPDATE base_{} SET {} WHERE id = {}",
            class.table,
            columns.join(", "),
            found.id
        );
        fits_mysql(&sql, &draft)?;
        session.database.execute(&sql, params_from_iter(draft.values.values()))?;
    }
    write_logs(session, found, &draft)?;
    if draft.links.is_some() {
        session.database.execute("DELETE FROM base_ticket_ci WHERE ticket_id = ?", [found.id])?;
        link_cis(session, found, &draft)?;
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

fn write_logs(session: &Session<'_>, found: &Found, draft: &Draft) -> Result<(), Refusal> {
    for (code, change) in &draft.logs {
        let (stored, new) = match change {
            LogChange::Append(entry) => {
                let sql = format!("SELECT {code}_entries FROM base_ticket WHERE id = ?");
                let stored: String =
                    session.database.query_row(&sql, [found.id], |row| row.get(0))?;
                (
                    serde_json::from_str::<Vec<Value>>(&stored).unwrap_or_default(),
                    std::slice::from_ref(entry),
                )
            }
            LogChange::Replace(entries) => (Vec::new(), entries.as_slice()),
        };
        let entries: Vec<Value> =
            stored.into_iter().chain(new.iter().map(|entry| entry.shown(session))).collect();
        // A query searches what iTop stores: the text of a text entry, the HTML of the others.
        let kept: Vec<_> = new.iter().map(Entry::kept).collect();
        let searched = if matches!(change, LogChange::Append(_)) {
            format!("{code} || char(10) || ?")
        } else {
            "?".to_owned()
        };
        let sql =
            format!("UPDATE base_ticket SET {code} = {searched}, {code}_entries = ? WHERE id = ?");
        session.database.execute(
            &sql,
            rusqlite::params![kept.join("\n"), Value::Array(entries).to_string(), found.id],
        )?;
    }
    Ok(())
}

/// Links the CIs of a draft, and those that iTop's impact analysis adds.
fn link_cis(session: &Session<'_>, found: &Found, draft: &Draft) -> Result<(), Refusal> {
    let Some(links) = &draft.links else { return Ok(()) };
    let mut linked: Vec<i64> = links.iter().map(|link| link.ci).collect();
    for link in links {
        insert_link(session, found, link)?;
    }
    for link in links {
        add_impacted(session, found, link.ci, &mut linked)?;
    }
    Ok(())
}

fn add_impacted(
    session: &Session<'_>,
    found: &Found,
    source: i64,
    linked: &mut Vec<i64>,
) -> Result<(), Refusal> {
    let impacted: Vec<i64> = session
        .database
        .prepare_cached("SELECT impacted_id FROM ci_impact WHERE source_id = ? ORDER BY rowid")?
        .query_map([source], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for ci in impacted {
        if !linked.contains(&ci) {
            linked.push(ci);
            let computed = CiLink { ci, impact_code: "computed".to_owned(), impact: String::new() };
            insert_link(session, found, &computed)?;
            add_impacted(session, found, ci, linked)?;
        }
    }
    Ok(())
}

fn insert_link(session: &Session<'_>, found: &Found, link: &CiLink) -> Result<(), Refusal> {
    session
        .database
        .prepare_cached(
            "INSERT INTO base_ticket_ci (ticket_id, functionalci_id, impact, impact_code)
             VALUES (?, ?, ?, ?)",
        )?
        .execute(rusqlite::params![found.id, link.ci, link.impact, link.impact_code])?;
    Ok(())
}
