//! Bulk API 2.0: a table is taken in whole, worked on there, and answered by three tables.

use axum::body::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    outgoing::Use,
    salesforce::{
        Client, Error,
        call::{Body, Call},
        soql,
    },
};

/// What a job does with its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Makes a record of each.
    Insert,
    /// Changes the record whose `Id` each has.
    Update,
}

/// A job as Salesforce tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub state: JobState,
    /// How many rows were worked on, those that failed among them.
    #[serde(default)]
    pub number_records_processed: u64,
    /// How many of them failed.
    #[serde(default)]
    pub number_records_failed: u64,
    /// Why it failed as a whole, such as `InvalidBatch : Field name not found : X`.
    #[serde(default)]
    pub error_message: Option<String>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum JobState {
    /// Its table may still come; nothing is done.
    Open,
    /// Its table is whole.
    UploadComplete,
    /// It is worked on.
    InProgress,
    /// Each row was worked on.
    JobComplete,
    /// It ended early; what was done stays.
    Failed,
    /// It was called off; what was done stays.
    Aborted,
}

impl Job {
    /// Whether nothing more will be done.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, JobState::JobComplete | JobState::Failed | JobState::Aborted)
    }

    /// Whether it failed because its table could not be read, so that no row was worked on.
    #[must_use]
    pub fn is_table_refused(&self) -> bool {
        let code = self.error_message.as_deref().and_then(|message| message.split(" : ").next());
        self.state == JobState::Failed && code == Some("ClientInputError")
    }
}

/// A table of what came of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Done.
    Successful,
    /// Refused, each with its error.
    Failed,
    /// Never worked on.
    Unprocessed,
}

impl Which {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Successful, Self::Failed, Self::Unprocessed];

    /// As it is called in the address, and in the folder where it is kept.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Successful => "successfulResults",
            Self::Failed => "failedResults",
            Self::Unprocessed => "unprocessedrecords",
        }
    }
}

const PATH: &str = "/jobs/ingest";

impl Client {
    /// Opens a job. One without a table does nothing and goes by itself.
    pub async fn open_job(&self, object: &str, kind: Kind) -> Result<Job, Error> {
        read(self.call(Use::Write, Call::post(PATH, opening(object, kind))).await?)
    }

    /// Hands the table of a job over, which can be done once.
    pub async fn upload_table(&self, job: &str, table: Bytes) -> Result<(), Error> {
        let path = format!("{}/batches", path(job));
        let body = Body::Bytes("text/csv; charset=UTF-8".to_owned(), table);
        self.call(Use::Create, Call::of(Method::PUT, path, body)).await.map(drop)
    }

    /// Says that the table is whole: the work begins.
    pub async fn begin_job(&self, job: &str) -> Result<Job, Error> {
        self.set_state(job, "UploadComplete").await
    }

    /// Calls a job off that has not begun.
    pub async fn abort_job(&self, job: &str) -> Result<Job, Error> {
        self.set_state(job, "Aborted").await
    }

    async fn set_state(&self, job: &str, state: &str) -> Result<Job, Error> {
        let body = Body::Json(json!({"state": state}));
        read(self.call(Use::Write, Call::of(Method::PATCH, path(job), body)).await?)
    }

    /// How far a job is; none that is not there any more.
    pub async fn job(&self, job: &str) -> Result<Option<Job>, Error> {
        match self.call(Use::Read, Call::get(path(job))).await {
            Ok(json) => read(json).map(Some),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What came of rows of a job that has ended: a table, in any order.
    pub async fn results(&self, job: &str, which: Which) -> Result<Vec<u8>, Error> {
        let path = format!("{}/{}/", path(job), which.name());
        self.table(Use::List, Call::get(path)).await
    }

    /// Removes a job with its tables; what it made stays.
    pub async fn delete_job(&self, job: &str) -> Result<(), Error> {
        match self.call(Use::Write, Call::of(Method::DELETE, path(job), Body::None)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_missing() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What a row's error means: `CODE:message:fields --`.
    #[must_use]
    pub fn row_error(&self, said: &str) -> Error {
        self.of_part(400, &Value::Array(vec![row(said)]))
    }
}

fn opening(object: &str, kind: Kind) -> Value {
    let operation = match kind {
        Kind::Insert => "insert",
        Kind::Update => "update",
    };
    json!({
        "object": object, "operation": operation, "contentType": "CSV", "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    })
}

fn path(job: &str) -> String {
    format!("{PATH}/{}", soql::in_path(job))
}

fn read(json: Value) -> Result<Job, Error> {
    Job::deserialize(json).map_err(|error| Error::NoClearAnswer {
        reason: format!("the answer about a job has another form: {error}"),
    })
}

/// A row's error in the form of a collection's.
fn row(said: &str) -> Value {
    let (code, rest) = said.split_once(':').unwrap_or((said, ""));
    // A message may have colons, names of fields have none.
    let (message, fields) = rest.rsplit_once(':').unwrap_or((rest, ""));
    let fields = fields.trim_end_matches("--").split(',').map(str::trim);
    let fields: Vec<_> = fields.filter(|field| !field.is_empty()).collect();
    json!({"statusCode": code, "message": message, "fields": fields})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::{Refusal, answer, examples, loading::outcomes};

    fn answered(name: &str) -> Result<Value, Error> {
        answer::read(&examples::example(name), answer::Known::default())
    }

    #[test]
    fn a_job_is_opened_begun_and_read_as_in_the_examples() {
        let mut expected = examples::file("42-bulk-create-job")["request"]["body"].take();
        expected.as_object_mut().unwrap().remove("externalIdFieldName");
        expected["operation"] = json!("insert");
        assert_eq!(opening("Account", Kind::Insert), expected);
        let opened = read(answered("42-bulk-create-job").unwrap()).unwrap();
        assert_eq!((opened.state, opened.has_ended()), (JobState::Open, false));
        let put = examples::file("43-bulk-upload")["request"]["path"].take();
        assert!(put.as_str().unwrap().ends_with(&format!("{}/batches", path(&opened.id))));
        assert_eq!(answered("43-bulk-upload"), Ok(Value::Null));
        let begun = read(answered("44-bulk-upload-complete").unwrap()).unwrap();
        assert_eq!(begun.state, JobState::UploadComplete);
        let done = read(answered("45-bulk-job-complete").unwrap()).unwrap();
        assert!(done.has_ended() && !done.is_table_refused());
        assert_eq!((done.number_records_processed, done.number_records_failed), (2, 1));
        assert!(answered("51-bulk-job-deleted").unwrap_err().is_missing());
    }

    #[test]
    fn a_job_that_failed_says_whether_its_table_or_a_column_was_refused() {
        let of = |name: &str| read(answered(name).unwrap()).unwrap();
        assert!(of("46-bulk-job-failed-line-ending").is_table_refused());
        let column = of("47-bulk-job-failed-column");
        assert!(column.has_ended() && !column.is_table_refused());
        assert_eq!(
            column.error_message.as_deref(),
            Some("InvalidBatch : Field name not found : Nmae")
        );
    }

    #[test]
    fn the_three_tables_are_read_as_in_the_examples() {
        let table = |name: &str| answer::table(examples::example(name), answer::Known::default());
        let read = |name: &str| outcomes(&table(name).unwrap(), "Itop_Id__c").unwrap();
        let made = read("48-bulk-successful-results");
        assert_eq!((made[0].key.as_str(), made[0].id.as_str()), ("1", "001xx000003GYcFAAW"));
        let failed = read("49-bulk-failed-results");
        let error = |place: usize| {
            let said = row(failed[place].error.as_deref().unwrap());
            answer::of_part(400, &said, answer::Known::default(), &str::to_owned).unwrap()
        };
        assert!(matches!(error(0), Error::Refused(Refusal { code, fields, .. })
            if code == "REQUIRED_FIELD_MISSING" && fields == ["Name"]));
        assert_eq!(error(1), Error::DuplicateValue);
        let left = read("50-bulk-unprocessed");
        assert_eq!((left[0].key.as_str(), left[0].id.as_str()), ("4", ""));
    }
}
