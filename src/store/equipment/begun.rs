//! CIs that were begun and never seen: what a run has made whose answer did not come, or of rows that nobody looks
//! for any more.

use super::{AGAIN, COLUMNS, row};
use crate::{
    domain::equipment::{EquipmentKey, EquipmentRow},
    store::{
        Store, StoreError, Term,
        db::{self, Connection, params},
        meta,
    },
};

/// Rows that are looked for together.
const AT_ONCE: i64 = 1_000;

const BEGUN: &str = "class = ?1 AND class IS NOT NULL AND sent_hash IS NULL AND ci_id IS NULL AND begun IS NOT NULL";

impl Term {
    /// iTop is about to be told to synchronize these rows of a class, all of which it has taken: kept until
    /// [`Term::end_equipment_run`], whatever becomes of this process.
    pub async fn begin_equipment_run(
        &self,
        class: &str,
        keys: Vec<EquipmentKey>,
    ) -> Result<(), StoreError> {
        let name = run_name(class);
        let keys: Vec<_> = keys.iter().map(EquipmentKey::primary_key).collect();
        self.write(move |db| meta::set(db, &name, &keys.join(" "))).await
    }

    /// The synchronization of a class has been answered, and what it did was looked at.
    pub async fn end_equipment_run(&self, class: &str) -> Result<(), StoreError> {
        let name = run_name(class);
        self.write(move |db| db.execute("DELETE FROM meta WHERE name = ?1", [name]).map(drop)).await
    }
}

impl Store {
    /// Rows of a class whose synchronization was never answered, and of which no CI was ever seen.
    pub async fn equipment_of_lost_run(
        &self,
        class: &str,
    ) -> Result<Vec<EquipmentRow>, StoreError> {
        let class = class.to_owned();
        self.read(move |db| {
            let Some(keys) = meta::get(db, &run_name(&class))? else { return Ok(Vec::new()) };
            let mut rows = begun(db, &class)?;
            rows.retain(|row| keys.split(' ').any(|key| key == row.key.primary_key()));
            Ok(rows)
        })
        .await
    }

    /// Rows of a class for which a CI was begun, and of which none was ever seen.
    pub async fn begun_equipment(&self, class: &str) -> Result<Vec<EquipmentRow>, StoreError> {
        let class = class.to_owned();
        self.read(move |db| begun(db, &class)).await
    }
}

impl Term {
    /// The CIs of such rows were found, by class and key: they go on with them. What a person is asked about
    /// another CI of their name is asked no more. Tells how many they were.
    pub async fn found_equipment(
        &self,
        found: Vec<(EquipmentKey, String, String)>,
    ) -> Result<usize, StoreError> {
        self.write(move |db| {
            let mut update = db.prepare_cached(&format!(
                "UPDATE equipment SET ci_class = ?4, ci_id = ?5, held = NULL, held_for = NULL, {AGAIN}
                 WHERE instance = ?1 AND company_key = ?2 AND equipment_id = ?3
                   AND ci_id IS NULL AND (held IS NULL OR held = 'adopt')",
            ))?;
            // What is held for another reason stays so.
            let mut note = db.prepare_cached(
                "UPDATE equipment SET ci_class = ?4, ci_id = ?5
                 WHERE instance = ?1 AND company_key = ?2 AND equipment_id = ?3
                   AND ci_id IS NULL AND held IS NOT NULL",
            )?;
            let mut rows = 0;
            for (EquipmentKey { instance, company, id }, class, ci) in &found {
                let company = company.to_string();
                for statement in [&mut update, &mut note] {
                    rows += statement
                        .execute(params![instance.as_str(), company, id.as_str(), class, ci])?;
                }
            }
            Ok(rows)
        })
        .await
    }
}

fn run_name(class: &str) -> String {
    format!("equipment_run:{class}")
}

fn begun_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM equipment INDEXED BY equipment_unproven WHERE {BEGUN} LIMIT {AT_ONCE}"
    )
}

fn begun(db: &Connection, class: &str) -> db::Result<Vec<EquipmentRow>> {
    db.prepare_cached(&begun_sql())?.query_map([class], row)?.collect()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::store::{db::Value, inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn what_was_begun_has_an_index() {
        let plan = plan(&empty(), &begun_sql(), vec![Value::from("Server".to_owned())]);
        assert!(plan.contains("equipment_unproven (class=?"), "{plan}");
    }
}
