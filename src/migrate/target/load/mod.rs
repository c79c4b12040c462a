//! `migrate load`: class after class, then later fields, comments and files; at last articles are published.

mod articles;
mod comments;
mod files;
mod first;
mod jobs;
mod records;
mod settle;
mod texts;
mod trial;

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::json;

pub(super) use articles::{DRAFT, ONLINE, STATUS};
pub(super) use files::contents;
pub(super) use records::told;
pub use texts::{body_parts, comment_fields};
pub use trial::Trial;

use super::{Plan, TargetError, Waiting, patience::Patience};
use crate::{
    clock::Clock,
    migrate::{
        folder::Folder,
        mapping::ClassMapping,
        staging::{Staging, ledger::Part},
    },
    salesforce::Client,
};

/// From how many rows of a class on they go as a job: below, collections are quicker (SALESFORCE, bulk).
pub const BULK_FROM: u64 = 2_000;

/// How long what was sent is given to arrive after its answer got lost, where nothing else keeps it from being made
/// twice.
pub const SETTLED_AFTER: Duration = Duration::from_mins(1);

/// How a load goes.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Only the first few of each class, with what they refer to.
    pub limit: Option<u64>,
    /// Whether it waits for the limit of the day and goes on by itself.
    pub waits: bool,
    /// From how many rows of a class on they go as a job.
    pub bulk_from: u64,
    /// How long what was sent is given to arrive.
    pub settled_after: Duration,
}

impl Default for How {
    fn default() -> Self {
        Self { limit: None, waits: false, bulk_from: BULK_FROM, settled_after: SETTLED_AFTER }
    }
}

/// What happens, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A class is loaded from here on, or its later fields are set.
    Class {
        /// Its code.
        class: String,
        /// What its objects become.
        object: String,
        /// How many rows are left at most.
        rows: u64,
        /// 1 makes records, 2 sets what refers to records of the same class.
        pass: i64,
    },
    /// What came of some of its rows.
    Rows {
        /// Their class.
        class: String,
        /// Records that are there now.
        done: u64,
        /// Rows that failed.
        failed: u64,
        /// Rows that are sent again.
        again: u64,
    },
    /// A bulk job is under way.
    Job {
        /// The class of its rows.
        class: String,
        /// Its id.
        job: String,
        /// How many rows it has.
        rows: usize,
    },
    /// So many entries of a log are looked at.
    Comments {
        /// The class.
        class: String,
        /// The log.
        log: String,
        /// How many entries.
        entries: u64,
    },
    /// Some of them are comments.
    Commented {
        /// How many entries were looked at.
        entries: u64,
        /// How many comments were made.
        made: u64,
    },
    /// So many files are still to be sent.
    Files {
        /// How many.
        missing: u64,
    },
    /// One of them is there.
    File {
        /// Its length.
        bytes: u64,
    },
    /// Articles of a class are public.
    Published {
        /// The class.
        class: String,
        /// How many.
        articles: u64,
    },
    /// Something did not go; the rest does.
    Failed {
        /// What: class and id, and what of it.
        what: String,
        /// A code.
        code: String,
        /// Why.
        reason: String,
    },
    /// All is done that could be.
    Ended {
        /// Records that were made, by this load or an earlier one.
        created: u64,
        /// Records that were there before.
        found: u64,
        /// Records, comments and files that did not go.
        failed: u64,
    },
    /// It waits.
    #[serde(untagged)]
    Waits(Waiting),
}

/// The load of one folder into one org.
pub struct Load<'a> {
    /// Speaks to Salesforce, as a user who may set audit fields.
    pub client: &'a Client,
    /// What was read, and what was loaded.
    pub staging: &'a Staging,
    /// Where files lie, and results of jobs are kept.
    pub folder: &'a Folder,
    /// By which pauses are counted.
    pub clock: &'a Clock,
    /// By which rows are made.
    pub plan: &'a Arc<Plan>,
    /// How it goes.
    pub how: How,
    /// Who looks on.
    pub tell: &'a dyn Fn(&Event),
}

impl std::fmt::Debug for Load<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Load").field("how", &self.how).finish_non_exhaustive()
    }
}

impl Load<'_> {
    /// Loads what is not there yet.
    ///
    /// # Errors
    /// When it ended before its end. What is there is written down: the same again goes on.
    pub async fn run(&self) -> Result<(), TargetError> {
        self.expect_silence().await?;
        let at = self.now();
        let run = self.staging.ledger(move |ledger| ledger.begin_step("load", &at)).await?;
        self.settle(run).await?;
        self.choose_first().await?;
        let order = self.plan.order.clone();
        for class in &order {
            self.look_before(class).await?;
        }
        for class in &order {
            self.class(class, 1, run).await?;
        }
        for class in &order {
            if self.plan.mapping.class(class).is_some_and(ClassMapping::has_later) {
                self.class(class, 2, run).await?;
            }
        }
        self.comments(run).await?;
        if self.plan.mapping.files.attachments {
            self.files(run).await?;
        }
        self.publish(run).await?;
        let at = self.now();
        let (created, found, failed) = self
            .staging
            .ledger(move |ledger| {
                let (mut created, mut found, mut failed) = (0, 0, ledger.failed_elsewhere()?);
                for class in &order {
                    let counts = ledger.counts(class)?;
                    created += counts.created;
                    found += counts.found;
                    failed += counts.failed + counts.incomplete;
                }
                let json = json!({"created": created, "found": found, "failed": failed});
                ledger.end_step(run, &at, &json.to_string())?;
                Ok((created, found, failed))
            })
            .await?;
        (self.tell)(&Event::Ended { created, found, failed });
        Ok(())
    }

    fn now(&self) -> String {
        self.clock.now().to_string()
    }

    /// What rows of a class are asked for, and written down.
    fn part(&self, class: &str, pass: i64, run: i64) -> Part {
        let object = self.plan.class(class).map(|(_, object)| object.to_owned());
        Part {
            class: class.to_owned(),
            object: object.unwrap_or_default(),
            pass,
            is_limited: self.how.limit.is_some(),
            run,
            at: self.now(),
        }
    }

    fn patience(&self) -> Patience<'_, impl Fn(Waiting)> {
        Patience {
            client: self.client,
            clock: self.clock,
            waits: self.how.waits,
            told: |waiting| (self.tell)(&Event::Waits(waiting)),
        }
    }
}
