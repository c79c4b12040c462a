//! Whoever hears what is written through other connections, by this instance and by others: a connection that
//! listens, in a thread of its own. It tells what the table of changes has, each time that the server says there is
//! something, and each second. Where the connection was lost, everything is read anew through the next one.

use std::{thread, time::Duration};

use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    SETTINGS,
    session::{Heard, Session},
};
use crate::{
    clock::{Clock, Stopwatch},
    store::{
        changes::{Changes, Whole},
        db::{self, Connection, params},
        postgres::Server,
        time,
    },
};

/// How often the table is read when nothing was said, and how long to wait until the next connection is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// How long changes stay in the table, at least.
const KEPT: Duration = Duration::from_mins(1);

/// What the server calls such a connection.
const NAME: &str = "servicenav-itop-bridge changes";

/// A thread that listens. Dropped, it ends soon.
pub(in crate::store) struct Listener(#[expect(dead_code, reason = "it ends the thread")] DropGuard);

impl Listener {
    /// Reads what is in the database, and follows it from then on.
    pub(in crate::store) fn start(server: Server, clock: Clock) -> db::Result<(Changes, Self)> {
        let (listening, whole) = Listening::begin(&server, &clock)?;
        let changes = Changes::following(whole);
        let stop = CancellationToken::new();
        let ending = Self(stop.clone().drop_guard());
        let thread = Thread { server, clock, changes: changes.clone(), stop };
        thread::Builder::new().name("changes".to_owned()).spawn(move || thread.run(listening))?;
        Ok((changes, ending))
    }
}

struct Thread {
    server: Server,
    clock: Clock,
    changes: Changes,
    stop: CancellationToken,
}

/// A connection that listens.
struct Listening {
    db: Connection,
    /// What was told when a minute last had passed, and since when the next one passes.
    told: i64,
    since: Stopwatch,
}

impl Thread {
    fn run(self, mut listening: Listening) {
        loop {
            match listening.follow(&self.changes, &self.clock, &self.stop) {
                Ok(Followed::Stopped) => return,
                Ok(Followed::Behind) => {
                    tracing::warn!("this bridge was away for too long: everything is read anew");
                }
                Err(error) => {
                    tracing::warn!(%error, "what other bridges change is not heard: the connection was lost");
                }
            }
            self.changes.become_deaf();
            listening = loop {
                if self.stop.is_cancelled() {
                    return;
                }
                match Listening::begin(&self.server, &self.clock) {
                    Ok((listening, whole)) => {
                        self.changes.begin_anew(whole);
                        tracing::info!("what other bridges change is heard again");
                        break listening;
                    }
                    Err(_) => self.pause(),
                }
            };
        }
    }

    fn pause(&self) {
        // Nothing else has ended, and where this cannot be had it is tried again at once.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        if let Ok(runtime) = runtime {
            let pause = self.stop.run_until_cancelled(async { Clock::system().sleep(PAUSE).await });
            runtime.block_on(pause);
        }
    }
}

/// Why it was not followed any longer.
enum Followed {
    /// Nobody needs it.
    Stopped,
    /// Some of what was to be told has been purged.
    Behind,
}

impl Listening {
    fn begin(server: &Server, clock: &Clock) -> db::Result<(Self, Whole)> {
        let settings = format!(
            "{SETTINGS}; SET lock_timeout = '5s'; SET application_name = '{NAME}'; LISTEN changes"
        );
        let session = Session::connect(server, &settings, clock.clone())?;
        let db = Connection::Postgres(Box::new(session));
        let whole = Whole::read(&db)?;
        let told = whole.number();
        let listening = Self { db, told, since: Stopwatch::start() };
        listening.look_at_clock(clock)?;
        Ok((listening, whole))
    }

    /// How old a status is, all bridges tell by the clock of the server: that of whoever has read it may be wrong.
    fn look_at_clock(&self, clock: &Clock) -> db::Result<()> {
        let shown = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let millis = self.db.prepare_cached(shown)?.query_row([], |row| row.get(0))?;
        clock.follow(time(millis));
        Ok(())
    }

    /// Tells changes until that ends.
    fn follow(
        &mut self,
        changes: &Changes,
        clock: &Clock,
        stop: &CancellationToken,
    ) -> db::Result<Followed> {
        let mut looked = Stopwatch::start();
        loop {
            if !changes.follow(&self.db)? {
                return Ok(Followed::Behind);
            }
            changes.note_heard();
            if self.since.elapsed() > KEPT {
                self.purge(changes)?;
            }
            if looked.elapsed() > PAUSE {
                self.look_at_clock(clock)?;
                looked = Stopwatch::start();
            }
            let watch = Stopwatch::start();
            loop {
                match self.listen(stop) {
                    Heard::Stopped => return Ok(Followed::Stopped),
                    // What this instance has written was told by whoever wrote it.
                    Heard::Told(Some(number)) if number <= changes.told() => {}
                    Heard::Told(_) | Heard::Nothing => break,
                }
                if watch.elapsed() > PAUSE {
                    break;
                }
            }
        }
    }

    fn listen(&self, stop: &CancellationToken) -> Heard {
        match &self.db {
            Connection::Postgres(session) => session.listen(PAUSE, stop),
            Connection::Sqlite(_) => Heard::Stopped,
        }
    }

    /// Removes what had been told when this was last done. The last one of it stays, behind which others go on.
    fn purge(&mut self, changes: &Changes) -> db::Result<()> {
        self.db
            .prepare_cached("DELETE FROM changes WHERE number < ?1")?
            .execute(params![self.told])?;
        (self.told, self.since) = (changes.told(), Stopwatch::start());
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
