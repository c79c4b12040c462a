//! What a list would change, as it is told to whoever looks before.

use super::diff::{Diff, Outcome, OverLimit, Tally};
use crate::{
    domain::{
        equipment::{Problem, list::NewRow},
        keys::EquipmentId,
    },
    store::db::{self, Connection, params},
};

/// What a list would change, for whoever looks before.
#[derive(Clone, Debug, Default)]
pub struct Foreseen {
    /// How many.
    pub tally: Tally,
    /// Rows that do not stay as they are, or have failed: the first of each kind, within bounds.
    pub rows: Vec<ForeseenRow>,
    /// Whether there are more.
    pub is_cut: bool,
    /// What would be held.
    pub held: Vec<OverLimit>,
    /// All that it would change, in short.
    pub digest: String,
}

/// What becomes of one row.
#[derive(Clone, Debug)]
pub struct ForeseenRow {
    /// Which.
    pub id: EquipmentId,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Whether a person would be asked first.
    pub held: bool,
    /// What is wanted so far, as JSON; `None` of a new one.
    pub before: Option<String>,
    /// What is to be wanted, as JSON; `None` of one that is gone.
    pub after: Option<String>,
    /// Why it does not go on, if it has failed and stays as it is.
    pub problem: Option<Problem>,
}

impl Diff {
    /// The same for whoever looks before, `most` rows of each kind.
    pub(super) fn foreseen(
        &self,
        db: &Connection,
        (instance, company): (&str, &str),
        rows: &[NewRow],
        most: usize,
    ) -> db::Result<Foreseen> {
        let mut select = db.prepare_cached(
            "SELECT wanted, problem_code, problem FROM equipment
             WHERE instance = ?1 AND company_key = ?2 AND equipment_id = ?3",
        )?;
        let mut stored = |id: &str| {
            select.query_row(params![instance, company, id], |row| {
                let problem = match (row.get(1)?, row.get::<_, Option<String>>(2)?) {
                    (Some(code), message) => {
                        Some(Problem { code, message: message.unwrap_or_default() })
                    }
                    (None, _) => None,
                };
                Ok((row.get::<_, String>(0)?, problem))
            })
        };
        let mut told = Vec::new();
        for at in self.failed.iter().take(most) {
            let row = &rows[*at];
            let (before, problem) = stored(row.id.as_str())?;
            told.push(ForeseenRow {
                id: row.id.clone(),
                outcome: Outcome::Unchanged,
                held: false,
                before: Some(before),
                after: Some(row.wanted.to_string()),
                problem,
            });
        }
        for (outcome, some) in [(Outcome::Changed, &self.changed), (Outcome::Back, &self.back)] {
            for (at, _) in some.iter().take(most) {
                let row = &rows[*at];
                told.push(ForeseenRow {
                    id: row.id.clone(),
                    outcome,
                    held: false,
                    before: Some(stored(row.id.as_str())?.0),
                    after: Some(row.wanted.to_string()),
                    problem: None,
                });
            }
        }
        for (id, known) in self.gone.iter().take(most) {
            // What was stored under an id is one.
            let Ok(parsed) = id.parse() else { continue };
            told.push(ForeseenRow {
                id: parsed,
                outcome: Outcome::Gone,
                held: self.over_of(known).is_some(),
                before: Some(stored(id)?.0),
                after: None,
                problem: None,
            });
        }
        for at in self.new.iter().take(most) {
            told.push(ForeseenRow {
                id: rows[*at].id.clone(),
                outcome: Outcome::New,
                held: false,
                before: None,
                after: Some(rows[*at].wanted.to_string()),
                problem: None,
            });
        }
        let lengths = [self.failed.len(), self.changed.len(), self.back.len(), self.gone.len()];
        Ok(Foreseen {
            tally: self.tally,
            is_cut: lengths.into_iter().chain([self.new.len()]).any(|length| length > most),
            rows: told,
            held: self.over.values().cloned().collect(),
            digest: self.digest(rows),
        })
    }
}
