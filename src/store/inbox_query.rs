//! Looking into the inbox.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{
    Connection, OptionalExtension as _, Row, params_from_iter,
    types::{FromSql, Value},
};

use super::{Store, StoreError, time};
use crate::domain::{
    delivery_state::{Problem, State},
    keys::{ControlId, Instance, TicketKey},
};

/// A row of the inbox as operators see it.
#[derive(Clone, Debug)]
pub struct InboxRow {
    /// Its number, in the order of arrival.
    pub id: i64,
    /// The instance that sent it.
    pub instance: String,
    /// Its key within the instance.
    pub event_id: Option<String>,
    /// What happened.
    pub event_type: String,
    /// Where it stands.
    pub state: State,
    /// Why it is not a ticket.
    pub problem: Option<Problem>,
    /// What could not be done as asked.
    pub warnings: Vec<String>,
    /// `id:…` or `name:…`.
    pub company_key: Option<String>,
    /// The company's name.
    pub company_name: Option<String>,
    /// The control.
    pub control_id: Option<String>,
    /// The control's name.
    pub control_name: Option<String>,
    /// How often a write was decided on.
    pub attempts: u32,
    /// When it is tried next, if it waits for a time.
    pub next_attempt_at: Option<Timestamp>,
    /// Its ticket.
    pub ticket: Option<(TicketKey, String)>,
    /// Why an operator discarded it.
    pub reason: Option<String>,
    /// When it was stored.
    pub received_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When nothing more could come of it.
    pub ended_at: Option<Timestamp>,
    /// The body as received.
    pub body: String,
}

/// Which rows to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct InboxFilter {
    /// Only this state.
    pub state: Option<State>,
    /// Only this instance.
    pub instance: Option<Instance>,
    /// Only these companies.
    pub companies: Option<Vec<String>>,
    /// Only this control.
    pub control: Option<ControlId>,
    /// Only rows older than this one.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: usize,
}

/// In the order in which [`row`] takes them: finding each by its name takes longer than the query.
const COLUMNS: &str = "id, instance, event_id, event_type, state, problem_code, problem, warnings,
     company_key, company_name, control_id, control_name, attempts, next_attempt_at,
     ticket_class, ticket_id, ticket_ref, reason, received_at, updated_at, ended_at, body";

impl Store {
    /// One row.
    pub async fn acknowledgement(&self, id: i64) -> Result<Option<InboxRow>, StoreError> {
        self.read(move |db| by_id(db, id).optional()).await
    }

    /// A page of rows.
    pub async fn acknowledgements(&self, filter: InboxFilter) -> Result<Vec<InboxRow>, StoreError> {
        self.read(move |db| {
            // Only what is asked for stands in the query, so that it finds the right index: that of
            // controls is none for an instance alone, and the plus keeps it away.
            let (mut sql, mut values) =
                (format!("SELECT {COLUMNS} FROM acknowledgements WHERE id < ?"), Vec::new());
            let mut ask = |condition: &str, value: Value| {
                sql.push_str(condition);
                values.push(value);
            };
            ask("", filter.before.unwrap_or(i64::MAX).into());
            if let Some(state) = filter.state {
                ask(" AND state = ?", state.as_str().to_owned().into());
            }
            if let Some(instance) = filter.instance {
                let plus = if filter.control.is_some() { "" } else { "+" };
                ask(&format!(" AND {plus}instance = ?"), String::from(instance).into());
            }
            if let Some(control) = filter.control {
                ask(" AND control_id = ?", String::from(control).into());
            }
            if let Some(companies) = filter.companies {
                let listed = " AND company_key IN (SELECT value FROM json_each(?))";
                ask(listed, super::as_json(&companies).into());
            }
            ask(
                " ORDER BY id DESC LIMIT ?",
                i64::try_from(filter.limit).unwrap_or(i64::MAX).into(),
            );
            db.prepare_cached(&sql)?.query_map(params_from_iter(values), row)?.collect()
        })
        .await
    }

    /// How many rows are in each of the states that are no end, and how many were refused, all at
    /// one moment.
    pub async fn count_unended(&self) -> Result<Vec<(State, u64)>, StoreError> {
        let is_counted = |state: &State| !state.is_ended() || *state == State::Rejected;
        let states: Vec<_> = State::ALL.into_iter().filter(is_counted).collect();
        let words = super::as_json(&states.iter().map(|state| state.as_str()).collect::<Vec<_>>());
        let counted: HashMap<String, u32> = self
            .read(move |db| {
                db.prepare_cached(
                    "SELECT state, count(*) FROM acknowledgements
                     WHERE state IN (SELECT value FROM json_each(?1)) GROUP BY state",
                )?
                .query_map([words], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
            })
            .await?;
        let count = |state: State| counted.get(state.as_str()).copied().unwrap_or(0).into();
        Ok(states.into_iter().map(|state| (state, count(state))).collect())
    }
}

/// Of each of these controls the newest row that was not refused, and the newest that asks for
/// something: a recovery, say, which asks for nothing, must not hide what failed before it.
pub(super) fn of_controls(
    db: &Connection,
    instance: &str,
    controls: &str,
) -> rusqlite::Result<Vec<InboxRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM acknowledgements WHERE id IN (
             SELECT (SELECT max(id) FROM acknowledgements
                     WHERE instance = ?1 AND control_id = value AND state <> 'rejected')
             FROM json_each(?2)
             UNION
             SELECT (SELECT id FROM acknowledgements
                     WHERE instance = ?1 AND control_id = value
                       AND state NOT IN ('recorded', 'discarded', 'rejected')
                     ORDER BY id DESC LIMIT 1)
             FROM json_each(?2))"
    );
    db.prepare_cached(&sql)?.query_map([instance, controls], row)?.collect()
}

/// The row of that number.
pub(super) fn by_id(db: &Connection, id: i64) -> rusqlite::Result<InboxRow> {
    let sql = format!("SELECT {COLUMNS} FROM acknowledgements WHERE id = ?1");
    db.prepare_cached(&sql)?.query_row([id], row)
}

fn row(row: &Row<'_>) -> rusqlite::Result<InboxRow> {
    let mut cells = Cells { row, next: 0 };
    let mut row = InboxRow {
        id: cells.take()?,
        instance: cells.take()?,
        event_id: cells.take()?,
        event_type: cells.take()?,
        state: State::parse(&cells.take::<String>()?).unwrap_or(State::Failed),
        problem: match (cells.take()?, cells.take::<Option<String>>()?) {
            (Some(code), message) => Some(Problem { code, message: message.unwrap_or_default() }),
            (None, _) => None,
        },
        warnings: serde_json::from_str(&cells.take::<String>()?).unwrap_or_default(),
        company_key: cells.take()?,
        company_name: cells.take()?,
        control_id: cells.take()?,
        control_name: cells.take()?,
        attempts: cells.take()?,
        next_attempt_at: Some(cells.take()?).filter(|at| *at > 0).map(time),
        ticket: match (cells.take()?, cells.take()?, cells.take()?) {
            (Some(class), Some(id), Some(number)) => Some((TicketKey { class, id }, number)),
            _ => None,
        },
        reason: cells.take()?,
        received_at: time(cells.take()?),
        updated_at: time(cells.take()?),
        ended_at: cells.take::<Option<i64>>()?.map(time),
        body: cells.take()?,
    };
    row.next_attempt_at.take_if(|_| row.state.is_ended());
    Ok(row)
}

/// The cells of a row, one after the other.
struct Cells<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl Cells<'_, '_> {
    fn take<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let cell = self.row.get(self.next);
        self.next += 1;
        cell
    }
}
