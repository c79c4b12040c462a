//! Reads the classes of iTop, each by ranges of ids, some at a time; what is read is kept at once, so that a
//! process that ends goes on where it was.

use std::time::Duration;

use serde::Serialize;

use super::{
    asking::{AskError, Asking, Looked},
    classes::{self, CI, TICKET, USER},
    files::FileError,
    sweep::Part,
};
use crate::{
    clock::Clock,
    itop::Client,
    migrate::{
        folder::Folder,
        staging::{Known, Staging, StagingError, Table},
    },
};

/// How long before a pass an object may have been changed that it read as it was before: clocks of iTop and
/// of this machine differ, and so do the hours of summer and winter.
const BEFORE: Duration = Duration::from_hours(24);

/// The attribute that says when an object was last changed.
const LAST_UPDATE: &str = "last_update";

/// How much of iTop is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Requests at once. Two are best for an iTop of two processors (measured).
    pub at_once: usize,
    /// Rows a request: 2,000 tickets take 0.6 s and 5 MB (measured).
    pub rows: u64,
    /// Whether each request is followed by a rest as long as it took, so that deliveries that go on beside
    /// come first.
    pub gentle: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: 2, rows: 2_000, gentle: false }
    }
}

/// What happens, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A class is read from here on.
    Class {
        /// Its code.
        class: String,
        /// How many objects iTop says there are.
        counted: u64,
    },
    /// Some of its objects are here.
    Rows {
        /// Their class.
        class: String,
        /// How many.
        rows: u64,
        /// How long iTop took, in microseconds.
        micros: u64,
    },
    /// It is read to its end.
    Read {
        /// Its code.
        class: String,
    },
    /// It cannot be read; the others are.
    Skipped {
        /// Its code.
        class: String,
        /// Why.
        problem: String,
    },
    /// So many files are still to be read.
    Files {
        /// How many.
        missing: usize,
    },
    /// One of them is here.
    File {
        /// Its length.
        bytes: u64,
    },
    /// One of them cannot be read; the others are.
    FileSkipped {
        /// The object that holds it.
        object: String,
        /// Why.
        problem: String,
    },
}

/// It ended before all was read. What was read is kept: the same again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// iTop did not answer, several times.
    #[error(transparent)]
    Itop(#[from] AskError),
    /// iTop answers, and refuses a part of a class.
    #[error(
        "{class}, ids {} to {up_to}: {words}; what was read so far is kept, run it again to go on",
        .above + 1
    )]
    Refused {
        /// The class.
        class: String,
        /// The part: all ids above this one,
        above: u64,
        /// up to this one.
        up_to: u64,
        /// What iTop says.
        words: String,
    },
    /// The staging file failed.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The extraction of one iTop.
#[derive(Debug)]
pub struct Extraction<'a> {
    /// Speaks to iTop, with a login that sees everything that moves.
    pub client: &'a Client,
    /// Where it is kept.
    pub staging: &'a Staging,
    /// Where the contents of files are kept.
    pub folder: &'a Folder,
    /// By which pauses are counted.
    pub clock: &'a Clock,
    /// How much of iTop is taken.
    pub pace: Pace,
}

impl Extraction<'_> {
    pub(super) fn asking(&self) -> Asking<'_> {
        Asking { client: self.client, clock: self.clock }
    }

    /// Reads all classes, those named too, that are not read in this pass yet, and all files. In a later pass
    /// it reads of a class that says when its objects were changed those that were, and which ids there are.
    ///
    /// # Errors
    /// When iTop does not answer although it was asked several times, or nothing more can be kept.
    pub async fn run(&self, named: &[String], tell: &impl Fn(&Event)) -> Result<(), ExtractError> {
        let pass = self.staging.pass().await?;
        self.staging.begun(pass, self.clock.now()).await?;
        let asking = self.asking();
        let users = asking.concrete(USER).await?;
        let [cis, tickets] = [asking.concrete(CI).await?, asking.concrete(TICKET).await?];
        let order = classes::in_order(users, cis, tickets, named);
        for (position, class) in order.iter().enumerate() {
            if self.staging.known(class, pass).await? == Known::Read {
                continue;
            }
            match asking.look(class).await? {
                Looked::Here { table, .. } => {
                    tell(&Event::Class { class: class.clone(), counted: table.counted });
                    let since = self.since(&table).await?;
                    self.staging.begin_class(&table, position).await?;
                    self.read(&table, since, pass, tell).await?;
                    self.staging.end_class(class, pass).await?;
                    tell(&Event::Read { class: class.clone() });
                }
                Looked::Not(problem) => {
                    self.staging.skip_class(class, position, &problem, pass).await?;
                    tell(&Event::Skipped { class: class.clone(), problem });
                }
            }
        }
        self.read_files(tell).await
    }

    /// Since when changes of a class are to be read, as iTop writes it; `None` where all of it is: it was not
    /// read before, has other attributes now, or does not say when its objects were changed.
    async fn since(&self, table: &Table) -> Result<Option<String>, ExtractError> {
        if !table.fields.iter().any(|field| field == LAST_UPDATE) {
            return Ok(None);
        }
        let before = self.staging.read_before(&table.class).await?;
        let before = before.filter(|before| before.fields == table.fields);
        let since = before.map(|before| crate::clock::earlier(before.begun, BEFORE));
        Ok(since.map(|since| self.client.zone().write(since)))
    }

    /// Reads a class to its end.
    async fn read(
        &self,
        table: &Table,
        since: Option<String>,
        pass: i64,
        tell: &impl Fn(&Event),
    ) -> Result<(), ExtractError> {
        if table.counted == 0 {
            return Ok(());
        }
        match since {
            None => self.sweep(table, Part::All, pass, tell).await,
            Some(since) => {
                let condition = format!(" AND {LAST_UPDATE} >= '{since}'");
                self.sweep(table, Part::Changed(condition), pass, tell).await?;
                self.sweep(table, Part::Ids, pass, tell).await
            }
        }
    }
}
