//! The rows of a batch as a bulk job.

use std::{collections::HashMap, os::unix::fs::DirBuilderExt as _, time::Duration};

use super::Load;
use crate::{
    migrate::{
        mapping::ClassMapping,
        staging::ledger::{BatchRow, Part},
        target::TargetError,
    },
    salesforce::{
        Error,
        loading::{Job, JobState, Kind, Outcome, Sheet, Verdict, Which, outcomes},
    },
};

/// How many rows a job has at most, and how many bytes. Salesforce takes 100 MB; here the table and what comes back of
/// it stand in memory, which is to stay below 200 MB (with 24 MB it had 237, measured).
pub(super) const MOST: (usize, usize) = (50_000, 14 << 20);

/// Where in the folder of the migration the results of jobs are kept.
const FOLDER: &str = "jobs";

/// How often a job is asked for, at first and at most.
const EVERY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(20));

/// How often a job is begun anew whose table got lost on the way.
const TRIES: u32 = 5;

impl Load<'_> {
    /// Sends a batch as a job, and writes down what came of it. Says false where jobs do not take its table, so
    /// that nothing was done.
    pub(super) async fn send_job(&self, part: &Part, batch: i64) -> Result<bool, TargetError> {
        let kind = if part.pass == 1 { Kind::Insert } else { Kind::Update };
        let (table, rows) = self.sheet(part, batch).await?;
        if rows == 0 {
            return Ok(false);
        }
        let table = axum::body::Bytes::from(table);
        let mut tried = 1;
        let job = loop {
            self.patience().gate().await?;
            let opened = self
                .patience()
                .ask(&part.class, async || self.client.open_job(&part.object, kind).await)
                .await?;
            let id = opened.id.clone();
            self.staging.ledger(move |ledger| ledger.has_job(batch, Some(&id))).await?;
            let uploaded = self.client.upload_table(&opened.id, table.clone()).await;
            match uploaded {
                Ok(()) => break opened,
                // Without its table it does nothing, and whether it has it nobody knows: another one is opened.
                Err(error) => {
                    let _ = self.client.abort_job(&opened.id).await;
                    let _ = self.client.delete_job(&opened.id).await;
                    self.staging.ledger(move |ledger| ledger.has_job(batch, None)).await?;
                    if tried == TRIES {
                        return Err(TargetError::Org { what: part.class.clone(), error });
                    }
                    self.patience().after(&part.class, error, tried).await?;
                }
            }
            tried += 1;
        };
        drop(table);
        let (class, id) = (part.class.clone(), job.id.clone());
        (self.tell)(&super::Event::Job { class, job: id, rows });
        self.begin(part, &job.id).await?;
        self.finish_job(part, batch, &job.id).await
    }

    /// The rows of a batch as a table, and how many they are; those that no table takes stay with the batch.
    async fn sheet(&self, part: &Part, batch: i64) -> Result<(Vec<u8>, usize), TargetError> {
        let mut columns = if part.pass == 1 {
            self.plan.fields(&part.class)
        } else {
            let mapping = self.plan.mapping.class(&part.class);
            let rules = mapping.into_iter().flat_map(ClassMapping::rules);
            let later = rules.filter(|(_, rule)| rule.later).map(|(name, _)| name.to_owned());
            std::iter::once("Id".to_owned()).chain(later).collect()
        };
        columns.dedup();
        let sheet = self.staging.ledger(move |ledger| {
            let mut sheet = Sheet::with_room(columns, MOST.1);
            ledger.each_row(batch, |row| {
                sheet.push(&row.fields);
            })?;
            Ok(sheet)
        });
        let sheet = sheet.await?;
        let rows = sheet.rows();
        Ok((sheet.bytes(), rows))
    }

    /// Says that the table is whole. Where the answer gets lost, its state tells.
    async fn begin(&self, part: &Part, job: &str) -> Result<(), TargetError> {
        let mut tried = 1;
        loop {
            self.patience().gate().await?;
            let Err(error) = self.client.begin_job(job).await else { return Ok(()) };
            let asked =
                self.patience().ask(&part.class, async || self.client.job(job).await).await?;
            if asked.is_none_or(|job| job.state != JobState::Open) {
                return Ok(());
            }
            self.patience().after(&part.class, error, tried).await?;
            tried += 1;
        }
    }

    /// Waits for the end of a job and writes down what came of its rows.
    pub(super) async fn finish_job(
        &self,
        part: &Part,
        batch: i64,
        job: &str,
    ) -> Result<bool, TargetError> {
        let ended = self.ended(part, job).await?;
        let rows = self.staging.ledger(move |ledger| {
            let mut rows = Vec::new();
            // What was sent is needed no more: a row is its key.
            ledger.each_row(batch, |row| {
                rows.push(BatchRow { fields: serde_json::Map::new(), ..row });
            })?;
            Ok(rows)
        });
        let rows = rows.await?;
        let Some(ended) = ended else {
            // It is gone with its results; what it has made is there.
            self.after_lost(part, &rows).await?;
            self.end_batch(batch).await?;
            return Ok(true);
        };
        if ended.is_table_refused() && ended.number_records_processed == 0 {
            self.delete(job).await?;
            return Ok(false);
        }
        if ended.state == JobState::Failed && ended.number_records_processed == 0 {
            let message = ended.error_message.unwrap_or_else(|| "it does not say why".to_owned());
            return Err(TargetError::Job { class: part.class.clone(), message });
        }
        let by_key: HashMap<&str, &BatchRow> =
            rows.iter().map(|row| (row.key.as_str(), row)).collect();
        let mut told = 0;
        for which in Which::ALL {
            let results = self.results(part, job, which).await?;
            let verdicts = results.into_iter().filter_map(|Outcome { key, id, error }| {
                let row = *by_key.get(key.as_str())?;
                let verdict: Verdict = match (which, error) {
                    (Which::Successful, _) => Ok(id),
                    (Which::Failed, Some(error)) => Err(self.client.row_error(&error)),
                    // It was never worked on.
                    _ => Err(Error::Busy { code: "unprocessed".to_owned() }),
                };
                Some((row, verdict))
            });
            let verdicts: Vec<_> = verdicts.collect();
            told += verdicts.len();
            self.judge(part, verdicts).await?;
        }
        // Rows that no table takes, and those of which nothing was told.
        let left = self.staging.ledger(move |ledger| ledger.rows(batch)).await?;
        if told < rows.len() && !left.is_empty() {
            self.send_collections(part, batch).await?;
        } else {
            self.end_batch(batch).await?;
        }
        self.delete(job).await?;
        Ok(true)
    }

    /// A job that has ended; none that is gone.
    async fn ended(&self, part: &Part, job: &str) -> Result<Option<Job>, TargetError> {
        let mut pause = EVERY.0;
        loop {
            let asked =
                self.patience().ask(&part.class, async || self.client.job(job).await).await?;
            match asked {
                Some(job) if !job.has_ended() => {
                    self.clock.sleep(pause).await;
                    pause = (pause * 3 / 2).min(EVERY.1);
                }
                ended => return Ok(ended),
            }
        }
    }

    /// What came of some rows of a job; the table is kept in the folder as it came.
    async fn results(
        &self,
        part: &Part,
        job: &str,
        which: Which,
    ) -> Result<Vec<Outcome>, TargetError> {
        let table = self
            .patience()
            .ask(&part.class, async || self.client.results(job, which).await)
            .await?;
        let folder = self.folder.file(FOLDER);
        let path = folder.join(format!("{job}-{}.csv", which.name()));
        let key = if part.pass == 1 {
            self.plan.class(&part.class).map(|(class, _)| class.key.clone()).unwrap_or_default()
        } else {
            "Id".to_owned()
        };
        let (kept, name) = (path.clone(), job.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            std::fs::DirBuilder::new().mode(0o700).recursive(true).create(&folder)?;
            std::fs::write(&kept, &table)?;
            Ok(outcomes(&table, &key))
        });
        let read = read.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        let read = read.map_err(|error| TargetError::File { path, error })?;
        read.map_err(|error| TargetError::Results { job: name, reason: error.to_string() })
    }

    /// Its results are here: it need not stand there.
    async fn delete(&self, job: &str) -> Result<(), TargetError> {
        self.patience().ask("the end of a job", async || self.client.delete_job(job).await).await
    }
}
