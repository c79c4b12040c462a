//! Putting acknowledgements into the inbox, and the operator's levers on them.

use jiff::Timestamp;

#[cfg(feature = "postgres")]
use super::postgres::Taken;
use super::{
    InboxRow, Levered, Store, StoreError, Term,
    actions::{self, Deed},
    as_json,
    changes::Changes,
    db::{self, Connection, params},
    inbox_bulk,
    inbox_query::by_id,
    time,
};
use crate::domain::{
    acknowledgement::{Acknowledgement, Party},
    delivery_state::{Problem, State},
    keys::Instance,
    marker::Marker,
    trace::Trace,
    visible::Visible,
};

/// An acknowledgement that is to be stored.
#[derive(Clone, Debug)]
pub struct NewAcknowledgement {
    /// The instance that sent it.
    pub instance: Instance,
    /// The checked event.
    pub event: Acknowledgement,
    /// The body it was read from.
    pub body: String,
    /// When it came.
    pub received_at: Timestamp,
    /// The id of the request that brought it: it stands in the log lines of the delivery too.
    pub request_id: Option<String>,
    /// The trace that this request belonged to.
    pub trace: Option<Trace>,
    /// Whether what it says of a company's name may make a link by itself: not where its token
    /// is limited to some companies, by their ids.
    pub trusted_names: bool,
    /// [`State::Accepted`], or [`State::Recorded`] where no ticket is wanted.
    pub state: State,
    /// Why no ticket is wanted, and other things to tell.
    pub problem: Option<Problem>,
    /// What could not be done as asked.
    pub warnings: Vec<String>,
}

/// What became of a post.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// A new row.
    New,
    /// The same event as this row; a failed or blocked one is tried again.
    Same,
    /// This row has the same key and says something else than what was sent.
    Conflict(Box<NewAcknowledgement>),
}

/// An acknowledgement with its fingerprint and its marker.
pub(super) type Hashed = (String, Marker, NewAcknowledgement);

impl Store {
    /// Stores acknowledgements, all of them in one commit; an answer each, in order, with the row
    /// as it is then.
    pub async fn accept(
        &self,
        acknowledgements: Vec<NewAcknowledgement>,
    ) -> Result<Vec<(Accepted, InboxRow)>, StoreError> {
        // The one writer does only what needs it.
        let hashed = |new: NewAcknowledgement| {
            let marker = Marker::new(&new.instance, &new.event.event_id);
            (new.event.fingerprint(), marker, new)
        };
        let mut hashed: Vec<_> = acknowledgements.into_iter().map(hashed).collect();
        let changes = self.inner.changes.clone();
        let accept = move |db: &Connection, hashed| accept(db, &changes, hashed);
        let count = hashed.len() as u64;
        let accepted = match hashed.pop() {
            #[cfg(feature = "postgres")]
            Some(only)
                if count == 1
                    && let Some(intake) = self.inner.intake() =>
            {
                match intake.take(Box::new(only)).await {
                    Ok(Taken::New(row)) => Ok(vec![(Accepted::New, *row)]),
                    Ok(Taken::Left(only)) => {
                        self.write_statement(move |db| Ok(vec![accept(db, *only)?])).await
                    }
                    Err(error) => Err(error),
                }
            }
            Some(only) if count == 1 => {
                self.write_statement(move |db| Ok(vec![accept(db, only)?])).await
            }
            last => {
                hashed.extend(last);
                self.write(move |db| hashed.into_iter().map(|new| accept(db, new)).collect()).await
            }
        };
        match &accepted {
            Ok(accepted) => {
                let same = accepted.iter().filter(|(what, _)| matches!(what, Accepted::Same));
                self.inner.arrivals.repeated(same.count() as u64);
            }
            Err(_) => self.inner.arrivals.not_stored(count),
        }
        accepted
    }

    /// Somebody tries a failed or blocked row again.
    pub async fn retry(&self, id: i64, visible: &Visible, by: &str) -> Result<Levered, StoreError> {
        let now = self.now_millis();
        self.lever(id, visible, by, (Deed::Retried, None), now, move |db| retry(db, id, now)).await
    }

    /// Somebody gives a waiting, failed or blocked row up, or ticks a refused one off.
    pub async fn discard(
        &self,
        id: i64,
        visible: &Visible,
        by: &str,
        reason: String,
    ) -> Result<Levered, StoreError> {
        let now = self.now_millis();
        let deed = (Deed::Discarded, Some(reason.clone()));
        self.lever(id, visible, by, deed, now, move |db| inbox_bulk::discard(db, id, reason, now))
            .await
    }

    /// Changes a row that is seen, and notes in the same commit who did it.
    async fn lever(
        &self,
        id: i64,
        visible: &Visible,
        by: &str,
        (deed, reason): (Deed, Option<String>),
        now: i64,
        change: impl FnOnce(&Connection) -> db::Result<bool> + Send + 'static,
    ) -> Result<Levered, StoreError> {
        let (visible, by) = (visible.clone(), by.to_owned());
        self.write(move |db| {
            if !actions::is_seen(db, id, &visible)? {
                return Ok(Levered::Missing);
            }
            if !change(db)? {
                return Ok(Levered::OtherState);
            }
            actions::add(db, id, &by, deed, reason.as_deref(), now)?;
            Ok(Levered::Done)
        })
        .await
    }
}

impl Term {
    /// Removes rows that ended before `retention_millis` ago, a bounded number at a time; how
    /// many went. A clock that is put forward ends none sooner. The newest row stays: its id must not
    /// be given out again.
    pub async fn purge_ended(&self, retention_millis: i64) -> Result<usize, StoreError> {
        let now = self.moment().as_millis().min(self.now_millis());
        let before = now.saturating_sub(retention_millis);
        self.write(move |db| {
            db.execute(
                "DELETE FROM acknowledgements WHERE id IN (
                     SELECT id FROM acknowledgements
                     WHERE ended_at IS NOT NULL AND ended_at < ?1
                       AND id < (SELECT max(id) FROM acknowledgements)
                     LIMIT 1000)",
                [before],
            )
        })
        .await
    }
}

fn accept(
    db: &Connection,
    changes: &Changes,
    (fingerprint, marker, new): Hashed,
) -> db::Result<(Accepted, InboxRow)> {
    let (event, now) = (&new.event, new.received_at.as_millisecond());
    let (instance, event_id) = (new.instance.as_str(), event.event_id.as_str());
    let company_key = event.company.key.to_string();
    let ended_at = new.state.is_ended().then_some(now);
    // By position: finding twenty parameters by name costs more than the row.
    let inserted = db
        .prepare_cached(
            "INSERT INTO acknowledgements (instance, event_id, event_type, marker, fingerprint,
                 company_key, company_name, site_key, site_name, control_id, control_name,
                 request_id, trusted_names, body, state, problem_code, problem, warnings,
                 ended_at, received_at, updated_at, traceparent)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?20, ?20,
                 ?)
             ON CONFLICT (instance, event_id) WHERE state <> 'rejected' DO NOTHING",
        )?
        .execute(params![
            instance,
            event_id,
            event.event_type.as_str(),
            marker.digits(),
            fingerprint,
            company_key,
            event.company.label(),
            event.site.as_ref().map(|site| site.key.to_string()),
            event.site.as_ref().map(Party::label),
            event.control.id.as_str(),
            event.control.name,
            new.request_id,
            new.trusted_names,
            new.body,
            new.state.as_str(),
            new.problem.as_ref().map(|problem| &problem.code),
            new.problem.as_ref().map(|problem| &problem.message),
            as_json(&new.warnings),
            ended_at,
            now,
            new.trace.as_ref().map(Trace::to_string),
        ])?;
    if inserted == 0 {
        let (id, stored): (i64, Option<String>) = db
            .prepare_cached(
                "SELECT id, fingerprint FROM acknowledgements
                 WHERE instance = ?1 AND event_id = ?2 AND state <> 'rejected'",
            )?
            .query_row([instance, event_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if stored.is_some_and(|stored| stored != fingerprint) {
            return Ok((Accepted::Conflict(Box::new(new)), by_id(db, id)?));
        }
        retry(db, id, now)?;
        return Ok((Accepted::Same, by_id(db, id)?));
    }
    let (id, control) = (db.last_insert_rowid()?, event.control.id.as_str());
    let problem = new.problem.as_ref();
    changes.note_new(id, (instance, &company_key), Some(control), new.state, problem, now);
    Ok((Accepted::New, stored_row(id, new)))
}

/// A row that was just stored.
pub(super) fn stored_row(id: i64, new: NewAcknowledgement) -> InboxRow {
    let (event, at) = (new.event, time(new.received_at.as_millisecond()));
    InboxRow {
        id,
        instance: new.instance.into(),
        event_id: Some(event.event_id.into()),
        event_type: event.event_type.as_str().to_owned(),
        state: new.state,
        company_key: Some(event.company.key.to_string()),
        company_name: Some(event.company.label().to_owned()),
        control_id: Some(event.control.id.into()),
        control_name: Some(event.control.name),
        problem: new.problem,
        warnings: new.warnings,
        attempts: 0,
        next_attempt_at: None,
        ticket: None,
        reason: None,
        received_at: at,
        updated_at: at,
        ended_at: new.state.is_ended().then_some(at),
    }
}

/// Makes a failed or blocked row due at once, with a fresh count of attempts.
fn retry(db: &Connection, id: i64, now: i64) -> db::Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE acknowledgements
             SET state = CASE state WHEN 'failed' THEN 'accepted' ELSE state END,
                 next_attempt_at = 0, attempts = 0, waited = 0, updated_at = ?2, ended_at = NULL
             WHERE id = ?1 AND state IN ('failed', 'blocked')",
        )?
        .execute([id, now])?;
    Ok(changed == 1)
}
