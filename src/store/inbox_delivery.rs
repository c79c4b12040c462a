//! The inbox as deliveries use it. What is written before and after each call to iTop is decided
//! here, so that a process that dies between two of them leaves a row from which the right thing
//! follows: `creating` means "a write may have been sent".

use std::time::Duration;

use super::{
    Canary, NOT_LINKED, StoreError, Term, as_json, attempts,
    db::{self, Connection, OptionalExtension as _, named_params, params},
    meta, ticket_statuses,
};
use crate::{
    clock::{BeginBy, Moment},
    domain::{
        delivery_state::{Problem, State},
        desk_name::DeskName,
        keys::{OrgId, TicketKey},
        marker::Marker,
        ticket_status::TicketStatus,
    },
};

/// A delivery that succeeded.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// [`State::Created`] or [`State::Reused`].
    pub state: State,
    /// The ticket.
    pub ticket: TicketStatus,
    /// What could not be done as asked; `None` keeps what was noted before the write.
    pub warnings: Option<Vec<String>>,
    /// Whether the marker was read back, so that this ticket can vouch for later searches.
    pub has_marker: bool,
    /// When its line is looked for in the ticket's log; `None` for a ticket of its own.
    pub read_back_at: Option<Moment>,
}

/// A line that is about to be added to a ticket.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// The row.
    pub id: i64,
    /// The words behind its marker.
    pub words: String,
    /// What could not be done as asked.
    pub warnings: Vec<String>,
}

/// The desk of a row's write as it is stored: the one of old as nothing.
pub(super) fn stored(desk: DeskName) -> Option<&'static str> {
    (desk != DeskName::OF_OLD).then(|| desk.code())
}

impl Term {
    /// Notes that a write is about to be sent, and what was left out of it; a second one of the same
    /// attempt too. Tells until when it may be begun; `None` if the row no longer waits: then nothing may be sent.
    pub async fn begin_create(
        &self,
        id: i64,
        id_floor: u64,
        warnings: Vec<String>,
        desk: DeskName,
    ) -> Result<Option<BeginBy>, StoreError> {
        let only = NewLine { id, words: String::new(), warnings };
        let (begun, by) = self.begin_write(vec![only], id_floor, None, desk).await?;
        Ok((!begun.is_empty()).then_some(by))
    }

    /// Notes that lines are about to be added to a ticket of that organization; the rows that still
    /// wait for it, and until when the write may be begun.
    pub async fn begin_lines(
        &self,
        lines: Vec<NewLine>,
        id_floor: u64,
        target: TicketKey,
        org: OrgId,
    ) -> Result<(Vec<i64>, BeginBy), StoreError> {
        let desk = DeskName::of_class(&target.class);
        self.begin_write(lines, id_floor, Some((target, org)), desk).await
    }

    async fn begin_write(
        &self,
        lines: Vec<NewLine>,
        id_floor: u64,
        target: Option<(TicketKey, OrgId)>,
        desk: DeskName,
    ) -> Result<(Vec<i64>, BeginBy), StoreError> {
        let (now, claims) = (self.now_millis(), self.claims());
        let desk = stored(desk);
        self.write(move |db| {
            let by = claims.now();
            let mut begun = Vec::with_capacity(lines.len());
            let mut update = db.prepare_cached(
                "UPDATE acknowledgements
                     SET state = 'creating', sent_at = :now,
                         id_floor = min(coalesce(id_floor, :floor), :floor),
                         attempts = attempts + 1, problem_code = NULL, problem = NULL,
                         ticket_class = :class, ticket_id = :ticket, warnings = :warnings,
                         line = :line, line_org_id = :org, desk = :desk,
                         updated_at = :now
                     WHERE id = :id AND state IN ('accepted', 'blocked', 'creating')",
            )?;
            for NewLine { id, words, warnings } in lines {
                let changed = update.execute(named_params! {
                    ":id": id, ":now": now, ":floor": id_floor, ":desk": desk,
                    ":warnings": as_json(&warnings),
                    ":class": target.as_ref().map(|(key, _)| &key.class),
                    ":ticket": target.as_ref().map(|(key, _)| &key.id),
                    ":line": target.is_some().then_some(words),
                    ":org": target.as_ref().map(|(_, org)| org),
                })?;
                if changed == 1 {
                    begun.push(id);
                }
            }
            Ok((begun, by))
        })
        .await
    }

    /// Deliveries succeeded: each row ends, and its control points at the ticket.
    pub async fn record_delivered(&self, rows: Vec<(i64, Delivered)>) -> Result<(), StoreError> {
        let (now, as_of) = (self.now_millis(), self.as_of());
        self.write(move |db| {
            rows.into_iter()
                .try_for_each(|(id, delivered)| record_delivered(db, id, delivered, as_of, now))
        })
        .await
    }

    /// Nothing came of the attempt; the row waits for its next one. `waited` adds to what it has
    /// waited while the gate was open.
    pub async fn wait_until(
        &self,
        id: i64,
        next: Moment,
        waited: Duration,
        problem: Problem,
    ) -> Result<(), StoreError> {
        let now = self.now_millis();
        let waited = i64::try_from(waited.as_millis()).unwrap_or(i64::MAX);
        self.write(move |db| {
            // A write that was decided on has been counted then.
            db.prepare_cached(
                "UPDATE acknowledgements
                 SET waited = waited + ?2, attempts = attempts + (state IN ('accepted', 'blocked'))
                 WHERE id = ?1",
            )?
            .execute([id, waited])?;
            set_state(db, id, State::Accepted, &problem, None, next.as_millis(), now)
        })
        .await
    }

    /// An administrator must mend something; the row is looked at again at `next`, or as soon
    /// as its company is linked.
    pub async fn block(
        &self,
        id: i64,
        problem: Problem,
        warnings: Vec<String>,
        next: Moment,
    ) -> Result<(), StoreError> {
        let now = self.now_millis();
        self.write(move |db| {
            let next = next.as_millis();
            set_state(db, id, State::Blocked, &problem, Some(&warnings), next, now)?;
            // Its company may have been linked since the link was looked for.
            db.prepare_cached(
                "UPDATE acknowledgements AS a SET next_attempt_at = 0
                 WHERE id = ?1 AND state = 'blocked' AND problem_code = ?2 AND EXISTS (
                     SELECT 1 FROM company_links AS l
                     WHERE l.instance = a.instance AND l.company_key = a.company_key
                       AND l.site_key IN ('', coalesce(a.site_key, '')))",
            )?
            .execute(params![id, NOT_LINKED])?;
            Ok(())
        })
        .await
    }

    /// iTop refused it for good, or it was given up.
    pub async fn fail(&self, id: i64, problem: Problem) -> Result<(), StoreError> {
        let now = self.now_millis();
        self.write(move |db| set_state(db, id, State::Failed, &problem, None, 0, now)).await
    }

    /// No ticket is wanted after all.
    pub async fn record_without_ticket(
        &self,
        id: i64,
        problem: Problem,
        warnings: Vec<String>,
    ) -> Result<(), StoreError> {
        let now = self.now_millis();
        self.write(move |db| set_state(db, id, State::Recorded, &problem, Some(&warnings), 0, now))
            .await
    }
}

fn record_delivered(
    db: &Connection,
    id: i64,
    delivered: Delivered,
    as_of: i64,
    now: i64,
) -> db::Result<()> {
    let Delivered { state, ticket, warnings, has_marker, read_back_at } = delivered;
    if state == State::Created {
        ticket_statuses::replace_others(db, id, &ticket.key)?;
    }
    ticket_statuses::save_status(db, &ticket, as_of)?;
    let Some((instance, control)): Option<(String, String)> = db
        .prepare_cached(
            "UPDATE acknowledgements
             SET state = :state, problem_code = NULL, problem = NULL,
                 warnings = coalesce(:warnings, warnings),
                 ticket_class = :class, ticket_id = :ticket, ticket_ref = :number,
                 read_back_at = CASE WHEN line IS NOT NULL THEN :read_back END,
                 updated_at = :now, ended_at = :now
             WHERE id = :id RETURNING instance, control_id",
        )?
        .query_row(
            named_params! {
                ":id": id, ":state": state.as_str(),
                ":warnings": warnings.as_deref().map(as_json),
                ":class": ticket.key.class, ":ticket": ticket.key.id,
                ":number": ticket.number, ":now": now,
                ":read_back": read_back_at.map(Moment::as_millis),
            },
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?
    else {
        // It has been purged meanwhile: nobody asks about it any more.
        return Ok(());
    };
    ticket_statuses::map_control(db, id, &instance, &control, &ticket.key, now)?;
    meta::raise_highest_ticket_id(db, ticket.key.sequence())?;
    if has_marker {
        let marker: String = db
            .prepare_cached("SELECT marker FROM acknowledgements WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        if let Some(marker) = Marker::from_digits(&marker) {
            meta::set_canary(db, &Canary { key: ticket.key, marker })?;
        }
    }
    Ok(())
}

/// Writes a state and its problem, and adds the problem to the row's attempts. A row that an
/// operator discarded meanwhile stays discarded.
pub(super) fn set_state(
    db: &Connection,
    id: i64,
    state: State,
    problem: &Problem,
    warnings: Option<&[String]>,
    next_attempt_at: i64,
    now: i64,
) -> db::Result<()> {
    db.prepare_cached(
        "UPDATE acknowledgements
         SET state = :state, problem_code = :code, problem = :message,
             warnings = coalesce(:warnings, warnings), next_attempt_at = :next, updated_at = :now,
             ended_at = :ended
         WHERE id = :id AND state <> 'discarded'",
    )?
    .execute(named_params! {
        ":id": id, ":state": state.as_str(), ":code": problem.code,
        ":message": problem.message, ":warnings": warnings.map(as_json),
        ":next": next_attempt_at, ":now": now,
        ":ended": state.is_ended().then_some(now),
    })?;
    attempts::add(db, id, problem, now)
}
