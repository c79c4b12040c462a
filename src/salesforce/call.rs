//! What is asked of Salesforce at once.

use axum::body::Bytes;
use reqwest::Method;
use serde_json::Value;

/// A call: what is asked of one path.
pub(super) struct Call {
    pub(super) method: Method,
    /// Below `/services/data/vNN.N`, or a whole path that an answer has named.
    pub(super) path: String,
    pub(super) body: Body,
    /// What its headers ask for.
    pub(super) headers: &'static [(&'static str, &'static str)],
}

/// What a call brings along.
#[derive(Clone)]
pub(super) enum Body {
    None,
    Json(Value),
    /// Anything else, with its type.
    Bytes(String, Bytes),
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::of(Method::GET, path, Body::None)
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self::of(Method::POST, path, Body::Json(body))
    }

    pub(super) fn of(method: Method, path: impl Into<String>, body: Body) -> Self {
        Self { method, path: path.into(), body, headers: &[] }
    }
}
