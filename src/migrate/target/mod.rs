//! What stood in iTop comes to stand in Salesforce: loaded, compared, and taken back.
//!
//! Nothing is ever sent twice blindly. A record is known again by its key, which is unique in the org; what is
//! sent is written down before; and an answer that got lost is followed by a look at what is there.

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of a type with a lifetime fits only that lifetime; work on the ledger fits all"
)]

pub mod delta;
pub mod load;
mod order;
mod patience;
mod plan;
mod resolve;
pub mod rollback;
pub mod verify;

use std::{io, path::PathBuf};

pub use order::Cycle;
pub use patience::Waiting;
pub use plan::{Plan, PlanError};

use crate::{
    migrate::staging::{Staging, StagingError},
    salesforce::{Client, Error},
};

/// The object that entries of logs become.
const COMMENT: &str = "CaseComment";

/// The object that can have them.
const CASE: &str = "Case";

/// The class of iTop that holds files, and the attribute that they are in.
const ATTACHMENT: &str = "Attachment";

/// Under this name it is written down into which org a folder is loaded.
const ORG: &str = "org";

/// Holds a folder to the org into which it was loaded first: ids of one org mean nothing in another.
///
/// # Errors
/// When it was loaded into another one, or the org does not answer.
pub async fn expect_org(client: &Client, staging: &Staging) -> Result<(), TargetError> {
    let found = client.records("SELECT Id FROM Organization").await.map_err(PlanError::Org)?;
    let asked =
        found.first().and_then(|org| org.get("Id")?.as_str()).unwrap_or_default().to_owned();
    let known = staging.ledger(|ledger| ledger.about(ORG)).await?;
    match known {
        Some(known) if known != asked => Err(TargetError::OtherOrg { known, asked }),
        Some(_) => Ok(()),
        None => Ok(staging.ledger(move |ledger| ledger.note(ORG, &asked)).await?),
    }
}

/// A step ended before its work was done. What was done is written down: the same again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Salesforce did not answer, several times, or refuses everything.
    #[error("{what}: {error}; what was done so far is kept, run it again to go on")]
    Org {
        /// What was under way.
        what: String,
        /// Why it failed.
        error: Error,
    },
    /// The requests of the day are nearly used up, and others need some.
    #[error(
        "stopped before the org's limit: {used} of {most} requests of these 24 hours are used. What was done is \
         kept; run it again when fewer are, or with --wait, which looks each hour and goes on by itself"
    )]
    RequestLimit {
        /// How many are used.
        used: u64,
        /// Of how many.
        most: u64,
    },
    /// The org has no room.
    #[error("the storage of the org is full: make room, then run it again to go on")]
    StorageLimit,
    /// A job was refused as a whole.
    #[error(
        "the bulk job of {class} was refused: {message}; 'migrate map --check' says what does not fit"
    )]
    Job {
        /// What was loaded.
        class: String,
        /// Salesforce's words.
        message: String,
    },
    /// What a job came to cannot be read.
    #[error("the results of the bulk job {job} cannot be read: {reason}")]
    Results {
        /// The job.
        job: String,
        /// Why.
        reason: String,
    },
    /// The mapping does not fit the org.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The folder belongs to another org: what is written down of that says nothing of this one.
    #[error(
        "this folder was loaded into the org {known}, and [salesforce] leads to {asked}: name the folder of that org, \
         or take it back there first"
    )]
    OtherOrg {
        /// The id of the org into which it was loaded.
        known: String,
        /// That of the one which was asked.
        asked: String,
    },
    /// The first Case was not tried, or nobody has said that it was silent.
    #[error("{0}")]
    Trial(String),
    /// The staging file failed.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// A file of the folder failed.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}
