//! What becomes of the rows of the inbox: how they come from one state to another, and for what causes
//! they need somebody.

use std::collections::BTreeMap;

use super::{
    Store,
    db::{self, Connection},
};
use crate::domain::{delivery_state::State, inbox_group::Group};

/// A row that is new, has another state, or is gone.
pub(super) struct Moved {
    pub(super) id: i64,
    pub(super) instance: String,
    /// Empty where a rejected row names none.
    pub(super) company: String,
    /// In milliseconds.
    pub(super) received_at: i64,
    /// `None` for a new row.
    pub(super) from: Option<Standing>,
    /// `None` for one that is gone.
    pub(super) to: Option<Standing>,
}

/// A state, and the code of the problem for which it is that one, if somebody is needed for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Standing {
    state: State,
    cause: Option<String>,
}

impl Standing {
    /// Most rows need nobody, and copy nothing.
    pub(super) fn of(state: State, code: Option<&str>) -> Self {
        let cause = code.filter(|_| Group::of(state) == Group::Needs).map(str::to_owned);
        Self { state, cause }
    }
}

impl Moved {
    /// Whether it may be somebody's turn now: this row waits for its own, or holds up no other of its
    /// control any more.
    pub(super) fn may_be_followed(&self) -> bool {
        let holds_up = |state: Option<State>| state.is_some_and(State::is_under_way);
        let (from, to) = self.states();
        let waits = matches!(to, Some(State::Accepted | State::Blocked));
        waits || (holds_up(from) && !holds_up(to))
    }

    /// Whether an attempt to deliver it has ended with this, or somebody has ended it: whoever waits for its
    /// outcome is answered.
    #[cfg(feature = "postgres")]
    pub(super) fn ends_an_attempt(&self) -> bool {
        match self.states() {
            (None, _) | (_, Some(State::Creating)) => false,
            // It waits for its next one; from any other state it was given another one.
            (Some(from), Some(State::Accepted)) => {
                matches!(from, State::Accepted | State::Creating)
            }
            _ => true,
        }
    }

    /// From which state it has come, and to which.
    pub(super) fn states(&self) -> (Option<State>, Option<State>) {
        let state = |standing: &Option<Standing>| standing.as_ref().map(|standing| standing.state);
        (state(&self.from), state(&self.to))
    }
}

/// How often rows have come from one state to another since the counts were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    stored: [u64; State::ALL.len()],
    moved: [[u64; State::ALL.len()]; State::ALL.len()],
}

impl Moves {
    /// How many rows were stored in this state.
    #[must_use]
    pub fn stored(&self, state: State) -> u64 {
        self.stored[state as usize]
    }

    /// How many rows have come from one state to another.
    #[must_use]
    pub fn between(&self, from: State, to: State) -> u64 {
        self.moved[from as usize][to as usize]
    }

    /// How many rows have come to this state from any other.
    #[must_use]
    pub fn to(&self, state: State) -> u64 {
        self.moved.iter().map(|moved| moved[state as usize]).sum()
    }

    pub(super) fn count(&mut self, from: Option<State>, to: State) {
        match from {
            None => self.stored[to as usize] += 1,
            // Its next attempt was put off, or the like.
            Some(from) if from == to => {}
            Some(from) => self.moved[from as usize][to as usize] += 1,
        }
    }
}

/// Codes of problems that are counted each by itself: more than there are. What another version has left
/// beyond that counts as [`OTHER`].
const MOST_CAUSES: usize = 100;

/// The code of those.
const OTHER: &str = "other";

/// The codes for which rows of a state need somebody.
const CAUSED: &str = "SELECT coalesce(problem_code, ''), count(*) FROM acknowledgements
     INDEXED BY acknowledgements_state WHERE state = ?1 AND state <> 'accepted' GROUP BY 1";

/// How many rows need somebody, by state and code. What there are none of any more stays known.
#[derive(Default)]
pub(super) struct Causes(BTreeMap<(usize, String), u64>);

impl Causes {
    /// What is in the database now.
    pub(super) fn read(db: &Connection) -> db::Result<Self> {
        let mut all = Self::default();
        let mut caused = db.prepare(CAUSED)?;
        for state in Group::Needs.states() {
            let mut rows = caused.query([state.as_str()])?;
            while let Some(row) = rows.next()? {
                *all.of(state, &row.get::<_, String>(0)?) += row.get::<_, u64>(1)?;
            }
        }
        Ok(all)
    }

    /// Takes a change in that has been committed.
    pub(super) fn apply(&mut self, moved: &Moved) {
        if let Some(Standing { state, cause: Some(code) }) = &moved.from {
            let count = self.of(*state, code);
            *count = count.saturating_sub(1);
        }
        if let Some(Standing { state, cause: Some(code) }) = &moved.to {
            *self.of(*state, code) += 1;
        }
    }

    /// Knows those too that were known before.
    #[cfg(feature = "postgres")]
    pub(super) fn know(&mut self, known: Self) {
        for (state, code) in known.0.into_keys() {
            self.of(State::ALL[state], &code);
        }
    }

    fn of(&mut self, state: State, code: &str) -> &mut u64 {
        let key = (state as usize, code.to_owned());
        let is_known = self.0.len() < MOST_CAUSES || self.0.contains_key(&key);
        let key = if is_known { key } else { (state as usize, OTHER.to_owned()) };
        self.0.entry(key).or_default()
    }

    /// By state and code.
    pub(super) fn counts(&self) -> impl Iterator<Item = (State, String, u64)> {
        self.0.iter().map(|((state, code), count)| (State::ALL[*state], code.clone(), *count))
    }
}

impl Store {
    /// What has become of rows since the database was opened, whose ever they are. Costs no query.
    #[must_use]
    pub fn moves(&self) -> Moves {
        self.inner.changes.moves()
    }

    /// How many rows need somebody, whose ever they are, by state and by the code of the cause; those of
    /// which there are none any more too. Costs no query.
    #[must_use]
    pub fn causes_counted(&self) -> Vec<(State, String, u64)> {
        self.inner.changes.causes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn of_more_codes_than_there_are_the_last_ones_are_counted_together() {
        let mut causes = Causes::default();
        let moved = |from, to| Moved {
            id: 1,
            instance: "default".to_owned(),
            company: String::new(),
            received_at: 7,
            from,
            to,
        };
        let failed = |code: usize| Some(Standing::of(State::Failed, Some(&format!("code-{code}"))));
        for code in 0..MOST_CAUSES * 2 {
            causes.apply(&moved(None, failed(code)));
        }
        let all = causes.counts().collect::<Vec<_>>();
        assert_eq!(all.len(), MOST_CAUSES + 1);
        assert!(all.contains(&(State::Failed, OTHER.to_owned(), 100)));
        for code in 0..MOST_CAUSES * 2 {
            causes.apply(&moved(failed(code), Some(Standing::of(State::Accepted, None))));
        }
        assert!(causes.counts().all(|(.., count)| count == 0));
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn whoever_waits_for_a_row_is_answered_when_an_attempt_has_ended() {
        use State::{Accepted, Blocked, Created, Creating, Failed, Unknown};
        let standing = |state| Some(Standing::of(state, None));
        let ends = |from: Option<State>, to: State| {
            let (instance, company) = ("default".to_owned(), String::new());
            let (from, to) = (from.and_then(standing), standing(to));
            Moved { id: 1, instance, company, received_at: 7, from, to }.ends_an_attempt()
        };
        for (from, to) in [
            (Accepted, Blocked),
            (Accepted, Accepted),
            (Creating, Accepted),
            (Creating, Created),
            (Creating, Unknown),
            (Unknown, Created),
        ] {
            assert!(ends(Some(from), to), "{from:?} {to:?}");
        }
        for (from, to) in
            [(Accepted, Creating), (Failed, Accepted), (Unknown, Accepted), (Unknown, Creating)]
        {
            assert!(!ends(Some(from), to), "{from:?} {to:?}");
        }
        assert!(!ends(None, Accepted));
    }

    #[test]
    fn causes_are_read_from_the_rows_that_need_somebody_alone() {
        let plan = plan(&empty(), CAUSED, vec!["failed".to_owned().into()]);
        assert!(plan.contains("SEARCH") && plan.contains("acknowledgements_state"), "{plan}");
    }
}
