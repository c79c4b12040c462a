//! The inbox as deliveries use it. What is written before and after each call to iTop is decided
//! here, so that a process that dies between two of them leaves a row from which the right thing
//! follows: `creating` means "a write may have been sent".

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{Canary, Store, StoreError, control_tickets, inbox::as_json, meta, time};
use crate::domain::{
    delivery_state::{Problem, State},
    keys::{Instance, PartyKey, TicketKey},
    marker::Marker,
    ticket_status::TicketStatus,
};

/// A row whose turn has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The row.
    pub id: i64,
    /// Its instance and control: deliveries of one control run one after another.
    pub control: (String, String),
}

/// A row that is being delivered.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The row.
    pub id: i64,
    /// The instance that sent it.
    pub instance: Instance,
    /// The body as received.
    pub body: String,
    /// Where it stands.
    pub state: State,
    /// How often a write was decided on.
    pub attempts: u32,
    /// Whether a write was ever decided on: then a search comes before the next one.
    pub was_sent: bool,
    /// The highest ticket id seen before that write.
    pub id_floor: Option<u64>,
    /// When it was stored.
    pub received_at: Timestamp,
}

/// A row whose write was sent and never answered.
#[derive(Clone, Debug)]
pub struct UnknownRow {
    /// The row.
    pub id: i64,
    /// What to search for.
    pub marker: Marker,
    /// The highest ticket id seen before the write.
    pub id_floor: u64,
    /// Since when it is unknown.
    pub since: Timestamp,
    /// The ticket to which a line was to be added; `None` where one was to be created.
    pub target: Option<TicketKey>,
}

/// A delivery that succeeded.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// [`State::Created`] or [`State::Reused`].
    pub state: State,
    /// The ticket.
    pub ticket: TicketStatus,
    /// What could not be done as asked.
    pub warnings: Vec<String>,
    /// Whether the marker was read back, so that this ticket can vouch for later searches.
    pub has_marker: bool,
}

impl Store {
    /// Rows whose turn has come: the oldest of each company first, then the second oldest of
    /// each, so that one company's storm does not starve another; never a row that is behind
    /// another one of its control.
    pub async fn due(&self, limit: usize) -> Result<Vec<Due>, StoreError> {
        let now = self.now_millis();
        self.read(move |db| {
            db.prepare_cached(
                "SELECT id, instance, control_id FROM (
                     SELECT id, instance, control_id,
                            row_number() OVER (PARTITION BY instance, company_key ORDER BY id) turn
                     FROM acknowledgements AS a
                     WHERE state IN ('accepted', 'blocked') AND next_attempt_at <= ?1
                       AND NOT EXISTS (
                           SELECT 1 FROM acknowledgements AS earlier
                           WHERE earlier.instance = a.instance
                             AND earlier.control_id = a.control_id AND earlier.id < a.id
                             AND earlier.state IN ('accepted', 'creating', 'unknown')))
                 ORDER BY turn, id LIMIT ?2",
            )?
            .query_map(params![now, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok(Due { id: row.get(0)?, control: (row.get(1)?, row.get(2)?) })
            })?
            .collect()
        })
        .await
    }

    /// When the next row that waits for a time is due.
    pub async fn next_due_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let now = self.now_millis();
        self.read(move |db| {
            let next: Option<i64> = db
                .prepare_cached(
                    "SELECT min(next_attempt_at) FROM acknowledgements
                     WHERE state IN ('accepted', 'blocked') AND next_attempt_at > ?1",
                )?
                .query_row([now], |row| row.get(0))?;
            Ok(next.map(time))
        })
        .await
    }

    /// A row that waits to be delivered; `None` if it no longer does.
    pub async fn waiting(&self, id: i64) -> Result<Option<Waiting>, StoreError> {
        self.read(move |db| {
            db.prepare_cached(
                "SELECT id, instance, body, state, attempts, sent_at, id_floor, received_at
                 FROM acknowledgements WHERE id = ?1 AND state IN ('accepted', 'blocked')",
            )?
            .query_row([id], waiting)
            .optional()
        })
        .await
    }

    /// Notes that a write is about to be sent; `target` is the ticket to which a line is added.
    /// False if the row no longer waits: then nothing may be sent.
    pub async fn begin_write(
        &self,
        id: i64,
        id_floor: u64,
        target: Option<TicketKey>,
    ) -> Result<bool, StoreError> {
        let now = self.now_millis();
        self.write(move |db| {
            let changed = db
                .prepare_cached(
                    "UPDATE acknowledgements
                     SET state = 'creating', sent_at = :now, id_floor = :floor,
                         attempts = attempts + 1, problem_code = NULL, problem = NULL,
                         ticket_class = :class, ticket_id = :ticket, updated_at = :now
                     WHERE id = :id AND state IN ('accepted', 'blocked')",
                )?
                .execute(named_params! {
                    ":id": id, ":now": now, ":floor": id_floor,
                    ":class": target.as_ref().map(|key| &key.class),
                    ":ticket": target.as_ref().map(|key| key.id),
                })?;
            Ok(changed == 1)
        })
        .await
    }

    /// The delivery succeeded: the row ends, and the control points at the ticket.
    pub async fn record_delivered(&self, id: i64, delivered: Delivered) -> Result<(), StoreError> {
        let now = self.now_millis();
        self.write(move |db| {
            let Delivered { state, ticket, warnings, has_marker } = delivered;
            control_tickets::save_status(db, &ticket, now)?;
            let (instance, control): (String, String) = db
                .prepare_cached(
                    "UPDATE acknowledgements
                     SET state = :state, problem_code = NULL, problem = NULL,
                         warnings = :warnings, ticket_class = :class, ticket_id = :ticket,
                         ticket_ref = :number, updated_at = :now, ended_at = :now
                     WHERE id = :id RETURNING instance, control_id",
                )?
                .query_row(
                    named_params! {
                        ":id": id, ":state": state.as_str(), ":warnings": as_json(&warnings),
                        ":class": ticket.key.class, ":ticket": ticket.key.id,
                        ":number": ticket.number, ":now": now,
                    },
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?;
            control_tickets::map_control(db, id, &instance, &control, &ticket.key, now)?;
            meta::raise_highest_ticket_id(db, i64::try_from(ticket.key.id).unwrap_or(i64::MAX))?;
            if has_marker {
                let marker: String = db
                    .prepare_cached("SELECT marker FROM acknowledgements WHERE id = ?1")?
                    .query_row([id], |row| row.get(0))?;
                if let Some(marker) = Marker::from_digits(&marker) {
                    meta::set_canary(db, &Canary { key: ticket.key, marker })?;
                }
            }
            Ok(())
        })
        .await
    }

    /// A write was sent, and no clear answer came.
    pub async fn record_unknown(&self, id: i64, problem: Problem) -> Result<(), StoreError> {
        self.set_state(id, State::Unknown, problem, Vec::new(), 0).await
    }

    /// Nothing came of the attempt; the row waits for its next one.
    pub async fn wait_until(
        &self,
        id: i64,
        next: Timestamp,
        problem: Problem,
    ) -> Result<(), StoreError> {
        self.set_state(id, State::Accepted, problem, Vec::new(), next.as_millisecond()).await
    }

    /// An administrator must mend something; the row is looked at again at `next`, or as soon
    /// as its company is linked.
    pub async fn block(
        &self,
        id: i64,
        problem: Problem,
        warnings: Vec<String>,
        next: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_state(id, State::Blocked, problem, warnings, next.as_millisecond()).await
    }

    /// iTop refused it for good.
    pub async fn fail(
        &self,
        id: i64,
        problem: Problem,
        warnings: Vec<String>,
    ) -> Result<(), StoreError> {
        self.set_state(id, State::Failed, problem, warnings, 0).await
    }

    /// No ticket is wanted after all.
    pub async fn record_without_ticket(
        &self,
        id: i64,
        problem: Problem,
        warnings: Vec<String>,
    ) -> Result<(), StoreError> {
        self.set_state(id, State::Recorded, problem, warnings, 0).await
    }

    async fn set_state(
        &self,
        id: i64,
        state: State,
        problem: Problem,
        warnings: Vec<String>,
        next_attempt_at: i64,
    ) -> Result<(), StoreError> {
        let now = self.now_millis();
        self.write(move |db| {
            // A row that an operator discarded meanwhile stays discarded.
            db.prepare_cached(
                "UPDATE acknowledgements
                 SET state = :state, problem_code = :code, problem = :message,
                     warnings = :warnings, next_attempt_at = :next, updated_at = :now,
                     ended_at = :ended
                 WHERE id = :id AND state <> 'discarded'",
            )?
            .execute(named_params! {
                ":id": id, ":state": state.as_str(), ":code": problem.code,
                ":message": problem.message, ":warnings": as_json(&warnings),
                ":next": next_attempt_at, ":now": now,
                ":ended": state.is_ended().then_some(now),
            })?;
            Ok(())
        })
        .await
    }

    /// At start: whatever was being written when the process ended has an unknown outcome.
    pub async fn recover_interrupted(&self) -> Result<usize, StoreError> {
        let now = self.now_millis();
        self.write(move |db| {
            db.execute(
                "UPDATE acknowledgements
                 SET state = 'unknown', problem_code = 'interrupted', updated_at = ?1,
                     problem = 'The bridge stopped while it was writing to iTop; it looks the \
                                ticket up before it does anything else.'
                 WHERE state = 'creating'",
                [now],
            )
        })
        .await
    }

    /// All rows whose outcome is unknown, oldest first.
    pub async fn unknown(&self) -> Result<Vec<UnknownRow>, StoreError> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT id, marker, id_floor, updated_at, ticket_class, ticket_id
                 FROM acknowledgements WHERE state = 'unknown' ORDER BY id",
            )?
            .query_map([], |row| {
                let (class, target): (Option<String>, Option<u64>) = (row.get(4)?, row.get(5)?);
                let marker: String = row.get(1)?;
                let Some(marker) = Marker::from_digits(&marker) else { return Ok(None) };
                Ok(Some(UnknownRow {
                    id: row.get(0)?,
                    marker,
                    id_floor: row.get::<_, Option<u64>>(2)?.unwrap_or(0),
                    since: time(row.get(3)?),
                    target: class.zip(target).map(|(class, id)| TicketKey { class, id }),
                }))
            })?
            .filter_map(Result::transpose)
            .collect()
        })
        .await
    }

    /// Makes the blocked rows of a company due: something about it was mended.
    pub async fn release_company(
        &self,
        instance: &Instance,
        company: &PartyKey,
    ) -> Result<(), StoreError> {
        let key = [instance.to_string(), company.to_string()];
        self.write(move |db| release_company(db, &key[0], &key[1])).await
    }
}

pub(super) fn release_company(
    db: &Connection,
    instance: &str,
    company: &str,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE acknowledgements SET next_attempt_at = 0
         WHERE state = 'blocked' AND instance = ?1 AND company_key = ?2",
    )?
    .execute([instance, company])?;
    Ok(())
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let instance: String = row.get("instance")?;
    let state: String = row.get("state")?;
    Ok(Waiting {
        id: row.get("id")?,
        // It was checked when it was stored.
        instance: instance.parse().unwrap_or_default(),
        body: row.get("body")?,
        state: State::parse(&state).unwrap_or(State::Accepted),
        attempts: row.get("attempts")?,
        was_sent: row.get::<_, Option<i64>>("sent_at")?.is_some(),
        id_floor: row.get("id_floor")?,
        received_at: time(row.get("received_at")?),
    })
}
