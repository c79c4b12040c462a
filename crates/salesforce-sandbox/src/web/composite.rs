//! `/composite`: several requests in one, which may refer to each other's answers.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{Answer, Call};
use crate::{record::Work, refusal::Refusal};

const MOST: usize = 25;
const MOST_COLLECTIONS: usize = 5;
/// What a value in an address must not hold as it is.
const IN_ADDRESS: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%').add(b'&').add(b'+');
/// Headers that a part may not set.
const FORBIDDEN: [&str; 3] = ["accept", "authorization", "content-type"];

/// One part: what it asks, and under which name its answer is known.
struct Part {
    method: String,
    url: String,
    reference: String,
    body: Option<Value>,
    headers: Vec<(String, String)>,
}

/// What came of the parts.
pub(super) struct Done {
    pub(super) responses: Vec<Value>,
    pub(super) failed: bool,
}

impl Work<'_> {
    pub(super) fn composite(&self, call: &Call) -> Result<Answer, Refusal> {
        let body = call.object()?;
        let none = body.get("allOrNone") == Some(&json!(true));
        let parts = parts(&Value::Object(body))?;
        if parts.len() > MOST {
            let message = format!("Composite requests are limited to {MOST} subrequests");
            return Err(Refusal::bad("LIMIT_EXCEEDED", message));
        }
        let wide =
            |part: &&Part| part.url.contains("/composite/sobjects") || part.url.contains("/query");
        if parts.iter().filter(wide).count() > MOST_COLLECTIONS {
            let message = format!(
                "Limit of {MOST_COLLECTIONS} sObject Collections and query operations reached"
            );
            return Err(Refusal::bad("LIMIT_EXCEEDED", message));
        }
        let done = self.together(&parts, none);
        Ok(Answer::json(200, json!({"compositeResponse": done.responses})))
    }

    /// Does the parts of a composite or of a graph.
    pub(super) fn parts_of(&self, body: &Value, none: bool) -> Result<Done, Refusal> {
        Ok(self.together(&parts(body)?, none))
    }

    /// Does the parts in their order; with `none` nothing stays if one fails.
    fn together(&self, parts: &[Part], none: bool) -> Done {
        let mut answers: Vec<(Answer, &str)> = Vec::with_capacity(parts.len());
        let work = || {
            let mut known = Map::new();
            for part in parts {
                let answer = self.part(part, &known).unwrap_or_else(Answer::from);
                let failed = answer.status >= 400;
                if !failed {
                    known.insert(part.reference.clone(), answer.clone().body());
                }
                answers.push((answer, &part.reference));
                if failed && none {
                    return Err(Refusal::bad("ROLLED_BACK", ""));
                }
            }
            Ok(())
        };
        let rolled_back = self.state.atomically(work).is_err();
        if rolled_back {
            for (answer, _) in answers.iter_mut().filter(|(answer, _)| answer.status < 400) {
                *answer = halted();
            }
            let rest = parts.iter().skip(answers.len()).map(|part| part.reference.as_str());
            let rest: Vec<_> = rest.map(|reference| (halted(), reference)).collect();
            answers.extend(rest);
        }
        let failed = answers.iter().any(|(answer, _)| answer.status >= 400);
        let responses = answers.into_iter().map(|(answer, reference)| shown(answer, reference));
        Done { responses: responses.collect(), failed }
    }

    fn part(&self, part: &Part, known: &Map<String, Value>) -> Result<Answer, Refusal> {
        let url = filled(&part.url, known, true)?;
        let mut body = part.body.clone();
        if let Some(body) = &mut body {
            fill(body, known)?;
        }
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let mut call = Call::new(&part.method, &url, bytes);
        call.headers.clone_from(&part.headers);
        let path = call.parts();
        let ["services", "data", version, rest @ ..] = path.as_slice() else {
            return Err(Refusal::not_found());
        };
        if matches!(rest.first(), Some(&"jobs" | &"metadata"))
            || rest == ["composite"]
            || rest == ["composite", "graph"]
        {
            let message = format!("Invalid subrequest: {}", part.url);
            return Err(Refusal::bad("INVALID_REQUEST", message));
        }
        let mut asked = call.asked();
        asked.allow_save |= self.asked.allow_save;
        asked.auto_assign &= self.asked.auto_assign;
        let work = self.with(version.trim_start_matches('v'), asked);
        work.resource(&call, rest)
    }
}

fn halted() -> Answer {
    let message = "The transaction was rolled back since another operation in the same transaction \
                   failed.";
    Refusal::bad("PROCESSING_HALTED", message).into()
}

fn shown(answer: Answer, reference: &str) -> Value {
    let headers: Map<String, Value> =
        answer.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let status = answer.status;
    json!({
        "body": answer.body(),
        "httpHeaders": headers,
        "httpStatusCode": status,
        "referenceId": reference,
    })
}

fn parts(body: &Value) -> Result<Vec<Part>, Refusal> {
    let Some(list) = body["compositeRequest"].as_array().filter(|list| !list.is_empty()) else {
        let message = "The compositeRequest field is required";
        return Err(Refusal::bad("MISSING_ARGUMENT", message));
    };
    let mut parts: Vec<Part> = Vec::with_capacity(list.len());
    for item in list {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let headers: Vec<(String, String)> = item["httpHeaders"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                (name.to_ascii_lowercase(), value.as_str().unwrap_or_default().to_owned())
            })
            .collect();
        if let Some((name, _)) = headers.iter().find(|(name, _)| FORBIDDEN.contains(&name.as_str()))
        {
            let message = format!("The header {name} is not allowed in a subrequest");
            return Err(Refusal::bad("INVALID_HTTP_HEADER", message));
        }
        let reference = text("referenceId");
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if reference.is_empty() || !reference.chars().all(fits) {
            let message = format!("Invalid reference ID: '{reference}'");
            return Err(Refusal::bad("INVALID_REFERENCE_ID", message));
        }
        if parts.iter().any(|part| part.reference == reference) {
            let message = format!("Duplicate ReferenceId provided: '{reference}'");
            return Err(Refusal::bad("DUPLICATE_REFERENCE_ID", message));
        }
        let body = item.get("body").filter(|body| !body.is_null()).cloned();
        parts.push(Part { method: text("method"), url: text("url"), reference, body, headers });
    }
    Ok(parts)
}

/// Puts what is known in place of references in all texts of a body.
fn fill(value: &mut Value, known: &Map<String, Value>) -> Result<(), Refusal> {
    match value {
        Value::String(text) if text.contains("@{") => *text = filled(text, known, false)?,
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, known))?,
        Value::Object(members) => {
            members.iter_mut().try_for_each(|(_, member)| fill(member, known))?;
        }
        _ => {}
    }
    Ok(())
}

/// A text with what is known in place of `@{reference.path[0].to}`.
fn filled(text: &str, known: &Map<String, Value>, address: bool) -> Result<String, Refusal> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("@{") {
        done.push_str(before);
        let Some((path, after)) = after.split_once('}') else {
            let message = format!("Invalid reference specified: {text}");
            return Err(Refusal::bad("PROCESSING_HALTED", message));
        };
        let value = value_of(path, known)?;
        if address {
            done.push_str(&utf8_percent_encode(&value, IN_ADDRESS).to_string());
        } else {
            done.push_str(&value);
        }
        rest = after;
    }
    done.push_str(rest);
    Ok(done)
}

fn value_of(path: &str, known: &Map<String, Value>) -> Result<String, Refusal> {
    let steps = path.replace('[', ".").replace(']', "");
    let mut steps = steps.split('.').filter(|step| !step.is_empty());
    let reference = steps.next().unwrap_or_default();
    let start = known.get(reference);
    let found = steps.fold(start, |value, step| match step.parse::<usize>() {
        Ok(place) => value?.get(place),
        Err(_) => value?.get(step),
    });
    match found {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value) if !value.is_null() => Ok(value.to_string()),
        _ => {
            let message = format!(
                "Invalid reference specified. No value for {path} found in {reference}. Provide a \
                 valid reference."
            );
            Err(Refusal::bad("PROCESSING_HALTED", message))
        }
    }
}
