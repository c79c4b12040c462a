//! The equipment that is kept in iTop's CMDB: lists of it, what becomes of their rows, and what a person is
//! asked about them.

mod actions;
mod again;
mod begun;
mod companies;
mod diff;
mod foreseen;
mod holds;
mod learned;
mod lists;
mod page;
mod queues;
mod release;
mod settle;
mod turns;

pub use actions::EquipmentAction;
pub use again::EquipmentHalt;
pub(super) use again::halts;
pub use companies::{EquipmentCompany, EquipmentCounts};
pub use diff::{Outcome as EquipmentOutcome, OverLimit, Tally};
pub use foreseen::{Foreseen, ForeseenRow};
pub use holds::{Answer, Hold, HoldDone, HoldWhich, RetryWhich};
pub use lists::{EquipmentChange, EquipmentReport};
pub use page::{EquipmentFilter, EquipmentPage};
pub use queues::EquipmentQueue;
pub use release::Release;
pub use settle::{Became, SettledEquipment};
pub use turns::{EquipmentLoad, FederatedCi};

use super::{Store, StoreError, time};
use crate::{
    domain::{
        equipment::{Equipment, EquipmentKey, EquipmentRow, EquipmentState, Held, Problem},
        visible::Visible,
    },
    store::db::{self, Connection, OptionalExtension as _, Row, params},
};

/// In the order in which [`row`] takes them.
pub(super) const COLUMNS: &str = "instance, company_key, equipment_id, wanted, wanted_hash, state, listed, \
     held, held_for, allowed, class, sent_hash, org_id, ci_class, ci_id, problem_code, problem, changed_at, \
     synchronized_at, begun";

/// What has a row looked at again.
const AGAIN: &str = "problem_code = NULL, problem = NULL, state = CASE
     WHEN listed = 0 THEN 'retiring' WHEN class IS NULL THEN 'new' ELSE 'changed' END";

impl Store {
    /// One row, if it is seen.
    pub async fn equipment(
        &self,
        key: &EquipmentKey,
        visible: &Visible,
    ) -> Result<Option<EquipmentRow>, StoreError> {
        if !visible.contains(key.instance.as_str(), Some(&key.company.to_string())) {
            return Ok(None);
        }
        let key = key.clone();
        self.read(move |db| one(db, &key)).await
    }
}

/// The row of a key.
pub(super) fn one(db: &Connection, key: &EquipmentKey) -> db::Result<Option<EquipmentRow>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM equipment
         WHERE instance = ?1 AND company_key = ?2 AND equipment_id = ?3"
    ))?
    .query_row(params![key.instance.as_str(), key.company.to_string(), key.id.as_str()], row)
    .optional()
}

/// A row as it is stored.
pub(super) fn row(row: &Row<'_>) -> db::Result<EquipmentRow> {
    let foreign = || db::unreadable(5, "it was not written by this program");
    let held: Option<String> = row.get(7)?;
    Ok(EquipmentRow {
        key: key(row)?,
        wanted: wanted(row, 3)?,
        wanted_hash: row.get(4)?,
        state: EquipmentState::parse(row.get_ref(5)?.as_str()?).ok_or_else(foreign)?,
        listed: row.get(6)?,
        held: held.as_deref().and_then(Held::parse),
        held_for: row.get(8)?,
        allowed: row.get(9)?,
        class: row.get(10)?,
        sent_hash: row.get(11)?,
        org_id: row.get(12)?,
        ci: match (row.get(13)?, row.get(14)?) {
            (Some(class), Some(id)) => Some((class, id)),
            _ => None,
        },
        problem: row.get::<_, Option<String>>(15)?.map(|code| {
            let message = row.get::<_, Option<String>>(16).ok().flatten().unwrap_or_default();
            Problem { code, message }
        }),
        changed_at: time(row.get(17)?),
        synchronized_at: row.get::<_, Option<i64>>(18)?.map(time),
        begun: row.get(19)?,
    })
}

fn key(row: &Row<'_>) -> db::Result<EquipmentKey> {
    Ok(EquipmentKey { instance: parsed(row, 0)?, company: parsed(row, 1)?, id: parsed(row, 2)? })
}

/// A text that was checked before it was stored.
fn parsed<T: std::str::FromStr>(row: &Row<'_>, at: usize) -> db::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get_ref(at)?.as_str()?.parse().map_err(|error: T::Err| db::unreadable(at, error))
}

/// What is wanted of a row, as it is stored.
fn wanted(row: &Row<'_>, at: usize) -> db::Result<Equipment> {
    serde_json::from_str(row.get_ref(at)?.as_str()?).map_err(|error| db::unreadable(at, error))
}
