//! What is told of one thing that was examined.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::Tell;
use crate::desk::Failure;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// The bridge cannot do its work like this.
    Failure,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// What was examined.
    pub what: &'static str,
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    pub mend: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failure => "failure",
        };
        write!(f, "{verdict:8} {}: {}", self.what, self.seen)?;
        match &self.mend {
            Some(mend) => write!(f, "\n{:8} -> {mend}", ""),
            None => Ok(()),
        }
    }
}

/// What an examination tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// This is being asked; it may take a while.
    Examining(&'static str),
    /// This was found.
    Found(Finding),
}

/// Where findings go as they are made.
pub(super) struct Report<'a> {
    tell: Tell<'a>,
}

impl<'a> Report<'a> {
    pub(super) fn new(tell: Tell<'a>) -> Self {
        Self { tell }
    }

    pub(super) fn examining(&mut self, what: &'static str) {
        (self.tell)(Told::Examining(what));
    }

    pub(super) fn ok(&mut self, what: &'static str, seen: impl Into<String>) {
        self.found(Verdict::Ok, what, seen.into(), None);
    }

    pub(super) fn warning(
        &mut self,
        what: &'static str,
        seen: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.found(Verdict::Warning, what, seen.into(), Some(mend.into()));
    }

    pub(super) fn failure(
        &mut self,
        what: &'static str,
        seen: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.found(Verdict::Failure, what, seen.into(), Some(mend.into()));
    }

    /// A call that failed, with what to do about it.
    pub(super) fn failed<'e>(&mut self, what: &'static str, error: impl Into<Failure<'e>>) {
        let error = error.into();
        self.failure(what, error.to_string(), mend(error));
    }

    fn found(&mut self, verdict: Verdict, what: &'static str, seen: String, mend: Option<String>) {
        (self.tell)(Told::Found(Finding { verdict, what, seen, mend }));
    }
}

/// What to do about a call that failed.
pub(super) fn mend<'e>(error: impl Into<Failure<'e>>) -> &'static str {
    let error = error.into();
    match (error.mend(), error.reason()) {
        (Some(mend), _) => mend,
        _ if error.is_about_rights() => "Give the account of the bridge that right in iTop.",
        (None, Some(reason)) => reason.mend(),
        (None, None) => "Check catalog.queries and the data model of this iTop.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{gate::Reason, itop::ItopError};

    #[test]
    fn a_finding_reads_well_for_people_and_for_programs() {
        let mut told = Vec::new();
        let mut tell = |one| told.push(one);
        let mut report = Report::new(&mut tell);
        report.examining("login");
        report.failed("login", &ItopError::BadCredentials);
        let [Told::Examining("login"), Told::Found(finding)] = told.as_slice() else {
            panic!("{told:?}");
        };
        let mend = Reason::Credentials.mend();
        let seen = "iTop does not accept the credentials of the bridge";
        assert_eq!(finding.to_string(), format!("failure  login: {seen}\n         -> {mend}"));
        let expected = json!({"verdict": "failure", "what": "login", "seen": seen, "mend": mend});
        assert_eq!(json!(finding), expected);
    }
}
