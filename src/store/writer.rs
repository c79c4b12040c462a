//! The one writer: closures in, one commit for as many as have come together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

#[cfg(feature = "postgres")]
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    StoreError,
    changes::{Changes, Gathered},
    db::{self, Connection},
    measures::Commits,
};
use crate::clock::Stopwatch;

/// How long a connection waits for another one's lock, such as a backup's.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// How many closures share a commit at most, so that none waits long for the others.
const MOST_PER_COMMIT: usize = 256;

/// Closures that wait at most; senders wait beyond that.
const QUEUE: usize = 1_024;

pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    failing: Arc<AtomicBool>,
    common: Common,
    ended: CancellationToken,
    /// What whoever comes when it has ended is told.
    gone: fn() -> StoreError,
}

/// What the writers of a process have in common.
#[derive(Clone)]
pub(super) struct Common {
    pub(super) changes: Changes,
    pub(super) commits: Arc<Commits>,
    /// Where there is more than one: each has its turn, however much the others have to write.
    pub(super) turn: Option<Arc<Mutex<()>>>,
}

/// What becomes of a writer whose connection is lost.
pub(super) enum WhenLost {
    /// Nothing: that of a file never is.
    Never,
    /// It connects anew.
    #[cfg(feature = "postgres")]
    Renews(Box<dyn Fn() -> Result<Connection, StoreError> + Send>),
    /// It ends, and its Term with it. Before that no other one is granted.
    #[cfg(feature = "postgres")]
    Ends(#[expect(dead_code, reason = "what counts is when it goes")] Arc<OwnedSemaphorePermit>),
}

/// Why nothing of a transaction was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failed {
    /// It was one of a Term that is over.
    Deposed,
    /// What the database says.
    Because(String),
}

/// What it takes to undo a closure that failed, while others share its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// A savepoint before it.
    Savepoint,
    /// Nothing: it changes something with one statement only, which SQLite undoes by itself. A
    /// savepoint would make that statement take a third as long again.
    Statement,
}

/// A closure and whoever waits for it.
trait Job: Send {
    fn undo(&self) -> Undo;
    /// Runs the closure; false if it failed and must be undone.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers, after the commit: `Err` if it did not succeed.
    fn finish(self: Box<Self>, committed: Result<(), Failed>);
}

struct Work<T, F> {
    undo: Undo,
    closure: Option<F>,
    result: Option<db::Result<T>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> db::Result<T> + Send,
{
    fn undo(&self) -> Undo {
        self.undo
    }

    fn run(&mut self, connection: &Connection) -> bool {
        self.result = self.closure.take().map(|work| work(connection));
        matches!(self.result, Some(Ok(_)))
    }

    fn finish(self: Box<Self>, committed: Result<(), Failed>) {
        let answer = match (self.result, committed) {
            (_, Err(Failed::Deposed)) => Err(StoreError::Deposed),
            (Some(Err(error)), _) => Err(error.into()),
            (_, Err(Failed::Because(reason))) => Err(StoreError::Unavailable(reason)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Unavailable("it was not run".to_owned())),
        };
        // Whoever asked may have gone; what was committed stays committed.
        let _ = self.answer.send(answer);
    }
}

/// The thread of a [`Writer`]. Dropped, it waits until what was queued is written: the thread ends
/// when its writer is gone, which must be dropped before.
pub(super) struct WriterThread(Option<JoinHandle<()>>);

#[cfg(feature = "postgres")]
impl WriterThread {
    /// It is not waited for.
    pub(super) fn detach(mut self) {
        self.0.take();
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A panic in it has been told by the panic itself.
            let _ = thread.join();
        }
    }
}

impl Writer {
    /// Takes over the connection, in a thread of its own.
    pub(super) fn start(
        connection: Connection,
        common: Common,
        when_lost: WhenLost,
    ) -> std::io::Result<(Self, WriterThread)> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let failing = Arc::new(AtomicBool::new(false));
        let ended = CancellationToken::new();
        let gone: fn() -> StoreError = match &when_lost {
            #[cfg(feature = "postgres")]
            WhenLost::Ends(_) => || StoreError::Deposed,
            _ => || StoreError::Unavailable("its writer has stopped".to_owned()),
        };
        let thread = thread::Builder::new().name("store".to_owned()).spawn({
            let (failing, common) = (failing.clone(), common.clone());
            // Told however the thread ends: by a panic, too.
            let told = ended.clone().drop_guard();
            move || {
                let _told = told;
                Serving { connection, when_lost, failing, common }.serve(queue);
            }
        })?;
        Ok((Self { jobs, failing, common, ended, gone }, WriterThread(Some(thread))))
    }

    /// Cancelled when the thread has ended.
    pub(super) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Whether the last commit failed, or no other will come.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed) || self.jobs.is_closed()
    }

    /// What another writer of the process has in common with it.
    #[cfg(feature = "postgres")]
    pub(super) fn common(&self) -> &Common {
        &self.common
    }

    /// How commits went.
    pub(super) fn commits(&self) -> &Arc<Commits> {
        &self.common.commits
    }

    pub(super) fn run<T: Send + 'static>(
        &self,
        undo: Undo,
        work: impl FnOnce(&Connection) -> db::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let (answer, result) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Work { undo, closure: Some(work), result: None, answer });
        async {
            self.queue(job).await?;
            result.await.map_err(|_| (self.gone)())?
        }
    }

    /// Not generic: it would be compiled for each job.
    async fn queue(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.jobs.send(job).await.map_err(|_| (self.gone)())
    }
}

/// Sets up the connection that writes: a commit is on the disk before it is answered.
pub(super) fn prepare(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // What a savepoint may have to undo: in a file it would cost more than all the rest.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    super::keep_plans(connection)
}

/// What the thread of a writer has.
struct Serving {
    connection: Connection,
    when_lost: WhenLost,
    failing: Arc<AtomicBool>,
    common: Common,
}

impl Serving {
    fn serve(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) {
        let Common { changes, commits, turn } = self.common.clone();
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, MOST_PER_COMMIT) > 0 {
            let _turn = turn.as_ref().map(|turn| turn.blocking_lock());
            let watch = Stopwatch::start();
            let mut goes_on = true;
            let gathered = match self.connected() {
                Ok(()) => commit_together(&self.connection, &mut jobs, &changes),
                Err(error) => {
                    goes_on = !matches!(error, StoreError::Newer { .. });
                    if !goes_on || !self.failing.load(Ordering::Relaxed) {
                        tracing::error!(%error, "the connection to the database was lost");
                    }
                    Err(Failed::Because(error.to_string()))
                }
            };
            commits.micros.add(watch.micros());
            commits.writes.add(jobs.len() as u64);
            if gathered.is_err() {
                commits.failed.count(0);
            }
            let was_failing = self.failing.swap(gathered.is_err(), Ordering::Relaxed);
            if was_failing && gathered.is_ok() {
                self.connection.after_failures();
            }
            let committed = gathered.map(|gathered| changes.tell(gathered));
            for job in jobs.drain(..) {
                job.finish(committed.clone());
            }
            if !goes_on || (committed.is_err() && self.ends()) {
                return;
            }
        }
    }

    /// Connects anew, where the connection was lost and another one may take its place.
    #[cfg(feature = "postgres")]
    fn connected(&mut self) -> Result<(), StoreError> {
        if let WhenLost::Renews(connect) = &self.when_lost
            && self.connection.is_lost()
        {
            // Whether its last transaction was committed the table of changes tells.
            self.connection = connect()?;
            tracing::info!("the database is connected again");
        }
        Ok(())
    }

    #[cfg(not(feature = "postgres"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "a file is never lost")]
    fn connected(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether nothing can be written through it any more.
    fn ends(&self) -> bool {
        match self.when_lost {
            WhenLost::Never => false,
            #[cfg(feature = "postgres")]
            WhenLost::Renews(_) => false,
            #[cfg(feature = "postgres")]
            WhenLost::Ends(_) => self.connection.is_lost() || self.connection.is_deposed(),
        }
    }
}

/// One transaction for all jobs; one that fails leaves no trace and spoils nothing else. What is to be told
/// of it is given back.
fn commit_together(
    connection: &Connection,
    jobs: &mut [Box<dyn Job>],
    changes: &Changes,
) -> Result<Gathered, Failed> {
    let all = || -> db::Result<Gathered> {
        connection.begin()?;
        for job in jobs {
            let noted_before = changes.mark();
            if job.undo() == Undo::Statement && connection.undoes_statements() {
                if !job.run(connection) {
                    changes.forget_since(noted_before);
                    if connection.has_undone_all() {
                        break;
                    }
                }
                continue;
            }
            connection.say("SAVEPOINT job")?;
            if !job.run(connection) {
                changes.forget_since(noted_before);
                connection.say("ROLLBACK TO job")?;
            }
            connection.say("RELEASE job")?;
        }
        let gathered = changes.gather(connection)?;
        connection.say("COMMIT")?;
        Ok(gathered)
    };
    let outcome = all();
    outcome.map_err(|error| {
        connection.roll_back();
        // Nothing of it has happened.
        changes.forget_since(0);
        if connection.is_deposed() { Failed::Deposed } else { Failed::Because(error.to_string()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::counts::Kept;

    type Answer = oneshot::Receiver<Result<(), StoreError>>;

    fn job(undo: Undo, statements: &'static [&'static str]) -> (Box<dyn Job>, Answer) {
        let (answer, result) = oneshot::channel();
        let closure = move |db: &Connection| {
            statements.iter().try_for_each(|sql| db.execute(sql, []).map(drop))
        };
        (Box::new(Work { undo, closure: Some(closure), result: None, answer }), result)
    }

    /// Whether all was committed, and who was answered that it was.
    fn answered<const N: usize>(
        connection: &Connection,
        jobs: [(Box<dyn Job>, Answer); N],
    ) -> (bool, Vec<bool>) {
        let (mut jobs, mut answers): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        let changes = Changes::since(Kept::default());
        let committed = commit_together(connection, &mut jobs, &changes).map(drop);
        for job in jobs {
            job.finish(committed.clone());
        }
        let answers = answers.iter_mut().map(|answer| answer.try_recv().unwrap().is_ok());
        (committed.is_ok(), answers.collect())
    }

    fn stored(connection: &Connection) -> Vec<i64> {
        let mut numbers = connection.prepare("SELECT number FROM numbers").unwrap();
        numbers.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn database() -> Connection {
        let connection = Connection::from(rusqlite::Connection::open_in_memory().unwrap());
        connection.execute_batch("CREATE TABLE numbers (number INTEGER PRIMARY KEY)").unwrap();
        connection
    }

    #[test]
    fn what_fails_leaves_no_trace_and_spoils_nothing_else() {
        let connection = database();
        let jobs = [
            job(Undo::Statement, &["INSERT INTO numbers VALUES (1)"]),
            job(Undo::Statement, &["INSERT INTO numbers VALUES (9), (1)"]),
            job(
                Undo::Savepoint,
                &["INSERT INTO numbers VALUES (8)", "INSERT INTO none VALUES (8)"],
            ),
            job(Undo::Savepoint, &["INSERT INTO numbers VALUES (2)"]),
            job(Undo::Statement, &["INSERT INTO numbers VALUES (3)"]),
        ];
        let expected = (true, vec![true, false, false, true, true]);
        assert_eq!(answered(&connection, jobs), expected);
        assert_eq!(stored(&connection), [1, 2, 3]);
    }

    #[test]
    fn after_sqlite_has_undone_all_nothing_is_answered_as_stored() {
        let connection = database();
        let jobs = [
            job(Undo::Statement, &["INSERT INTO numbers VALUES (1)"]),
            // As a full disk does it.
            job(Undo::Statement, &["INSERT OR ROLLBACK INTO numbers VALUES (1)"]),
            job(Undo::Statement, &["INSERT INTO numbers VALUES (2)"]),
        ];
        assert_eq!(answered(&connection, jobs), (false, vec![false; 3]));
        assert!(stored(&connection).is_empty());
    }
}
