//! What Salesforce says when it does not do something.

use serde_json::{Map, Value, json};

/// One or more errors, with the status of a single resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) errors: Vec<Problem>,
}

/// One error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) code: String,
    pub(crate) message: String,
    /// None: the member is left out, where single resources were seen to leave it out.
    pub(crate) fields: Option<Vec<String>>,
    /// Members of this error alone, such as what a duplicate rule found.
    pub(crate) more: Map<String, Value>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        let problem = Problem {
            code: code.to_owned(),
            message: message.into(),
            fields: None,
            more: Map::new(),
        };
        Self { status, errors: vec![problem] }
    }

    /// A 400.
    pub(crate) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// The same with these fields named, perhaps none.
    pub(crate) fn on(mut self, fields: &[&str]) -> Self {
        let fields: Vec<String> = fields.iter().map(|name| (*name).to_owned()).collect();
        for problem in &mut self.errors {
            problem.fields = Some(fields.clone());
        }
        self
    }

    /// 404: there is nothing, or nothing that this user may see.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    /// A name in a body that the object does not have, or that this user may not see.
    pub(crate) fn no_such_column(field: &str, object: &str) -> Self {
        let message = format!("No such column '{field}' on sobject of type {object}");
        Self::bad("INVALID_FIELD", message)
    }

    /// 404: the record lies in the Recycle Bin.
    pub(crate) fn deleted() -> Self {
        Self::new(404, "ENTITY_IS_DELETED", "entity is deleted").on(&[])
    }

    /// As single resources answer: an array.
    pub(crate) fn body(&self) -> Value {
        let show = |problem: &Problem| {
            let mut shown = problem.more.clone();
            shown.insert("message".to_owned(), json!(problem.message));
            shown.insert("errorCode".to_owned(), json!(problem.code));
            if let Some(fields) = &problem.fields {
                shown.insert("fields".to_owned(), json!(fields));
            }
            Value::Object(shown)
        };
        self.errors.iter().map(show).collect()
    }

    /// As collections answer for one record: other names for the same.
    pub(crate) fn verdict(&self) -> Value {
        let show = |problem: &Problem| {
            json!({
                "statusCode": problem.code,
                "message": problem.message,
                "fields": problem.fields.as_deref().unwrap_or_default(),
            })
        };
        json!({"success": false, "errors": self.errors.iter().map(show).collect::<Value>()})
    }

    /// As the failed results of a bulk job say it in one cell.
    pub(crate) fn cell(&self) -> String {
        let show = |problem: &Problem| {
            let fields = problem.fields.as_deref().unwrap_or_default().join(",");
            let fields = if fields.is_empty() { "--".to_owned() } else { format!("{fields} --") };
            format!("{}:{}:{fields}", problem.code, problem.message)
        };
        self.errors.iter().map(show).collect::<Vec<_>>().join(";")
    }
}

/// The database of the sandbox does not do what it should: an answer of 500, as Salesforce gives
/// for what nobody foresaw.
impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        let message = format!(
            "An unexpected error occurred. Please include this ErrorId if you contact support: \
             1169266788-367379 ({error})"
        );
        Self::new(500, "UNKNOWN_EXCEPTION", message)
    }
}
