//! A connection to the server, used by one thread at a time, which waits for each answer.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io::{self, ErrorKind},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join;
use tokio::{runtime::Runtime, sync::watch};
use tokio_postgres::{
    Client, Row, Statement,
    types::{ToSql, Type},
};
use tokio_util::sync::CancellationToken;

use super::{
    cells::{Parameter, type_of},
    server::Server,
    translate::{Translated, translate},
};
use crate::{
    clock::Clock,
    store::db::{self, Params},
};

/// Statements that are kept prepared at most. There are fewer of them, unless pieces of SQL are made up.
const PREPARED: usize = 500;

/// A connection.
pub(in crate::store) struct Session {
    /// Drives the connection while something is waited for; gone when it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    clock: Clock,
    told: RefCell<watch::Receiver<Option<i64>>>,
    /// How long an answer is waited for; for ever where nothing is said.
    patience: Cell<Option<Duration>>,
    /// The Term for which it writes, if it does for one.
    term: Cell<Option<i64>>,
    /// Whether that Term was found to be over.
    is_deposed: Cell<bool>,
    /// Whether an answer did not come in time: nothing can be asked any more.
    is_silent: Cell<bool>,
    /// Words of a transaction that go with what is said next: each by itself would be a way there and back.
    ahead: RefCell<String>,
    prepared: RefCell<HashMap<String, Prepared>>,
}

/// The lock of whoever writes: there are two numbers, by which this program is told from others.
pub(super) const WRITE: &str = "7377, 1";

/// The lock of whoever serves the database: all share it, unless one must be alone.
pub(super) const SERVE: &str = "7377, 2";

/// The lock of whoever is about to serve it: one after the other looks whether the schema is today's.
pub(super) const OPEN: &str = "7377, 3";

/// The lock of whoever leads.
pub(super) const LEAD: &str = "7377, 4";

/// How long it may take to be connected, from the first packet to the last word of the server.
const CONNECT: Duration = Duration::from_secs(10);

/// What `expect_term` ends a transaction with.
const DEPOSED: &str = "BR001";

/// A transaction that reads; it ends when this is dropped.
pub(in crate::store) struct Reading<'s>(&'s Session);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.roll_back();
    }
}

/// What was heard of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something, with a number where one was told.
    Told(Option<i64>),
    /// Nothing until the time was over, or the connection.
    Nothing,
    /// Nobody listens any more.
    Stopped,
}

/// A statement that the server knows.
#[derive(Clone)]
struct Prepared {
    statement: Statement,
    parameters: Arc<[Option<String>]>,
}

impl Drop for Session {
    fn drop(&mut self) {
        // Wherever it is dropped: nothing is waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Session {
    /// Connects; `settings` are statements that say what kind of connection it is.
    pub(super) fn connect(server: &Server, settings: &str, clock: Clock) -> db::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (tell, told) = watch::channel(None);
        let client = runtime.block_on(in_time(CONNECT, server.connect(tell)));
        let client = client.ok_or_else(no_answer)??;
        let session = Self {
            runtime: Some(runtime),
            client,
            clock,
            told: RefCell::new(told),
            patience: Cell::default(),
            term: Cell::default(),
            is_deposed: Cell::default(),
            is_silent: Cell::default(),
            ahead: RefCell::default(),
            prepared: RefCell::default(),
        };
        session.batch(settings)?;
        Ok(session)
    }

    fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("it goes when this is dropped").block_on(work)
    }

    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> db::Result<T> {
        if self.is_silent.get() {
            return Err(no_answer());
        }
        let answer = match self.patience.get() {
            None => self.drive(answer),
            Some(patience) => self.drive(in_time(patience, answer)).ok_or_else(|| {
                self.is_silent.set(true);
                no_answer()
            })?,
        };
        answer.map_err(|error| {
            if error.code().is_some_and(|code| code.code() == DEPOSED) {
                self.is_deposed.set(true);
            }
            error.into()
        })
    }

    /// Whether the server has ended it, or is not heard of any more.
    pub(in crate::store) fn is_closed(&self) -> bool {
        // Only while something is waited for the connection sees that it has ended: once for what has come to be
        // seen, and once to look at it.
        self.drive(async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        });
        self.client.is_closed() || self.is_silent.get()
    }

    /// From now on no answer is waited for longer than this: who does not answer in time is not heard of any more.
    pub(super) fn wait_at_most(&self, patience: Duration) {
        self.patience.set(Some(patience));
    }

    /// Writes for this Term from now on: each transaction ends unless it goes on.
    pub(super) fn write_for(&self, term: i64) {
        self.term.set(Some(term));
    }

    /// Whether the Term for which it wrote was found to be over.
    pub(in crate::store) fn is_deposed(&self) -> bool {
        self.is_deposed.get()
    }

    /// Waits until something is told on a channel that it listens to; for so long at most, until `stop`, or until the
    /// server ends it. The number that was told, if it was one.
    pub(super) fn listen(&self, most: Duration, stop: &CancellationToken) -> Heard {
        let mut told = self.told.borrow_mut();
        // The time that a test lets pass is not what counts here.
        let clock = Clock::system();
        self.drive(async {
            tokio::select! {
                is_told = told.changed() => match is_told {
                    Ok(()) => Heard::Told(*told.borrow_and_update()),
                    Err(_) => Heard::Nothing,
                },
                () = clock.sleep(most) => Heard::Nothing,
                () = stop.cancelled() => Heard::Stopped,
            }
        })
    }

    /// Statements without parameters, as they are.
    pub(in crate::store) fn batch(&self, sql: &str) -> db::Result<()> {
        let all = self.ahead.take() + sql;
        self.wait(self.client.batch_execute(&all))
    }

    /// The same, said only with what is said next: if it fails, that fails.
    pub(in crate::store) fn ahead(&self, sql: &str) {
        let mut ahead = self.ahead.borrow_mut();
        ahead.push_str(sql);
        ahead.push_str("; ");
    }

    /// Undoes a transaction, if it was begun.
    pub(in crate::store) fn roll_back(&self) {
        self.ahead.take();
        // Where it cannot be undone the connection has ended, and the transaction with it.
        let _ = self.batch("ROLLBACK");
    }

    /// Asks, behind what is to be said before that.
    fn ask<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> db::Result<T> {
        let ahead = self.ahead.take();
        if ahead.is_empty() {
            return self.wait(answer);
        }
        self.wait(async {
            let (said, answer) = join(self.client.batch_execute(&ahead), answer).await;
            said.and(answer)
        })
    }

    /// Begins a transaction that may write: one at a time of all that write to this database, so that what it
    /// reads stays true until it ends.
    pub(in crate::store) fn begin(&self) {
        let now = self.clock.now().as_millisecond();
        self.ahead(&format!(
            "BEGIN; SELECT pg_advisory_xact_lock({WRITE}), set_config('bridge.now', '{now}', true)"
        ));
        if let Some(term) = self.term.get() {
            // A statement of its own: it must see what was there when the lock was given.
            self.ahead(&format!("SELECT expect_term({term})"));
        }
    }

    /// Begins a transaction that reads all of one moment.
    pub(in crate::store) fn begin_reading(&self) -> Reading<'_> {
        self.ahead("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        Reading(self)
    }

    /// A statement of the server's own, with the types of its parameters.
    pub(super) fn prepare(&self, sql: &str, types: &[Type]) -> db::Result<Statement> {
        self.wait(self.client.prepare_typed(sql, types))
    }

    /// The rows of two queries, each a transaction by itself, in one way there and back.
    pub(super) fn both(
        &self,
        [first, second]: [(&Statement, &[&(dyn ToSql + Sync)]); 2],
    ) -> [db::Result<Vec<Row>>; 2] {
        let answers =
            join(self.client.query(first.0, first.1), self.client.query(second.0, second.1));
        let (first, second) = self.drive(answers);
        [first, second].map(|rows| Ok(rows?))
    }

    /// How many rows a statement has changed.
    pub(in crate::store) fn execute(&self, sql: &str, params: &impl Params) -> db::Result<usize> {
        let (statement, values) = self.bound(sql, params)?;
        let changed = self.ask(self.client.execute(&statement, &references(&values)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// The rows of a query.
    pub(in crate::store) fn query(&self, sql: &str, params: &impl Params) -> db::Result<Vec<Row>> {
        let (statement, values) = self.bound(sql, params)?;
        self.ask(self.client.query(&statement, &references(&values)))
    }

    /// Whether the server knows what a statement asks for.
    #[cfg(test)]
    pub(super) fn prepares(&self, sql: &str) -> db::Result<()> {
        self.ask(self.client.prepare(&translate(sql).sql)).map(drop)
    }

    /// A statement with its values, in the order of its parameters.
    fn bound(&self, sql: &str, params: &impl Params) -> db::Result<(Statement, Vec<Parameter>)> {
        let mut given = Vec::new();
        params.each(&mut |name, value| {
            given.push((name.map(str::to_owned), value.kind(), Parameter::of(value)));
        });
        let Prepared { statement, parameters } = self.prepared(sql, &given)?;
        let order = places(&parameters, &given)?;
        let mut values: Vec<_> = given.into_iter().map(|(_, _, value)| Some(value)).collect();
        let values = order.into_iter().map(|place| values[place].take().expect("each stands once"));
        Ok((statement, values.collect::<db::Result<_>>()?))
    }

    /// A statement as the server knows it: translated and prepared once.
    fn prepared(&self, sql: &str, given: &[Given]) -> db::Result<Prepared> {
        if let Some(prepared) = self.prepared.borrow().get(sql) {
            return Ok(prepared.clone());
        }
        let Translated { sql: translated, parameters } = translate(sql);
        let kinds = places(&parameters, given)?.into_iter().map(|place| type_of(given[place].1));
        let kinds: Vec<_> = kinds.collect();
        let statement = self.ask(self.client.prepare_typed(&translated, &kinds))?;
        let prepared = Prepared { statement, parameters: parameters.into() };
        let mut all = self.prepared.borrow_mut();
        if all.len() >= PREPARED {
            all.clear();
        }
        all.insert(sql.to_owned(), prepared.clone());
        Ok(prepared)
    }
}

/// What comes within this time, by the clock of the system whatever becomes of the others.
async fn in_time<T>(patience: Duration, work: impl Future<Output = T>) -> Option<T> {
    let clock = Clock::system();
    tokio::select! {
        done = work => Some(done),
        () = clock.sleep(patience) => None,
    }
}

fn no_answer() -> db::Error {
    io::Error::new(ErrorKind::TimedOut, "it does not answer").into()
}

type Given = (Option<String>, db::Kind, db::Result<Parameter>);

/// Where the value of each parameter stands among those that are given.
fn places(parameters: &[Option<String>], given: &[Given]) -> db::Result<Vec<usize>> {
    let place = |(at, name): (usize, &Option<String>)| {
        let found = match name {
            Some(name) => given.iter().position(|(given, ..)| given.as_ref() == Some(name)),
            None => Some(at).filter(|at| *at < given.len()),
        };
        found.ok_or_else(|| db::unreadable(at, "a parameter without a value"))
    };
    parameters.iter().enumerate().map(place).collect()
}

fn references(values: &[Parameter]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
