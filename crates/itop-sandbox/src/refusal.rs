//! How a request ends when iTop refuses it.

use serde_json::{Value, json};

/// A request that iTop refuses, mostly with HTTP status 200 all the same.
#[derive(Debug)]
pub(super) enum Refusal {
    /// An exception: the message begins with "Error: " and there are no objects.
    Thrown(i64, String),
    /// A verdict: the bare message, and `objects` is null.
    Verdict(i64, String),
    /// An error of PHP that nothing catches: HTTP status 500, and HTML.
    Crashed,
}

impl Refusal {
    /// The usual exception, code 100.
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::Thrown(100, message.into())
    }

    /// The same exception with the name of the attribute or parameter before it.
    pub(super) fn about(self, name: &str) -> Self {
        match self {
            Self::Thrown(code, message) => Self::Thrown(code, format!("{name}: {message}")),
            other @ (Self::Verdict(..) | Self::Crashed) => other,
        }
    }

    /// An object that does not pass its checks: each issue, and once more by its number. `id` is that of the
    /// stored object, -1 for one that was to be made. Nothing is refused without an issue.
    pub(super) fn of_issues(issues: &[String], class: &str, id: i64) -> Result<(), Self> {
        if issues.is_empty() {
            return Ok(());
        }
        let numbered: Vec<_> =
            issues.iter().enumerate().map(|(n, issue)| format!("{n}=>{issue}")).collect();
        Err(Self::error(format!(
            "{}: issues = {{{}}}, class = {class}, id = {id}",
            issues.join(", "),
            numbered.join("; ")
        )))
    }

    pub(super) fn no_right(doing: &str, class: &str) -> Self {
        Self::Verdict(
            1,
            format!(
                "The current user does not have enough permissions for {doing} data of class {class}"
            ),
        )
    }

    /// The body of the answer, if it is JSON.
    pub(super) fn body(&self) -> Option<Value> {
        match self {
            Self::Thrown(code, message) => {
                Some(json!({ "code": code, "message": format!("Error: {message}") }))
            }
            Self::Verdict(code, message) => {
                Some(json!({ "code": code, "message": message, "objects": null }))
            }
            Self::Crashed => None,
        }
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::error(format!("Failed to issue SQL query: {error}"))
    }
}
