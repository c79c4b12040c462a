//! Who did what to the equipment of a company: written in the commit of what they did.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{
        keys::{Instance, PartyKey},
        visible::Visible,
    },
    store::{
        Store, StoreError,
        db::{self, Connection, params},
        time,
    },
};

/// How many are kept of a company; the oldest go.
const KEPT: i64 = 200;

/// Something that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Deed {
    Listed,
    Patched,
    Removed,
    Approved,
    Kept,
    Retried,
}

impl Deed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Patched => "patched",
            Self::Removed => "removed",
            Self::Approved => "approved",
            Self::Kept => "kept",
            Self::Retried => "retried",
        }
    }
}

/// What somebody did to the equipment of a company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EquipmentAction {
    /// When.
    pub at: Timestamp,
    /// The name of the token, or of the person.
    pub by: Option<String>,
    /// `listed`, `patched`, `removed`, `approved`, `kept` or `retried`.
    pub what: String,
    /// Which equipment, if it was one.
    pub equipment_id: Option<String>,
    /// How many rows it has changed.
    pub rows: u64,
}

impl Store {
    /// What was done to the equipment of a company, newest first; nothing where that is not seen.
    pub async fn equipment_actions(
        &self,
        instance: &Instance,
        company: &PartyKey,
        visible: &Visible,
        limit: usize,
    ) -> Result<Vec<EquipmentAction>, StoreError> {
        let (instance, company) = (instance.to_string(), company.to_string());
        if !visible.contains(&instance, Some(&company)) {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |db| {
            db.prepare_cached(
                "SELECT at, by, what, equipment_id, row_count FROM equipment_actions
                 WHERE instance = ?1 AND company_key = ?2 ORDER BY id DESC LIMIT ?3",
            )?
            .query_map(params![instance, company, limit], |row| {
                Ok(EquipmentAction {
                    at: time(row.get(0)?),
                    by: row.get(1)?,
                    what: row.get(2)?,
                    equipment_id: row.get(3)?,
                    rows: row.get(4)?,
                })
            })?
            .collect()
        })
        .await
    }
}

/// Notes what was done.
pub(super) fn add(
    db: &Connection,
    (instance, company): (&str, &str),
    (by, deed): (&str, Deed),
    (id, rows): (Option<&str>, usize),
    now: i64,
) -> db::Result<()> {
    db.prepare_cached(
        "INSERT INTO equipment_actions
             (at, by, what, instance, company_key, equipment_id, row_count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![now, by, deed.as_str(), instance, company, id, rows])?;
    db.prepare_cached(
        "DELETE FROM equipment_actions WHERE instance = ?1 AND company_key = ?2 AND id <= (
             SELECT id FROM equipment_actions WHERE instance = ?1 AND company_key = ?2
             ORDER BY id DESC LIMIT 1 OFFSET ?3)",
    )?
    .execute(params![instance, company, KEPT])?;
    Ok(())
}
