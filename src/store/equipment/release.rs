//! Equipment whose CIs are given back to the users of iTop.

use super::{COLUMNS, row};
use crate::{
    domain::{
        equipment::EquipmentRow,
        keys::{EquipmentId, Instance, PartyKey},
    },
    store::{
        Store, StoreError, as_json,
        db::{self, Connection, params},
    },
};

/// Which CIs are given back.
#[derive(Clone, Debug)]
pub struct Release {
    /// Of this ServiceNav.
    pub instance: Instance,
    /// Of this company.
    pub company: PartyKey,
    /// Only of these.
    pub ids: Option<Vec<EquipmentId>>,
    /// Only those after this one.
    pub after: String,
    /// How many at most.
    pub limit: usize,
}

/// What a row says whose CI was given back.
pub(crate) const RELEASED: &str = "released";

impl Store {
    /// Notes that CIs are given back: their rows are not loaded any more, unless somebody says that they are to
    /// be taken over again. Gives those rows, also where that was noted before, in the order of their ids.
    pub async fn release_equipment(
        &self,
        release: Release,
    ) -> Result<Vec<EquipmentRow>, StoreError> {
        let now = self.now_millis();
        self.write_where_led(move |db| {
            let rows = rows(db, &release)?;
            let mut update = db.prepare_cached(
                "UPDATE equipment SET state = 'new', class = NULL, sent_hash = NULL, allowed = NULL,
                     begun = NULL, held = 'adopt', held_for = 'adopt:' || ci_class || '::' || ci_id,
                     problem_code = ?4, changed_at = ?5, synchronized_at = NULL,
                     problem = 'Its CI was given back to the users of iTop. Approved, it is taken over again.'
                 WHERE instance = ?1 AND company_key = ?2 AND equipment_id = ?3
                   AND problem_code IS NOT ?4",
            )?;
            for row in &rows {
                let (instance, company) = (row.key.instance.as_str(), row.key.company.to_string());
                update.execute(params![instance, company, row.key.id.as_str(), RELEASED, now])?;
            }
            Ok(rows)
        })
        .await
    }
}

fn rows(db: &Connection, release: &Release) -> db::Result<Vec<EquipmentRow>> {
    let Release { instance, company, ids, after, limit } = release;
    let ids = ids.as_deref().map(as_json);
    let limit = i64::try_from(*limit).unwrap_or(i64::MAX);
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM equipment
         WHERE instance = ?1 AND company_key = ?2 AND equipment_id > ?3
           AND (?4 IS NULL OR equipment_id IN (SELECT value FROM json_each(?4)))
           AND ci_id IS NOT NULL AND (class IS NOT NULL OR problem_code = ?5)
         ORDER BY equipment_id LIMIT ?6"
    ))?
    .query_map(params![instance.as_str(), company.to_string(), after, ids, RELEASED, limit], row)?
    .collect()
}
