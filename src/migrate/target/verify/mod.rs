//! `migrate verify`: what stands in the org is read back and held against what was to be made. Nothing is changed.

mod comments;
mod compare;
mod files;
mod records;
mod report;

use std::{collections::HashSet, sync::Arc};

use serde::Serialize;

pub(in crate::migrate::target) use compare::is_equal;
pub use report::{ClassReport, Difference, FileReport, LogReport, Report};

use super::{Plan, TargetError, Waiting, patience::Patience};
use crate::{
    clock::Clock,
    migrate::{folder::Folder, staging::Staging},
    salesforce::Client,
};

/// How many differences a report names; it counts all.
const NAMED: usize = 1_000;

/// What is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// So many records of each class; none is all.
    pub records: Option<usize>,
    /// By which they are chosen: the same number chooses the same.
    pub seed: u64,
}

/// What happens, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A class, a log or the files are compared from here on.
    Begins {
        /// Which.
        what: String,
        /// How many rows at most.
        rows: u64,
    },
    /// Some were.
    Compared {
        /// How many.
        rows: u64,
    },
    /// It waits.
    #[serde(untagged)]
    Waits(Waiting),
}

/// The comparison of one folder with one org.
pub struct Verify<'a> {
    /// Speaks to Salesforce.
    pub client: &'a Client,
    /// What was read, and what was loaded.
    pub staging: &'a Staging,
    /// Where files lie.
    pub folder: &'a Folder,
    /// By which pauses are counted.
    pub clock: &'a Clock,
    /// By which rows were made.
    pub plan: &'a Arc<Plan>,
    /// What is compared.
    pub sample: Sample,
    /// Whether to wait for the limit of the day.
    pub waits: bool,
    /// Who looks on.
    pub tell: &'a dyn Fn(&Event),
}

impl std::fmt::Debug for Verify<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verify").field("sample", &self.sample).finish_non_exhaustive()
    }
}

impl Verify<'_> {
    /// Compares all, or a sample.
    ///
    /// # Errors
    /// When the org does not answer.
    pub async fn run(&self) -> Result<Report, TargetError> {
        let at = self.clock.now().to_string();
        let run = self.staging.ledger(move |ledger| ledger.begin_step("verify", &at)).await?;
        let mut report = Report::new(self).await?;
        for class in self.plan.order.clone() {
            let compared = self.class(&class, &mut report.differences).await?;
            report.classes.push(compared);
        }
        for logs in self.plan.mapping.logs.clone() {
            let compared = self.log(&logs, &mut report.differences).await?;
            report.logs.push(compared);
        }
        if self.plan.mapping.files.attachments {
            report.files = Some(self.files(&mut report.differences).await?);
        }
        report.finish(self).await?;
        let (at, json) = (self.clock.now().to_string(), report.summary());
        self.staging.ledger(move |ledger| ledger.end_step(run, &at, &json)).await?;
        Ok(report)
    }

    fn patience(&self) -> Patience<'_, impl Fn(Waiting)> {
        let told = |waiting| (self.tell)(&Event::Waits(waiting));
        Patience { client: self.client, clock: self.clock, waits: self.waits, told }
    }

    /// The objects of a class that the sample takes; none where it takes all.
    async fn chosen(&self, class: &str) -> Result<Option<HashSet<u64>>, TargetError> {
        let Some(most) = self.sample.records else { return Ok(None) };
        let (class, seed) = (class.to_owned(), self.sample.seed);
        let ids = self.staging.ledger(move |ledger| ledger.created_ids(&class)).await?;
        Ok(Some(chosen(ids, most, seed)))
    }
}

/// So many of the ids, the same ones for the same seed.
fn chosen(mut ids: Vec<u64>, most: usize, seed: u64) -> HashSet<u64> {
    ids.sort_by_cached_key(|id| mixed(*id ^ mixed(seed)));
    ids.into_iter().take(most).collect()
}

/// A number from which the next one cannot be guessed by eye (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_chooses_the_same_and_another_one_others() {
        let ids: Vec<_> = (1..=1_000).collect();
        let [one, again, other] = [1, 1, 2].map(|seed| chosen(ids.clone(), 50, seed));
        assert_eq!((one.len(), &one), (50, &again));
        assert!(one.intersection(&other).count() < 25);
        assert!(one.iter().any(|id| *id > 900) && one.iter().any(|id| *id < 100));
        assert_eq!(chosen(ids, 5_000, 1).len(), 1_000);
    }
}
