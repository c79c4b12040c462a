//! The companies of which there is equipment, and how much of it is in which state.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Hold;
use crate::{
    domain::{equipment::EquipmentState, visible::Visible},
    store::{
        Store, StoreError,
        db::{self, Connection, Value, params_from_iter},
        narrowed::push_visible,
        time,
    },
};

/// How many rows are in each state, in the order of [`EquipmentState::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EquipmentCounts([u64; EquipmentState::ALL.len()]);

impl EquipmentCounts {
    /// How many are in a state.
    #[must_use]
    pub fn of(&self, state: EquipmentState) -> u64 {
        let at = EquipmentState::ALL.iter().position(|one| *one == state);
        at.map(|at| self.0[at]).unwrap_or_default()
    }

    /// All of both.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own += other;
        }
        self
    }

    fn add(&mut self, state: EquipmentState, count: u64) {
        if let Some(at) = EquipmentState::ALL.iter().position(|one| *one == state) {
            self.0[at] += count;
        }
    }
}

/// A company of which there is equipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquipmentCompany {
    /// The ServiceNav that it is of.
    pub instance: String,
    /// `id:…` or `name:…`.
    pub company: String,
    /// What it is called, where that is known.
    pub name: Option<String>,
    /// When its last whole list came, to the hour where it changed nothing; `None` where none ever did.
    pub listed_at: Option<Timestamp>,
    /// Who sent that.
    pub listed_by: Option<String>,
    /// How many rows that had.
    pub listed_rows: Option<u64>,
    /// How many rows are in which state.
    pub counts: EquipmentCounts,
    /// What a person is asked.
    pub holds: Vec<Hold>,
}

type Key = (String, String);

impl Store {
    /// Companies that are seen and have equipment, in the order of their keys.
    pub async fn equipment_companies(
        &self,
        visible: &Visible,
    ) -> Result<Vec<EquipmentCompany>, StoreError> {
        let (seen, holds) = (visible.clone(), self.equipment_holds(visible).await?);
        let mut companies: BTreeMap<Key, EquipmentCompany> =
            self.read(move |db| companies(db, &seen)).await?;
        for hold in holds {
            let key = (hold.instance.clone(), hold.company.clone());
            if let Some(company) = companies.get_mut(&key) {
                company.holds.push(hold);
            }
        }
        Ok(companies.into_values().collect())
    }

    /// How many rows there are in each state, of all that is seen.
    pub async fn equipment_counts(&self, visible: &Visible) -> Result<EquipmentCounts, StoreError> {
        let seen = visible.clone();
        let counts = self.read(move |db| counts(db, &seen)).await?;
        Ok(counts.values().fold(EquipmentCounts::default(), EquipmentCounts::with))
    }
}

fn companies(db: &Connection, visible: &Visible) -> db::Result<BTreeMap<Key, EquipmentCompany>> {
    let snapshot = db.snapshot()?;
    let mut counts = counts(&snapshot, visible)?;
    let mut select = snapshot.prepare_cached(
        "SELECT l.instance, l.company_key, coalesce(l.company_name, k.name, s.name), l.listed_at,
             l.listed_by, l.row_count
         FROM equipment_lists AS l
         LEFT JOIN company_links AS k ON k.instance = l.instance AND k.company_key = l.company_key
             AND k.site_key = ''
         LEFT JOIN companies_seen AS s ON s.instance = l.instance
             AND s.company_key = l.company_key AND s.site_key = ''",
    )?;
    let mut rows = select.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (instance, company): Key = (row.get(0)?, row.get(1)?);
        if !visible.contains(&instance, Some(&company)) {
            continue;
        }
        let key = (instance.clone(), company.clone());
        let counts = counts.remove(&key).unwrap_or_default();
        let one = EquipmentCompany {
            instance,
            company,
            name: row.get(2)?,
            listed_at: row.get::<_, Option<i64>>(3)?.map(time),
            listed_by: row.get(4)?,
            listed_rows: row.get(5)?,
            counts,
            holds: Vec::new(),
        };
        found.insert(key, one);
    }
    Ok(found)
}

/// The query of one state, which its index answers alone.
fn counts_query(state: EquipmentState, visible: &Visible) -> (String, Vec<Value>) {
    let mut sql = "SELECT instance, company_key, count(*)
         FROM equipment INDEXED BY equipment_state WHERE state = ?"
        .to_owned();
    let mut values = vec![Value::from(state.as_str().to_owned())];
    values.extend(push_visible(&mut sql, visible));
    sql.push_str(" GROUP BY instance, company_key");
    (sql, values)
}

fn counts(db: &Connection, visible: &Visible) -> db::Result<BTreeMap<Key, EquipmentCounts>> {
    let mut counts = BTreeMap::<Key, EquipmentCounts>::new();
    for state in EquipmentState::ALL {
        let (sql, values) = counts_query(state, visible);
        let mut select = db.prepare_cached(&sql)?;
        let mut rows = select.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let key: Key = (row.get(0)?, row.get(1)?);
            if visible.contains(&key.0, Some(&key.1)) {
                counts.entry(key).or_default().add(state, row.get(2)?);
            }
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{inbox_query::tests::plan, migrate::tests::empty},
    };

    #[test]
    fn counting_asks_an_index_alone() {
        let db = empty();
        let company = PartyKey::id("42").unwrap();
        for visible in [
            Visible::all(),
            Visible::of_instance(Instance::default()),
            Visible::of_companies(Instance::default(), [&company]),
            Visible::all().of_company(&company),
        ] {
            let (sql, values) = counts_query(EquipmentState::New, &visible);
            let plan = plan(&db, &sql, values);
            let index = "SEARCH equipment USING COVERING INDEX equipment_state (state=?";
            assert!(plan.contains(index), "{visible:?}: {plan}");
        }
    }
}
