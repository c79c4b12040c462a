//! What rows need somebody for: many rows can have one cause, which is mended once.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    InboxFilter, NOT_LINKED, Store, StoreError,
    db::{self, Connection, Value, ValueRef, params_from_iter},
    inbox_query::sources,
    inbox_sources::{Seen, Source},
    time,
};
use crate::domain::{
    delivery_state::State,
    inbox_group::{Cause, Group},
    visible::Visible,
};

/// So many sentences of one code are told apart. Beyond that they name what each row has of its own, such
/// as a number, and the code alone says what is to be done.
const MOST_SENTENCES: usize = 20;

/// Companies without a link that are told apart.
const MOST_COMPANIES: usize = 1_000;

/// Rows that need somebody for one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseGroup {
    /// The cause.
    pub cause: Cause,
    /// The company, where the cause is that one's: instance, key and name.
    pub company: Option<(String, String, Option<String>)>,
    /// How many rows there are.
    pub count: u64,
    /// How many of them can be tried again.
    pub can_be_retried: u64,
    /// When the oldest of them came.
    pub oldest: Timestamp,
    /// The row with the lowest number.
    pub first: i64,
    /// The sentence of that row.
    pub sample: String,
}

impl Store {
    /// The causes for which rows that are seen need somebody, those with most rows first.
    pub async fn causes(&self, visible: &Visible) -> Result<Vec<CauseGroup>, StoreError> {
        let blocked = self.counts(visible).of(State::Blocked);
        let (visible, instances) = (visible.clone(), self.inner.changes.instances());
        self.read(move |db| {
            let snapshot = db.snapshot()?;
            let mut causes = by_company(&snapshot, &visible)?;
            let unlinked: u64 = causes.iter().map(|cause| cause.count).sum();
            causes.truncate(MOST_COMPANIES);
            // Of companies without a link an index tells; where these are all that is blocked, no row is
            // looked at.
            let states: Vec<_> = Group::Needs
                .states()
                .filter(|state| *state != State::Blocked || unlinked < blocked)
                .collect();
            causes.extend(by_code(&snapshot, &states, &visible, &instances)?);
            causes.sort_by(|a, b| (b.count, &a.cause, a.first).cmp(&(a.count, &b.cause, b.first)));
            with_samples(&snapshot, causes)
        })
        .await
    }
}

/// What is known of the rows of one cause.
#[derive(Clone, Debug)]
struct Sum {
    count: u64,
    can_be_retried: u64,
    oldest: i64,
    first: i64,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.can_be_retried += other.can_be_retried;
        self.oldest = self.oldest.min(other.oldest);
        self.first = self.first.min(other.first);
    }
}

/// All causes but that a company has no link.
fn by_code(
    db: &Connection,
    states: &[State],
    visible: &Visible,
    instances: &[String],
) -> db::Result<Vec<CauseGroup>> {
    let mut codes = BTreeMap::<String, Sentences>::new();
    for state in states {
        let filter = InboxFilter { state: Some(*state), ..InboxFilter::of(visible.clone(), 0) };
        for source in sources(&filter, instances) {
            add_rows_of(db, &source, *state, &mut codes)?;
        }
    }
    let mut causes = Vec::new();
    for (code, sentences) in codes {
        let code = || code.clone();
        match sentences {
            Sentences::Each(each) => causes.extend(each.into_iter().map(|(message, sum)| {
                group(Cause { code: code(), message: Some(message) }, None, &sum)
            })),
            Sentences::All(sum) => {
                causes.push(group(Cause { code: code(), message: None }, None, &sum));
            }
        }
    }
    Ok(causes)
}

/// The rows of a code: by sentence, unless these are too many.
enum Sentences {
    Each(BTreeMap<String, Sum>),
    All(Sum),
}

impl Sentences {
    fn add(&mut self, message: &str, sum: Sum) {
        match self {
            Self::All(all) => all.add(&sum),
            Self::Each(each) => {
                if let Some(known) = each.get_mut(message) {
                    known.add(&sum);
                    return;
                }
                if each.len() < MOST_SENTENCES {
                    each.insert(message.to_owned(), sum);
                    return;
                }
                let mut all = sum;
                for one in each.values() {
                    all.add(one);
                }
                *self = Self::All(all);
            }
        }
    }
}

fn add_rows_of(
    db: &Connection,
    source: &Source,
    state: State,
    codes: &mut BTreeMap<String, Sentences>,
) -> db::Result<()> {
    let mut values = Vec::new();
    let sql = source.query(
        "problem_code, problem, received_at, id",
        &format!(" AND problem_code IS NOT '{NOT_LINKED}'"),
        &mut values,
    );
    let mut select = db.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        // A row without a problem cannot be among them; if one is, it is not hidden.
        let text =
            |cell: ValueRef<'_>| cell.as_str_or_null().map(|text| text.unwrap_or("").to_owned());
        let (code, message) = (text(row.get_ref(0)?)?, row.get_ref(1)?.as_str_or_null()?);
        let sum = Sum {
            count: 1,
            can_be_retried: u64::from(state != State::Rejected),
            oldest: row.get(2)?,
            first: row.get(3)?,
        };
        let sentences = codes.entry(code).or_insert_with(|| Sentences::Each(BTreeMap::new()));
        sentences.add(message.unwrap_or_default(), sum);
    }
    Ok(())
}

/// The companies without a link that rows wait for.
fn by_company(db: &Connection, visible: &Visible) -> db::Result<Vec<CauseGroup>> {
    let (sql, values) = unlinked(visible);
    db.prepare_cached(&sql)?
        .query_map(params_from_iter(values), |row| {
            let count = row.get(3)?;
            let sum = Sum { count, can_be_retried: count, oldest: row.get(4)?, first: row.get(5)? };
            let cause = Cause { code: NOT_LINKED.to_owned(), message: None };
            Ok(group(cause, Some((row.get(0)?, row.get(1)?, row.get(2)?)), &sum))
        })?
        .collect()
}

fn unlinked(visible: &Visible) -> (String, Vec<Value>) {
    let mut values = Vec::new();
    let mut conditions = String::new();
    for (condition, value) in (Seen { visible, instances: &[] }).conditions() {
        conditions.push_str(" AND ");
        conditions.push_str(condition);
        values.push(value);
    }
    let sql = format!(
        "SELECT instance, company_key, max(company_name), count(*) AS waiting, min(received_at), min(id)
         FROM acknowledgements INDEXED BY acknowledgements_unlinked
         WHERE problem_code = '{NOT_LINKED}' AND state = 'blocked'{conditions}
         GROUP BY instance, company_key ORDER BY waiting DESC, instance, company_key"
    );
    (sql, values)
}

fn group(cause: Cause, company: Option<(String, String, Option<String>)>, sum: &Sum) -> CauseGroup {
    CauseGroup {
        cause,
        company,
        count: sum.count,
        can_be_retried: sum.can_be_retried,
        oldest: time(sum.oldest),
        first: sum.first,
        sample: String::new(),
    }
}

/// The sentences of their first rows.
fn with_samples(db: &Connection, mut groups: Vec<CauseGroup>) -> db::Result<Vec<CauseGroup>> {
    let mut select = db.prepare_cached("SELECT problem FROM acknowledgements WHERE id = ?1")?;
    for group in &mut groups {
        let sample: Option<String> = select.query_row([group.first], |row| row.get(0))?;
        group.sample = sample.unwrap_or_default();
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{inbox_query::tests::plan, migrate::tests::empty},
    };

    #[test]
    fn companies_are_counted_without_a_look_at_rows() {
        let company = PartyKey::id("42").unwrap();
        for visible in [
            Visible::all(),
            Visible::of_instance(Instance::default()),
            Visible::of_companies(Instance::default(), [&company]),
        ] {
            let (sql, values) = unlinked(&visible);
            let plan = plan(&empty(), &sql, values);
            let rows: Vec<_> =
                plan.lines().filter(|step| step.contains("acknowledgements")).collect();
            assert_eq!(rows.len(), 1, "{plan}");
            assert!(rows[0].contains("COVERING INDEX acknowledgements_unlinked"), "{plan}");
        }
    }
}
