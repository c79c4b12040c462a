//! Lines that are looked for once more: iTop answers two writes of one log with success and keeps
//! one (ITOP.md, "What must hold can stand in the write").

use super::{
    Store, StoreError, Term, db::params, inbox_sources::NOT_FRESH, inbox_unknown::add_warnings,
    inbox_waiting::trace_of,
};
use crate::{
    clock::Moment,
    domain::{
        keys::{OrgId, TicketKey},
        marker::Marker,
        trace::Trace,
    },
};

/// A line that a ticket's log should have.
#[derive(Clone, Debug)]
pub struct ReadBack {
    /// The row whose line it is.
    pub id: i64,
    /// By which the line is found.
    pub marker: Marker,
    /// The words behind it.
    pub words: String,
    /// The ticket.
    pub ticket: TicketKey,
    /// Its number.
    pub number: String,
    /// The organization that it belonged to when the line was added.
    pub org: OrgId,
    /// How often it was added again.
    pub again: u32,
    /// The id of the request that brought it.
    pub request_id: Option<String>,
    /// The trace that it belongs to.
    pub trace: Trace,
}

impl Store {
    /// Lines that are to be looked for now, those that wait longest first.
    pub async fn read_backs(&self, limit: usize) -> Result<Vec<ReadBack>, StoreError> {
        let now = self.moment().as_millis();
        self.read(move |db| {
            db.prepare_cached(
                // The planner prefers another index, and would look at every reused row.
                "SELECT id, marker, line, ticket_class, ticket_id, ticket_ref, line_org_id,
                        lost_lines, request_id, traceparent
                 FROM acknowledgements INDEXED BY acknowledgements_read_back
                 WHERE read_back_at IS NOT NULL AND read_back_at <= ?1 AND state = 'reused'
                 ORDER BY read_back_at LIMIT ?2",
            )?
            .query_map(params![now, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                let marker: String = row.get(1)?;
                let Some(marker) = Marker::from_digits(&marker) else { return Ok(None) };
                let traceparent = row.get_ref(9)?.as_str_or_null()?;
                Ok(Some(ReadBack {
                    id: row.get(0)?,
                    request_id: row.get(8)?,
                    trace: trace_of(traceparent, || marker.clone()),
                    marker,
                    words: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                    ticket: TicketKey { class: row.get(3)?, id: row.get(4)? },
                    number: row.get(5)?,
                    org: row.get::<_, Option<OrgId>>(6)?.unwrap_or_default(),
                    again: row.get(7)?,
                }))
            })?
            .filter_map(Result::transpose)
            .collect()
        })
        .await
    }

    /// Tickets into which something may have been written when the last process ended.
    pub async fn tickets_being_written(&self) -> Result<Vec<TicketKey>, StoreError> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT ticket_class, ticket_id FROM acknowledgements
                 WHERE state IN ('creating', 'unknown') AND {NOT_FRESH} AND ticket_id IS NOT NULL
                 UNION
                 SELECT ticket_class, ticket_id FROM acknowledgements
                 WHERE read_back_at IS NOT NULL"
            ))?
            .query_map([], |row| Ok(TicketKey { class: row.get(0)?, id: row.get(1)? }))?
            .collect()
        })
        .await
    }
}

impl Term {
    /// These lines are there, or nothing more is done about them; a warning is added to each row.
    pub async fn end_read_back(
        &self,
        ids: Vec<i64>,
        warning: Option<String>,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            let mut end =
                db.prepare_cached("UPDATE acknowledgements SET read_back_at = NULL WHERE id = ?1")?;
            ids.into_iter().try_for_each(|id| {
                end.execute([id])?;
                add_warnings(db, id, warning.clone())
            })
        })
        .await
    }

    /// These lines are looked for again at `next`; `added` where they may have been added once more.
    pub async fn read_back_again(
        &self,
        ids: Vec<i64>,
        next: Moment,
        added: bool,
    ) -> Result<(), StoreError> {
        let next = next.as_millis();
        self.write(move |db| {
            let mut again = db.prepare_cached(
                "UPDATE acknowledgements SET read_back_at = ?2, lost_lines = lost_lines + ?3
                 WHERE id = ?1",
            )?;
            ids.into_iter().try_for_each(|id| again.execute(params![id, next, added]).map(drop))
        })
        .await
    }
}
