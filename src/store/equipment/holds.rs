//! What a person is asked about equipment, and what they answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    AGAIN,
    actions::{self, Deed},
};
use crate::{
    domain::{
        equipment::Held,
        hex::hex,
        keys::{EquipmentId, Instance, PartyKey},
        visible::Visible,
    },
    store::{
        Store, StoreError, as_json,
        db::{self, Connection, Value, params, params_from_iter},
        narrowed::push_visible,
    },
};

/// Rows of one company and class for which a person is asked the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "EquipmentHold")]
pub struct Hold {
    /// The ServiceNav that they are of.
    pub instance: String,
    /// `id:…` or `name:…`.
    pub company: String,
    /// What would be done.
    pub what: Held,
    /// Their class in iTop; none where they have none yet.
    pub class: Option<String>,
    /// How many.
    pub rows: u64,
    /// Of these rows and what is asked of each, in short: whoever answers may say which they have seen.
    pub digest: String,
}

/// To which rows an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldWhich {
    /// Of this ServiceNav.
    pub instance: Instance,
    /// Of this company.
    pub company: PartyKey,
    /// What would be done.
    pub what: Held,
    /// Only of this class; an empty one for those that have none yet.
    pub class: Option<String>,
    /// Only these.
    pub ids: Option<Vec<EquipmentId>>,
    /// Only if the rows of company, class and question are still those of this digest.
    pub digest: Option<String>,
}

/// What came of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldDone {
    /// It was given, of so many rows.
    Done(usize),
    /// Other rows are asked about now than those of the digest.
    Outdated,
}

/// What a person says to what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It goes on.
    Yes,
    /// It is not done.
    No,
}

/// Which failed rows are tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryWhich {
    /// Only these.
    pub ids: Option<Vec<EquipmentId>>,
    /// Only those with this problem.
    pub problem: Option<String>,
}

impl Store {
    /// What a person is asked about rows that are seen, by company, class and question.
    pub async fn equipment_holds(&self, visible: &Visible) -> Result<Vec<Hold>, StoreError> {
        let visible = visible.clone();
        self.read(move |db| {
            let all = holds(db, None, &visible)?;
            Ok(all.into_values().collect())
        })
        .await
    }

    /// Says yes, and what is held goes on; or no: what would be retired is listed as before, and what would be
    /// taken over or moved fails.
    pub async fn answer_equipment(
        &self,
        which: HoldWhich,
        said: Answer,
        by: String,
    ) -> Result<HoldDone, StoreError> {
        let now = self.now_millis();
        let done = self.write(move |db| answer(db, &which, said, &by, now)).await?;
        self.tell_equipment();
        Ok(done)
    }

    /// Has failed rows of a company tried again; how many.
    pub async fn retry_equipment(
        &self,
        instance: Instance,
        company: PartyKey,
        which: RetryWhich,
        by: String,
    ) -> Result<usize, StoreError> {
        let now = self.now_millis();
        let done = self
            .write(move |db| {
                let (instance, company) = (instance.to_string(), company.to_string());
                let key = (instance.as_str(), company.as_str());
                let RetryWhich { ids, problem } = which;
                let rows = retry(db, key, ids.as_deref(), problem.as_deref(), now)?;
                if rows > 0 {
                    actions::add(db, key, (&by, Deed::Retried), (only(ids.as_deref()), rows), now)?;
                }
                Ok(rows)
            })
            .await?;
        self.tell_equipment();
        Ok(done)
    }
}

/// The id, if it is one.
fn only(ids: Option<&[EquipmentId]>) -> Option<&str> {
    match ids {
        Some([only]) => Some(only.as_str()),
        _ => None,
    }
}

type Group = (String, String, &'static str, Option<String>);

/// All that is held, in groups; of one question only, if one is named.
fn holds(
    db: &Connection,
    what: Option<Held>,
    visible: &Visible,
) -> db::Result<BTreeMap<Group, Hold>> {
    let mut groups = BTreeMap::<Group, (Hold, Sha256)>::new();
    let (sql, whose) = query(visible);
    let mut select = db.prepare_cached(&sql)?;
    for what in Held::ALL.into_iter().filter(|one| what.is_none_or(|what| what == *one)) {
        let values = std::iter::once(Value::from(what.as_str().to_owned())).chain(whose.clone());
        let mut rows = select.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let (instance, company): (String, String) = (row.get(0)?, row.get(1)?);
            if !visible.contains(&instance, Some(&company)) {
                continue;
            }
            let class: Option<String> = row.get(3)?;
            let group = (instance.clone(), company.clone(), what.as_str(), class.clone());
            let (hold, digest) = groups.entry(group).or_insert_with(|| {
                let hold = Hold { instance, company, what, class, rows: 0, digest: String::new() };
                (hold, Sha256::new())
            });
            hold.rows += 1;
            for part in [row.get_ref(2)?, row.get_ref(4)?, row.get_ref(5)?] {
                let bytes = part.as_bytes_or_null()?.unwrap_or_default();
                digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
                digest.update(bytes);
            }
        }
    }
    let told = groups.into_iter().map(|(group, (hold, digest))| {
        (group, Hold { digest: hex(&digest.finalize()[..8]), ..hold })
    });
    Ok(told.collect())
}

/// All that is held for one question, in order; after that come what it is narrowed to.
fn query(visible: &Visible) -> (String, Vec<Value>) {
    let mut sql = "SELECT instance, company_key, equipment_id, class, held_for, wanted_hash
         FROM equipment INDEXED BY equipment_held WHERE held = ?"
        .to_owned();
    let values = push_visible(&mut sql, visible);
    sql.push_str(" ORDER BY instance, company_key, equipment_id");
    (sql, values)
}

fn answer(
    db: &Connection,
    which: &HoldWhich,
    said: Answer,
    by: &str,
    now: i64,
) -> db::Result<HoldDone> {
    let HoldWhich { instance, company, what, class, ids, digest } = which;
    let (instance, company) = (instance.to_string(), company.to_string());
    if let Some(seen) = digest {
        let visible = Visible::of_companies(which.instance.clone(), [&which.company]);
        let now = holds(db, Some(*what), &visible)?;
        let is_of = |hold: &&Hold| {
            class.as_ref().is_none_or(|class| hold.class.as_deref().unwrap_or_default() == class)
        };
        let mut of_class = now.values().filter(is_of);
        // A digest is of one class.
        let is_same = of_class.next().is_some_and(|hold| hold.digest == *seen);
        if !is_same || of_class.next().is_some() {
            return Ok(HoldDone::Outdated);
        }
    }
    let set = match (said, what) {
        (Answer::No, Held::Retire) => {
            "listed = 1, state = 'changed', problem_code = NULL, problem = NULL"
        }
        (Answer::No, Held::Adopt) => {
            "state = 'failed', problem_code = 'not-adopted',
             problem = 'A CI of this name is there already, and somebody has said that it is not taken over.'"
        }
        (Answer::No, Held::Move) => {
            "state = 'failed', problem_code = 'not-moved',
             problem = 'Its CI is in another organization, and somebody has said that it stays there.'"
        }
        (Answer::Yes, _) => "allowed = coalesce(held_for, held), problem_code = NULL, problem = NULL",
    };
    let listed = ids.as_deref().map(as_json);
    let rows = db
        .prepare_cached(&format!(
            "UPDATE equipment INDEXED BY equipment_held SET held = NULL, held_for = NULL, changed_at = ?6, {set}
             WHERE held = ?3 AND instance = ?1 AND company_key = ?2
               AND (?4 IS NULL OR class IS nullif(?4, ''))
               AND (?5 IS NULL OR equipment_id IN (SELECT value FROM json_each(?5)))"
        ))?
        .execute(params![instance, company, what.as_str(), class, listed, now])?;
    if rows > 0 {
        let only = only(ids.as_deref());
        let deed = match said {
            Answer::Yes => Deed::Approved,
            Answer::No => Deed::Kept,
        };
        actions::add(db, (&instance, &company), (by, deed), (only, rows), now)?;
    }
    Ok(HoldDone::Done(rows))
}

fn retry(
    db: &Connection,
    (instance, company): (&str, &str),
    ids: Option<&[EquipmentId]>,
    problem: Option<&str>,
    now: i64,
) -> db::Result<usize> {
    db.prepare_cached(&format!(
        "UPDATE equipment INDEXED BY equipment_state SET {AGAIN}, changed_at = ?5
         WHERE state = 'failed' AND instance = ?1 AND company_key = ?2
           AND (?3 IS NULL OR equipment_id IN (SELECT value FROM json_each(?3)))
           AND (?4 IS NULL OR problem_code = ?4)"
    ))?
    .execute(params![instance, company, ids.map(as_json), problem, now])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn what_is_held_has_an_index() {
        let db = empty();
        let company = PartyKey::id("42").unwrap();
        for visible in [
            Visible::all(),
            Visible::of_instance(Instance::default()),
            Visible::of_companies(Instance::default(), [&company]),
        ] {
            let (sql, values) = query(&visible);
            let values = std::iter::once("retire".to_owned().into()).chain(values).collect();
            let plan = plan(&db, &sql, values);
            assert!(plan.contains("USING INDEX equipment_held (held=?"), "{visible:?}: {plan}");
        }
    }
}
