//! What is posted, stored through a connection of its own: one statement for as many rows as have come together,
//! which is a transaction by itself. What it does not store, because it is known already or for whatever reason, is
//! left to the writer, which knows what to say of it; one that was stored all the same is a row that is there then.

use std::{borrow::Cow, collections::HashMap, sync::Arc, thread};

use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{
    Statement,
    types::{ToSql, Type},
};

use super::{SETTINGS, cells::without_nul, server::Server, session::Session, translated};
use crate::{
    clock::{Clock, Stopwatch},
    domain::{acknowledgement::Party, trace::Trace},
    store::{
        InboxRow, StoreError, as_json,
        changes::{Changes, MOST as MOST_CHANGES, SINCE},
        db::{self, Rows},
        inbox::{Hashed, stored_row},
        measures::Commits,
    },
};

/// How many rows are stored together at most.
const MOST: usize = 256;

/// Rows that wait at most; senders wait beyond that.
const QUEUE: usize = 1_024;

/// What the server calls such a connection.
const NAME: &str = "servicenav-itop-bridge intake";

/// The lock of whoever writes is taken before the first row is given its id.
const INSERT: &str = "
    WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(7377, 1))
    INSERT INTO acknowledgements (instance, event_id, event_type, marker, fingerprint, company_key,
        company_name, site_key, site_name, control_id, control_name, request_id, body, state, problem_code,
        problem, warnings, traceparent, trusted_names, ended_at, received_at, updated_at)
    SELECT new.*, received_at
    FROM locked CROSS JOIN unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
        $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
        $15::text[], $16::text[], $17::text[], $18::text[], $19::bigint[], $20::bigint[], $21::bigint[])
        AS new (instance, event_id, event_type, marker, fingerprint, company_key, company_name, site_key,
            site_name, control_id, control_name, request_id, body, state, problem_code, problem, warnings,
            traceparent, trusted_names, ended_at, received_at)
    ON CONFLICT (instance, event_id) WHERE state <> 'rejected' DO NOTHING
    RETURNING instance, event_id, id";

const TEXTS: usize = 18;
const NUMBERS: usize = 3;

/// What became of a row.
pub(in crate::store) enum Taken {
    /// It is stored.
    New(Box<InboxRow>),
    /// It is for the writer to say.
    Left(Box<Hashed>),
}

/// A thread that stores what is posted; it ends when this is dropped.
pub(in crate::store) struct Intake(mpsc::Sender<Arrival>);

struct Arrival {
    new: Box<Hashed>,
    taken: oneshot::Sender<Taken>,
}

impl Intake {
    /// Connects, and begins to store.
    pub(in crate::store) fn start(
        server: Server,
        clock: Clock,
        changes: Changes,
        commits: Arc<Commits>,
    ) -> db::Result<Self> {
        let (arrivals, queue) = mpsc::channel(QUEUE);
        let thread = Thread { server, clock, changes, commits };
        let connected = Connected::to(&thread.server, &thread.clock)?;
        thread::Builder::new()
            .name("intake".to_owned())
            .spawn(move || thread.run(queue, connected))?;
        Ok(Self(arrivals))
    }

    /// Stores a row with others.
    pub(in crate::store) async fn take(&self, new: Box<Hashed>) -> Result<Taken, StoreError> {
        let (taken, is_taken) = oneshot::channel();
        if let Err(left) = self.0.send(Arrival { new, taken }).await {
            return Ok(Taken::Left(left.0.new));
        }
        is_taken
            .await
            .map_err(|_| StoreError::Unavailable("what is posted is not stored".to_owned()))
    }
}

struct Thread {
    server: Server,
    clock: Clock,
    changes: Changes,
    commits: Arc<Commits>,
}

struct Connected {
    session: Session,
    insert: Statement,
    /// What was written behind a position.
    since: Statement,
}

impl Connected {
    fn to(server: &Server, clock: &Clock) -> db::Result<Self> {
        let settings =
            format!("{SETTINGS}; SET lock_timeout = '5s'; SET application_name = '{NAME}'");
        let session = Session::connect(server, &settings, clock.clone())?;
        let types = [&[Type::TEXT_ARRAY; TEXTS][..], &[Type::INT8_ARRAY; NUMBERS]].concat();
        let insert = session.prepare(INSERT, &types)?;
        let since = session.prepare(&translated(SINCE), &[Type::INT8, Type::INT8])?;
        Ok(Self { session, insert, since })
    }
}

impl Thread {
    fn run(self, mut queue: mpsc::Receiver<Arrival>, connected: Connected) {
        let mut connected = Some(connected);
        let mut arrivals = Vec::new();
        while queue.blocking_recv_many(&mut arrivals, MOST) > 0 {
            if connected.as_ref().is_none_or(|connected| connected.session.is_closed()) {
                connected = Connected::to(&self.server, &self.clock).ok();
            }
            let watch = Stopwatch::start();
            let mut ids = match &connected {
                Some(connected) => self.store(connected, &arrivals).unwrap_or_default(),
                None => HashMap::new(),
            };
            self.commits.micros.add(watch.micros());
            self.commits.writes.add(ids.len() as u64);
            for Arrival { new, taken } in arrivals.drain(..) {
                let outcome = match ids.remove(&key(&new)) {
                    Some(id) => Taken::New(Box::new(stored_row(id, new.2))),
                    None => Taken::Left(new),
                };
                // Whoever asked may have gone; what was committed stays committed.
                let _ = taken.send(outcome);
            }
        }
    }

    /// The ids of those that are new, by instance and event; all that was written up to them is told.
    fn store(&self, to: &Connected, arrivals: &[Arrival]) -> db::Result<HashMap<Key, i64>> {
        let Connected { session, insert, since } = to;
        let Columns { texts, numbers } = Columns::of(arrivals);
        let texts = texts.iter().map(|column| column as &(dyn ToSql + Sync));
        let columns: Vec<_> =
            texts.chain(numbers.iter().map(|column| column as &(dyn ToSql + Sync))).collect();
        let position = self.changes.position().unwrap_or_default();
        let most = i64::try_from(MOST_CHANGES).unwrap_or(i64::MAX);
        let [inserted, written] =
            session.both([(insert, &columns), (since, &[&position.number, &most])]);
        let ids = inserted?;
        let ids = ids.iter().map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?)));
        let ids = ids.collect::<db::Result<_>>()?;
        let found = written.and_then(|rows| self.changes.found(position, Rows::of_postgres(rows)));
        // What could not be read now, whoever listens tells in a moment.
        if let Ok(Some(found)) = found {
            self.changes.tell_found(found);
        }
        Ok(ids)
    }
}

/// Instance and event.
type Key = (String, String);

fn key((_, _, new): &Hashed) -> Key {
    (new.instance.to_string(), new.event.event_id.as_str().to_owned())
}

/// Rows, column by column.
struct Columns<'a> {
    texts: [Vec<Option<Cow<'a, str>>>; TEXTS],
    numbers: [Vec<Option<i64>>; NUMBERS],
}

impl<'a> Columns<'a> {
    fn of(arrivals: &'a [Arrival]) -> Self {
        let mut columns = Self { texts: Default::default(), numbers: Default::default() };
        for arrival in arrivals {
            let (fingerprint, marker, new) = &*arrival.new;
            let event = &new.event;
            let received_at = new.received_at.as_millisecond();
            let texts: [Option<Cow<'a, str>>; TEXTS] = [
                Some(new.instance.as_str().into()),
                Some(event.event_id.as_str().into()),
                Some(event.event_type.as_str().into()),
                Some(marker.digits().into()),
                Some(fingerprint.into()),
                Some(event.company.key.to_string().into()),
                Some(event.company.label().into()),
                event.site.as_ref().map(|site| site.key.to_string().into()),
                event.site.as_ref().map(|site| Party::label(site).into()),
                Some(event.control.id.as_str().into()),
                Some(event.control.name.as_str().into()),
                new.request_id.as_deref().map(Into::into),
                Some(new.body.as_str().into()),
                Some(new.state.as_str().into()),
                new.problem.as_ref().map(|problem| problem.code.as_str().into()),
                new.problem.as_ref().map(|problem| problem.message.as_str().into()),
                Some(as_json(&new.warnings).into()),
                new.trace.as_ref().map(Trace::to_string).map(Into::into),
            ];
            let ended_at = new.state.is_ended().then_some(received_at);
            let numbers = [Some(new.trusted_names.into()), ended_at, Some(received_at)];
            for (column, text) in columns.texts.iter_mut().zip(texts) {
                column.push(text.map(without_nul));
            }
            for (column, number) in columns.numbers.iter_mut().zip(numbers) {
                column.push(number);
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests;
