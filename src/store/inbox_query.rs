//! Looking into the inbox.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

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
            let sql = format!(
                "SELECT {COLUMNS} FROM acknowledgements
                 WHERE id < :before
                   AND (:state IS NULL OR state = :state)
                   AND (:instance IS NULL OR instance = :instance)
                   AND (:control IS NULL OR control_id = :control)
                   AND (:companies IS NULL
                        OR company_key IN (SELECT value FROM json_each(:companies)))
                 ORDER BY id DESC LIMIT :limit"
            );
            db.prepare_cached(&sql)?
                .query_map(
                    named_params! {
                        ":before": filter.before.unwrap_or(i64::MAX),
                        ":state": filter.state.map(State::as_str),
                        ":instance": filter.instance.as_ref().map(Instance::as_str),
                        ":control": filter.control.as_ref().map(ControlId::as_str),
                        ":companies": filter.companies.map(|keys| super::as_json(&keys)),
                        ":limit": i64::try_from(filter.limit).unwrap_or(i64::MAX),
                    },
                    row,
                )?
                .collect()
        })
        .await
    }

    /// The newest acknowledgement of a control, whatever its state.
    pub async fn newest_of_control(
        &self,
        instance: &Instance,
        control: &ControlId,
    ) -> Result<Option<InboxRow>, StoreError> {
        let key = [instance.to_string(), control.to_string()];
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM acknowledgements
                 WHERE instance = ?1 AND control_id = ?2 ORDER BY id DESC LIMIT 1"
            );
            db.prepare_cached(&sql)?.query_row(params![key[0], key[1]], row).optional()
        })
        .await
    }

    /// The newest acknowledgement of each of these controls, whatever its state.
    pub async fn newest_of_controls(
        &self,
        instance: &Instance,
        controls: &[ControlId],
    ) -> Result<Vec<InboxRow>, StoreError> {
        let (instance, controls) = (instance.to_string(), super::as_json(controls));
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM acknowledgements WHERE id IN (
                     SELECT (SELECT max(id) FROM acknowledgements
                             WHERE instance = ?1 AND control_id = value)
                     FROM json_each(?2))"
            );
            db.prepare_cached(&sql)?.query_map(params![instance, controls], row)?.collect()
        })
        .await
    }

    /// How many rows are in each of the states that are no end, all at one moment.
    pub async fn count_unended(&self) -> Result<Vec<(State, u64)>, StoreError> {
        let states: Vec<_> = State::ALL.into_iter().filter(|state| !state.is_ended()).collect();
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

/// The row of that number.
pub(super) fn by_id(db: &Connection, id: i64) -> rusqlite::Result<InboxRow> {
    let sql = format!("SELECT {COLUMNS} FROM acknowledgements WHERE id = ?1");
    db.prepare_cached(&sql)?.query_row([id], row)
}

fn row(row: &Row<'_>) -> rusqlite::Result<InboxRow> {
    let state: String = row.get("state")?;
    let state = State::parse(&state).unwrap_or(State::Failed);
    let code: Option<String> = row.get("problem_code")?;
    let message: Option<String> = row.get("problem")?;
    let warnings: String = row.get("warnings")?;
    let class: Option<String> = row.get("ticket_class")?;
    let number: Option<String> = row.get("ticket_ref")?;
    let ticket_id: Option<u64> = row.get("ticket_id")?;
    let next_attempt_at: i64 = row.get("next_attempt_at")?;
    Ok(InboxRow {
        id: row.get("id")?,
        instance: row.get("instance")?,
        event_id: row.get("event_id")?,
        event_type: row.get("event_type")?,
        state,
        problem: code.map(|code| Problem { code, message: message.unwrap_or_default() }),
        warnings: serde_json::from_str(&warnings).unwrap_or_default(),
        company_key: row.get("company_key")?,
        company_name: row.get("company_name")?,
        control_id: row.get("control_id")?,
        control_name: row.get("control_name")?,
        attempts: row.get("attempts")?,
        next_attempt_at: (next_attempt_at > 0 && !state.is_ended()).then(|| time(next_attempt_at)),
        ticket: match (class, ticket_id, number) {
            (Some(class), Some(id), Some(number)) => Some((TicketKey { class, id }, number)),
            _ => None,
        },
        reason: row.get("reason")?,
        received_at: time(row.get("received_at")?),
        updated_at: time(row.get("updated_at")?),
        ended_at: row.get::<_, Option<i64>>("ended_at")?.map(time),
        body: row.get("body")?,
    })
}
