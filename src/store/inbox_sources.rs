//! Which index leads to which rows of the inbox: queries are made of these fixed pieces, in which only
//! what is asked for stands.

use super::{as_json, db::Value};
use crate::domain::{delivery_state::State, inbox_group::Cause, keys::ControlId, visible::Visible};

/// What a query must state to be given the indices that have nothing of rows that were just stored.
pub(super) const NOT_FRESH: &str = "state <> 'accepted'";

/// What must hold, and the value that it asks for.
type Condition = (&'static str, Value);

/// Rows that one index leads to.
pub(super) struct Source {
    from: &'static str,
    /// What the index asks for.
    fixed: &'static str,
    conditions: Vec<Condition>,
}

/// Whose rows are looked for. `instances` are all that there are.
#[derive(Clone, Copy)]
pub(super) struct Seen<'s> {
    pub(super) visible: &'s Visible,
    pub(super) instances: &'s [String],
}

impl Seen<'_> {
    /// Rows in these states; in all where none is named.
    pub(super) fn in_states(self, states: &[State]) -> Vec<Source> {
        if states.is_empty() {
            if *self.visible == Visible::all() {
                return vec![Source {
                    from: "acknowledgements NOT INDEXED",
                    fixed: "true",
                    conditions: Vec::new(),
                }];
            }
            return vec![self.accepted(), self.others(None)];
        }
        let of_state = |state: &State| match state {
            State::Accepted => self.accepted(),
            other => self.others(Some(*other)),
        };
        states.iter().map(of_state).collect()
    }

    /// Rows of a control, in these states; in all where none is named.
    pub(super) fn of_control(self, control: &ControlId, states: &[State]) -> Source {
        let mut conditions = vec![self.some_instance()];
        conditions.push(("control_id = ?", control.as_str().to_owned().into()));
        if !states.is_empty() {
            let states: Vec<_> = states.iter().map(|state| state.as_str()).collect();
            let among = "state IN (SELECT value FROM json_each(?))";
            conditions.push((among, as_json(&states).into()));
        }
        conditions.extend(self.companies());
        Source {
            from: "acknowledgements INDEXED BY acknowledgements_control",
            fixed: "true",
            conditions,
        }
    }

    fn accepted(self) -> Source {
        let mut conditions: Vec<_> = self.instance().into_iter().collect();
        conditions.extend(self.companies());
        Source {
            from: "acknowledgements INDEXED BY acknowledgements_due",
            fixed: "state = 'accepted'",
            conditions,
        }
    }

    fn others(self, state: Option<State>) -> Source {
        let (from, mut conditions) = if self.visible.companies().is_some() {
            ("acknowledgements INDEXED BY acknowledgements_company", vec![self.some_instance()])
        } else if state.is_some() {
            (
                "acknowledgements INDEXED BY acknowledgements_state",
                self.instance().into_iter().collect(),
            )
        } else {
            (
                "acknowledgements INDEXED BY acknowledgements_instance",
                self.instance().into_iter().collect(),
            )
        };
        conditions.extend(self.companies());
        conditions.extend(state.map(|state| ("state = ?", state.as_str().to_owned().into())));
        Source { from, fixed: NOT_FRESH, conditions }
    }

    fn instance(self) -> Option<Condition> {
        let instance = self.visible.instance()?;
        Some(("instance = ?", instance.to_string().into()))
    }

    /// For an index that begins with the instance.
    fn some_instance(self) -> Condition {
        let any =
            || ("instance IN (SELECT value FROM json_each(?))", as_json(self.instances).into());
        self.instance().unwrap_or_else(any)
    }

    pub(super) fn companies(self) -> Option<Condition> {
        let companies = self.visible.companies()?;
        Some(("company_key IN (SELECT value FROM json_each(?))", as_json(companies).into()))
    }

    /// What must hold of a row that is looked at by its id.
    pub(super) fn conditions(self) -> Vec<Condition> {
        self.instance().into_iter().chain(self.companies()).collect()
    }
}

impl Source {
    /// Only those of a cause.
    pub(super) fn because_of(mut self, cause: &Cause) -> Self {
        self.conditions.push(("problem_code = ?", cause.code.clone().into()));
        let message = cause.message.clone();
        self.conditions.extend(message.map(|message| ("problem = ?", message.into())));
        self
    }

    /// A query of these rows: what is selected of each, and what must hold besides.
    pub(super) fn query(&self, selected: &str, more: &str, values: &mut Vec<Value>) -> String {
        let mut sql = format!("SELECT {selected} FROM {} WHERE {}", self.from, self.fixed);
        for (condition, value) in &self.conditions {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value.clone());
        }
        sql.push_str(more);
        sql
    }

    /// The newest ids before one.
    pub(super) fn newest(
        &self,
        before: Option<i64>,
        limit: Option<usize>,
        values: &mut Vec<Value>,
    ) -> String {
        let sql = self.query("id", " AND id < ? ORDER BY id DESC LIMIT ?", values);
        values.push(before.unwrap_or(i64::MAX).into());
        values.push(as_limit(limit));
        sql
    }
}

/// A limit as SQLite takes it; `None` is none.
pub(super) fn as_limit(limit: Option<usize>) -> Value {
    limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1).into()
}
