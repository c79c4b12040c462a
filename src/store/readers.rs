//! Read-only connections, opened as they are needed. Deliveries, posts and polls have their own, so
//! that however many dashboards ask, neither waits for them.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::OpenFlags;
use tokio::sync::{Semaphore, oneshot};

use super::{
    StoreError,
    db::{self, Connection},
};
use crate::clock::{Clock, Stopwatch};

/// What is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What the bridge does by itself.
    Deliveries,
    /// Senders that wait for an answer.
    Posts,
    /// Whoever asks what there is.
    Polls,
}

/// How long a poll may take, until its query is broken off.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many steps of SQLite there are between two looks at the time: about a millisecond.
const STEPS: i32 = 50_000;

impl Purpose {
    /// Reads at once. SQLite reads from memory: more threads than this only compete for the cores.
    fn at_once(self) -> usize {
        match self {
            Self::Deliveries | Self::Posts => 2,
            Self::Polls => 4,
        }
    }

    fn patience(self) -> Option<Duration> {
        (self == Self::Polls).then_some(PATIENCE)
    }
}

/// What is read.
#[derive(Clone)]
pub(super) enum Source {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of PostgreSQL.
    #[cfg(feature = "postgres")]
    Server(Box<super::postgres::Server>),
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

/// The connections for each purpose.
pub(super) struct Readers {
    deliveries: Pool,
    posts: Pool,
    polls: Pool,
}

impl Readers {
    pub(super) fn new(source: &Source) -> Self {
        let pool = |purpose: Purpose| Pool::new(source, purpose.at_once(), purpose.patience());
        Self {
            deliveries: pool(Purpose::Deliveries),
            posts: pool(Purpose::Posts),
            polls: pool(Purpose::Polls),
        }
    }

    pub(super) fn of(&self, purpose: Purpose) -> &Pool {
        match purpose {
            Purpose::Deliveries => &self.deliveries,
            Purpose::Posts => &self.posts,
            Purpose::Polls => &self.polls,
        }
    }
}

pub(super) struct Pool {
    source: Source,
    idle: Arc<Mutex<Vec<Connection>>>,
    slots: Arc<Semaphore>,
    patience: Option<Duration>,
}

impl Pool {
    fn new(source: &Source, at_once: usize, patience: Option<Duration>) -> Self {
        Self {
            source: source.clone(),
            idle: Arc::default(),
            slots: Arc::new(Semaphore::new(at_once)),
            patience,
        }
    }

    /// Runs `work` on a connection that cannot write. What takes too long is broken off; waiting for a
    /// connection counts.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let (answer, result) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            // Whoever asked may have gone.
            let _ = answer.send(connection.and_then(work));
        });
        async {
            self.start(work).await?;
            Ok(result.await.map_err(|_| gone())??)
        }
    }

    /// Has the work done in a thread of its own. Not generic: it would be compiled for each query.
    async fn start(&self, work: Work) -> Result<(), StoreError> {
        let watch = Stopwatch::start();
        let slot = self.slots.clone().acquire_owned();
        // The time that a test lets pass is not what counts here.
        let clock = Clock::system();
        let slot = match self.patience {
            None => slot.await,
            Some(patience) => tokio::select! {
                slot = slot => slot,
                () = clock.sleep(patience) => return Err(StoreError::TooLong),
            },
        };
        let slot = slot.map_err(|_| gone())?;
        let idle = self.idle.clone();
        let source = self.source.clone();
        let patience = self.patience;
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            match connected(&idle, &source, patience, watch) {
                Ok(connection) => {
                    work(Ok(&connection));
                    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                }
                Err(error) => work(Err(error)),
            }
        });
        Ok(())
    }
}

/// A query, and whoever waits for what it finds.
type Work = Box<dyn FnOnce(db::Result<&Connection>) + Send>;

fn gone() -> StoreError {
    StoreError::Unavailable("the bridge is stopping".to_owned())
}

/// A connection on which work ends when the time is over that it has since the watch was started.
fn connected(
    idle: &Mutex<Vec<Connection>>,
    source: &Source,
    patience: Option<Duration>,
    watch: Stopwatch,
) -> db::Result<Connection> {
    let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut connection = match (taken, source) {
        (Some(connection), _) if !connection.is_lost() => connection,
        (_, Source::File(path)) => open(path)?,
        // It breaks each statement off by itself.
        #[cfg(feature = "postgres")]
        (_, Source::Server(server)) => super::postgres::reader(server, patience)?,
    };
    if let (Some(patience), Connection::Sqlite(native)) = (patience, &mut connection) {
        let most = u64::try_from(patience.as_micros()).unwrap_or(u64::MAX);
        native.progress_handler(STEPS, Some(move || watch.micros() > most))?;
    }
    Ok(connection)
}

fn open(path: &Path) -> db::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(super::writer::BUSY)?;
    super::keep_plans(&connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection.into())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn database() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        (folder, path)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn polls_keep_neither_deliveries_nor_posts_waiting() {
        let (_folder, path) = database();
        let readers = Arc::new(Readers::new(&path.as_path().into()));
        let (begun, are_begun) = mpsc::channel();
        let mut polls = Vec::new();
        let mut release = Vec::new();
        // As many as there are connections, and one that waits for one.
        for _ in 0..=Purpose::Polls.at_once() {
            let (go_on, may_go_on) = mpsc::channel::<()>();
            let (readers, begun) = (readers.clone(), begun.clone());
            release.push(go_on);
            polls.push(tokio::spawn(async move {
                let work = move |_: &Connection| {
                    begun.send(()).unwrap();
                    // Until the test has ended.
                    let _ = may_go_on.recv();
                    Ok(())
                };
                readers.of(Purpose::Polls).run(work).await
            }));
        }
        for _ in 0..Purpose::Polls.at_once() {
            are_begun.recv().unwrap();
        }
        for purpose in [Purpose::Deliveries, Purpose::Posts] {
            readers.of(purpose).run(|_| Ok(())).await.unwrap();
        }
        drop(release);
        for poll in polls {
            poll.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_query_without_end_is_broken_off_and_its_connection_is_used_again() {
        let (_folder, path) = database();
        let pool = Pool::new(&path.as_path().into(), 1, Some(Duration::from_millis(100)));
        let endless = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n)
                       SELECT count(*) FROM n";
        let count = move |db: &Connection| db.query_row(endless, [], |row| row.get::<_, i64>(0));
        assert!(matches!(pool.run(count).await, Err(StoreError::TooLong)));
        let short = |db: &Connection| db.query_row("SELECT 1", [], |row| row.get::<_, i64>(0));
        assert_eq!(pool.run(short).await.unwrap(), 1);
        // One that waits for the only connection gives up as well.
        let (first, second) = tokio::join!(pool.run(count), pool.run(count));
        assert!(matches!(first, Err(StoreError::TooLong)));
        assert!(matches!(second, Err(StoreError::TooLong)));
    }
}
