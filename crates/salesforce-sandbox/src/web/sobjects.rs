//! `/sobjects/…`: one record, and what describe says.

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    fault::Operation,
    record::{Matches, Upserted, Work},
    refusal::Refusal,
    schema,
    store::State,
};

impl Work<'_> {
    pub(super) fn sobjects(&self, call: &Call, path: &[&str]) -> Result<Answer, Refusal> {
        let method = call.method.as_str();
        match (method, path) {
            ("GET", []) => {
                self.faults.refuse(Operation::Describe, "", "")?;
                let State { schema, access, .. } = self.state;
                Ok(Answer::json(200, schema::describe_all(schema, access, &self.version)))
            }
            ("GET", [object, "describe"]) => self.describe(object),
            ("GET", [object]) => {
                let object = self.object(object)?;
                let all = self.describe(&object.name)?.body();
                let mut basic = all.clone();
                if let Value::Object(basic) = &mut basic {
                    basic.remove("fields");
                    basic.remove("childRelationships");
                    basic.remove("recordTypeInfos");
                }
                Ok(Answer::json(200, json!({"objectDescribe": basic, "recentItems": []})))
            }
            // `Id` as the external id of a create is a plain insert.
            ("POST", [object] | [object, "Id"]) => self.post(call, object),
            ("GET", [object, id]) => self.get(call, object, id),
            ("GET", [object, id, field]) if self.is_blob(object, field) => {
                self.blob(object, id, field)
            }
            ("PATCH", [object, id]) => {
                self.update(object, id, &call.object()?).map_err(|error| placed(error, call))?;
                Ok(Answer::empty(204))
            }
            ("DELETE", [object, id]) => {
                self.delete(object, id)?;
                Ok(Answer::empty(204))
            }
            // Programs were seen that leave a slash in a value as it is.
            (_, [object, field, value @ ..]) if !value.is_empty() => {
                self.external(call, object, field, &value.join("/"))
            }
            _ => Err(not_allowed(method)),
        }
    }

    fn describe(&self, object: &str) -> Result<Answer, Refusal> {
        let object = self.object(object)?;
        self.faults.refuse(Operation::Describe, &object.name, "")?;
        let State { schema, access, .. } = self.state;
        let types = self.state.record_types(&object.name)?;
        let body = schema::describe(schema, object, access, &self.version, &types);
        Ok(Answer::json(200, body))
    }

    fn post(&self, call: &Call, object: &str) -> Result<Answer, Refusal> {
        let body = if call.get("content-type").is_some_and(|kind| kind.starts_with("multipart/")) {
            super::batch::multipart_record(call)?
        } else {
            call.object()?
        };
        let id = self.create(object, &body).map_err(|error| placed(error, call))?;
        let name = &self.object(object)?.name;
        let location = format!("/services/data/v{}/sobjects/{name}/{id}", self.version);
        let body = json!({"id": id, "success": true, "errors": []});
        Ok(Answer::json(201, body).header("Location", location))
    }

    fn get(&self, call: &Call, object: &str, id: &str) -> Result<Answer, Refusal> {
        let object = self.object(object)?;
        let id = self.existing(object, id)?;
        self.faults.refuse(Operation::Read, &object.name, &id)?;
        let columns = self.columns(object, call.list("fields").as_deref())?;
        let record = self.state.row(object, &id)?.ok_or_else(Refusal::not_found)?;
        Ok(Answer::json(200, self.show(object, &record, &columns)))
    }

    fn is_blob(&self, object: &str, field: &str) -> bool {
        let found = self.state.schema.object(object).and_then(|object| object.field(field));
        found.is_some_and(|field| field.kind == schema::Kind::Base64)
    }

    fn blob(&self, object: &str, id: &str, field: &str) -> Result<Answer, Refusal> {
        let object = self.object(object)?;
        let id = self.existing(object, id)?;
        let record = self.state.row(object, &id)?.ok_or_else(Refusal::not_found)?;
        let name = object.field(field).map_or(field, |field| field.name.as_str());
        let text = record[name].as_str().unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
        Ok(Answer::other(200, "application/octetstream", bytes))
    }

    /// One record by the value of an external id.
    fn external(
        &self,
        call: &Call,
        object: &str,
        field: &str,
        value: &str,
    ) -> Result<Answer, Refusal> {
        let of = self.object(object)?;
        let field = &self.key(of, field)?.name;
        match call.method.as_str() {
            "GET" | "DELETE" => match self.by_external_id(of, field, value)? {
                Matches::None => Err(self.none_has(field)),
                Matches::Several(ids) => Ok(self.several(&of.name, &ids)),
                Matches::One(id) if call.method == "GET" => self.get(call, object, &id),
                Matches::One(id) => {
                    self.delete(object, &id)?;
                    Ok(Answer::empty(204))
                }
            },
            "PATCH" => {
                let only = call.argument("updateOnly") == Some("true");
                let done = self
                    .upsert(object, field, value, &call.object()?, only)
                    .map_err(|error| placed(error, call))?;
                match done {
                    Upserted::Several(ids) => Ok(self.several(&of.name, &ids)),
                    Upserted::Done { created: false, .. } if self.is_before(46) => {
                        Ok(Answer::empty(204))
                    }
                    Upserted::Done { id, created } => {
                        let body =
                            json!({"id": id, "success": true, "errors": [], "created": created});
                        Ok(Answer::json(if created { 201 } else { 200 }, body))
                    }
                }
            }
            method => Err(not_allowed(method)),
        }
    }

    fn several(&self, object: &str, ids: &[String]) -> Answer {
        let url = |id: &String| format!("/services/data/v{}/sobjects/{object}/{id}", self.version);
        Answer::json(300, ids.iter().map(url).collect())
    }

    fn is_before(&self, version: u32) -> bool {
        let own = self.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        own.is_some_and(|own| own < version)
    }
}

/// 405
pub(crate) fn not_allowed(method: &str) -> Refusal {
    let message = format!("HTTP Method '{method}' not allowed. Allowed are GET,POST,PATCH,DELETE");
    Refusal::new(405, "METHOD_NOT_ALLOWED", message)
}

/// An error of the parser with where the value stands in the body.
pub(super) fn placed(mut refusal: Refusal, call: &Call) -> Refusal {
    for problem in &mut refusal.errors {
        if problem.code != "JSON_PARSER_ERROR" {
            continue;
        }
        if let Some((_, value)) = problem.message.rsplit_once(" value ") {
            let text = String::from_utf8_lossy(&call.body);
            let at = text.find(value).unwrap_or(0);
            let line = text[..at].matches('\n').count() + 1;
            let column = text[..at].rsplit('\n').next().unwrap_or("").chars().count() + 1;
            let _ = write!(problem.message, " at [line:{line}, column:{column}]");
        }
    }
    refusal
}
