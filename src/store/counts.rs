//! How many rows of the inbox are in each state, and since when the oldest of them waits. The one
//! writer keeps this in memory from what it commits: a question about it costs no look at the rows.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rusqlite::Connection;

use super::{CompanyWaits, Store, time};
use crate::domain::{delivery_state::State, visible::Visible};

/// A row that is new, has another state, or is gone.
pub(super) struct Moved {
    pub(super) id: i64,
    pub(super) instance: String,
    /// Empty where a rejected row names none.
    pub(super) company: String,
    /// In milliseconds.
    pub(super) received_at: i64,
    /// `None` for a new row.
    pub(super) from: Option<State>,
    /// `None` for one that is gone.
    pub(super) to: Option<State>,
}

impl Moved {
    /// Whether it may be somebody's turn now: this row waits for its own, or holds up no other of its
    /// control any more.
    pub(super) fn may_be_followed(&self) -> bool {
        let holds_up = |state: Option<State>| state.is_some_and(State::is_under_way);
        let waits = matches!(self.to, Some(State::Accepted | State::Blocked));
        waits || (holds_up(self.from) && !holds_up(self.to))
    }
}

/// Rows by state, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    states: [u64; State::ALL.len()],
    oldest_waiting: Option<i64>,
}

impl Counts {
    /// How many rows are in this state.
    #[must_use]
    pub fn of(&self, state: State) -> u64 {
        self.states[state as usize]
    }

    /// How many rows there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.states.iter().sum()
    }

    /// How many have no ticket yet and will get one, by themselves or when something is mended.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        State::ALL.into_iter().filter(|state| state.waits()).map(|state| self.of(state)).sum()
    }

    /// When the oldest of those was received.
    #[must_use]
    pub fn oldest_waiting(&self) -> Option<Timestamp> {
        self.oldest_waiting.map(time)
    }
}

/// The counts of each company of each instance.
#[derive(Default)]
pub(super) struct Kept {
    instances: HashMap<String, HashMap<String, Company>>,
    /// How many acknowledgements were stored since the counts were read.
    stored: u64,
}

#[derive(Default)]
struct Company {
    states: [u64; State::ALL.len()],
    /// When each row that waits was received, in milliseconds.
    waiting: BTreeMap<i64, i64>,
}

impl Kept {
    /// What is in the database now.
    pub(super) fn read(db: &Connection) -> rusqlite::Result<Self> {
        let mut kept = Self::default();
        let mut counted = db.prepare(
            "SELECT instance, coalesce(company_key, ''), state, count(*) FROM acknowledgements
             GROUP BY instance, company_key, state",
        )?;
        let mut rows = counted.query([])?;
        while let Some(row) = rows.next()? {
            let (state, count): (String, u64) = (row.get(2)?, row.get(3)?);
            if let Some(state) = State::parse(&state) {
                kept.company(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?).states
                    [state as usize] += count;
            }
        }
        for state in State::ALL.into_iter().filter(|state| state.waits()) {
            let mut waiting = db.prepare(
                "SELECT id, instance, coalesce(company_key, ''), received_at FROM acknowledgements
                 WHERE state = ?1",
            )?;
            let mut rows = waiting.query([state.as_str()])?;
            while let Some(row) = rows.next()? {
                kept.company(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?)
                    .waiting
                    .insert(row.get(0)?, row.get(3)?);
            }
        }
        Ok(kept)
    }

    /// Takes a change in that has been committed.
    pub(super) fn apply(&mut self, moved: &Moved) {
        let Moved { id, instance, company, received_at, from, to } = moved;
        let company = self.company(instance, company);
        if let Some(from) = from {
            let count = &mut company.states[*from as usize];
            *count = count.saturating_sub(1);
        }
        if let Some(to) = to {
            company.states[*to as usize] += 1;
        }
        let is_stored = from.is_none() && to.is_some_and(|to| to != State::Rejected);
        match (from.is_some_and(State::waits), to.is_some_and(State::waits)) {
            (false, true) => {
                company.waiting.insert(*id, *received_at);
            }
            (true, false) => {
                company.waiting.remove(id);
            }
            _ => {}
        }
        self.stored += u64::from(is_stored);
    }

    /// How many acknowledgements were stored since the counts were read, whose ever they are.
    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    /// The counts of what is seen.
    pub(super) fn sum(&self, visible: &Visible) -> Counts {
        let mut sum = Counts::default();
        for (instance, all) in &self.instances {
            let is_seen = |company: &str| visible.contains(instance, Some(company));
            for (_, company) in all.iter().filter(|(key, _)| is_seen(key)) {
                for (sum, count) in sum.states.iter_mut().zip(company.states) {
                    *sum += count;
                }
                // Ids are given in the order of arrival.
                let oldest = company.waiting.first_key_value().map(|(_, received)| *received);
                sum.oldest_waiting = sum.oldest_waiting.into_iter().chain(oldest).min();
            }
        }
        sum
    }

    /// How much waits of each company that is seen and of which something was accepted.
    pub(super) fn company_waits(&self, visible: &Visible) -> Vec<CompanyWaits> {
        let mut all = Vec::new();
        for (instance, companies) in &self.instances {
            let is_seen = |company: &str| visible.contains(instance, Some(company));
            for (key, company) in companies.iter().filter(|(key, _)| is_seen(key)) {
                let accepted: u64 = State::ALL
                    .into_iter()
                    .filter(|state| *state != State::Rejected)
                    .map(|state| company.states[state as usize])
                    .sum();
                if accepted > 0 {
                    let oldest = company.waiting.first_key_value().map(|(_, received)| *received);
                    all.push(CompanyWaits {
                        instance: instance.clone(),
                        company_key: key.clone(),
                        waiting: u64::try_from(company.waiting.len()).unwrap_or(u64::MAX),
                        since: oldest.map(time),
                    });
                }
            }
        }
        all
    }

    /// Whether rows of a company are blocked.
    pub(super) fn has_blocked(&self, instance: &str, company: &str) -> bool {
        let company = self.instances.get(instance).and_then(|all| all.get(company));
        company.is_some_and(|company| company.states[State::Blocked as usize] > 0)
    }

    /// The instances of which there are rows.
    pub(super) fn instances(&self) -> Vec<String> {
        self.instances.keys().cloned().collect()
    }

    /// The companies, with their instances, of which rows are accepted.
    pub(super) fn with_accepted(&self) -> Vec<(String, String)> {
        let companies = self.instances.iter().flat_map(|(instance, companies)| {
            let waiting = companies
                .iter()
                .filter(|(_, company)| company.states[State::Accepted as usize] > 0);
            waiting.map(|(company, _)| (instance.clone(), company.clone()))
        });
        companies.collect()
    }

    fn company(&mut self, instance: &str, company: &str) -> &mut Company {
        // Names are copied once for each company, not for each row.
        if !self.instances.get(instance).is_some_and(|all| all.contains_key(company)) {
            let all = self.instances.entry(instance.to_owned()).or_default();
            all.insert(company.to_owned(), Company::default());
        }
        self.instances
            .get_mut(instance)
            .and_then(|all| all.get_mut(company))
            .expect("it was just made")
    }
}

impl Store {
    /// How many rows that are seen are in each state. Costs no query.
    #[must_use]
    pub fn counts(&self, visible: &Visible) -> Counts {
        self.inner.changes.counts(visible)
    }

    /// How many acknowledgements were stored since the database was opened, whose ever they are; what
    /// was refused is none. Costs no query.
    #[must_use]
    pub fn stored_since_start(&self) -> u64 {
        self.inner.changes.stored()
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;
    use crate::{
        clock::Clock,
        domain::{
            acknowledgement::Glimpse,
            delivery_state::Problem,
            keys::{Instance, PartyKey},
        },
        store::{Levered, Rejected, StoreError},
    };

    /// What a bridge that starts now would count.
    async fn counted(store: &Store) -> Counts {
        store.read(|db| Ok(Kept::read(db)?.sum(&Visible::all()))).await.unwrap()
    }

    async fn insert(store: &Store, company: &'static str, fails: bool) -> Result<i64, StoreError> {
        let changes = store.inner.changes.clone();
        let insert = move |db: &Connection| {
            db.execute(
                "INSERT INTO acknowledgements (instance, event_type, company_key, body, state,
                     received_at, updated_at)
                 VALUES ('default', 'acknowledgement', ?1, '', 'accepted', 7, 7)",
                params![company],
            )?;
            let id = db.last_insert_rowid();
            changes.note_new(id, ("default", company), None, State::Accepted, 7);
            if fails { Err(rusqlite::Error::InvalidQuery) } else { Ok(id) }
        };
        store.write(insert).await
    }

    #[tokio::test]
    async fn the_counts_are_those_of_what_was_committed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        let is_right = async || {
            let counts = store.counts(&Visible::all());
            assert_eq!(counts, counted(&store).await);
            counts
        };
        let first = insert(&store, "id:42", false).await.unwrap();
        let second = insert(&store, "id:43", false).await.unwrap();
        // What is undone is not counted, whatever else is in its transaction.
        let (failed, third) =
            tokio::join!(insert(&store, "id:42", true), insert(&store, "id:42", false));
        assert!(failed.is_err());
        assert_eq!(is_right().await.of(State::Accepted), 3);
        assert_eq!(store.stored_since_start(), 3);

        let problem = Problem::new("company-not-linked", "it waits");
        let clock = Clock::system();
        store.block(first, problem.clone(), Vec::new(), clock.moment()).await.unwrap();
        store.fail(second, problem.clone()).await.unwrap();
        let (all, third) = (Visible::all(), third.unwrap());
        store.discard(third, &all, "jd", "known".to_owned()).await.unwrap();
        let counts = is_right().await;
        assert_eq!((counts.waiting(), counts.of(State::Failed), counts.total()), (1, 1, 3));
        assert_eq!(counts.oldest_waiting(), Some(time(7)));
        let one = |key: &str| Visible::of_instance(key.parse().unwrap());
        assert_eq!(store.retry(second, &one("other"), "jd").await.unwrap(), Levered::Missing);
        assert_eq!(store.retry(second, &one("default"), "jd").await.unwrap(), Levered::Done);
        assert_eq!(store.retry(second, &all, "jd").await.unwrap(), Levered::OtherState);
        let rejected = Rejected {
            instance: Instance::default(),
            glimpse: Glimpse::default(),
            body: "{}".to_owned(),
            received_at: clock.now(),
            problem,
        };
        store.keep_rejected(vec![rejected]).await.unwrap();
        assert_eq!(is_right().await.of(State::Rejected), 1);
        assert_eq!(store.stored_since_start(), 3);
        // The newest row stays.
        assert_eq!(store.purge_ended(-60_000).await.unwrap(), 1);
        assert_eq!(is_right().await.total(), 3);

        let of = |companies: &[&str]| {
            let companies: Vec<PartyKey> =
                companies.iter().map(|key| key.parse().unwrap()).collect();
            store.counts(&Visible::of_companies(Instance::default(), &companies))
        };
        assert_eq!(of(&["id:42"]).of(State::Blocked), 1);
        assert_eq!(of(&["id:42", "id:43"]).total(), 2);
        assert_eq!(of(&["id:4"]), Counts::default());
        let other = Visible::of_instance("other".parse().unwrap());
        assert_eq!(store.counts(&other), Counts::default());
    }
}
