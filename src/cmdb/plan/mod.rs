//! What becomes of the equipment that waits, as rules that read no clock and ask nobody: which step a row
//! takes next, which rows go together, whose CI it is that is there already, whether a run did what was asked
//! of it, and what of it can be said to be in iTop.

mod adoption;
mod chunk;
mod halving;
mod proof;
mod run;
mod step;

pub use adoption::{Seen, Verdict, asks_for_its_name, begun_name, creates, judge, same_name};
pub use chunk::{Planned, chunk, in_turns};
pub use halving::Halving;
pub use proof::{Difference, Sent, difference};
pub use run::{Run, Share, surprises};
pub use step::{Ended, Facts, Load, Purpose, Step, next};

use crate::domain::equipment::{Held, Problem};

/// What a person is asked before it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it is about.
    pub held: Held,
    /// Exactly what is asked: a yes is good for this alone.
    pub held_for: String,
    /// The same for people.
    pub sentence: String,
}

impl Question {
    /// As it stands in its row.
    #[must_use]
    pub fn problem(&self) -> Problem {
        Problem::new(self.held.as_str(), &*self.sentence)
    }
}
