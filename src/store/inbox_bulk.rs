//! The operator's levers on many rows at once: in commits of a bounded size, so that a post behind one of
//! them waits for some tens of milliseconds.

use std::collections::{HashMap, HashSet};

use super::{
    InboxFilter, Store, StoreError,
    actions::{self, Deed},
    as_json,
    db::{self, Connection, Value, params_from_iter},
    inbox_query::sources,
    inbox_sources::Seen,
    rejected::{self, TickedOff},
};
use crate::domain::{delivery_state::State, inbox_group::Cause, visible::Visible};

/// Rows that are changed in one commit.
const AT_ONCE: usize = 2_000;

/// Rows that are told of one by one where a cause has more that could not be changed.
const MOST_TOLD: usize = 100;

/// What an operator does to rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Failed and blocked ones are tried again at once.
    Retry,
    /// Those that wait, are blocked, have failed or were refused are given up.
    Discard {
        /// Why.
        reason: String,
    },
}

/// To which rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// To these.
    Ids(Vec<i64>),
    /// To all that need somebody for this cause.
    Cause(Cause),
}

/// A row to which nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The row that was asked for.
    pub id: i64,
    /// Its state; `None` if it is not there, or not seen.
    pub state: Option<State>,
}

impl Operation {
    /// The states in which it can be done to a row.
    #[must_use]
    pub fn states(&self) -> &'static [State] {
        match self {
            Self::Retry => &[State::Failed, State::Blocked],
            Self::Discard { .. } => {
                &[State::Failed, State::Blocked, State::Accepted, State::Rejected]
            }
        }
    }

    /// What stands in the row about it.
    fn deed(&self) -> (Deed, Option<&str>) {
        match self {
            Self::Retry => (Deed::Retried, None),
            Self::Discard { reason } => (Deed::Discarded, Some(reason)),
        }
    }

    /// Those in which a row needs somebody.
    fn states_with_causes(&self) -> &'static [State] {
        match self {
            Self::Retry => &[State::Failed, State::Blocked],
            Self::Discard { .. } => &[State::Failed, State::Blocked, State::Rejected],
        }
    }
}

impl Store {
    /// Does something to rows that are seen; to which it was done, and to which not. `by` names whoever
    /// asked for it.
    pub async fn do_to_many(
        &self,
        operation: Operation,
        which: Which,
        visible: &Visible,
        by: &str,
    ) -> Result<(Vec<i64>, Vec<Left>), StoreError> {
        match which {
            Which::Ids(ids) => {
                let mut done = Vec::with_capacity(ids.len());
                for some in ids.chunks(AT_ONCE) {
                    let rows = Rows { ids: some.to_vec(), cause: None };
                    done.extend(self.change(&operation, rows, visible, by).await?);
                }
                let left = self.left(&ids, &done, visible).await?;
                Ok((done, left))
            }
            Which::Cause(cause) => {
                let mut done = Vec::new();
                for state in operation.states_with_causes() {
                    // Newest first, each once: one that is tried again may come back at once.
                    let mut filter = InboxFilter {
                        state: Some(*state),
                        cause: Some(cause.clone()),
                        ..InboxFilter::of(visible.clone(), AT_ONCE)
                    };
                    loop {
                        let ids = self.ids_of(filter.clone()).await?;
                        let are_all = ids.len() < AT_ONCE;
                        filter.before = ids.last().copied();
                        let rows = Rows { ids, cause: Some(cause.clone()) };
                        done.extend(self.change(&operation, rows, visible, by).await?);
                        if are_all {
                            break;
                        }
                    }
                }
                let left = match operation {
                    Operation::Retry => self.refused_for(cause, visible).await?,
                    Operation::Discard { .. } => Vec::new(),
                };
                Ok((done, left))
            }
        }
    }

    /// Some of the rows that were refused for a cause: there is nothing to try again.
    async fn refused_for(&self, cause: Cause, visible: &Visible) -> Result<Vec<Left>, StoreError> {
        let filter = InboxFilter {
            state: Some(State::Rejected),
            cause: Some(cause),
            ..InboxFilter::of(visible.clone(), MOST_TOLD)
        };
        let refused = self.ids_of(filter).await?;
        Ok(refused.into_iter().map(|id| Left { id, state: Some(State::Rejected) }).collect())
    }

    /// The newest ids of a filter.
    async fn ids_of(&self, filter: InboxFilter) -> Result<Vec<i64>, StoreError> {
        let instances = self.inner.changes.instances();
        self.read(move |db| {
            let mut ids = Vec::new();
            for source in sources(&filter, &instances) {
                let mut values = Vec::new();
                let sql = source.newest(filter.before, Some(filter.limit), &mut values);
                let mut select = db.prepare_cached(&sql)?;
                let found = select.query_map(params_from_iter(values), |row| row.get(0))?;
                ids.extend(found.collect::<Result<Vec<i64>, _>>()?);
            }
            Ok(ids)
        })
        .await
    }

    /// One commit.
    async fn change(
        &self,
        operation: &Operation,
        rows: Rows,
        visible: &Visible,
        by: &str,
    ) -> Result<Vec<i64>, StoreError> {
        let now = self.now_millis();
        let (operation, visible) = (operation.clone(), visible.clone());
        let by = by.to_owned();
        self.write(move |db| {
            let ids = change(db, &operation, &rows, &visible, now)?;
            let (deed, reason) = operation.deed();
            for id in &ids {
                actions::add(db, *id, &by, deed, reason, now)?;
            }
            Ok(ids)
        })
        .await
    }

    /// What is known of the rows to which nothing was done, in the order in which they were asked for.
    async fn left(
        &self,
        asked: &[i64],
        done: &[i64],
        visible: &Visible,
    ) -> Result<Vec<Left>, StoreError> {
        let done: HashSet<_> = done.iter().collect();
        let mut seen = HashSet::new();
        let left: Vec<i64> =
            asked.iter().filter(|id| !done.contains(id) && seen.insert(**id)).copied().collect();
        let (ids, visible) = (as_json(&left), visible.clone());
        let states: HashMap<i64, State> = self
            .read(move |db| {
                let mut select = db.prepare_cached(
                    "SELECT id, instance, company_key, state FROM acknowledgements
                     WHERE id IN (SELECT value FROM json_each(?1))",
                )?;
                let mut rows = select.query([ids])?;
                let mut states = HashMap::new();
                while let Some(row) = rows.next()? {
                    let company = row.get_ref(2)?.as_str_or_null()?;
                    let is_seen = visible.contains(row.get_ref(1)?.as_str()?, company);
                    let state = State::parse(row.get_ref(3)?.as_str()?);
                    if let Some(state) = state.filter(|_| is_seen) {
                        states.insert(row.get(0)?, state);
                    }
                }
                Ok(states)
            })
            .await?;
        let told = left.into_iter().map(|id| Left { id, state: states.get(&id).copied() });
        Ok(told.collect())
    }
}

/// Some rows by their ids, each only if it still has the cause.
struct Rows {
    ids: Vec<i64>,
    cause: Option<Cause>,
}

/// Changes those of the rows that can be changed and are seen, by one statement; which they were.
fn change(
    db: &Connection,
    operation: &Operation,
    rows: &Rows,
    visible: &Visible,
    now: i64,
) -> db::Result<Vec<i64>> {
    let (sql, values) = statement(operation, rows, visible, now);
    let mut update = db.prepare_cached(&sql)?;
    let mut changed = update.query(params_from_iter(values))?;
    let (mut ids, mut ticked_off) = (Vec::new(), Vec::new());
    while let Some(row) = changed.next()? {
        let id = row.get(0)?;
        ids.push(id);
        // Only what was refused has no marker.
        if row.get(1)? {
            ticked_off.push(TickedOff { id, bytes: row.get(2)? });
        }
    }
    if !ticked_off.is_empty() {
        rejected::ticked_off(db, &ticked_off, now)?;
    }
    Ok(ids)
}

fn statement(
    operation: &Operation,
    rows: &Rows,
    visible: &Visible,
    now: i64,
) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = vec![now.into()];
    let set = match operation {
        Operation::Retry => {
            "state = CASE state WHEN 'failed' THEN 'accepted' ELSE state END,
             next_attempt_at = 0, attempts = 0, waited = 0, updated_at = ?, ended_at = NULL"
        }
        Operation::Discard { reason } => {
            values.push(reason.clone().into());
            // What was refused stays no event of its key and no row of its control: the same key may be
            // posted again, and better.
            "state = 'discarded', updated_at = ?1, ended_at = ?1, reason = ?,
             control_name = CASE state WHEN 'rejected'
                 THEN coalesce(control_name, control_id) ELSE control_name END,
             control_id = CASE state WHEN 'rejected' THEN NULL ELSE control_id END,
             event_id = CASE state WHEN 'rejected' THEN NULL ELSE event_id END"
        }
    };
    let states: Vec<_> = operation.states().iter().map(|state| state.as_str()).collect();
    // By their ids alone: the planner likes other indices better.
    let mut sql = format!(
        "UPDATE acknowledgements NOT INDEXED SET {set} WHERE id IN (SELECT value FROM json_each(?))
         AND state IN (SELECT value FROM json_each(?))"
    );
    values.push(as_json(&rows.ids).into());
    values.push(as_json(&states).into());
    let mut conditions = Seen { visible, instances: &[] }.conditions();
    if let Some(Cause { code, message }) = &rows.cause {
        conditions.push(("problem_code = ?", code.clone().into()));
        conditions.extend(message.clone().map(|message| ("problem = ?", message.into())));
    }
    for (condition, value) in conditions {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    }
    sql.push_str(
        " RETURNING id, marker IS NULL, octet_length(body) + coalesce(octet_length(problem), 0)",
    );
    (sql, values)
}

/// Gives one row up; false if it is in no state for that.
pub(super) fn discard(db: &Connection, id: i64, reason: String, now: i64) -> db::Result<bool> {
    let rows = Rows { ids: vec![id], cause: None };
    let changed = change(db, &Operation::Discard { reason }, &rows, &Visible::all(), now)?;
    Ok(!changed.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{inbox_query::tests::plan, migrate::tests::empty},
    };

    #[test]
    fn rows_are_changed_by_their_ids_alone() {
        let company = PartyKey::id("42").unwrap();
        let visible = Visible::of_companies(Instance::default(), [&company]);
        let cause = Cause { code: "x".to_owned(), message: Some("y".to_owned()) };
        for operation in [Operation::Retry, Operation::Discard { reason: "z".to_owned() }] {
            for (cause, visible) in [(None, &Visible::all()), (Some(cause.clone()), &visible)] {
                let rows = Rows { ids: vec![1], cause };
                let (sql, values) = statement(&operation, &rows, visible, 7);
                let plan = plan(&empty(), &sql, values);
                let by_id = "SEARCH acknowledgements USING INTEGER PRIMARY KEY (rowid=?)";
                assert!(plan.contains(by_id), "{plan}");
            }
        }
    }
}
