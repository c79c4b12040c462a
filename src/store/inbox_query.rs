//! Looking into the inbox.

use jiff::Timestamp;

use super::{
    Action, Attempt, Store, StoreError, actions, as_json, attempts,
    db::{self, Connection, FromSql, OptionalExtension as _, Row, Value, params, params_from_iter},
    inbox_sources::{Seen, Source, as_limit},
    time,
};
use crate::domain::{
    delivery_state::{Problem, State},
    desk_name::DeskName,
    inbox_group::{Cause, Group},
    keys::{ControlId, TicketKey},
    visible::Visible,
    wanted_words::WantedWords,
};

/// A row of the inbox as operators see it.
#[derive(Clone, Debug)]
pub struct InboxRow {
    /// Its number, in the order of arrival.
    pub id: i64,
    /// The instance that sent it.
    pub instance: String,
    /// Its key within the instance.
    pub event_id: Option<String>,
    /// What happened.
    pub event_type: String,
    /// Where it stands.
    pub state: State,
    /// Why it is not a ticket.
    pub problem: Option<Problem>,
    /// What could not be done as asked.
    pub warnings: Vec<String>,
    /// `id:…` or `name:…`.
    pub company_key: Option<String>,
    /// The company's name.
    pub company_name: Option<String>,
    /// The control.
    pub control_id: Option<String>,
    /// The control's name.
    pub control_name: Option<String>,
    /// How often a write was decided on.
    pub attempts: u32,
    /// When it is tried next, if it waits for a time.
    pub next_attempt_at: Option<Timestamp>,
    /// Its ticket.
    pub ticket: Option<(TicketKey, String)>,
    /// Why an operator discarded it.
    pub reason: Option<String>,
    /// When it was stored.
    pub received_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When nothing more could come of it.
    pub ended_at: Option<Timestamp>,
}

/// A row with all that there is of it, at one moment.
#[derive(Clone, Debug)]
pub struct WholeRow {
    /// The row.
    pub row: InboxRow,
    /// What came of its attempts, oldest first.
    pub history: Vec<Attempt>,
    /// What operators did to it, oldest first.
    pub actions: Vec<Action>,
    /// The body as received.
    pub body: String,
}

impl InboxRow {
    /// Whether it is among what is seen.
    #[must_use]
    pub fn is_among(&self, visible: &Visible) -> bool {
        visible.contains(&self.instance, self.company_key.as_deref())
    }
}

/// Of which ticket system rows are wanted: that of a row's ticket, else that of its company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedDesk {
    /// The one.
    pub desk: DeskName,
    /// That of companies that are not linked.
    pub default: DeskName,
}

/// Which rows to list, newest first.
#[derive(Clone, Debug)]
pub struct InboxFilter {
    /// Only what is seen.
    pub visible: Visible,
    /// Only this state.
    pub state: Option<State>,
    /// Only this group.
    pub group: Option<Group>,
    /// Only what needs somebody for this cause.
    pub cause: Option<Cause>,
    /// Only rows with these words: in control, company, site, number of the ticket, equipment or author.
    pub words: WantedWords,
    /// Only this ticket system, looked for as words are.
    pub desk: Option<WantedDesk>,
    /// Only this control.
    pub control: Option<ControlId>,
    /// Only rows older than this one.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: usize,
}

impl InboxFilter {
    /// All that are seen.
    #[must_use]
    pub fn of(visible: Visible, limit: usize) -> Self {
        let words = WantedWords::of("");
        Self {
            visible,
            state: None,
            group: None,
            cause: None,
            words,
            desk: None,
            control: None,
            before: None,
            limit,
        }
    }

    /// Whether rows must be looked at one by one.
    #[must_use]
    pub fn is_search(&self) -> bool {
        !self.words.is_empty() || self.desk.is_some()
    }

    /// In which states rows can be; `Some` of none is any, `None` is no row at all.
    fn states(&self) -> Option<Vec<State>> {
        let group = match (&self.cause, self.group) {
            (Some(_), Some(Group::Way | Group::Ended)) => return None,
            (Some(_), _) => Some(Group::Needs),
            (None, group) => group,
        };
        let states: Vec<_> = match (self.state, group) {
            (None, None) => return Some(Vec::new()),
            (Some(state), None) => vec![state],
            (state, Some(group)) => {
                group.states().filter(|one| state.is_none_or(|state| state == *one)).collect()
            }
        };
        Some(states).filter(|states| !states.is_empty())
    }
}

/// In the order in which [`row`] takes them: finding each by its name takes longer than the query.
pub(super) const COLUMNS: &str =
    "id, instance, event_id, event_type, state, problem_code, problem, warnings,
     company_key, company_name, control_id, control_name, attempts, next_attempt_at,
     ticket_class, ticket_id, ticket_ref, reason, received_at, updated_at, ended_at";

impl Store {
    /// One row, if it is seen.
    pub async fn acknowledgement(
        &self,
        id: i64,
        visible: &Visible,
    ) -> Result<Option<InboxRow>, StoreError> {
        let row = self.read(move |db| by_id(db, id).optional()).await?;
        Ok(row.filter(|row| row.is_among(visible)))
    }

    /// One row with its body and its history, if it is seen.
    pub async fn whole_acknowledgement(
        &self,
        id: i64,
        visible: &Visible,
    ) -> Result<Option<WholeRow>, StoreError> {
        let whole = self.read(move |db| {
            let snapshot = db.snapshot()?;
            let Some(row) = by_id(&snapshot, id).optional()? else { return Ok(None) };
            let body = snapshot
                .prepare_cached("SELECT body FROM acknowledgements WHERE id = ?1")?
                .query_row([id], |row| row.get(0))?;
            let history = attempts::of(&snapshot, id)?;
            let actions = actions::of(&snapshot, id)?;
            Ok(Some(WholeRow { row, history, actions, body }))
        });
        let whole: Option<WholeRow> = whole.await?;
        Ok(whole.filter(|whole| whole.row.is_among(visible)))
    }

    /// The newest rows of a filter, whatever words they have.
    pub async fn acknowledgements(&self, filter: InboxFilter) -> Result<Vec<InboxRow>, StoreError> {
        let instances = self.inner.changes.instances();
        self.read(move |db| {
            let (sql, values) = page(&filter, &instances);
            db.prepare_cached(&sql)?.query_map(params_from_iter(values), row)?.collect()
        })
        .await
    }
}

/// The query of a page: only what is asked for stands in it, and each filter has an index, but for the
/// cause, for which all rows in its states may be looked at. `instances` are all that there are.
pub(super) fn page(filter: &InboxFilter, instances: &[String]) -> (String, Vec<Value>) {
    let mut values = Vec::new();
    let part = |source: Source| {
        let newest = source.newest(filter.before, Some(filter.limit), &mut values);
        format!("SELECT id FROM ({newest})")
    };
    let ids: Vec<_> = sources(filter, instances).into_iter().map(part).collect();
    let ids = if ids.is_empty() { NONE.to_owned() } else { ids.join(" UNION ALL ") };
    values.push(as_limit(Some(filter.limit)));
    let sql = format!(
        "SELECT {COLUMNS} FROM acknowledgements WHERE id IN ({ids}) ORDER BY id DESC LIMIT ?"
    );
    (sql, values)
}

/// The ids of no row.
const NONE: &str = "SELECT NULL WHERE false";

/// Where the rows of a filter are found.
pub(super) fn sources(filter: &InboxFilter, instances: &[String]) -> Vec<Source> {
    let seen = Seen { visible: &filter.visible, instances };
    let Some(states) = filter.states() else { return Vec::new() };
    let mut sources = match &filter.control {
        Some(control) => vec![seen.of_control(control, &states)],
        None => seen.in_states(&states),
    };
    if let Some(cause) = &filter.cause {
        sources = sources.into_iter().map(|source| source.because_of(cause)).collect();
    }
    sources
}

/// Of each of these controls the newest row that is seen and was not refused, and the newest that asks
/// for something: a recovery, say, which asks for nothing, must not hide what failed before it.
pub(super) fn of_controls(
    db: &Connection,
    instance: &str,
    controls: &str,
    visible: &Visible,
) -> db::Result<Vec<InboxRow>> {
    // Without the condition the index has the answer by itself.
    let (is_seen, companies) = match visible.companies() {
        Some(keys) => ("company_key IN (SELECT value FROM json_each(?3))", Some(as_json(keys))),
        None => ("?3 IS NULL", None),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM acknowledgements WHERE id IN (
             SELECT (SELECT max(id) FROM acknowledgements
                     WHERE instance = ?1 AND control_id = asked.value AND state <> 'rejected'
                       AND {is_seen})
             FROM json_each(?2) AS asked
             UNION
             SELECT (SELECT id FROM acknowledgements
                     WHERE instance = ?1 AND control_id = asked.value
                       AND state NOT IN ('recorded', 'discarded', 'rejected') AND {is_seen}
                     ORDER BY id DESC LIMIT 1)
             FROM json_each(?2) AS asked)"
    );
    db.prepare_cached(&sql)?.query_map(params![instance, controls, companies], row)?.collect()
}

/// The row of that number.
pub(super) fn by_id(db: &Connection, id: i64) -> db::Result<InboxRow> {
    let sql = format!("SELECT {COLUMNS} FROM acknowledgements WHERE id = ?1");
    db.prepare_cached(&sql)?.query_row([id], row)
}

pub(super) fn row(row: &Row<'_>) -> db::Result<InboxRow> {
    let mut cells = Cells { row, next: 0 };
    let mut row = InboxRow {
        id: cells.take()?,
        instance: cells.take()?,
        event_id: cells.take()?,
        event_type: cells.take()?,
        state: State::parse(&cells.take::<String>()?).unwrap_or(State::Failed),
        problem: match (cells.take()?, cells.take::<Option<String>>()?) {
            (Some(code), message) => Some(Problem { code, message: message.unwrap_or_default() }),
            (None, _) => None,
        },
        warnings: serde_json::from_str(&cells.take::<String>()?).unwrap_or_default(),
        company_key: cells.take()?,
        company_name: cells.take()?,
        control_id: cells.take()?,
        control_name: cells.take()?,
        attempts: cells.take()?,
        next_attempt_at: Some(cells.take()?).filter(|at| *at > 0).map(time),
        ticket: match (cells.take()?, cells.take()?, cells.take()?) {
            (Some(class), Some(id), Some(number)) => Some((TicketKey { class, id }, number)),
            _ => None,
        },
        reason: cells.take()?,
        received_at: time(cells.take()?),
        updated_at: time(cells.take()?),
        ended_at: cells.take::<Option<i64>>()?.map(time),
    };
    row.next_attempt_at.take_if(|_| row.state.is_ended());
    Ok(row)
}

/// The cells of a row, one after the other.
struct Cells<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl Cells<'_, '_> {
    fn take<T: FromSql>(&mut self) -> db::Result<T> {
        let cell = self.row.get(self.next);
        self.next += 1;
        cell
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::migrate::tests::empty,
    };

    /// What SQLite would do, a line for each step.
    pub(in crate::store) fn plan(db: &Connection, sql: &str, values: Vec<Value>) -> String {
        let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = explain.query_map(params_from_iter(values), |row| row.get("detail")).unwrap();
        steps.collect::<Result<Vec<String>, _>>().unwrap().join("\n")
    }

    #[test]
    fn every_filter_has_an_index() {
        let db = empty();
        let companies = ["42", "43"].map(|id| PartyKey::id(id).unwrap());
        for filters in 0..64_u8 {
            let asked = |filter: u8| (filters >> filter) & 1 == 1;
            for state in [State::Accepted, State::Blocked, State::Created] {
                let visible = match (asked(1), asked(2)) {
                    (true, true) => Visible::of_companies(Instance::default(), &companies),
                    (true, false) => Visible::of_instance(Instance::default()),
                    (false, true) => Visible::all().of_company(&companies[0]),
                    (false, false) => Visible::all(),
                };
                let cause = Cause { code: "x".to_owned(), message: Some("y".to_owned()) };
                let filter = InboxFilter {
                    state: asked(0).then_some(state),
                    control: asked(3).then(|| "c".parse().unwrap()),
                    group: asked(4).then_some(Group::of(state)),
                    cause: asked(5).then_some(cause),
                    before: Some(1_000),
                    ..InboxFilter::of(visible, 100)
                };
                let (sql, values) = page(&filter, &["default".to_owned()]);
                let plan = plan(&db, &sql, values);
                for step in plan.lines() {
                    // Rows that were just stored are walked in the index that says all of them.
                    let is_fine = !step.contains("SCAN acknowledgements")
                        || step.contains("USING COVERING INDEX acknowledgements_due");
                    assert!(is_fine, "{filter:?}: {plan}");
                }
            }
        }
    }
}
