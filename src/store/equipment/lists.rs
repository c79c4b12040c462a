//! Lists, whole or in part: compared with what is there, and only what differs is written.

use std::sync::Arc;

use super::{
    actions::{self, Deed},
    diff::{Diff, Known, OverLimit, Tally},
    foreseen::Foreseen,
};
use crate::{
    domain::{
        equipment::{EquipmentKey, EquipmentState, RetireLimit, list::NewRow},
        keys::{Instance, PartyKey},
    },
    store::{
        Store, StoreError,
        db::{self, Connection, params},
    },
};

/// How old the time of the last list may be before the same list writes it anew, in milliseconds.
const LISTED_ANEW: i64 = 3_600_000;

/// A list of the equipment of a company.
#[derive(Clone, Debug)]
pub struct EquipmentChange {
    /// The ServiceNav that it is of.
    pub instance: Instance,
    /// The company.
    pub company: PartyKey,
    /// How the company's name was written, where it is told by its name.
    pub company_name: Option<String>,
    /// The rows, each id once.
    pub rows: Vec<NewRow>,
    /// Whether these are all: what is not among them is gone.
    pub whole: bool,
    /// How much of a class it may retire without somebody's consent.
    pub limit: RetireLimit,
    /// Who sends it.
    pub by: String,
}

/// What has become of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EquipmentReport {
    /// How many rows have come to what.
    pub tally: Tally,
    /// Of which classes nothing is retired until somebody says so.
    pub held: Vec<OverLimit>,
}

impl EquipmentChange {
    fn diff(&self, db: &Connection, key: (&str, &str)) -> db::Result<Diff> {
        if self.whole {
            Diff::of_list(db, key, &self.rows, self.limit)
        } else {
            Diff::of_some(db, key, &self.rows)
        }
    }

    /// As they are stored.
    fn key(&self) -> (String, String) {
        (self.instance.to_string(), self.company.to_string())
    }
}

impl Store {
    /// Takes a list in one commit. One that changes nothing is compared beside the writer, and written is at
    /// most that it came. `None`, and nothing is changed, where it would change something else than this
    /// digest says, if there is one.
    pub async fn put_equipment(
        &self,
        change: Arc<EquipmentChange>,
        seen: Option<String>,
    ) -> Result<Option<EquipmentReport>, StoreError> {
        let now = self.now_millis();
        let (same, expected) = (change.clone(), seen.clone());
        let unchanged = self.read(move |db| {
            let snapshot = db.snapshot()?;
            let (instance, company) = same.key();
            let diff = same.diff(&snapshot, (&instance, &company))?;
            let is_new = same.whole && is_list_new(&snapshot, &instance, &company, now)?;
            if !diff.is_nothing() || is_new {
                return Ok(None);
            }
            let is_expected = expected.is_none_or(|seen| seen == diff.digest(&same.rows));
            Ok(Some(is_expected.then(|| report(&diff))))
        });
        if let Some(told) = unchanged.await? {
            return Ok(told);
        }
        let told = self
            .write(move |db| {
                let (instance, company) = change.key();
                let key = (instance.as_str(), company.as_str());
                let diff = change.diff(db, key)?;
                if seen.is_some_and(|seen| seen != diff.digest(&change.rows)) {
                    return Ok(None);
                }
                write(db, key, &diff, &change.rows, now)?;
                note(db, key, &change, &diff, now)?;
                Ok(Some(report(&diff)))
            })
            .await?;
        self.tell_equipment();
        Ok(told)
    }

    /// What a list would change; of each kind so many rows are told of.
    pub async fn foresee_equipment(
        &self,
        change: Arc<EquipmentChange>,
        most: usize,
    ) -> Result<Foreseen, StoreError> {
        self.read(move |db| {
            let snapshot = db.snapshot()?;
            let (instance, company) = change.key();
            let key = (instance.as_str(), company.as_str());
            let diff = change.diff(&snapshot, key)?;
            diff.foreseen(&snapshot, key, &change.rows, most)
        })
        .await
    }

    /// Takes one away, as a list that lacks it would; `None` where there is none.
    pub async fn remove_equipment(
        &self,
        key: EquipmentKey,
        limit: RetireLimit,
        by: String,
    ) -> Result<Option<EquipmentReport>, StoreError> {
        let now = self.now_millis();
        let told = self
            .write(move |db| {
                let (instance, company) = (key.instance.to_string(), key.company.to_string());
                let whose = (instance.as_str(), company.as_str());
                let Some(diff) = Diff::of_removal(db, whose, key.id.as_str(), limit)? else {
                    return Ok(None);
                };
                write(db, whose, &diff, &[], now)?;
                if !diff.is_nothing() {
                    let what = (Some(key.id.as_str()), 1);
                    actions::add(db, whose, (&by, Deed::Removed), what, now)?;
                }
                Ok(Some(report(&diff)))
            })
            .await?;
        self.tell_equipment();
        Ok(told)
    }
}

fn report(diff: &Diff) -> EquipmentReport {
    EquipmentReport { tally: diff.tally, held: diff.over.values().cloned().collect() }
}

/// Whether a whole list is the first one of its company, or the first in a while.
fn is_list_new(db: &Connection, instance: &str, company: &str, now: i64) -> db::Result<bool> {
    let mut select = db.prepare_cached(
        "SELECT listed_at FROM equipment_lists WHERE instance = ?1 AND company_key = ?2",
    )?;
    let mut rows = select.query([instance, company])?;
    let known: Option<i64> = match rows.next()? {
        Some(row) => row.get(0)?,
        None => None,
    };
    // A clock that was put back tells nothing.
    Ok(known.is_none_or(|at| !(0..LISTED_ANEW).contains(&(now - at))))
}

/// Writes what differs.
fn write(
    db: &Connection,
    (instance, company): (&str, &str),
    diff: &Diff,
    rows: &[NewRow],
    now: i64,
) -> db::Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO equipment (instance, company_key, equipment_id, wanted, wanted_hash, words,
             state, listed, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'new', 1, ?7)",
    )?;
    for at in &diff.new {
        let NewRow { id, wanted, hash, words } = &rows[*at];
        insert.execute(params![instance, company, id.as_str(), wanted, hash, words, now])?;
    }
    // What a person was asked, or has said, was of other values.
    let mut update = db.prepare_cached(
        "UPDATE equipment SET wanted = ?4, wanted_hash = ?5, words = ?6, state = ?7, listed = 1,
             held = NULL, held_for = NULL, allowed = NULL, problem_code = NULL, problem = NULL,
             changed_at = ?8
         WHERE instance = ?1 AND company_key = ?2 AND equipment_id = ?3",
    )?;
    for (at, known) in diff.changed.iter().chain(&diff.back) {
        let NewRow { id, wanted, hash, words } = &rows[*at];
        let state = Known::wanted_state(known).as_str();
        let id = id.as_str();
        update.execute(params![instance, company, id, wanted, hash, words, state, now])?;
    }
    let mut retire = db.prepare_cached(
        "UPDATE equipment SET state = ?4, listed = 0, held = ?5, held_for = NULL, allowed = NULL,
             problem_code = ?6, problem = ?7, changed_at = ?8
         WHERE instance = ?1 AND company_key = ?2 AND equipment_id = ?3",
    )?;
    for (id, known) in &diff.gone {
        let over = diff.over_of(known);
        let (held, code) = (over.map(|_| "retire"), over.map(|_| "retire-limit"));
        let problem = over.map(OverLimit::problem);
        let state: EquipmentState = known.gone_state();
        let state = state.as_str();
        retire.execute(params![instance, company, id, state, held, code, problem, now])?;
    }
    Ok(())
}

/// Notes that a list came, and what it has changed.
fn note(
    db: &Connection,
    (instance, company): (&str, &str),
    change: &EquipmentChange,
    diff: &Diff,
    now: i64,
) -> db::Result<()> {
    let EquipmentChange { company_name, rows, whole, by, .. } = change;
    db.prepare_cached(
        "INSERT INTO equipment_lists (instance, company_key, company_name) VALUES (?1, ?2, ?3)
         ON CONFLICT (instance, company_key) DO UPDATE SET company_name = excluded.company_name
         WHERE excluded.company_name IS NOT NULL AND company_name IS NOT excluded.company_name",
    )?
    .execute(params![instance, company, company_name])?;
    if *whole {
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        db.prepare_cached(
            "UPDATE equipment_lists SET listed_at = ?3, listed_by = ?4, row_count = ?5
             WHERE instance = ?1 AND company_key = ?2",
        )?
        .execute(params![instance, company, now, by, count])?;
    }
    // Whoever links companies is shown it, although nothing else came of it yet.
    db.prepare_cached(
        "INSERT OR IGNORE INTO companies_seen (instance, company_key, site_key, name, seen_at)
         VALUES (?1, ?2, '', ?3, ?4)",
    )?
    .execute(params![instance, company, company_name, now])?;
    if diff.is_nothing() {
        return Ok(());
    }
    let deed = if *whole { Deed::Listed } else { Deed::Patched };
    let Tally { new, changed, back, gone, .. } = diff.tally;
    let only = match rows.as_slice() {
        [only] if !whole => Some(only.id.as_str()),
        _ => None,
    };
    actions::add(db, (instance, company), (by, deed), (only, new + changed + back + gone), now)
}
