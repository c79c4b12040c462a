//! `migrate rollback`: what this migration has made goes, and nothing else does.
//!
//! First it is looked, children before parents, at what others have hung on our records: such a record stays, and
//! with it all that it refers to. Then files go, then records. What was there before was never changed.

mod delete;
mod files;
mod look;

use std::sync::Arc;

use serde::Serialize;

use super::{Plan, TargetError, Waiting, load::Load, patience::Patience};
use crate::{
    clock::Clock,
    migrate::staging::{Staging, ledger::Kept},
    salesforce::Client,
};

/// What happens, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It is looked at what hangs on the records of a class.
    Looks {
        /// The class.
        class: String,
        /// How many records.
        rows: u64,
    },
    /// Some were looked at.
    Looked {
        /// How many.
        rows: u64,
    },
    /// Records of a class, or files, are deleted from here on.
    Deletes {
        /// Which.
        what: String,
        /// How many at most.
        rows: u64,
    },
    /// Some are gone.
    Deleted {
        /// How many.
        rows: u64,
    },
    /// Something stays.
    Stays {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// Something cannot be looked at.
    Unseen {
        /// The object.
        object: String,
        /// Why.
        reason: String,
    },
    /// It waits.
    #[serde(untagged)]
    Waits(Waiting),
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many records and files are gone.
    pub deleted: u64,
    /// What stays.
    pub kept: Vec<Kept>,
}

/// Takes back what one folder has put into one org.
pub struct Rollback<'a> {
    /// The load that is taken back: what it has left without an end is asked about first.
    pub load: Load<'a>,
    /// Who looks on.
    pub tell: &'a dyn Fn(&Event),
}

impl std::fmt::Debug for Rollback<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rollback").field("load", &self.load).finish()
    }
}

impl Rollback<'_> {
    /// Takes all back, but for what others have hung on it.
    ///
    /// # Errors
    /// When it ended before its end: the same again goes on.
    pub async fn run(&self) -> Result<Ended, TargetError> {
        let at = self.clock().now().to_string();
        let run = self.staging().ledger(move |ledger| ledger.begin_step("rollback", &at)).await?;
        self.load.settle_all(run).await?;
        self.load.take_back_trial().await?;
        self.staging().ledger(|ledger| ledger.keep_nothing()).await?;
        let order: Vec<_> = self.plan().order.iter().rev().cloned().collect();
        for class in &order {
            self.look(class).await?;
        }
        let mut deleted = self.files().await?;
        for class in &order {
            deleted += self.delete(class).await?;
        }
        let at = self.clock().now().to_string();
        let kept = self.staging().ledger(move |ledger| {
            let kept = ledger.kept()?;
            ledger.forget_found()?;
            let json = serde_json::json!({"deleted": deleted, "kept": kept.len()});
            ledger.end_step(run, &at, &json.to_string())?;
            Ok(kept)
        });
        Ok(Ended { deleted, kept: kept.await? })
    }

    fn client(&self) -> &Client {
        self.load.client
    }

    fn staging(&self) -> &Staging {
        self.load.staging
    }

    fn clock(&self) -> &Clock {
        self.load.clock
    }

    fn plan(&self) -> &Arc<Plan> {
        self.load.plan
    }

    fn patience(&self) -> Patience<'_, impl Fn(Waiting)> {
        let told = |waiting| (self.tell)(&Event::Waits(waiting));
        Patience { client: self.client(), clock: self.clock(), waits: self.load.how.waits, told }
    }

    /// Records stay, each for its reason, and with them whatever they refer to.
    async fn keep(&self, class: &str, kept: Vec<(u64, String)>) -> Result<(), TargetError> {
        let (class, plan) = (class.to_owned(), Arc::clone(self.plan()));
        let told = self.staging().ledger(move |ledger| {
            let mut told = Vec::new();
            let mut next: Vec<_> =
                kept.into_iter().map(|(id, reason)| (class.clone(), id, reason)).collect();
            while let Some((class, id, reason)) = next.pop() {
                if !ledger.keep(&class, id, "", &reason)? {
                    continue;
                }
                let stays = format!("{class}::{id} stays and refers to it");
                for target in ledger.references_of(&class, id, &plan.references(&class))? {
                    if let Some((class, id)) = ledger.made_of(&target)? {
                        next.push((class, id, stays.clone()));
                    }
                }
                told.push((format!("{class}::{id}"), reason));
            }
            Ok(told)
        });
        for (what, reason) in told.await? {
            (self.tell)(&Event::Stays { what, reason });
        }
        Ok(())
    }
}
