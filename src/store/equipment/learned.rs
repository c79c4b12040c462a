//! Equipment that an acknowledgement has taught.

use crate::{
    domain::equipment::{Equipment, EquipmentKey, list::NewRow},
    store::{StoreError, Term, db::params},
};

impl Term {
    /// Keeps a piece of equipment, unless it is known already; true if it was not.
    pub async fn learn_equipment(
        &self,
        key: EquipmentKey,
        company_name: Option<String>,
        wanted: &Equipment,
    ) -> Result<bool, StoreError> {
        let NewRow { wanted, hash, words, .. } = NewRow::of(key.id.clone(), wanted);
        let now = self.now_millis();
        let is_new = self
            .write(move |db| {
                let (instance, company) = (key.instance.as_str(), key.company.to_string());
                let rows = db
                    .prepare_cached(
                        "INSERT OR IGNORE INTO equipment (instance, company_key, equipment_id, wanted,
                             wanted_hash, words, state, listed, changed_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'new', 1, ?7)",
                    )?
                    .execute(params![instance, company, key.id.as_str(), wanted, hash, words, now])?;
                if rows > 0 {
                    // Pages of equipment go by the companies that have some.
                    db.prepare_cached(
                        "INSERT OR IGNORE INTO equipment_lists (instance, company_key, company_name)
                         VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![instance, company, company_name])?;
                }
                Ok(rows > 0)
            })
            .await?;
        if is_new {
            self.store.tell_equipment();
        }
        Ok(is_new)
    }
}
