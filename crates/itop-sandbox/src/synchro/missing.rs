//! Replicas whose rows did not come again.

use serde_json::{Map, Value};

use super::{Death, objects, remove, replica::Work};
use crate::{classes, session::Found};

impl Work<'_> {
    /// What the delete policy says of the replicas that were last seen before `limit`. A run that
    /// would lose all of more than ten does nothing (recorded): then this says so.
    pub(super) fn missing(&mut self, limit: &str) -> Result<bool, Death> {
        let policy = &*self.source.delete_policy;
        if policy == "ignore" {
            return Ok(true);
        }
        let missing: Vec<(i64, Found, bool)> = self
            .session
            .database
            .prepare_cached(
                "SELECT id, dest_class, dest_id, status_dest_creator FROM base_sync_replica
                 WHERE sync_source_id = ? AND status_last_seen < ? AND status != 'obsolete'
                 ORDER BY id",
            )?
            .query_map((self.source.id, limit), |row| {
                Ok((row.get(0)?, Found { class: row.get(1)?, id: row.get(2)? }, row.get(3)?))
            })?
            .collect::<Result<_, _>>()?;
        let count = i64::try_from(missing.len()).unwrap_or(i64::MAX);
        if count > 10 && count == self.counters.replicas {
            return Ok(false);
        }
        for (replica, found, made_by_it) in missing {
            match policy {
                "delete" => self.delete(replica, &found, made_by_it)?,
                // What `update_then_delete` deletes after its time is not recorded, and not done.
                _ => self.retire(replica, &found)?,
            }
        }
        Ok(true)
    }

    /// Deletes an object that the source made; one that it took over stays, and is forgotten.
    fn delete(&mut self, replica: i64, found: &Found, made_by_it: bool) -> Result<(), Death> {
        let class = classes::find(self.session.flavour, &found.class);
        match class.filter(|_| made_by_it) {
            Some(class) if self.session.may_write(class) => {
                remove::remove(self.session, class, found)?;
                self.counters.deleted += 1;
            }
            Some(_) => self.counters.deletion_errors += 1,
            None => {
                remove::forget(self.session, replica)?;
                self.counters.disappeared += 1;
            }
        }
        Ok(())
    }

    /// Changes an object as the policy says, and calls the replica obsolete. What iTop makes of one
    /// that has no object yet is not recorded.
    fn retire(&mut self, replica: i64, found: &Found) -> Result<(), Death> {
        if found.id == 0 {
            self.counters.disappeared += 1;
        } else {
            let class = self.source.class;
            let done = if self.session.may_write(class) {
                objects::change(self.session, class, found, &rules(&self.source.delete_update))
                    .is_ok()
            } else {
                false
            };
            if !done {
                self.counters.obsolescence_errors += 1;
                return Ok(());
            }
            self.counters.obsoleted += 1;
        }
        self.session
            .database
            .prepare_cached("UPDATE base_sync_replica SET status = 'obsolete' WHERE id = ?")?
            .execute([replica])?;
        Ok(())
    }
}

/// `attribute:value`, parted by semicolons or lines.
fn rules(text: &str) -> Map<String, Value> {
    text.split([';', '\n'])
        .filter_map(|rule| rule.split_once(':'))
        .map(|(code, value)| (code.trim().to_owned(), Value::from(value.trim())))
        .collect()
}
