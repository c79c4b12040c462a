//! PostgreSQL behind the store: a connection that writes, and others that read. Whoever writes holds a lock until
//! its transaction ends, so that there is one writer at a time, as in a file, of however many instances. Whoever
//! leads writes through a connection of its own, which holds the lock of the leader.

mod cells;
mod intake;
mod leader;
mod listener;
mod schema;
mod server;
mod session;
mod translate;
mod words;

pub(super) use cells::Cell;
pub(super) use intake::{Intake, Taken};
pub(super) use leader::{Sought, seek};
pub(super) use listener::Listener;
pub(super) use server::Server;
pub(super) use server::parse;
pub(super) use session::{Reading, Session};
pub(super) use words::{follow_replaced, follow_ticket, map_control, point_at};

use std::{panic::resume_unwind, thread, time::Duration};

use super::{
    StoreError,
    db::{self, Connection, params},
};
use crate::{clock::Clock, config::StoreSection};

/// A statement of SQLite as PostgreSQL takes it.
pub(super) fn translated(sql: &str) -> String {
    translate::translate(sql).sql
}

/// For each connection. Statements are small: a plan is never worth compiling.
const SETTINGS: &str = "SET client_min_messages = warning; SET jit = off;
    SET idle_in_transaction_session_timeout = '10s'";

/// How long an answer is waited for on the connection that writes: what it holds up are all senders.
const PATIENCE: Duration = Duration::from_secs(30);

/// The connection that writes for whoever answers, to a database of today's schema.
pub(super) fn writer(server: &Server, clock: Clock) -> Result<Connection, StoreError> {
    let name = server.name();
    let settings = format!("{SETTINGS}; SET lock_timeout = '5s'");
    let session = Session::connect(server, &settings, clock)
        .map_err(|error| schema::refused(&name, error))?;
    let db = Connection::Postgres(Box::new(session));
    serve(&db, &name)?;
    // A step of the schema may take longer.
    if let Connection::Postgres(session) = &db {
        session.wait_at_most(PATIENCE);
    }
    Ok(db)
}

/// Becomes one of those that serve a database, for as long as the connection lasts. One that is older than this
/// program is brought to its schema, unless others serve it.
fn serve(db: &Connection, name: &str) -> Result<(), StoreError> {
    // The server may see a moment late that another one has ended: it is waited for.
    let lock = |how: &str, lock: &str| {
        let locked = db.query_row(&format!("SELECT {how}({lock})"), [], |_| Ok(()));
        locked.map_err(|error| {
            if !error.is_of_a_lock() {
                return schema::refused(name, error);
            }
            match holder(db) {
                Ok(holder) => StoreError::Locked { database: name.to_owned(), holder },
                Err(error) => schema::refused(name, error),
            }
        })
    };
    lock("pg_advisory_lock", session::OPEN)?;
    if schema::is_older(db, name)? {
        lock("pg_advisory_lock", session::SERVE)?;
        schema::migrate(db, name)?;
        lock("pg_advisory_unlock", session::SERVE)?;
    }
    lock("pg_advisory_lock_shared", session::SERVE)?;
    lock("pg_advisory_unlock", session::OPEN)
}

/// Whether this connection alone serves the database; nobody else does from then on.
pub(super) fn is_alone(db: &Connection) -> db::Result<bool> {
    let Connection::Postgres(_) = db else { return Ok(true) };
    let (class, object) = session::SERVE.split_once(", ").unwrap_or_default();
    // It is not taken again: a lock is held as often as it was taken, and this is asked for each create.
    let sql = format!(
        "SELECT CASE WHEN EXISTS (
             SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = {class} AND objid = {object}
               AND pid = pg_backend_pid() AND mode = 'ExclusiveLock' AND granted)
         THEN true ELSE pg_try_advisory_lock({}) END",
        session::SERVE
    );
    db.query_row(&sql, [], |row| row.get(0))
}

/// A connection that cannot write, on which no statement takes longer than this.
pub(super) fn reader(server: &Server, patience: Option<Duration>) -> db::Result<Connection> {
    let millis = patience.map_or(0, |patience| patience.as_millis());
    let settings = format!(
        "{SETTINGS}; SET default_transaction_read_only = on; SET statement_timeout = {millis}"
    );
    let session = Session::connect(server, &settings, Clock::system())?;
    Ok(Connection::Postgres(Box::new(session)))
}

/// A look into a database that another process may serve, as whoever has the configuration sees it; nothing of
/// one that no bridge has served yet.
pub(super) fn look<T: Send>(
    section: &StoreSection,
    read: impl FnOnce(&Connection) -> db::Result<Option<T>> + Send,
) -> Result<Option<T>, StoreError> {
    let server = Server::of_section(section)?;
    let name = server.name();
    let looked = || -> Result<Option<T>, StoreError> {
        let unusable = |error: db::Error| schema::refused(&name, error);
        let db = reader(&server, None).map_err(unusable)?;
        if schema::is_older(&db, &name)? {
            return Ok(None);
        }
        read(&db).map_err(unusable)
    };
    // It waits for the server, which a thread that drives tasks must not.
    thread::scope(|scope| scope.spawn(looked).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

/// What may go wrong with a database.
pub(super) fn doubts(db: &Connection) -> db::Result<Option<String>> {
    let commit: String =
        db.query_row("SELECT current_setting('synchronous_commit')", [], |row| row.get(0))?;
    Ok((commit == "off").then(|| {
        "synchronous_commit is off: what was answered as stored may be lost when the server stops".to_owned()
    }))
}

/// Whoever else serves the database, as the server knows it.
fn holder(db: &Connection) -> db::Result<String> {
    let (class, object) = session::SERVE.split_once(", ").unwrap_or_default();
    let sql = format!(
        "SELECT coalesce(max('process ' || a.pid || ' from ' || coalesce(a.client_addr::text, 'the same machine')), 'nobody any more')
         FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {class} AND l.objid = {object}
           AND l.pid <> pg_backend_pid()
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    db.query_row(&sql, params![], |row| row.get(0))
}

#[cfg(test)]
mod tests;
