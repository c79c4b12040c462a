//! `/composite/sobjects`: up to 200 records at once, each with a verdict.

use serde_json::{Value, json};

use super::{Answer, Call, sobjects::not_allowed};
use crate::{
    fault::Operation,
    record::{Body, Upserted, Work, row_words},
    refusal::Refusal,
};

const MOST: usize = 200;

/// What became of one record: its id and whether it is new, or why not.
type Verdict = Result<(String, Option<bool>), Refusal>;

impl Work<'_> {
    pub(super) fn collections(&self, call: &Call, path: &[&str]) -> Result<Answer, Refusal> {
        let body = match (call.method.as_str(), path) {
            ("POST", []) => self.each(call, |work, record| {
                let (object, body) = typed(record)?;
                Ok((work.create(&object, &body)?, None))
            })?,
            ("PATCH", []) => self.each(call, |work, record| {
                let (object, body) = typed(record)?;
                let id = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("Id"));
                let id = id.and_then(|(_, id)| id.as_str()).ok_or_else(|| {
                    Refusal::bad("MISSING_ARGUMENT", "Id not specified in an update call")
                        .on(&["Id"])
                })?;
                work.update(&object, id, &body).map_err(row_words)?;
                Ok((id.to_owned(), None))
            })?,
            ("PATCH", [object, field]) => self.upserts(call, object, field)?,
            ("DELETE", []) => self.deletes(call)?,
            ("GET", [object]) => {
                let (ids, fields) = (call.list("ids"), call.list("fields"));
                self.many(object, &ids.unwrap_or_default(), &fields.unwrap_or_default())?
            }
            ("POST", [object]) => {
                let body = call.object()?;
                let texts = |name: &str| -> Vec<String> {
                    let list = body.get(name).and_then(Value::as_array);
                    let texts = list.into_iter().flatten().filter_map(Value::as_str);
                    texts.map(ToOwned::to_owned).collect()
                };
                self.many(object, &texts("ids"), &texts("fields"))?
            }
            (method, _) => return Err(not_allowed(method)),
        };
        Ok(Answer::json(200, body))
    }

    fn many(&self, object: &str, ids: &[String], fields: &[String]) -> Result<Value, Refusal> {
        if ids.len() > 2_000 {
            let message = "The number of ids in the request exceeds the limit of 2000";
            return Err(Refusal::bad("EXCEEDED_ID_LIMIT", message));
        }
        if ids.is_empty() || fields.is_empty() {
            let message = "The ids and fields parameters are required";
            return Err(Refusal::bad("MISSING_ARGUMENT", message));
        }
        self.faults.refuse(Operation::Retrieve, object, "")?;
        self.retrieve(object, ids, fields)
    }

    /// Does something to each record of the body.
    fn each(
        &self,
        call: &Call,
        single: impl Fn(&Self, &Value) -> Verdict,
    ) -> Result<Value, Refusal> {
        let body = call.object()?;
        let none = body.get("allOrNone") == Some(&json!(true));
        let Some(records) = body.get("records").and_then(Value::as_array) else {
            return Err(Refusal::bad("MISSING_ARGUMENT", "The records field is required"));
        };
        chunks(records)?;
        Ok(self.verdicts(none, records, |work, _, record| single(work, record)))
    }

    fn upserts(&self, call: &Call, object: &str, field: &str) -> Result<Value, Refusal> {
        let of = self.object(object)?;
        let key = self.key(of, field)?;
        let body = call.object()?;
        let none = body.get("allOrNone") == Some(&json!(true));
        let records = body.get("records").and_then(Value::as_array).cloned().unwrap_or_default();
        chunks(&records)?;
        let value = |record: &Value| {
            let own = record.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(field));
            own.map(|(_, value)| {
                value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
            })
        };
        let values: Vec<Option<String>> = records.iter().map(value).collect();
        Ok(self.verdicts(none, &records, |work, place, record| {
            let (kind, mut body) = typed(record)?;
            if !kind.eq_ignore_ascii_case(&of.name) {
                let message = format!("{kind} is not of type {}", of.name);
                return Err(Refusal::bad("INVALID_TYPE", message));
            }
            let missing = || {
                let message = format!("{} not specified", key.name);
                Refusal::bad("MISSING_ARGUMENT", message).on(&[])
            };
            let value = values[place].as_deref().ok_or_else(missing)?;
            if values.iter().filter(|other| other.as_deref() == Some(value)).count() > 1 {
                let message = format!("Duplicate external id specified: {value}");
                return Err(Refusal::bad("DUPLICATE_VALUE", message).on(&[&key.name]));
            }
            body.retain(|name, _| !name.eq_ignore_ascii_case(field));
            match work.upsert(&of.name, &key.name, value, &body, false)? {
                Upserted::Done { id, created } => Ok((id, Some(created))),
                Upserted::Several(ids) => {
                    let message = format!(
                        "{}: more than one record found for external id field: [{}]",
                        key.name,
                        ids.join(", ")
                    );
                    Err(Refusal::bad("DUPLICATE_EXTERNAL_ID", message).on(&[]))
                }
            }
        }))
    }

    fn deletes(&self, call: &Call) -> Result<Value, Refusal> {
        let ids: Vec<Value> =
            call.list("ids").unwrap_or_default().into_iter().map(Value::from).collect();
        if ids.is_empty() {
            return Err(Refusal::bad("MISSING_ARGUMENT", "The ids parameter is required"));
        }
        if ids.len() > MOST {
            return Err(too_many());
        }
        let none = call.argument("allOrNone") == Some("true");
        Ok(self.verdicts(none, &ids, |work, _, id| {
            Ok((work.delete_any(id.as_str().unwrap_or_default())?, None))
        }))
    }

    /// One verdict for each, in order; with `none` nothing is done if one fails.
    fn verdicts(
        &self,
        none: bool,
        records: &[Value],
        single: impl Fn(&Self, usize, &Value) -> Verdict,
    ) -> Value {
        let mut verdicts: Vec<Verdict> = Vec::with_capacity(records.len());
        let mut work = || {
            for (place, record) in records.iter().enumerate() {
                verdicts.push(single(self, place, record));
            }
            let failed = verdicts.iter().any(Result::is_err);
            if none && failed { Err(Refusal::bad("ROLLED_BACK", "")) } else { Ok(()) }
        };
        let rolled_back = self.state.atomically(&mut work).is_err();
        let switches = &self.options.switches;
        let show = |verdict: &Verdict| match verdict {
            Ok((id, _)) if rolled_back => {
                let message = "Record rolled back because not all records were valid and the \
                               request was using AllOrNone header";
                let refusal = Refusal::bad("ALL_OR_NONE_OPERATION_ROLLED_BACK", message).on(&[]);
                let mut shown = refusal.verdict();
                if switches.rolled_back_with_id {
                    shown["id"] = json!(id);
                }
                shown
            }
            Ok((id, created)) => {
                let mut shown = json!({"id": id, "success": true, "errors": []});
                if let Some(created) = created {
                    shown["created"] = json!(created);
                }
                shown
            }
            Err(refusal) => {
                let mut shown = refusal.verdict();
                if switches.failed_with_null_id {
                    shown["id"] = Value::Null;
                }
                shown
            }
        };
        verdicts.iter().map(show).collect()
    }
}

fn too_many() -> Refusal {
    let message = "The number of records in the request exceeds the limit of 200";
    Refusal::bad("EXCEEDED_ID_LIMIT", message)
}

/// At most 200 records, which change their type at most ten times.
fn chunks(records: &[Value]) -> Result<(), Refusal> {
    if records.is_empty() {
        return Err(Refusal::bad("MISSING_ARGUMENT", "The records field is required"));
    }
    if records.len() > MOST {
        return Err(too_many());
    }
    let types: Vec<&Value> = records.iter().map(|record| &record["attributes"]["type"]).collect();
    if types.chunk_by(|one, other| one == other).count() > 10 {
        let message = "Cannot have more than 10 chunks in a single operation. Please rearrange the \
                       data to reduce chunking.";
        return Err(Refusal::bad("LIMIT_EXCEEDED", message));
    }
    Ok(())
}

/// The type of a record and its body.
fn typed(record: &Value) -> Result<(String, Body), Refusal> {
    let kind = record["attributes"]["type"].as_str();
    match (kind, record.as_object()) {
        (Some(kind), Some(body)) => Ok((kind.to_owned(), body.clone())),
        _ => Err(Refusal::bad("INVALID_TYPE", "The type attribute is required").on(&[])),
    }
}
