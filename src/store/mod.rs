//! What must survive. Methods are named for what they do and leak no SQL.

mod actions;
mod asked_tickets;
mod attempts;
mod backup;
mod board_companies;
mod board_pending;
mod board_query;
mod board_row;
mod board_search;
mod board_summary;
mod board_words;
mod bounds;
mod changes;
mod cmdb_sources;
mod companies_seen;
mod company_desks;
mod company_links;
mod control_history;
mod control_tickets;
mod counts;
mod db;
mod equipment;
mod error;
mod foreign;
mod history;
mod hold;
mod hook_outbox;
mod hook_wants;
mod inbox;
mod inbox_bulk;
mod inbox_causes;
mod inbox_delivery;
mod inbox_query;
mod inbox_search;
mod inbox_sources;
mod inbox_turns;
mod inbox_unknown;
mod inbox_unlinked;
mod inbox_waiting;
mod keys;
mod lock;
mod look;
mod many_links;
mod measures;
mod meta;
mod migrate;
mod moves;
mod narrowed;
mod outcomes;
#[cfg(feature = "postgres")]
mod postgres;
mod read_back;
mod readers;
mod refused_requests;
mod rejected;
mod signed_messages;
mod switch;
mod tenants;
mod term;
mod ticket_statuses;
mod unlinked_count;
mod writer;

pub use actions::{Action, Levered};
pub use asked_tickets::AskedTicket;
pub use attempts::Attempt;
pub(crate) use backup::restoring;
pub use backup::{backup, restore};
pub use board_companies::BoardCompany;
pub use board_pending::{PendingControl, PendingSearch};
pub use board_query::BoardFilter;
pub use board_row::{BoardRow, Told};
pub use board_search::{BoardPage, BoardSearch, Group, Order, Part, Place};
pub use board_summary::{BoardSummary, HOURS};
pub use changes::{ControlChange, SeenChanges};
pub use cmdb_sources::CmdbSource;
pub use companies_seen::{CompanyWaits, SeenCompany};
pub use company_desks::CompanyOfInstance;
pub(crate) use company_links::NOT_LINKED;
pub use company_links::{PutLink, RemoveLink, Unlinked};
pub use control_history::{ControlHistory, PastAcknowledgement};
pub use control_tickets::{AgedTicket, Controls, KnownTicket, Life, Mapping, TicketOfControl};
pub use counts::Counts;
pub use equipment::{
    Answer, Became, EquipmentAction, EquipmentChange, EquipmentCompany, EquipmentCounts,
    EquipmentFilter, EquipmentHalt, EquipmentLoad, EquipmentOutcome, EquipmentPage, EquipmentQueue,
    EquipmentReport, FederatedCi, Foreseen, ForeseenRow, Hold, HoldDone, HoldWhich, OverLimit,
    Release, RetryWhich, SettledEquipment, Tally,
};
pub use error::StoreError;
pub use history::GateChange;
pub use hold::Held;
pub use hook_outbox::{HookBacklog, HookMessage, HookOutcomes, HookRecord, SentBody};
pub use hook_wants::HookWants;
pub use inbox::{Accepted, NewAcknowledgement};
pub use inbox_bulk::{Left, Operation, Which};
pub use inbox_causes::CauseGroup;
pub use inbox_delivery::{Delivered, NewLine};
pub use inbox_query::{InboxFilter, InboxRow, WantedDesk, WholeRow};
pub use inbox_search::InboxPage;
pub use inbox_turns::{Due, OfDesk};
pub use inbox_unknown::UnknownRow;
pub use inbox_waiting::Waiting;
pub(crate) use look::open as open_beside;
pub use look::{
    cmdb_sources_at, cmdb_sources_of, doubts_of, equipment_halts_at, equipment_halts_of,
    fault_of_url, links_at, links_of,
};
pub use many_links::{ChangedLinks, LinkChange, digest};
pub use measures::CommitCounts;
pub use meta::{Canary, Restored};
pub use moves::Moves;
pub(crate) use outcomes::Outcomes;
pub use read_back::ReadBack;
pub use refused_requests::RefusedRequest;
pub use rejected::Rejected;
pub use signed_messages::Noted;
pub use switch::{CaseSince, Moving, NewTicketOf, Returned, Switched, TicketElsewhere};
pub use term::{Standing, Term};
pub use ticket_statuses::Recognised;
pub use unlinked_count::MOST_UNLINKED;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::config::DbConfig;
use serde::Serialize;

use crate::{
    clock::{Clock, Moment},
    config::StoreSection,
};
use db::Connection;
use readers::Purpose;
use writer::Undo;

/// The database. Cheap to clone; closed when the last clone is gone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    purpose: Purpose,
}

struct Inner {
    clock: Clock,
    readers: readers::Readers,
    changes: changes::Changes,
    arrivals: measures::Arrivals,
    damaged: AtomicBool,
    /// One: whoever has it leads, or asks for it.
    term: Arc<tokio::sync::Semaphore>,
    /// Where several instances may serve the database.
    leading: Option<term::Leading>,
    // Dropped in this order: no other process may have the database before all is written.
    writer: writer::Writer,
    _thread: writer::WriterThread,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "it gives the file back"))]
    beside: Beside,
}

/// What goes with a database for as long as it is open.
enum Beside {
    /// That no other process has the file.
    File(#[expect(dead_code, reason = "it gives the file back")] lock::Lock),
    /// That what other processes change is heard, and what stores new rows.
    #[cfg(feature = "postgres")]
    Server(
        #[expect(dead_code, reason = "it ends the listening")] postgres::Listener,
        postgres::Intake,
    ),
}

#[cfg(feature = "postgres")]
impl Inner {
    fn intake(&self) -> Option<&postgres::Intake> {
        match &self.beside {
            Beside::File(_) => None,
            Beside::Server(_, intake) => Some(intake),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens a database file, creating it where it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process serves the file, [`StoreError::Newer`] where
    /// a newer program wrote it, [`StoreError::Unusable`] where it cannot be opened or is damaged.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        let unusable = |reason: String| StoreError::unusable(path, reason);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| unusable(error.to_string()))?;
        }
        let mut lock = lock::Lock::take(path)?;
        let path = &lock.path().to_owned();
        if !path.exists() && restoring(path).exists() {
            return Err(unusable("a restore was interrupted; run 'restore' again".to_owned()));
        }
        lock.lock_database()?;
        let mut connection =
            rusqlite::Connection::open(path).map_err(|error| unusable(error.to_string()))?;
        writer::prepare(&connection).map_err(|error| unusable(error.to_string()))?;
        migrate::migrate(&mut connection, path)?;
        board_words::watch(&connection)
            .and_then(|()| hook_wants::register(&connection, clock.clone()))
            .map_err(|error| unusable(error.to_string()))?;
        if lock.follows_an_unclean_stop() {
            migrate::quick_check(&connection, path)?;
        }
        let connection = Connection::from(connection);
        let changes = counts::Kept::read(&connection)
            .map(changes::Changes::since)
            .and_then(|changes| changes.watch(&connection).map(|()| changes))
            .map_err(|error| unusable(error.to_string()))?;
        let source = path.as_path().into();
        let beside = |_| Ok(Beside::File(lock));
        Self::started(connection, changes, &source, beside, clock).map_err(unusable)
    }

    /// Opens a database of a PostgreSQL server, which others may serve as well, and brings its schema up to date.
    /// Not on a thread that drives tasks: it waits for the server.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process serves it alone, or by an older schema, [`StoreError::Newer`]
    /// where a newer program wrote it, [`StoreError::Unusable`] where it cannot be reached or opened.
    #[cfg(feature = "postgres")]
    fn open_server(server: postgres::Server, clock: Clock) -> Result<Self, StoreError> {
        let connection = postgres::writer(&server, clock.clone())?;
        let database = server.name();
        let unusable = |reason: String| StoreError::Unusable { database: database.clone(), reason };
        let (changes, listener) = postgres::Listener::start(server.clone(), clock.clone())
            .map_err(|error| unusable(error.to_string()))?;
        let source = readers::Source::Server(Box::new(server.clone()));
        let (all, its) = (changes.clone(), clock.clone());
        let beside = |commits| {
            let intake = postgres::Intake::start(server, its, all, commits);
            Ok(Beside::Server(listener, intake.map_err(|error| error.to_string())?))
        };
        Self::started(connection, changes, &source, beside, clock).map_err(unusable)
    }

    /// Opens the database that a configuration names.
    ///
    /// # Errors
    /// As [`Store::open`] has them.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "a file is opened at once")
    )]
    pub async fn of(section: &StoreSection, clock: Clock) -> Result<Self, StoreError> {
        if section.url.is_none() {
            return Self::open(&section.path, clock);
        }
        #[cfg(feature = "postgres")]
        {
            let server = postgres::Server::of_section(section)?;
            let opened = tokio::task::spawn_blocking(|| Self::open_server(server, clock));
            opened.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
        }
        #[cfg(not(feature = "postgres"))]
        Err(StoreError::Unusable {
            database: section.database(),
            reason: "this program was built without PostgreSQL (the feature 'postgres')".to_owned(),
        })
    }

    /// Begins to read and to write; the reason where that cannot be.
    fn started(
        connection: Connection,
        changes: changes::Changes,
        source: &readers::Source,
        beside: impl FnOnce(Arc<measures::Commits>) -> Result<Beside, String>,
        clock: Clock,
    ) -> Result<Self, String> {
        let readers = readers::Readers::new(source);
        let (leading, turn, when_lost) = match source {
            readers::Source::File(_) => (None, None, writer::WhenLost::Never),
            #[cfg(feature = "postgres")]
            readers::Source::Server(server) => {
                let leading = term::Leading::of(*server.clone());
                let (server, clock) = (server.clone(), clock.clone());
                let connect = move || postgres::writer(&server, clock.clone());
                let when_lost = writer::WhenLost::Renews(Box::new(connect));
                (Some(leading), Some(Arc::default()), when_lost)
            }
        };
        let common = writer::Common { changes: changes.clone(), commits: Arc::default(), turn };
        let (writer, thread) = writer::Writer::start(connection, common, when_lost)
            .map_err(|error| error.to_string())?;
        let beside = beside(writer.commits().clone())?;
        let damaged = AtomicBool::new(false);
        let inner = Inner {
            clock,
            readers,
            changes,
            arrivals: measures::Arrivals::default(),
            damaged,
            term: Arc::new(tokio::sync::Semaphore::new(1)),
            leading,
            writer,
            _thread: thread,
            beside,
        };
        Ok(Self { inner: Arc::new(inner), purpose: Purpose::Deliveries })
    }

    /// The same database, read for senders that wait for an answer.
    #[must_use]
    pub fn for_posts(&self) -> Self {
        Self { inner: self.inner.clone(), purpose: Purpose::Posts }
    }

    /// The same database, read for whoever asks what there is: what takes too long is broken off.
    #[must_use]
    pub fn for_polls(&self) -> Self {
        Self { inner: self.inner.clone(), purpose: Purpose::Polls }
    }

    /// Ends when nothing can be written any more: the thread that writes has ended.
    pub async fn writer_ended(&self) {
        self.inner.writer.ended().cancelled().await;
    }

    // These three box their closure at once: a future that held it, and each that awaits that one, would
    // be as large as what it brings along, and be moved with every request.

    /// Runs a short synchronous closure on the one writer. It returns when the transaction that
    /// holds it has been committed with fsync.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let written = self.inner.writer.run(Undo::Savepoint, work);
        async { self.watched(written.await) }
    }

    /// The same for a closure that changes something with one statement only.
    fn write_statement<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let written = self.inner.writer.run(Undo::Statement, work);
        async { self.watched(written.await) }
    }

    /// Runs a short synchronous closure on a read-only connection.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let read = self.inner.readers.of(self.purpose).run(work);
        async { self.watched(read.await) }
    }

    /// Whether the file can be read.
    pub async fn is_readable(&self) -> bool {
        self.read(|db| meta::get(db, "writable")).await.is_ok()
    }

    /// Remembers that a part of the file turned out to be damaged: other parts may work for long.
    fn watched<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Damaged(reason)) = &outcome
            && !self.inner.damaged.swap(true, Ordering::Relaxed)
        {
            tracing::error!(
                "the database is damaged ({reason}): stop the bridge and restore a backup; until \
                 then it takes what it can"
            );
        }
        outcome
    }

    /// Whether something that was read or written turned out to be damaged.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.inner.damaged.load(Ordering::Relaxed)
    }

    /// Whether commits succeed: true unless the last one failed and a small one fails now.
    pub async fn takes_writes(&self) -> bool {
        if !self.inner.writer.is_failing() {
            return true;
        }
        self.write(|db| meta::set(db, "writable", "1")).await.is_ok()
    }

    /// The time of day, as it is stored.
    fn now_millis(&self) -> i64 {
        self.inner.clock.now().as_millisecond()
    }

    /// The present moment, with which what is due is compared.
    fn moment(&self) -> Moment {
        self.inner.clock.moment()
    }

    /// The time with which what was read of iTop is marked.
    fn as_of(&self) -> i64 {
        self.inner.clock.at_latest().as_millisecond()
    }
}

/// A file beside another, by what its name has more.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A stored instant.
fn time(millis: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
}

/// Without this, SQLite plans a prepared query anew each time its parameters change, which takes
/// longer than most of these queries do.
fn keep_plans(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// A list as it is stored, and as queries take it.
fn as_json(items: &[impl Serialize]) -> String {
    serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_writer_that_ends_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        let defect = store.write(|_| -> db::Result<()> { panic!("a defect") }).await;
        assert!(matches!(defect, Err(StoreError::Unavailable(_))));
        store.writer_ended().await;
        assert!(!store.takes_writes().await);
    }
}
