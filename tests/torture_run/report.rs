//! What is told of a run.

use std::{fmt, time::Duration};

use clap::ValueEnum as _;

use crate::{
    counting::Outcome,
    faults::sent_again_while_locked,
    plan::{Desk, FaultSet, Guard},
    sending::Accepted,
};

/// A run that has ended.
pub struct Report {
    pub set: FaultSet,
    pub desk: Desk,
    pub seed: u64,
    pub without: Vec<Guard>,
    pub faults: String,
    pub accepted: Accepted,
    /// Of the bridge, of iTop and of Salesforce.
    pub kills: [u32; 3],
    /// How often a company was linked to the other desk.
    pub moves: u32,
    /// How often a lock was taken.
    pub locks: Option<u32>,
    /// Whether everything settled.
    pub drained: bool,
    pub settled_in: Duration,
    pub took: Duration,
    pub outcome: Outcome,
}

impl Report {
    /// How many acknowledgements may have two tickets: where only the insert is locked, each create
    /// that is sent again meanwhile.
    fn allowed(&self) -> u32 {
        match (self.set, self.locks) {
            (FaultSet::Insert, Some(locks)) => locks * sent_again_while_locked(),
            _ => 0,
        }
    }

    /// Whether nothing was lost, and nothing made twice beyond what is allowed.
    pub fn is_good(&self) -> bool {
        let duplicated = u32::try_from(self.outcome.duplicated.len()).unwrap_or(u32::MAX);
        let Outcome { lost, foreign, .. } = &self.outcome;
        self.drained && lost.is_empty() && foreign.is_empty() && duplicated <= self.allowed()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { lost, duplicated, foreign } = &self.outcome;
        writeln!(f, "| {} | |\n|---|---|", self.set)?;
        writeln!(f, "| seed | {} |", self.seed)?;
        writeln!(f, "| faults | {} |", self.faults)?;
        if !self.without.is_empty() {
            let names = self.without.iter().filter_map(Guard::to_possible_value);
            let names: Vec<_> = names.map(|value| value.get_name().to_owned()).collect();
            writeln!(f, "| switched off | {} |", names.join(", "))?;
        }
        writeln!(f, "| acknowledgements answered 2xx | {} |", self.accepted.len())?;
        writeln!(f, "| posts, repeated ones included | {} |", self.accepted.posts)?;
        let [bridge, itop, salesforce] = self.kills;
        if self.desk.has_salesforce() {
            writeln!(f, "| desks | {} |", self.desk)?;
            let kills = format!("{bridge} / {itop} / {salesforce}");
            writeln!(f, "| kills of the bridge / of iTop / of Salesforce | {kills} |")?;
            writeln!(f, "| moves of a company to the other desk | {} |", self.moves)?;
        } else {
            writeln!(f, "| kills of the bridge / of iTop | {bridge} / {itop} |")?;
        }
        if let Some(locks) = self.locks {
            writeln!(f, "| locks taken | {locks} |")?;
        }
        let seconds = |period: Duration| format!("{:.1} s", period.as_secs_f64());
        writeln!(f, "| time to settle after the last kill | {} |", seconds(self.settled_in))?;
        writeln!(f, "| time in all | {} |", seconds(self.took))?;
        writeln!(f, "| **lost** | **{}** |", lost.len())?;
        writeln!(f, "| **duplicated** | **{}** |", duplicated.len())?;
        writeln!(f, "| **of another company or desk** | **{}** |", foreign.len())?;
        if self.allowed() > 0 {
            writeln!(f, "| allowed behind a lock on the insert | {} |", self.allowed())?;
        }
        if !self.drained {
            writeln!(f, "\nnot everything settled within {:?}", crate::PATIENCE)?;
        }
        for (what, events) in [("lost", lost), ("duplicated", duplicated), ("foreign", foreign)] {
            for event in events.iter().take(20) {
                writeln!(f, "{what}: {event}")?;
            }
        }
        Ok(())
    }
}
