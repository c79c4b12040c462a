//! Events on the disk until the bridge has taken them.
//!
//! A folder: one file an event, named by its number, so that names in order are events in order. A file
//! comes under its name when it is whole and on the disk, and goes when the bridge has stored the event.
//! One process at a time sends, under a lock that ends with the process; what is killed between an answer
//! and the removal sends the event again, under its key. What the bridge refuses goes into `refused/`.

use std::{
    collections::HashSet,
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use super::{Answered, Bridge};
use crate::clock::{Clock, Moment};

/// Events that are kept at most.
const MAX_EVENTS: usize = 10_000;

/// The bytes of all events at most.
const MAX_BYTES: u64 = 64 << 20;

/// Refused events that are kept at most; the oldest go.
const MAX_REFUSED: usize = 1_000;

/// Controls whose events are held, one after the other, until the bridge is taken to be in trouble.
const HELD_IN_A_ROW: usize = 3;

/// How long a bridge that is away is left alone at first; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How often a lock is tried that another process has.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The longest that one post may take.
const POST: Duration = Duration::from_secs(10);

/// Why an event is not kept, or none can be sent.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The folder cannot be used.
    #[error("the spool {}: {error}", .path.display())]
    Io {
        /// What was to be read or written.
        path: PathBuf,
        /// Why it cannot be.
        error: io::Error,
    },
    /// As many events wait as may.
    #[error("the spool {} is full: {events} events of {bytes} bytes wait for the bridge", .folder.display())]
    Full {
        /// Where.
        folder: PathBuf,
        /// How many wait.
        events: usize,
        /// How long they are together.
        bytes: u64,
    },
}

/// A folder of events.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

/// What came of sending what waited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// A line for each event that is stored or refused, in order.
    pub done: Vec<String>,
    /// How many of them were refused.
    pub refused: usize,
    /// How many still wait.
    pub left: usize,
    /// Why.
    pub why: Option<String>,
}

impl Spool {
    /// A spool in this folder, which is made if it is not there, for its owner alone.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn open(folder: &Path) -> Result<Self, SpoolError> {
        let spool = Self { folder: folder.to_owned() };
        for folder in [spool.folder.clone(), spool.refused()] {
            fs::create_dir_all(&folder).map_err(|error| SpoolError::Io { path: folder, error })?;
        }
        Ok(spool)
    }

    /// Keeps an event; it is on the disk when this returns its number.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub fn keep(&self, event: &[u8]) -> Result<u64, SpoolError> {
        let lock = self.file(".number")?;
        lock.lock().map_err(|error| self.io(".number", error))?;
        let waiting = self.waiting()?;
        let noted = Noted::read(&self.folder);
        let mut bytes = match noted.bytes {
            _ if waiting.is_empty() => 0,
            Some(bytes) if bytes < MAX_BYTES => bytes,
            // What was sent meanwhile counts no more.
            _ => self.bytes(&waiting),
        };
        if waiting.len() >= MAX_EVENTS || bytes >= MAX_BYTES {
            return Err(SpoolError::Full {
                folder: self.folder.clone(),
                events: waiting.len(),
                bytes,
            });
        }
        bytes += event.len() as u64;
        // The last number outlives its event: a later one of the same control is never before it.
        let number = noted.last.max(waiting.last().copied().unwrap_or(0)) + 1;
        let kept = || -> io::Result<()> {
            let unfinished = self.folder.join(".new");
            let mut file = File::create(&unfinished)?;
            file.write_all(event)?;
            file.sync_all()?;
            fs::rename(&unfinished, self.path(number))?;
            File::open(&self.folder)?.sync_all()?;
            fs::write(self.folder.join(".number"), format!("{number} {bytes}"))
        };
        kept().map_err(|error| SpoolError::Io { path: self.folder.clone(), error })?;
        Ok(number)
    }

    /// How long all that waits is.
    fn bytes(&self, waiting: &[u64]) -> u64 {
        let files = waiting.iter().filter_map(|number| fs::metadata(self.path(*number)).ok());
        files.map(|file| file.len()).sum()
    }

    /// Whether an event still waits.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        self.path(number).exists()
    }

    /// Whether nothing waits, as far as can be seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting().is_ok_and(|waiting| waiting.is_empty())
    }

    /// Sends what waits, in order, until nothing does, the time is over, or it makes no sense to go on.
    /// `None` where another process sends all the while.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub async fn flush(
        &self,
        bridge: &Bridge,
        clock: &Clock,
        until: Moment,
    ) -> Result<Option<Flushed>, SpoolError> {
        let lock = self.file(".sending")?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if clock.moment() < until => {
                    clock.sleep(LOCK_PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(self.io(".sending", error)),
            }
        }
        let mut flushed = Flushed::default();
        let mut pause = FIRST_PAUSE;
        loop {
            // What came first says more than that there was no time to try again.
            let why = self.round(bridge, clock, until, &mut flushed).await?;
            flushed.why = why.or(flushed.why);
            flushed.left = self.waiting()?.len();
            let rest = until.since(clock.moment());
            if flushed.left == 0 || rest <= pause {
                return Ok(Some(flushed));
            }
            // What has come meanwhile is sent at once.
            if flushed.why.is_some() {
                clock.sleep(pause).await;
                pause *= 2;
            }
        }
    }

    /// Sends each event that waits once, but none whose control has an earlier one that is held.
    /// Why it did not come to the end, or not all are gone.
    async fn round(
        &self,
        bridge: &Bridge,
        clock: &Clock,
        until: Moment,
        flushed: &mut Flushed,
    ) -> Result<Option<String>, SpoolError> {
        let (mut held, mut in_a_row, mut why) = (HashSet::new(), 0, None);
        for number in self.waiting()? {
            let event = match fs::read(self.path(number)) {
                Ok(event) => event,
                Err(error) => return Err(SpoolError::Io { path: self.path(number), error }),
            };
            let control = control(&event);
            if control.as_ref().is_some_and(|control| held.contains(control)) {
                continue;
            }
            let rest = until.since(clock.moment());
            if rest.is_zero() {
                return Ok(None);
            }
            match bridge.post(&event, rest.min(POST), clock.now()).await {
                Answered::Taken(said) => {
                    self.remove(number)?;
                    flushed.done.push(said);
                    in_a_row = 0;
                }
                Answered::Refused(said) => {
                    self.refuse(number, &said)?;
                    flushed.done.push(format!("refused: {said}"));
                    flushed.refused += 1;
                    in_a_row = 0;
                }
                Answered::Held(said) => {
                    held.extend(control);
                    in_a_row += 1;
                    if in_a_row == HELD_IN_A_ROW {
                        return Ok(Some(said));
                    }
                    why = Some(said);
                }
                Answered::Away(said) => return Ok(Some(said)),
            }
        }
        Ok(why)
    }

    fn remove(&self, number: u64) -> Result<(), SpoolError> {
        let path = self.path(number);
        fs::remove_file(&path).map_err(|error| SpoolError::Io { path, error })
    }

    fn refuse(&self, number: u64, said: &str) -> Result<(), SpoolError> {
        let to = self.refused().join(name(number));
        let moved = fs::write(to.with_extension("txt"), said)
            .and_then(|()| fs::rename(self.path(number), &to));
        moved.map_err(|error| SpoolError::Io { path: to, error })?;
        let kept = numbers(&self.refused())?;
        for number in &kept[..kept.len().saturating_sub(MAX_REFUSED)] {
            let old = self.refused().join(name(*number));
            // It was kept for people alone: the bridge has it too.
            let _ = fs::remove_file(old.with_extension("txt"));
            let _ = fs::remove_file(old);
        }
        Ok(())
    }

    /// The numbers of what waits, in order.
    fn waiting(&self) -> Result<Vec<u64>, SpoolError> {
        numbers(&self.folder)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(name(number))
    }

    fn refused(&self) -> PathBuf {
        self.folder.join("refused")
    }

    fn file(&self, name: &str) -> Result<File, SpoolError> {
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        options.open(self.folder.join(name)).map_err(|error| self.io(name, error))
    }

    fn io(&self, name: &str, error: io::Error) -> SpoolError {
        SpoolError::Io { path: self.folder.join(name), error }
    }
}

/// What is noted beside the events.
#[derive(Clone, Copy, Debug, Default)]
struct Noted {
    /// The number that was given last.
    last: u64,
    /// What waits is not longer than this: what comes is added, and what goes is not taken off. So nobody
    /// has to look at each file before this says that they are too many.
    bytes: Option<u64>,
}

impl Noted {
    fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join(".number")).unwrap_or_default();
        let mut numbers = text.split_ascii_whitespace().map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok);
        Self { last: next().unwrap_or(0), bytes: next() }
    }
}

fn name(number: u64) -> String {
    format!("{number:012}.json")
}

/// The numbers of the events in a folder, in order.
fn numbers(folder: &Path) -> Result<Vec<u64>, SpoolError> {
    let read = || -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".json"));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    };
    read().map_err(|error| SpoolError::Io { path: folder.to_owned(), error })
}

/// Which control an event is about, if that can be told.
fn control(event: &[u8]) -> Option<(String, String)> {
    let event: Value = serde_json::from_slice(event).ok()?;
    Some((event["source"]["instance"].to_string(), event["control"]["id"].as_str()?.to_owned()))
}

#[cfg(test)]
mod tests;
