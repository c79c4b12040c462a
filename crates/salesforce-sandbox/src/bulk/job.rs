//! A job, and where it lies.

use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::store::State;

/// A job of ingest.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) object: String,
    pub(super) operation: String,
    pub(super) external_id: Option<String>,
    /// `LF` or `CRLF`
    pub(super) line_ending: String,
    /// `COMMA`, …
    pub(super) delimiter: String,
    pub(super) state: String,
    pub(super) user: String,
    pub(super) version: String,
    pub(super) created: String,
    pub(super) changed: String,
    pub(super) uploaded: bool,
    /// Rows that were tried.
    pub(super) processed: usize,
    /// Rows that failed.
    pub(super) failed: usize,
    pub(super) error: Option<String>,
}

/// The tables of jobs.
pub(crate) fn begin(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS _job (id TEXT PRIMARY KEY, json TEXT NOT NULL, data BLOB);
         CREATE TABLE IF NOT EXISTS _job_row (
             job TEXT NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL, created INTEGER NOT NULL,
             error TEXT, PRIMARY KEY (job, place));",
    )
}

impl Job {
    pub(super) fn has_ended(&self) -> bool {
        ["JobComplete", "Failed", "Aborted"].contains(&self.state.as_str())
    }

    /// As it is shown; numbers when it was begun.
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user,
            "createdDate": self.created,
            "systemModstamp": self.changed,
            "state": self.state,
        });
        if let Some(field) = &self.external_id {
            shown["externalIdFieldName"] = json!(field);
        }
        shown["concurrencyMode"] = json!("Parallel");
        shown["contentType"] = json!("CSV");
        shown["apiVersion"] = json!(self.version.parse::<f64>().unwrap_or_default());
        if self.state == "Open" {
            shown["contentUrl"] =
                json!(format!("services/data/v{}/jobs/ingest/{}/batches", self.version, self.id));
        }
        shown["lineEnding"] = json!(self.line_ending);
        shown["columnDelimiter"] = json!(self.delimiter);
        shown
    }

    /// The same with what came of it.
    pub(super) fn with_numbers(&self) -> Value {
        let mut shown = self.shown();
        shown["jobType"] = json!("V2Ingest");
        shown["numberRecordsProcessed"] = json!(self.processed);
        shown["numberRecordsFailed"] = json!(self.failed);
        if let Some(error) = &self.error {
            shown["errorMessage"] = json!(error);
        }
        if self.has_ended() {
            shown["retries"] = json!(0);
            shown["totalProcessingTime"] = json!(self.processed);
            shown["apiActiveProcessingTime"] = json!(self.processed);
            shown["apexProcessingTime"] = json!(0);
        }
        shown
    }

    pub(super) fn get(state: &State, id: &str) -> rusqlite::Result<Option<Self>> {
        let text: Option<String> = state
            .db
            .query_row("SELECT json FROM _job WHERE id = ?", [id], |row| row.get(0))
            .optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// All, oldest first.
    pub(super) fn all(state: &State) -> rusqlite::Result<Vec<Self>> {
        let mut statement = state.db.prepare("SELECT json FROM _job ORDER BY id")?;
        let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
    }

    pub(super) fn put(&self, state: &State) -> rusqlite::Result<()> {
        let text = serde_json::to_string(self).unwrap_or_default();
        state.db.execute(
            "INSERT INTO _job (id, json) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET json = ?2",
            [&self.id, &text],
        )?;
        Ok(())
    }

    pub(super) fn delete(&self, state: &State) -> rusqlite::Result<()> {
        state.db.execute("DELETE FROM _job WHERE id = ?", [&self.id])?;
        state.db.execute("DELETE FROM _job_row WHERE job = ?", [&self.id])?;
        Ok(())
    }

    pub(super) fn put_data(&self, state: &State, data: &[u8]) -> rusqlite::Result<()> {
        state.db.execute("UPDATE _job SET data = ? WHERE id = ?", (data, &self.id))?;
        Ok(())
    }

    pub(super) fn data(&self, state: &State) -> rusqlite::Result<Vec<u8>> {
        let sql = "SELECT data FROM _job WHERE id = ?";
        let data: Option<Vec<u8>> = state.db.query_row(sql, [&self.id], |row| row.get(0))?;
        Ok(data.unwrap_or_default())
    }
}
