//! What is sent of a row.

use sha2::{Digest as _, Sha256};

use super::{Federation, bring::Made, plan::{Planned, Purpose}, worker::Obstacle};
use crate::store::StoreError;

impl Federation {
    /// The data source of a class, if it is known.
    pub(super) async fn source(&self, class: &str) -> Result<Option<String>, StoreError> {
        self.inner.store.stand_in(class).await
    }

    /// The columns of a class, beside the key.
    pub(super) fn columns(&self, _class: &str) -> Vec<&'static str> {
        vec!["name", "org_id", "description", "status", "serialnumber"]
    }

    /// Whether CIs of a class can be retired.
    pub(super) fn retires(&self, class: Option<&str>) -> bool {
        class.is_some() && !self.inner.config.retire.is_empty()
    }

    /// The rows as they are sent.
    pub(super) async fn made(
        &self,
        class: &str,
        chunk: Vec<Planned>,
    ) -> Result<Vec<Made>, Obstacle> {
        let mut all = Vec::new();
        for planned in chunk {
            let wanted = &planned.row.wanted;
            let some = |text: &Option<String>| text.clone().unwrap_or_default();
            let status = match planned.load.purpose {
                Purpose::Keep => self.inner.config.revive.clone(),
                Purpose::Retire | Purpose::Leave => self.inner.config.retire.clone(),
            };
            let values = vec![wanted.name.clone(), planned.load.org.clone(), some(&wanted.description), status, some(&wanted.serial_number)];
            let mut hash = Sha256::new();
            hash.update(serde_json::json!([class, planned.load.org, values]).to_string());
            all.push(Made { hash: hash.finalize().to_vec(), values, planned, left_out: None, ci: None, decided: None, words: None });
        }
        Ok(all)
    }
}
