//! What was begun is found under the name under which it was begun.
//!
//! iTop tries a row again in each run, whoever's run it is: a CI can be made long after its equipment was given
//! another name, was held, or was gone. What such a run has made is looked for at once, so that it is somebody's.

use std::collections::HashSet;

use super::{Federation, lookup, plan, worker::Obstacle};
use crate::{
    domain::equipment::{EquipmentKey, EquipmentRow},
    store::Term,
};

impl Federation {
    /// The last run of a class was never answered, maybe by another process: looks for what it has made, before
    /// anything is decided about the rows that it had. Tells whether there was something.
    pub(super) async fn find_of_lost_run(
        &self,
        term: &Term,
        class: &str,
    ) -> Result<bool, Obstacle> {
        let rows = self.inner.store.equipment_of_lost_run(class).await?;
        self.find(term, class, rows).await
    }

    /// A run has made more than the new rows that it was sent: looks for what it has made of others.
    pub(super) async fn find_begun(
        &self,
        term: &Term,
        class: &str,
        sent: HashSet<EquipmentKey>,
    ) -> Result<(), Obstacle> {
        let mut rows = self.inner.store.begun_equipment(class).await?;
        rows.retain(|row| !sent.contains(&row.key));
        self.find(term, class, rows).await.map(drop)
    }

    async fn find(
        &self,
        term: &Term,
        class: &str,
        rows: Vec<EquipmentRow>,
    ) -> Result<bool, Obstacle> {
        let named = |row: &EquipmentRow| {
            let org = row.org_id.clone()?;
            let name = plan::begun_name(row, class, &org)?.to_owned();
            Some((org, name))
        };
        let wanted: Vec<_> = rows.iter().filter_map(named).collect();
        if wanted.is_empty() {
            return Ok(false);
        }
        let inner = &*self.inner;
        let seen = match lookup::seen(inner.doors.rest(), &inner.store, &wanted).await {
            Ok(seen) => seen,
            Err(lookup::Unanswered::Itop(error)) => return Err(error.into()),
            Err(lookup::Unanswered::Store(error)) => return Err(error.into()),
        };
        let found = rows.iter().filter_map(|row| {
            let mut cis = seen.get(&named(row)?)?.iter().filter(|(ci, _)| ci.class == class);
            match (cis.next(), cis.next()) {
                (Some((ci, None)), None) => {
                    Some((row.key.clone(), ci.class.clone(), ci.id.clone()))
                }
                _ => None,
            }
        });
        let found: Vec<_> = found.collect();
        let rows = term.found_equipment(found).await?;
        if rows > 0 {
            tracing::info!(class, rows, "CIs were found that were begun and never seen");
        }
        Ok(rows > 0)
    }
}
