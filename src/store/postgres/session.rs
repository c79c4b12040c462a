//! A connection to the server, used by one thread at a time, which waits for each answer.

use std::{cell::RefCell, collections::HashMap, sync::Arc, time::Duration};

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
    /// Words of a transaction that go with what is said next: each by itself would be a way there and back.
    ahead: RefCell<String>,
    prepared: RefCell<HashMap<String, Prepared>>,
}

/// The lock of whoever writes: there are two numbers, by which this program is told from others.
pub(super) const WRITE: &str = "7377, 1";

/// The lock of whoever serves the database.
pub(super) const SERVE: &str = "7377, 2";

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
        let client = runtime.block_on(server.connect(tell))?;
        let session = Self {
            runtime: Some(runtime),
            client,
            clock,
            told: RefCell::new(told),
            ahead: RefCell::default(),
            prepared: RefCell::default(),
        };
        session.batch(settings)?;
        Ok(session)
    }

    fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("it goes when this is dropped").block_on(answer)
    }

    /// Whether the server has ended it.
    pub(in crate::store) fn is_closed(&self) -> bool {
        // Only while something is waited for the connection sees that it has ended.
        self.wait(tokio::task::yield_now());
        self.client.is_closed()
    }

    /// Waits until something is told on a channel that it listens to; for so long at most, until `stop`, or until the
    /// server ends it. The number that was told, if it was one.
    pub(super) fn listen(&self, most: Duration, stop: &CancellationToken) -> Heard {
        let mut told = self.told.borrow_mut();
        // The time that a test lets pass is not what counts here.
        let clock = Clock::system();
        self.wait(async {
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
        Ok(self.wait(self.client.batch_execute(&all))?)
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
            return Ok(self.wait(answer)?);
        }
        let (said, answer) = self.wait(join(self.client.batch_execute(&ahead), answer));
        said?;
        Ok(answer?)
    }

    /// Begins a transaction that may write: one at a time of all that write to this database, so that what it
    /// reads stays true until it ends.
    pub(in crate::store) fn begin(&self) {
        let now = self.clock.now().as_millisecond();
        self.ahead(&format!(
            "BEGIN; SELECT pg_advisory_xact_lock({WRITE}), set_config('bridge.now', '{now}', true)"
        ));
    }

    /// Begins a transaction that reads all of one moment.
    pub(in crate::store) fn begin_reading(&self) -> Reading<'_> {
        self.ahead("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        Reading(self)
    }

    /// A statement of the server's own, with the types of its parameters.
    pub(super) fn prepare(&self, sql: &str, types: &[Type]) -> db::Result<Statement> {
        Ok(self.wait(self.client.prepare_typed(sql, types))?)
    }

    /// The rows of two queries, each a transaction by itself, in one way there and back.
    pub(super) fn both(
        &self,
        [first, second]: [(&Statement, &[&(dyn ToSql + Sync)]); 2],
    ) -> [db::Result<Vec<Row>>; 2] {
        let answers =
            join(self.client.query(first.0, first.1), self.client.query(second.0, second.1));
        let (first, second) = self.wait(answers);
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
