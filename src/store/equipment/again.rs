//! What has equipment looked at again: links, the configuration and sources that say something else; and sources
//! that are halted.

use jiff::Timestamp;

use super::{AGAIN, parsed, wanted};
use crate::{
    domain::{
        equipment::{Equipment, EquipmentKey},
        keys::{EquipmentId, Instance, PartyKey},
    },
    store::{
        Store, StoreError, Term,
        db::{self, Connection, OptionalExtension as _, params},
        meta, time,
    },
};

/// A source of which nothing is loaded for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquipmentHalt {
    /// Its class.
    pub class: String,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// What the digest of the configuration by which rows were planned is kept under.
const MAPPING: &str = "cmdb_mapping";

impl Term {
    /// The links of a company say something else: what waited for one, or failed, goes on.
    pub async fn relink_equipment(&self, company: &(Instance, PartyKey)) -> Result<(), StoreError> {
        let (instance, company) = (company.0.to_string(), company.1.to_string());
        self.in_pieces(Some((instance, company)), Again::Hindered).await
    }
}

impl Store {
    /// Rows of a company that iTop holds, in the order of their ids, from behind one of them: id, what is
    /// wanted, and the organization they were loaded for.
    pub async fn equipment_in_place(
        &self,
        instance: &Instance,
        company: &PartyKey,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(EquipmentId, Equipment, Option<String>)>, StoreError> {
        let (instance, company, after) =
            (instance.to_string(), company.to_string(), after.to_owned());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |db| {
            db.prepare_cached(
                "SELECT equipment_id, wanted, org_id FROM equipment
                 WHERE instance = ?1 AND company_key = ?2 AND equipment_id > ?3
                   AND state = 'synchronized'
                 ORDER BY equipment_id LIMIT ?4",
            )?
            .query_map(params![instance, company, after, limit], |row| {
                Ok((parsed(row, 0)?, wanted(row, 1)?, row.get(2)?))
            })?
            .collect()
        })
        .await
    }
}

impl Term {
    /// These rows, which iTop holds, are to be looked at again.
    pub async fn look_at_equipment(&self, keys: Vec<EquipmentKey>) -> Result<(), StoreError> {
        self.write(move |db| {
            let mut update = db.prepare_cached(
                "UPDATE equipment SET state = 'changed', problem_code = NULL, problem = NULL
                 WHERE instance = ?1 AND company_key = ?2 AND equipment_id = ?3
                   AND state = 'synchronized'",
            )?;
            for EquipmentKey { instance, company, id } in keys {
                update.execute([instance.as_str(), &company.to_string(), id.as_str()])?;
            }
            Ok(())
        })
        .await
    }

    /// What rows are planned by is this now: where it was something else, all that iTop holds, and all that
    /// failed, is looked at again. Tells whether it was.
    pub async fn plan_equipment_by(&self, digest: String) -> Result<bool, StoreError> {
        let known = self.store.read(|db| meta::get(db, MAPPING)).await?;
        if known.as_deref() == Some(&*digest) {
            return Ok(false);
        }
        self.in_pieces(None, Again::All).await?;
        self.write(move |db| meta::set(db, MAPPING, &digest)).await?;
        Ok(true)
    }

    /// Has rows looked at again, so many a commit, so that other writes go between.
    async fn in_pieces(
        &self,
        of: Option<(String, String)>,
        which: Again,
    ) -> Result<(), StoreError> {
        let mut after = (String::new(), String::new(), String::new());
        loop {
            let (from, of) = (after.clone(), of.clone());
            let piece = self.write(move |db| look_again(db, &from, of.as_ref(), which)).await?;
            let Some(last) = piece else { return Ok(()) };
            after = last;
        }
    }

    /// Nothing is loaded into the source of a class until somebody says that it may go on.
    pub async fn halt_equipment(&self, class: &str, reason: String) -> Result<(), StoreError> {
        let (class, now) = (class.to_owned(), self.now_millis());
        self.write(move |db| {
            db.execute(
                "INSERT INTO equipment_halts (class, at, reason) VALUES (?1, ?2, ?3)
                 ON CONFLICT (class) DO NOTHING",
                params![class, now, reason],
            )?;
            Ok(())
        })
        .await
    }
}

impl Store {
    /// The sources that are halted.
    pub async fn equipment_halts(&self) -> Result<Vec<EquipmentHalt>, StoreError> {
        self.read(halts).await
    }

    /// A source may go on; false if it was not halted.
    pub async fn resume_equipment(&self, class: &str) -> Result<bool, StoreError> {
        let class = class.to_owned();
        self.write(move |db| {
            Ok(db.execute("DELETE FROM equipment_halts WHERE class = ?1", [class])? == 1)
        })
        .await
    }
}

/// The sources that are halted, by class.
pub(in crate::store) fn halts(db: &Connection) -> db::Result<Vec<EquipmentHalt>> {
    db.prepare_cached("SELECT class, at, reason FROM equipment_halts ORDER BY class")?
        .query_map([], |row| {
            Ok(EquipmentHalt { class: row.get(0)?, at: time(row.get(1)?), reason: row.get(2)? })
        })?
        .collect()
}

/// Which rows are looked at again.
#[derive(Clone, Copy)]
enum Again {
    /// Those that something hindered.
    Hindered,
    /// All but those that are retired, or held.
    All,
}

/// Rows that are changed in one commit.
const PIECE: i64 = 2_000;

/// The keys of a row, in their order.
type Place = (String, String, String);

/// Has one piece of the rows looked at again; tells where it ends, if it is not the last.
fn look_again(
    db: &Connection,
    after: &Place,
    of: Option<&(String, String)>,
    which: Again,
) -> db::Result<Option<Place>> {
    let behind = "(instance, company_key, equipment_id) > (?1, ?2, ?3)";
    let of_company = if of.is_some() { "instance = ?4 AND company_key = ?5" } else { "?4 IS ?5" };
    let company = of.map(|(instance, company)| (Some(instance), Some(company))).unwrap_or_default();
    let last: Option<Place> = db
        .prepare_cached(&format!(
            "SELECT instance, company_key, equipment_id FROM equipment
             WHERE {behind} AND {of_company}
             ORDER BY instance, company_key, equipment_id LIMIT 1 OFFSET {}",
            PIECE - 1
        ))?
        .query_row(params![after.0, after.1, after.2, company.0, company.1], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let up_to = match &last {
        Some(_) => "AND (instance, company_key, equipment_id) <= (?6, ?7, ?8)",
        None => "AND ?6 IS NULL AND ?7 IS NULL AND ?8 IS NULL",
    };
    let which = match which {
        Again::Hindered => {
            "held IS NULL AND problem_code IS NOT NULL AND state != 'synchronized' AND state != 'retired'"
        }
        Again::All => "held IS NULL AND state != 'retired'",
    };
    let end = last.clone().map(|(a, b, c)| (Some(a), Some(b), Some(c))).unwrap_or_default();
    db.prepare_cached(&format!(
        "UPDATE equipment SET {AGAIN}
         WHERE {behind} AND {of_company} {up_to} AND {which}"
    ))?
    .execute(params![after.0, after.1, after.2, company.0, company.1, end.0, end.1, end.2])?;
    Ok(last)
}
