//! The work on jobs: in chunks of 200 rows, each of which is done as a whole and noted with it.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use super::{csv::Table, job::Job};
use crate::{
    org::Org,
    record::{Upserted, Work, row_words},
    refusal::Refusal,
    schema::Object,
    store::quoted,
};

const CHUNK: usize = 200;

impl Org {
    /// Works on jobs until none is waiting; others that ask meanwhile leave it to this one.
    pub(crate) fn run_jobs(&self, dead: &CancellationToken) {
        loop {
            let Ok(alone) = self.worker.try_lock() else { return };
            while let Some(job) = self.waiting_job() {
                self.run_job(&job, dead);
                if dead.is_cancelled() {
                    return;
                }
            }
            drop(alone);
            // One that came in while the lock was given back.
            if self.waiting_job().is_none() {
                return;
            }
        }
    }

    fn waiting_job(&self) -> Option<Job> {
        let jobs = Job::all(&self.state()).unwrap_or_default();
        jobs.into_iter().find(|job| ["UploadComplete", "InProgress"].contains(&job.state.as_str()))
    }

    fn run_job(&self, job: &Job, dead: &CancellationToken) {
        let (user, version) = (job.user.clone(), job.version.clone());
        let read = self.work(&user, &version, None, |work| work.job_table(job));
        let (mut job, table) = match read {
            Ok((job, Ok(table))) => (job, table),
            Ok((mut job, Err(error))) => {
                "Failed".clone_into(&mut job.state);
                job.error = Some(error);
                let _ = job.put(&self.state());
                return;
            }
            // The data cannot be read: the next request says so.
            Err(_) => return,
        };
        while !dead.is_cancelled() {
            let next = self.work(&user, &version, None, |work| work.job_chunk(&job, &table));
            match next {
                Ok(next) if next.has_ended() => return,
                Ok(next) => job = next,
                Err(_) => return,
            }
        }
    }
}

impl Work<'_> {
    /// The job, in progress, with its table, or what is wrong with it as a whole.
    fn job_table(&self, job: &Job) -> Result<(Job, Result<Table, String>), Refusal> {
        let mut job = job.clone();
        "InProgress".clone_into(&mut job.state);
        job.put(self.state)?;
        let data = job.data(self.state)?;
        let table = job.table(&data, self.options.switches.breaks_in_cells_refused);
        let object = self.object(&job.object)?;
        let table = table.and_then(|table| {
            let unknown = Job::unknown(&self.state.schema, &self.state.access, object, &table);
            match unknown {
                Some(column) => Err(format!("InvalidBatch : Field name not found : {column}")),
                None => Ok(table),
            }
        });
        Ok((job, table))
    }

    /// The next chunk; its effects and its results are stored together.
    fn job_chunk(&self, job: &Job, table: &Table) -> Result<Job, Refusal> {
        self.state.atomically(|| {
            // It may have been aborted meanwhile, or deleted.
            let Some(mut now) = Job::get(self.state, &job.id)? else {
                return Err(Refusal::not_found());
            };
            if now.has_ended() {
                return Ok(now);
            }
            let object = self.object(&job.object)?;
            let end = table.rows.len().min(now.processed + CHUNK);
            let chunk = &table.rows[now.processed..end];
            let mut times: HashMap<&str, usize> = HashMap::new();
            if let Some(key) = &job.external_id {
                for row in chunk {
                    *times.entry(table.cell(row, key)).or_default() += 1;
                }
            }
            for (place, row) in chunk.iter().enumerate() {
                let key = job.external_id.as_deref().map(|key| table.cell(row, key));
                let done = match key.filter(|key| times[key] > 1) {
                    Some(key) => {
                        let message = format!("Duplicate external id specified: {key}");
                        Err(Refusal::bad("DUPLICATE_VALUE", message))
                    }
                    None => self.job_row(job, object, table, row),
                };
                let (id, created, error) = match done {
                    Ok((id, created)) => (id, created, None),
                    Err(refusal) => {
                        now.failed += 1;
                        let id = table.cell(row, "Id").to_owned();
                        (id, false, Some(row_words(refusal).cell()))
                    }
                };
                let place = now.processed + place;
                self.state
                    .db
                    .prepare_cached("INSERT INTO _job_row VALUES (?, ?, ?, ?, ?)")?
                    .execute((&job.id, place, &id, created, &error))?;
            }
            now.processed = end;
            if end == table.rows.len() {
                "JobComplete".clone_into(&mut now.state);
            }
            now.changed.clone_from(&self.now);
            now.put(self.state)?;
            Ok(now)
        })
    }

    /// One row: the id, and whether it is new.
    fn job_row(
        &self,
        job: &Job,
        object: &Object,
        table: &Table,
        row: &[String],
    ) -> Result<(String, bool), Refusal> {
        let mut body = table.body(row);
        let id = table.cell(row, "Id");
        let typed = |mut refusal: Refusal| {
            // A cell is no JSON: what cannot be read has another code there.
            for problem in &mut refusal.errors {
                if problem.code == "JSON_PARSER_ERROR" {
                    "INVALID_TYPE_ON_FIELD_IN_RECORD".clone_into(&mut problem.code);
                }
            }
            refusal
        };
        match job.operation.as_str() {
            "insert" => Ok((self.create(&object.name, &body).map_err(typed)?, true)),
            "update" => {
                self.update(&object.name, id, &body).map_err(typed)?;
                Ok((id.to_owned(), false))
            }
            "upsert" => {
                let key = job.external_id.as_deref().unwrap_or("Id");
                let value = table.cell(row, key);
                if value.is_empty() {
                    let message = format!("{key} not specified");
                    return Err(Refusal::bad("MISSING_ARGUMENT", message));
                }
                body.retain(|name, _| !name.eq_ignore_ascii_case(key));
                match self.upsert(&object.name, key, value, &body, false).map_err(typed)? {
                    Upserted::Done { id, created } => Ok((id, created)),
                    Upserted::Several(ids) => {
                        let message = format!(
                            "{key}: more than one record found for external id field: [{}]",
                            ids.join(", ")
                        );
                        Err(Refusal::bad("DUPLICATE_EXTERNAL_ID", message))
                    }
                }
            }
            "delete" => Ok((self.delete_any(id)?, false)),
            _ => self.hard_delete(object, id),
        }
    }

    /// Deletes a record past the Recycle Bin, also one that lies in it.
    fn hard_delete(&self, object: &Object, id: &str) -> Result<(String, bool), Refusal> {
        let long = crate::ids::long(id).unwrap_or_default();
        if self.state.is_deleted(object, &long)? != Some(true) {
            self.delete_any(id)?;
        }
        let sql =
            format!("DELETE FROM {} WHERE \"Id\" = ? AND \"IsDeleted\" = 1", quoted(&object.name));
        self.state.db.execute(&sql, [&long])?;
        Ok((long, false))
    }
}
