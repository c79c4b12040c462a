//! Rows whose outcome is unknown, and those whose marker is looked for once more.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    OfDesk, Store, StoreError, Term, attempts,
    db::{self, Connection, Row, params},
    inbox_delivery::{set_state, stored},
    inbox_sources::NOT_FRESH,
    inbox_waiting::trace_of,
    time,
};
use crate::{
    clock::Moment,
    domain::{
        delivery_state::{Problem, State},
        desk_name::DeskName,
        keys::{TicketId, TicketKey},
        marker::Marker,
        trace::Trace,
    },
};

/// A row whose write was sent and never answered.
#[derive(Clone, Debug)]
pub struct UnknownRow {
    /// The row.
    pub id: i64,
    /// What to search for.
    pub marker: Marker,
    /// The highest ticket id seen before the write.
    pub id_floor: u64,
    /// Since when it is unknown, by the time of day.
    pub since: Timestamp,
    /// When its write was last decided on; `since` where that is not known.
    pub sent_at: Timestamp,
    /// The ticket to which a line was to be added; `None` where one was to be created.
    pub target: Option<TicketKey>,
    /// Where it stands: unknown, or ended when it is looked for once more.
    pub state: State,
    /// Why it is unknown.
    pub problem: Problem,
    /// How often a write was decided on.
    pub attempts: u32,
    /// How long it has waited between attempts while the gate was open.
    pub waited: Duration,
    /// The id of the request that brought it.
    pub request_id: Option<String>,
    /// The trace that it belongs to.
    pub trace: Trace,
}

const UNKNOWN: &str = "SELECT id, marker, id_floor, updated_at, ticket_class, ticket_id, state,
     attempts, waited, sent_at, problem_code, problem, request_id, traceparent
     FROM acknowledgements";

/// `None` for a row without a usable marker, which only a rejected one is.
fn unknown(row: &Row<'_>) -> db::Result<Option<UnknownRow>> {
    let (class, target): (Option<String>, Option<TicketId>) = (row.get(4)?, row.get(5)?);
    let (marker, state): (String, String) = (row.get(1)?, row.get(6)?);
    let Some(marker) = Marker::from_digits(&marker) else { return Ok(None) };
    let state = State::parse(&state).unwrap_or(State::Failed);
    // Of a row that has ended these are its ticket, not one to which a line was to be added.
    let is_target = state == State::Unknown;
    let waited: i64 = row.get(8)?;
    let since = row.get(3)?;
    let traceparent = row.get_ref(13)?.as_str_or_null()?;
    Ok(Some(UnknownRow {
        id: row.get(0)?,
        request_id: row.get(12)?,
        trace: trace_of(traceparent, || marker.clone()),
        marker,
        id_floor: row.get::<_, Option<u64>>(2)?.unwrap_or(0),
        since: time(since),
        sent_at: time(row.get::<_, Option<i64>>(9)?.unwrap_or(since)),
        target: class.zip(target).filter(|_| is_target).map(|(class, id)| TicketKey { class, id }),
        state,
        problem: Problem {
            code: row.get::<_, Option<String>>(10)?.unwrap_or_default(),
            message: row.get::<_, Option<String>>(11)?.unwrap_or_default(),
        },
        attempts: row.get(7)?,
        waited: Duration::from_millis(u64::try_from(waited).unwrap_or(0)),
    }))
}

impl Term {
    /// A write was sent, and no clear answer came. Its marker is looked for once more at
    /// `late_look`, when everything has long been settled. Gives what is stored as since when it is.
    pub async fn record_unknown(
        &self,
        id: i64,
        problem: Problem,
        late_look: Moment,
    ) -> Result<Timestamp, StoreError> {
        let now = self.now_millis();
        let late_look = late_look.as_millis();
        self.write(move |db| {
            set_state(db, id, State::Unknown, &problem, None, 0, now)?;
            db.prepare_cached(
                "UPDATE acknowledgements SET late_look_at = max(coalesce(late_look_at, 0), ?2)
                 WHERE id = ?1",
            )?
            .execute([id, late_look])?;
            Ok(time(now))
        })
        .await
    }

    /// At start: whatever was being written when the process ended has an unknown outcome.
    pub async fn recover_interrupted(&self, late_look: Moment) -> Result<usize, StoreError> {
        let now = self.now_millis();
        let late_look = late_look.as_millis();
        let interrupted = self.write(move |db| interrupt(db, None, now, late_look)).await?;
        Ok(interrupted.len())
    }

    /// The same for a row whose delivery ended without a word, and for those of its control that
    /// were delivered with it; which they are.
    pub async fn interrupt(&self, id: i64, late_look: Moment) -> Result<Vec<i64>, StoreError> {
        let now = self.now_millis();
        let late_look = late_look.as_millis();
        self.write(move |db| interrupt(db, Some(id), now, late_look)).await
    }

    /// At start, or where a delivery ended without a word: what was being written to a ticket system with
    /// unique keys is simply due again; where it was a note for a ticket that is there, at `notes_at`, when
    /// it can be looked for. `id`: only rows of its control. Which they are.
    pub async fn repeat_interrupted(
        &self,
        desk: DeskName,
        id: Option<i64>,
        notes_at: Moment,
    ) -> Result<Vec<i64>, StoreError> {
        let now = self.now_millis();
        let notes_at = notes_at.as_millis();
        self.write(move |db| {
            db.prepare_cached(&format!(
                "UPDATE acknowledgements
                 SET state = 'accepted', problem_code = 'interrupted', updated_at = ?1,
                     next_attempt_at = iif(ticket_id IS NULL, 0, ?2),
                     problem = 'The bridge stopped while it was writing; the same is sent again.'
                 WHERE state = 'creating' AND desk = ?3 AND {NOT_FRESH}
                   AND (?4 IS NULL OR (instance, control_id) =
                       (SELECT instance, control_id FROM acknowledgements WHERE id = ?4))
                 RETURNING id"
            ))?
            .query_map(params![now, notes_at, desk.code(), id], |row| row.get(0))?
            .collect()
        })
        .await
    }

    /// At start: rows whose note was sent to a ticket system with unique keys are due at `notes_at`, when it can
    /// be looked for, and those with the problem `left`, which have left a ticket system, at `left_at`.
    pub async fn wait_anew(
        &self,
        desk: DeskName,
        notes_at: Moment,
        left: &'static str,
        left_at: Moment,
    ) -> Result<(), StoreError> {
        let (notes_at, left_at) = (notes_at.as_millis(), left_at.as_millis());
        self.write(move |db| {
            db.prepare_cached(
                "UPDATE acknowledgements INDEXED BY acknowledgements_due
                 SET next_attempt_at = iif(problem_code = ?2, ?4, ?3)
                 WHERE state = 'accepted' AND sent_at IS NOT NULL
                   AND (problem_code = ?2 OR (desk = ?1 AND ticket_id IS NOT NULL))",
            )?
            .execute(params![desk.code(), left, notes_at, left_at])
            .map(drop)
        })
        .await
    }

    /// At start: what a restore has left unknown, and is at home at this ticket system with unique keys, is
    /// due; it is looked for then. Where there is no other one that is all but what was being written to one
    /// that is not served any more. How many they are.
    pub async fn release_restored(
        &self,
        desk: DeskName,
        of: Option<OfDesk>,
    ) -> Result<usize, StoreError> {
        let now = self.now_millis();
        let which = match of {
            None => format!("(sent_at IS NULL OR desk = '{}')", desk.code()),
            Some(of) => format!("problem_code = 'restored' AND {}", of.condition()),
        };
        self.write(move |db| {
            let update = format!(
                "UPDATE acknowledgements AS a
                 SET state = 'accepted', next_attempt_at = 0, updated_at = ?1
                 WHERE state = 'unknown' AND {NOT_FRESH} AND {which}"
            );
            db.prepare_cached(&update)?.execute([now])
        })
        .await
    }

    /// At start: of what was being written to a ticket system that is not among these any more nobody can
    /// tell what came of it. Says so, and how many such rows there are.
    pub async fn note_not_served(&self, served: Vec<DeskName>) -> Result<usize, StoreError> {
        let now = self.now_millis();
        let gone = DeskName::ALL.into_iter().filter(move |desk| !served.contains(desk));
        self.write(move |db| {
            let mut noted = 0;
            for desk in gone {
                let problem = desk_not_served(desk);
                noted += db
                    .prepare_cached(&format!(
                        "UPDATE acknowledgements
                         SET state = 'unknown', problem_code = ?2, problem = ?3, updated_at = ?4
                         WHERE state IN ('creating', 'unknown') AND {NOT_FRESH} AND desk IS ?1
                           AND sent_at IS NOT NULL"
                    ))?
                    .execute(params![stored(desk), problem.code, problem.message, now])?;
            }
            Ok(noted)
        })
        .await
    }

    /// Says more about an unknown row, which stays so; false if that had been said.
    pub async fn note_unknown(&self, id: i64, problem: Problem) -> Result<bool, StoreError> {
        let now = self.now_millis();
        self.write(move |db| {
            let changed = db
                .prepare_cached(
                    "UPDATE acknowledgements SET problem_code = ?2, problem = ?3
                     WHERE id = ?1 AND state = 'unknown' AND problem_code IS NOT ?2",
                )?
                .execute(params![id, problem.code, problem.message])?;
            if changed > 0 {
                attempts::add(db, id, &problem, now)?;
            }
            Ok(changed > 0)
        })
        .await
    }
}

impl Store {
    /// All rows whose outcome is unknown, oldest first.
    pub async fn unknown(&self) -> Result<Vec<UnknownRow>, StoreError> {
        self.read(|db| {
            let sql = format!("{UNKNOWN} WHERE state = 'unknown' AND {NOT_FRESH} ORDER BY id");
            db.prepare_cached(&sql)?.query_map([], unknown)?.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// Settled rows whose marker is to be looked for once more now.
    pub async fn late_looks(&self, limit: usize) -> Result<Vec<UnknownRow>, StoreError> {
        let now = self.moment().as_millis();
        self.read(move |db| {
            let sql = format!(
                "{UNKNOWN} INDEXED BY acknowledgements_late_look WHERE late_look_at <= ?1 AND state IN ('created', 'failed')
                 ORDER BY late_look_at LIMIT ?2"
            );
            db.prepare_cached(&sql)?
                .query_map(params![now, i64::try_from(limit).unwrap_or(i64::MAX)], unknown)?
                .filter_map(Result::transpose)
                .collect()
        })
        .await
    }
}

impl Term {
    /// The late look has been taken; a warning is added to the row.
    pub async fn finish_late_look(
        &self,
        id: i64,
        warning: Option<String>,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            db.prepare_cached("UPDATE acknowledgements SET late_look_at = NULL WHERE id = ?1")?
                .execute([id])?;
            add_warnings(db, id, warning)
        })
        .await
    }

    /// Something was noticed of a row after it had ended.
    pub async fn add_warnings(&self, id: i64, warnings: Vec<String>) -> Result<(), StoreError> {
        self.write(move |db| add_warnings(db, id, warnings)).await
    }
}

/// A write went to a ticket system that cannot be asked any more.
fn desk_not_served(desk: DeskName) -> Problem {
    let (title, code) = (desk.title(), desk.code());
    Problem::new(
        "desk-not-served",
        format!(
            "It was being written to {title}, which this bridge does not serve any more, so that nobody can \
             tell whether it has become a ticket there. Look there, and discard it here; or configure \
             [{code}] again."
        ),
    )
}

pub(super) fn add_warnings(
    db: &Connection,
    id: i64,
    warnings: impl IntoIterator<Item = String>,
) -> db::Result<()> {
    let mut add = db.prepare_cached(
        "UPDATE acknowledgements SET warnings = json_insert(warnings, '$[#]', ?2) WHERE id = ?1",
    )?;
    warnings.into_iter().try_for_each(|warning| add.execute(params![id, warning]).map(drop))
}

/// What was being written has an unknown outcome.
fn interrupt(db: &Connection, id: Option<i64>, now: i64, late_look: i64) -> db::Result<Vec<i64>> {
    db.prepare_cached(&format!(
        "UPDATE acknowledgements
         SET state = 'unknown', problem_code = 'interrupted', updated_at = ?1,
             late_look_at = max(coalesce(late_look_at, 0), ?2),
             problem = 'The bridge stopped while it was writing to iTop; it looks the ticket up \
                        before it does anything else.'
         WHERE state = 'creating' AND desk IS NULL AND {NOT_FRESH} AND (?3 IS NULL OR (instance, control_id) =
             (SELECT instance, control_id FROM acknowledgements WHERE id = ?3))
         RETURNING id"
    ))?
    .query_map(params![now, late_look, id], |row| row.get(0))?
    .collect()
}
