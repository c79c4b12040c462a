//! How many rows of the inbox are in each state, and since when the oldest of them waits. The one
//! writer keeps this in memory from what it commits: a question about it costs no look at the rows.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::{
    CompanyWaits, Store,
    db::{self, Connection},
    moves::{Causes, Moved, Moves},
    time,
};
use crate::domain::{delivery_state::State, visible::Visible};

/// Rows by state, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    states: [u64; State::ALL.len()],
    oldest_under_way: Option<i64>,
    oldest_blocked: Option<i64>,
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
        self.oldest_under_way.into_iter().chain(self.oldest_blocked).min().map(time)
    }

    /// When the oldest was received that the bridge itself is at: it needs nobody.
    #[must_use]
    pub fn oldest_under_way(&self) -> Option<Timestamp> {
        self.oldest_under_way.map(time)
    }

    /// When the oldest was received that waits until something is mended.
    #[must_use]
    pub fn oldest_blocked(&self) -> Option<Timestamp> {
        self.oldest_blocked.map(time)
    }
}

/// The counts of each company of each instance.
#[derive(Default)]
pub(super) struct Kept {
    instances: HashMap<String, HashMap<String, Company>>,
    moves: Moves,
    causes: Causes,
}

#[derive(Default)]
struct Company {
    states: [u64; State::ALL.len()],
    /// When each row that waits was received, in milliseconds: those that the bridge is at, and those
    /// for which something must be mended.
    under_way: BTreeMap<i64, i64>,
    blocked: BTreeMap<i64, i64>,
}

impl Company {
    /// The rows among which one in this state is, if it waits.
    fn waiting(&mut self, state: State) -> Option<&mut BTreeMap<i64, i64>> {
        match state {
            State::Blocked => Some(&mut self.blocked),
            state if state.is_under_way() => Some(&mut self.under_way),
            _ => None,
        }
    }

    /// When the oldest was received, in milliseconds: of those under way, and of those that are blocked.
    fn oldest(&self) -> [Option<i64>; 2] {
        // Ids are given in the order of arrival.
        [&self.under_way, &self.blocked]
            .map(|rows| rows.first_key_value().map(|(_, received)| *received))
    }
}

impl Kept {
    /// What is in the database now.
    pub(super) fn read(db: &Connection) -> db::Result<Self> {
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
                let company = kept.company(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?);
                if let Some(waiting) = company.waiting(state) {
                    waiting.insert(row.get(0)?, row.get(3)?);
                }
            }
        }
        kept.causes = Causes::read(db)?;
        Ok(kept)
    }

    /// Takes a change in that has been committed.
    pub(super) fn apply(&mut self, moved: &Moved) {
        let Moved { id, instance, company, received_at, .. } = moved;
        let (from, to) = moved.states();
        let company = self.company(instance, company);
        if let Some(from) = from {
            let count = &mut company.states[from as usize];
            *count = count.saturating_sub(1);
            if let Some(waiting) = company.waiting(from) {
                waiting.remove(id);
            }
        }
        if let Some(to) = to {
            company.states[to as usize] += 1;
            if let Some(waiting) = company.waiting(to) {
                waiting.insert(*id, *received_at);
            }
            self.moves.count(from, to);
        }
        self.causes.apply(moved);
    }

    /// What is in the database now takes the place of what was known; what has become of rows so far stays.
    #[cfg(feature = "postgres")]
    pub(super) fn replace(&mut self, now: Self) {
        let Self { moves, causes, .. } = std::mem::replace(self, now);
        self.moves = moves;
        self.causes.know(causes);
    }

    /// How many rows need somebody, by state and code.
    pub(super) fn causes(&self) -> Vec<(State, String, u64)> {
        self.causes.counts().collect()
    }

    /// What has become of rows since the counts were read.
    pub(super) fn moves(&self) -> &Moves {
        &self.moves
    }

    /// How many acknowledgements were stored since the counts were read, whose ever they are.
    pub(super) fn stored(&self) -> u64 {
        let states = State::ALL.into_iter().filter(|state| *state != State::Rejected);
        states.map(|state| self.moves.stored(state)).sum()
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
                let [under_way, blocked] = company.oldest();
                sum.oldest_under_way = sum.oldest_under_way.into_iter().chain(under_way).min();
                sum.oldest_blocked = sum.oldest_blocked.into_iter().chain(blocked).min();
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
                    let oldest = company.oldest().into_iter().flatten().min();
                    let waiting = company.under_way.len() + company.blocked.len();
                    all.push(CompanyWaits {
                        instance: instance.clone(),
                        company_key: key.clone(),
                        waiting: u64::try_from(waiting).unwrap_or(u64::MAX),
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

    use super::*;
    use crate::{
        clock::Clock,
        domain::{
            acknowledgement::Glimpse,
            delivery_state::Problem,
            keys::{Instance, PartyKey},
        },
        store::{Levered, Rejected, StoreError, db::params},
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
            let id = db.last_insert_rowid()?;
            changes.note_new(id, ("default", company), None, State::Accepted, None, 7);
            if fails { Err(rusqlite::Error::InvalidQuery.into()) } else { Ok(id) }
        };
        store.write(insert).await
    }

    #[tokio::test]
    async fn the_counts_are_those_of_what_was_committed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        let term = store.lead().await;
        let is_right = async || {
            let counts = store.counts(&Visible::all());
            assert_eq!(counts, counted(&store).await);
            let causes = store.read(|db| Ok(Kept::read(db)?.causes())).await.unwrap();
            let counted = store.causes_counted().into_iter().filter(|(.., count)| *count > 0);
            assert_eq!(counted.collect::<Vec<_>>(), causes);
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
        term.block(first, problem.clone(), Vec::new(), clock.moment()).await.unwrap();
        term.fail(second, problem.clone()).await.unwrap();
        let (all, third) = (Visible::all(), third.unwrap());
        store.discard(third, &all, "jd", "known".to_owned()).await.unwrap();
        let counts = is_right().await;
        assert_eq!((counts.waiting(), counts.of(State::Failed), counts.total()), (1, 1, 3));
        assert_eq!(counts.oldest_waiting(), Some(time(7)));
        assert_eq!((counts.oldest_under_way(), counts.oldest_blocked()), (None, Some(time(7))));
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
        let moves = store.moves();
        assert_eq!((moves.stored(State::Accepted), moves.stored(State::Rejected)), (3, 1));
        assert_eq!((moves.to(State::Blocked), moves.to(State::Failed)), (1, 1));
        assert_eq!(moves.between(State::Failed, State::Accepted), 1);
        assert_eq!(moves.between(State::Accepted, State::Accepted), 0);
        let linkless = ("company-not-linked".to_owned(), 1);
        for state in [State::Blocked, State::Rejected] {
            assert!(store.causes_counted().contains(&(state, linkless.0.clone(), linkless.1)));
        }
        assert!(store.causes_counted().contains(&(State::Failed, linkless.0, 0)));
        // The newest row stays.
        assert_eq!(term.purge_ended(-60_000).await.unwrap(), 1);
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
