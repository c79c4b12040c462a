//! Whose an instance is.

use super::{Store, StoreError, as_json, db::named_params};
use crate::domain::{keys::Instance, visible::Visible};

impl Store {
    /// The instance that is seen, if it has controls or acknowledgements of other companies than those
    /// that are.
    pub async fn crowded(&self, visible: &Visible) -> Result<Option<Instance>, StoreError> {
        let (Some(instance), Some(companies)) = (visible.instance(), visible.companies()) else {
            return Ok(None);
        };
        let (name, companies) = (instance.to_string(), as_json(companies));
        // What was refused has no marker: it is none of theirs when it was ticked off, either.
        let has_others = self.read(move |db| {
            db.query_row(
                "SELECT EXISTS (SELECT 1 FROM control_tickets
                     WHERE instance = :instance
                       AND company_key NOT IN (SELECT value FROM json_each(:companies)))
                 OR EXISTS (SELECT 1 FROM acknowledgements
                     WHERE instance = :instance AND state <> 'rejected' AND marker IS NOT NULL
                       AND company_key NOT IN (SELECT value FROM json_each(:companies)))",
                named_params! {":instance": name, ":companies": companies},
                |row| row.get::<_, bool>(0),
            )
        });
        Ok(has_others.await?.then(|| instance.clone()))
    }
}
