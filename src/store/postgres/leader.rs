//! Who leads: whoever holds the lock of the leader, on the very connection by which it writes for its Term. So a
//! connection that is lost is a Term that is lost, and one that the server has ended can write nothing.

use std::time::Duration;

use super::{
    SETTINGS,
    server::Server,
    session::{LEAD, Session},
};
use crate::{
    clock::Clock,
    store::db::{self, Connection, params},
};

/// A leader is used each few seconds. When this has passed without a word of it, it stands still, or cannot be
/// reached: the server ends its connection.
const SILENT: &str = "10s";

/// As long an answer of the server is waited for. Most of it may go by in waiting for the lock of writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What has come of an attempt to lead.
pub(in crate::store) enum Sought {
    /// This instance leads, for the Term of this number.
    Granted(Connection, i64),
    /// Another one does.
    Taken(Connection),
}

/// Tries to lead, by the connection of the last attempt if there was one. `name` is what people are told.
pub(in crate::store) fn seek(
    server: &Server,
    clock: &Clock,
    last: Option<Connection>,
    name: &str,
) -> db::Result<Sought> {
    let db = match last {
        Some(db) if !db.is_lost() => db,
        _ => connect(server, clock.clone())?,
    };
    let lock = format!("SELECT pg_try_advisory_lock({LEAD})");
    if !db.query_row(&lock, [], |row| row.get(0))? {
        return Ok(Sought::Taken(db));
    }
    let term = begin(&db, name, clock.now().as_millisecond())?;
    if let Connection::Postgres(session) = &db {
        session.write_for(term);
    }
    Ok(Sought::Granted(db, term))
}

fn connect(server: &Server, clock: Clock) -> db::Result<Connection> {
    let settings = format!(
        "{SETTINGS}; SET idle_session_timeout = '{SILENT}'; SET statement_timeout = '{SILENT}';
         SET lock_timeout = '5s'"
    );
    let session = Session::connect(server, &settings, clock)?;
    session.wait_at_most(PATIENCE);
    Ok(Connection::Postgres(Box::new(session)))
}

/// Begins a Term, with the lock of writes: what was written before it belongs to an earlier one, and of that nothing
/// is written after it.
fn begin(db: &Connection, name: &str, now: i64) -> db::Result<i64> {
    db.begin()?;
    let term = db.query_row(
        "UPDATE leader SET term = term + 1, backend = pg_backend_pid(), name = ?1, since = ?2 RETURNING term",
        params![name, now],
        |row| row.get(0),
    )?;
    db.say("COMMIT")?;
    Ok(term)
}
