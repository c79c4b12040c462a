//! What is asked of Salesforce at once.

use reqwest::Method;
use serde_json::Value;

/// A call: what is asked of one path.
pub(super) struct Call {
    pub(super) method: Method,
    /// Below `/services/data/vNN.N`, or a whole path that an answer has named.
    pub(super) path: String,
    pub(super) body: Body,
}

/// What a call brings along.
#[derive(Clone)]
pub(super) enum Body {
    None,
    Json(Value),
    /// Anything else, with its type.
    Bytes(String, Vec<u8>),
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: Body::None }
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), body: Body::Json(body) }
    }
}
