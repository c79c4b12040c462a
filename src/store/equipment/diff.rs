//! What a list would change.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    domain::{
        equipment::{EquipmentState, RetireLimit, list::NewRow},
        hex::hex,
    },
    store::db::{self, Connection, OptionalExtension as _, Row},
};

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EquipmentOutcome")]
pub enum Outcome {
    /// It is a new one.
    New,
    /// Something else is wanted of it.
    Changed,
    /// It was gone, and comes back.
    Back,
    /// It stays as it is.
    Unchanged,
    /// It is gone from the list.
    Gone,
}

/// How many rows come to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tally {
    /// Rows of the list.
    pub rows: usize,
    /// New ones.
    pub new: usize,
    /// Of which something else is wanted now.
    pub changed: usize,
    /// Which were gone, and come back.
    pub back: usize,
    /// Which stay as they are.
    pub unchanged: usize,
    /// Those of these that iTop has refused.
    pub failed: usize,
    /// Which are gone from the list.
    pub gone: usize,
}

/// A list would retire more of a class than the limit: nothing of that is retired until somebody says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OverLimit {
    /// The class in iTop.
    pub class: String,
    /// How many are gone from this list.
    pub rows: usize,
    /// How many there are in the lists so far.
    pub of: usize,
    /// How many may be retired of so many.
    pub limit: usize,
}

impl OverLimit {
    /// What the rows say while they are held.
    pub(super) fn problem(&self) -> String {
        let Self { class, rows, of, limit } = self;
        format!(
            "Gone from its list together with others: {rows} of {of} {class}, and at most {limit} are retired \
             without somebody's consent. Approve it, or keep them."
        )
    }
}

/// What is known of a row that is compared.
pub(super) struct Known {
    hash: Vec<u8>,
    state: EquipmentState,
    listed: bool,
    class: Option<String>,
    allowed: bool,
}

impl Known {
    fn of(row: &Row<'_>) -> db::Result<(String, Self)> {
        let state = EquipmentState::parse(row.get_ref(2)?.as_str()?);
        let known = Self {
            hash: row.get(1)?,
            state: state.unwrap_or(EquipmentState::Failed),
            listed: row.get(3)?,
            class: row.get(4)?,
            allowed: row.get(5)?,
        };
        Ok((row.get(0)?, known))
    }

    /// The state of a row of which something is wanted again.
    pub(super) fn wanted_state(&self) -> EquipmentState {
        if self.class.is_some() { EquipmentState::Changed } else { EquipmentState::New }
    }

    /// The state of a row that is gone: what iTop was never given need not be retired there.
    pub(super) fn gone_state(&self) -> EquipmentState {
        if self.class.is_some() { EquipmentState::Retiring } else { EquipmentState::Retired }
    }
}

/// What a list changes.
#[derive(Default)]
pub(super) struct Diff {
    pub(super) tally: Tally,
    /// Places in the list.
    pub(super) new: Vec<usize>,
    /// The same of those that were there before.
    pub(super) changed: Vec<(usize, Known)>,
    pub(super) back: Vec<(usize, Known)>,
    /// Places of those that have failed and stay as they are.
    pub(super) failed: Vec<usize>,
    pub(super) gone: Vec<(String, Known)>,
    pub(super) over: BTreeMap<String, OverLimit>,
}

const KNOWN: &str =
    "SELECT equipment_id, wanted_hash, state, listed, class, allowed IS NOT NULL FROM equipment
     WHERE instance = ?1 AND company_key = ?2";

const LISTED_OF_CLASS: &str = "SELECT count(*) FROM equipment INDEXED BY equipment_state
     WHERE (state = 'new' OR state = 'changed' OR state = 'synchronized' OR state = 'failed')
       AND instance = ?1 AND company_key = ?2 AND class = ?3 AND listed = 1";

const PENDING_OF_CLASS: &str = "SELECT count(*) FROM equipment INDEXED BY equipment_state
     WHERE state = 'retiring' AND instance = ?1 AND company_key = ?2 AND class = ?3
       AND allowed IS NULL";

impl Diff {
    /// What the whole list of a company changes.
    pub(super) fn of_list(
        db: &Connection,
        (instance, company): (&str, &str),
        rows: &[NewRow],
        limit: RetireLimit,
    ) -> db::Result<Self> {
        let mut known: HashMap<String, Known> = db
            .prepare_cached(KNOWN)?
            .query_map([instance, company], Known::of)?
            .collect::<Result<_, _>>()?;
        let mut counts = ByClass::default();
        for known in known.values() {
            counts.take(known);
        }
        let mut diff = Self::default();
        for (at, row) in rows.iter().enumerate() {
            diff.take(at, row, known.remove(row.id.as_str()));
        }
        diff.gone = known.into_iter().filter(|(_, known)| known.listed).collect();
        // A list is read in any order, and written and told of in that of its ids.
        diff.gone.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        diff.hold(&counts, limit);
        Ok(diff)
    }

    /// What some rows change.
    pub(super) fn of_some(
        db: &Connection,
        (instance, company): (&str, &str),
        rows: &[NewRow],
    ) -> db::Result<Self> {
        let mut select = db.prepare_cached(&format!("{KNOWN} AND equipment_id = ?3"))?;
        let mut diff = Self::default();
        for (at, row) in rows.iter().enumerate() {
            let known =
                select.query_row([instance, company, row.id.as_str()], Known::of).optional()?;
            diff.take(at, row, known.map(|(_, known)| known));
        }
        Ok(diff)
    }

    /// What taking one away changes; `None` where it is not there.
    pub(super) fn of_removal(
        db: &Connection,
        (instance, company): (&str, &str),
        id: &str,
        limit: RetireLimit,
    ) -> db::Result<Option<Self>> {
        let found = db
            .prepare_cached(&format!("{KNOWN} AND equipment_id = ?3"))?
            .query_row([instance, company, id], Known::of)
            .optional()?;
        let Some((_, known)) = found else { return Ok(None) };
        let counts = match &known.class {
            Some(class) if known.listed => ByClass::of_class(db, (instance, company), class)?,
            _ => ByClass::default(),
        };
        let mut diff = Self::default();
        if known.listed {
            diff.gone.push((id.to_owned(), known));
        }
        diff.hold(&counts, limit);
        Ok(Some(diff))
    }

    fn take(&mut self, at: usize, row: &NewRow, known: Option<Known>) {
        self.tally.rows += 1;
        match known {
            None => self.new.push(at),
            Some(known) if !known.listed => self.back.push((at, known)),
            Some(known) if known.hash != row.hash => self.changed.push((at, known)),
            Some(known) => {
                self.tally.unchanged += 1;
                if known.state == EquipmentState::Failed {
                    self.tally.failed += 1;
                    self.failed.push(at);
                }
            }
        }
        self.tally.new = self.new.len();
        self.tally.changed = self.changed.len();
        self.tally.back = self.back.len();
    }

    /// Finds the classes of which too many are gone.
    fn hold(&mut self, counts: &ByClass, limit: RetireLimit) {
        self.tally.gone = self.gone.len();
        let mut going = BTreeMap::<&str, usize>::new();
        for class in self.gone.iter().filter_map(|(_, known)| known.class.as_deref()) {
            *going.entry(class).or_default() += 1;
        }
        for (class, rows) in going {
            let (listed, pending) = (counts.listed_of(class), counts.pending_of(class));
            let of = listed + pending;
            let limit = limit.of(of);
            if rows + pending > limit {
                let class = class.to_owned();
                self.over.insert(class.clone(), OverLimit { class, rows, of, limit });
            }
        }
    }

    /// Whether nothing is changed.
    pub(super) fn is_nothing(&self) -> bool {
        let Tally { new, changed, back, gone, .. } = self.tally;
        new + changed + back + gone == 0
    }

    /// Over which limit a row is that is gone.
    pub(super) fn over_of(&self, known: &Known) -> Option<&OverLimit> {
        self.over.get(known.class.as_deref()?)
    }

    /// All that is changed, in short: 16 digits.
    pub(super) fn digest(&self, rows: &[NewRow]) -> String {
        let mut digest = Sha256::new();
        let mut told = |kind: u8, id: &str, before: &[u8], after: &[u8]| {
            digest.update([kind]);
            digest.update(u64::try_from(id.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(id);
            digest.update(before);
            digest.update(after);
        };
        // In whatever order the list has them.
        let mut new: Vec<_> = self.new.iter().map(|at| &rows[*at]).collect();
        new.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        for row in new {
            told(1, row.id.as_str(), &[], &row.hash);
        }
        for (kind, some) in [(2, &self.changed), (3, &self.back)] {
            let mut some: Vec<_> = some.iter().map(|(at, known)| (&rows[*at], known)).collect();
            some.sort_unstable_by(|(a, _), (b, _)| a.id.cmp(&b.id));
            for (row, known) in some {
                told(kind, row.id.as_str(), &known.hash, &row.hash);
            }
        }
        for (id, known) in &self.gone {
            told(4 + u8::from(self.over_of(known).is_some()), id, &known.hash, &[]);
        }
        hex(&digest.finalize()[..8])
    }
}

/// How many there are of each class that iTop was given.
#[derive(Default)]
struct ByClass {
    listed: HashMap<String, usize>,
    /// Those that wait to be retired, to which nobody has said yes.
    pending: HashMap<String, usize>,
}

impl ByClass {
    /// Of one class alone. Of those that are listed the index is asked alone.
    fn of_class(
        db: &Connection,
        (instance, company): (&str, &str),
        class: &str,
    ) -> db::Result<Self> {
        let count = |sql: &str| -> db::Result<usize> {
            let count: i64 =
                db.prepare_cached(sql)?.query_row([instance, company, class], |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or_default())
        };
        let (listed, pending) = (count(LISTED_OF_CLASS)?, count(PENDING_OF_CLASS)?);
        let of = |count| HashMap::from([(class.to_owned(), count)]);
        Ok(Self { listed: of(listed), pending: of(pending) })
    }

    fn take(&mut self, known: &Known) {
        let Some(class) = &known.class else { return };
        if known.listed {
            *self.listed.entry(class.clone()).or_default() += 1;
        } else if known.state == EquipmentState::Retiring && !known.allowed {
            *self.pending.entry(class.clone()).or_default() += 1;
        }
    }

    fn listed_of(&self, class: &str) -> usize {
        self.listed.get(class).copied().unwrap_or_default()
    }

    fn pending_of(&self, class: &str) -> usize {
        self.pending.get(class).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use crate::store::db::Value as Cell;

    use super::*;
    use crate::store::{inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn comparing_and_counting_have_an_index() {
        let db = empty();
        let asked = |length| vec![Cell::from(String::new()); length];
        let whole = plan(&db, KNOWN, asked(2));
        let key = "SEARCH equipment USING PRIMARY KEY (instance=? AND company_key=?";
        assert!(whole.starts_with(key), "{whole}");
        let one = plan(&db, &format!("{KNOWN} AND equipment_id = ?3"), asked(3));
        assert!(one.starts_with(&format!("{key} AND equipment_id=?")), "{one}");
        let listed = plan(&db, LISTED_OF_CLASS, asked(3));
        assert!(listed.contains("USING COVERING INDEX equipment_state (state=?"), "{listed}");
        let pending = plan(&db, PENDING_OF_CLASS, asked(3));
        assert!(pending.contains("USING INDEX equipment_state (state=?"), "{pending}");
    }
}
