//! One request, and one answer, whether they came over a wire or inside another.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::{record::Asked, refusal::Refusal};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// The parts of its path, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    /// A request to this path with its query.
    pub(crate) fn new(method: &str, target: &str, body: Vec<u8>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        // With and without a slash at the end is the same.
        let path = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        Self { method: method.to_owned(), path, query: form(query), headers: Vec::new(), body }
    }

    pub(crate) fn get(&self, header: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(name, _)| name == header);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn argument(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A list with commas.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let split = |text: &str| text.split(',').map(|part| part.trim().to_owned()).collect();
        self.argument(name).map(split)
    }

    /// The path as segments, for matching.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        let kind = self.get("content-type").unwrap_or("application/json");
        if !kind.contains("json") {
            let message = format!("Content-Type '{kind}' is not supported");
            return Err(Refusal::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let letter = self.body.get(error.column().saturating_sub(1)).copied().unwrap_or(b' ');
            let message = format!(
                "Unexpected character ('{}' (code {letter})) at [line:{}, column:{}]",
                char::from(letter),
                error.line(),
                error.column()
            );
            Refusal::bad("JSON_PARSER_ERROR", message)
        })
    }

    /// The body as an object of JSON.
    pub(crate) fn object(&self) -> Result<crate::record::Body, Refusal> {
        match self.json()? {
            Value::Object(body) => Ok(body),
            _ => Err(Refusal::bad(
                "JSON_PARSER_ERROR",
                "The HTTP entity body is required, but this request has no entity body.",
            )),
        }
    }

    /// What its headers ask for.
    pub(crate) fn asked(&self) -> Asked {
        let said = |header: &str, word: &str| {
            let value = self.get(header).unwrap_or_default().to_ascii_lowercase();
            value.replace(' ', "").split(';').any(|part| part == word)
        };
        let batch = self.get("sforce-query-options").unwrap_or_default().to_ascii_lowercase();
        let size = batch.split("batchsize=").nth(1).and_then(|size| size.trim().parse().ok());
        Asked {
            auto_assign: !said("sforce-auto-assign", "false"),
            allow_save: said("sforce-duplicate-rule-header", "allowsave=true"),
            batch_size: size.unwrap_or(2_000),
        }
    }
}

/// The pairs of a form or of a query.
pub(crate) fn form(text: &str) -> Vec<(String, String)> {
    let decoded =
        |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// What a body is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    /// With its media type.
    Other(String, Vec<u8>),
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Content,
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(body) }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: Content::Empty }
    }

    pub(crate) fn other(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let content = Content::Other(kind.to_owned(), body.into());
        Self { status, headers: Vec::new(), content }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Its JSON, null if it has none.
    pub(crate) fn body(self) -> Value {
        match self.content {
            Content::Json(body) => body,
            _ => Value::Null,
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::json(refusal.status, refusal.body())
    }
}

impl From<Result<Self, Refusal>> for Answer {
    fn from(result: Result<Self, Refusal>) -> Self {
        result.unwrap_or_else(Self::from)
    }
}
