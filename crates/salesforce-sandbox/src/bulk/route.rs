//! `/jobs/ingest`.

use serde_json::{Value, json};

use super::{job::Job, results::Which};
use crate::{
    fault::Operation,
    record::{Body, Work},
    refusal::Refusal,
    web::{Answer, Call, not_allowed, pieces},
};

const OPERATIONS: [&str; 5] = ["insert", "update", "upsert", "delete", "hardDelete"];
const DELIMITERS: [&str; 6] = ["COMMA", "SEMICOLON", "TAB", "PIPE", "CARET", "BACKQUOTE"];

impl Work<'_> {
    pub(crate) fn jobs(&self, call: &Call, path: &[&str]) -> Result<Answer, Refusal> {
        self.faults.refuse(Operation::Bulk, "", "")?;
        match (call.method.as_str(), path) {
            ("GET", []) => {
                let jobs: Vec<Value> = Job::all(self.state)?.iter().map(Job::shown).collect();
                let body = json!({"done": true, "nextRecordsUrl": null, "records": jobs});
                Ok(Answer::json(200, body))
            }
            ("POST", []) => self.new_job(call),
            ("GET", [id]) => Ok(Answer::json(200, self.job(id)?.with_numbers())),
            ("PATCH", [id]) => self.change_job(id, &call.object()?),
            ("DELETE", [id]) => {
                let job = self.job(id)?;
                if job.state == "InProgress" {
                    return Err(state_of(&job, "deleted"));
                }
                job.delete(self.state)?;
                Ok(Answer::empty(204))
            }
            ("PUT", [id, "batches"]) => self.upload(id, call),
            ("GET", [id, which]) => {
                let which = match *which {
                    "successfulResults" => Which::Successful,
                    "failedResults" => Which::Failed,
                    "unprocessedrecords" => Which::Unprocessed,
                    _ => return Err(Refusal::not_found()),
                };
                let job = self.job(id)?;
                if !job.has_ended() {
                    return Err(state_of(&job, "read for results"));
                }
                Ok(Answer::other(200, "text/csv", job.results(self.state, which)?))
            }
            (method, _) => Err(not_allowed(method)),
        }
    }

    fn job(&self, id: &str) -> Result<Job, Refusal> {
        let id = crate::ids::long(id).ok_or_else(Refusal::not_found)?;
        Job::get(self.state, &id)?.ok_or_else(Refusal::not_found)
    }

    fn new_job(&self, call: &Call) -> Result<Answer, Refusal> {
        let kind = call.get("content-type").unwrap_or_default();
        let (asked, data) = if kind.starts_with("multipart/") {
            let mut pieces = pieces(call)?;
            let place = pieces.iter().position(|piece| piece.name == "content");
            let data = place.map(|place| pieces.remove(place).bytes);
            if data.as_ref().is_some_and(|data| data.len() > 100_000) {
                let message = "The content of a multipart job exceeds 100000 characters";
                return Err(Refusal::bad("INVALIDJOB", message));
            }
            let job = pieces.into_iter().find(|piece| piece.name == "job");
            let job = job.and_then(|piece| serde_json::from_slice(&piece.bytes).ok());
            let Some(Value::Object(job)) = job else {
                return Err(Refusal::bad("INVALIDJOB", "The part job is missing"));
            };
            (job, data)
        } else {
            (call.object()?, None)
        };
        let mut job = self.asked_job(&asked)?;
        job.put(self.state)?;
        if let Some(data) = data {
            job.put_data(self.state, &data)?;
            (job.uploaded, job.state) = (true, "UploadComplete".to_owned());
            job.put(self.state)?;
        }
        Ok(Answer::json(200, job.shown()))
    }

    fn asked_job(&self, asked: &Body) -> Result<Job, Refusal> {
        let text = |name: &str, default: &str| {
            asked.get(name).and_then(Value::as_str).unwrap_or(default).to_owned()
        };
        let wrong = |message: String| Refusal::bad("INVALIDJOB", message);
        let operation = text("operation", "");
        if !OPERATIONS.contains(&operation.as_str()) {
            return Err(wrong(format!("Unknown operation: {operation}")));
        }
        if operation == "hardDelete" && !self.state.access.hard_deletes {
            let message = "hardDelete operation requires special user profile permission, please \
                           contact your system administrator";
            return Err(Refusal::bad("FEATURENOTENABLED", message));
        }
        let name = text("object", "");
        let object = self
            .object(&name)
            .map_err(|_| wrong(format!("InvalidEntity : The entity '{name}' is not supported")))?;
        if object.fields.iter().any(|field| field.kind == crate::schema::Kind::Base64) {
            return Err(wrong(format!("Entity '{name}' is not supported by the Bulk API")));
        }
        let external_id = asked.get("externalIdFieldName").and_then(Value::as_str);
        let external_id = match (operation.as_str(), external_id) {
            ("upsert", Some(field)) => Some(self.key(object, field)?.name.clone()),
            ("upsert", None) => {
                return Err(wrong("externalIdFieldName is required for upsert".to_owned()));
            }
            _ => None,
        };
        let (line_ending, delimiter) = (text("lineEnding", "LF"), text("columnDelimiter", "COMMA"));
        if !["LF", "CRLF"].contains(&line_ending.as_str())
            || !DELIMITERS.contains(&delimiter.as_str())
            || text("contentType", "CSV") != "CSV"
        {
            return Err(wrong("Unsupported lineEnding, columnDelimiter or contentType".to_owned()));
        }
        Ok(Job {
            id: self.state.next_id("750")?,
            object: object.name.clone(),
            operation,
            external_id,
            line_ending,
            delimiter,
            state: "Open".to_owned(),
            user: self.user.to_owned(),
            version: self.version.clone(),
            created: self.now.clone(),
            changed: self.now.clone(),
            uploaded: false,
            processed: 0,
            failed: 0,
            error: None,
        })
    }

    fn upload(&self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let mut job = self.job(id)?;
        if job.state != "Open" || job.uploaded {
            return Err(state_of(&job, "uploaded to"));
        }
        if !call.get("content-type").unwrap_or_default().starts_with("text/csv") {
            let message = "Content-Type must be text/csv";
            return Err(Refusal::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
        }
        if call.body.len() > 150 << 20 {
            return Err(Refusal::new(413, "REQUEST_ENTITY_TOO_LARGE", "Job data exceeds 150 MB"));
        }
        job.put_data(self.state, &call.body)?;
        job.uploaded = true;
        job.put(self.state)?;
        Ok(Answer::empty(201))
    }

    fn change_job(&self, id: &str, body: &Body) -> Result<Answer, Refusal> {
        let mut job = self.job(id)?;
        let state = body.get("state").and_then(Value::as_str).unwrap_or_default();
        let fits = match state {
            "UploadComplete" => job.state == "Open" && job.uploaded,
            "Aborted" => !job.has_ended(),
            _ => false,
        };
        if !fits {
            return Err(state_of(&job, "set to that state"));
        }
        state.clone_into(&mut job.state);
        job.changed.clone_from(&self.now);
        job.put(self.state)?;
        Ok(Answer::json(200, job.shown()))
    }
}

fn state_of(job: &Job, what: &str) -> Refusal {
    let message = format!("A job in state {} cannot be {what}", job.state);
    Refusal::bad("INVALIDJOBSTATE", message)
}
