//! The three groups in which people look at the inbox, and what makes rows one thing to do.

use super::delivery_state::State;

/// Rows by what they want of whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Somebody has to do something: mend it, try it again, or tick it off.
    Needs,
    /// The bridge is at it.
    Way,
    /// Nothing more will come of it.
    Ended,
}

impl Group {
    /// All groups, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Needs, Self::Way, Self::Ended];

    /// Its word in addresses and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Needs => "needs",
            Self::Way => "way",
            Self::Ended => "ended",
        }
    }

    /// Reads its word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == text)
    }

    /// The group of a state.
    #[must_use]
    pub fn of(state: State) -> Self {
        match state {
            State::Failed | State::Blocked | State::Rejected => Self::Needs,
            State::Accepted | State::Creating | State::Unknown => Self::Way,
            State::Created | State::Reused | State::Recorded | State::Discarded => Self::Ended,
        }
    }

    /// The states of its rows.
    pub fn states(self) -> impl Iterator<Item = State> {
        State::ALL.into_iter().filter(move |state| Self::of(*state) == self)
    }
}

/// What many rows need somebody for. Which company it is about is said beside it, by what is seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cause {
    /// The code of their problem.
    pub code: String,
    /// Its sentence, to the letter; `None` for any.
    pub message: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_in_one_group_and_what_waits_for_a_person_needs_one() {
        let mut seen: Vec<State> = Group::ALL.into_iter().flat_map(Group::states).collect();
        seen.sort_by_key(|state| *state as usize);
        assert_eq!(seen, State::ALL);
        for group in Group::ALL {
            assert_eq!(Group::parse(group.as_str()), Some(group));
        }
        assert_eq!(Group::parse("all"), None);
        assert!(Group::Way.states().all(State::is_under_way));
    }
}
