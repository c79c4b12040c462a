//! PostgreSQL behind the store: a connection that writes, and others that read. Whoever writes holds a lock until
//! its transaction ends, so that there is one writer at a time, as in a file.

mod cells;
mod intake;
mod listener;
mod schema;
mod server;
mod session;
mod translate;
mod words;

pub(super) use cells::Cell;
pub(super) use intake::{Intake, Taken};
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

/// The connection that writes, to a database of today's schema that nobody else serves.
pub(super) fn writer(server: &Server, clock: Clock) -> Result<Connection, StoreError> {
    let name = server.name();
    let unusable = |error: db::Error| schema::refused(&name, error);
    let settings = format!("{SETTINGS}; SET lock_timeout = '5s'");
    let session = Session::connect(server, &settings, clock).map_err(unusable)?;
    let db = Connection::Postgres(Box::new(session));
    // The server may see a moment late that a bridge has ended.
    let lock = format!("SELECT pg_advisory_lock({})", session::SERVE);
    match db.query_row(&lock, [], |_| Ok(())) {
        Ok(()) => {}
        Err(error) if error.is_of_a_lock() => {
            let holder = holder(&db).map_err(unusable)?;
            return Err(StoreError::Locked { database: name, holder });
        }
        Err(error) => return Err(unusable(error)),
    }
    schema::migrate(&db, &name)?;
    Ok(db)
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
        if !schema::is_known(&db, &name)? {
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

/// Whoever serves the database, as the server knows it.
fn holder(db: &Connection) -> db::Result<String> {
    let (class, object) = session::SERVE.split_once(", ").unwrap_or_default();
    let sql = format!(
        "SELECT coalesce(max('process ' || a.pid || ' from ' || coalesce(a.client_addr::text, 'the same machine')), 'nobody any more')
         FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {class} AND l.objid = {object}
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    db.query_row(&sql, params![], |row| row.get(0))
}

#[cfg(test)]
mod tests;
