//! What an earlier load has left without an end, and what was there before it.

use serde_json::Value;

use super::Load;
use crate::{
    migrate::{
        mapping::key,
        staging::ledger::{OpenBatch, Part, Way},
        target::{
            TargetError,
            plan::{of_class, prefix},
        },
    },
    salesforce::loading::{AT_ONCE, JobState},
};

impl Load<'_> {
    /// Asks about everything that was sent and of which nothing is known.
    pub(super) async fn settle(&self, run: i64) -> Result<(), TargetError> {
        for open in self.staging.ledger(|ledger| ledger.open_batches()).await? {
            let part =
                Part { object: open.object.clone(), ..self.part(&open.class, open.pass, run) };
            self.settle_batch(&part, &open).await?;
        }
        self.settle_comments(None).await?;
        Ok(self.staging.ledger(|ledger| ledger.renew_tries()).await?)
    }

    /// The same, and looks for what came late of rows that are to be sent again; those that are not there are sent
    /// no more.
    pub(in crate::migrate::target) async fn settle_all(&self, run: i64) -> Result<(), TargetError> {
        self.settle(run).await?;
        for class in self.plan.order.clone() {
            loop {
                let part = self.part(&class, 1, run);
                let asked = part.clone();
                let batch = self
                    .staging
                    .ledger(move |ledger| ledger.again(&asked, Way::Collection, 0, AT_ONCE))
                    .await?;
                let Some(batch) = batch else { break };
                let rows = self.staging.ledger(move |ledger| ledger.rows(batch)).await?;
                self.after_lost(&part, &rows).await?;
                self.end_batch(batch).await?;
            }
        }
        Ok(self.staging.ledger(|ledger| ledger.forget_waiting()).await?)
    }

    async fn settle_batch(&self, part: &Part, open: &OpenBatch) -> Result<(), TargetError> {
        let batch = open.id;
        if let Some(job) = &open.job {
            let asked =
                self.patience().ask(&part.class, async || self.client.job(job).await).await?;
            if asked.is_some_and(|job| job.state == JobState::Open) {
                // It has not begun, and shall not.
                let _ = self.client.abort_job(job).await;
                let _ = self.client.delete_job(job).await;
            } else if self.finish_job(part, batch, job).await? {
                return Ok(());
            }
        }
        let rows = self.staging.ledger(move |ledger| ledger.rows(batch)).await?;
        self.after_lost(part, &rows).await?;
        self.end_batch(batch).await
    }

    /// Before the first record of a class is made: whatever has one of its keys was there before, and stays as it
    /// is.
    pub(super) async fn look_before(&self, class: &str) -> Result<(), TargetError> {
        let name = format!("looked:{class}");
        let asked = name.clone();
        if self.staging.ledger(move |ledger| ledger.about(&asked)).await?.is_some() {
            return Ok(());
        }
        let Some((mapping, object)) = self.plan.class(class) else { return Ok(()) };
        let (field, prefix) = (mapping.key.clone(), prefix(class));
        let query = format!("SELECT Id, {field} FROM {object} WHERE {}", of_class(&field, class));
        let found = self.patience().ask(class, async || self.client.records(&query).await).await?;
        let found: Vec<_> = found
            .iter()
            .filter_map(|record| {
                let text = |name: &str| record.get(name).and_then(Value::as_str);
                let named = text(&field)?;
                let id = named.strip_prefix(&prefix)?.parse().ok()?;
                (named == key(class, id)).then_some((id, text("Id")?.to_owned()))
            })
            .collect();
        let (class, object, at) = (class.to_owned(), object.to_owned(), self.now());
        self.staging
            .ledger(move |ledger| {
                ledger.found_before(&class, &object, &found, &at)?;
                ledger.note(&name, &at)
            })
            .await?;
        Ok(())
    }
}
