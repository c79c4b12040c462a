//! What iTop answers to a query that it does not understand.

/// A query that is none.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The class of iTop's exception.
    class: &'static str,
    message: String,
}

impl Failure {
    pub(super) fn syntax(oql: &str, kind: &str, found: &str, at: usize) -> Self {
        Self {
            class: "OQLParserSyntaxErrorException",
            message: format!("Unexpected token {kind} - found '{found}' at {at} in '{oql}'"),
        }
    }

    pub(super) fn unknown_class(oql: &str, name: &str, at: usize) -> Self {
        Self {
            class: "UnknownClassOqlException",
            message: format!("Unknown class - found '{name}' at {at} in '{oql}'"),
        }
    }

    /// A name that stands for nothing, or not for one thing; `hint` says what was expected.
    pub(super) fn name(oql: &str, issue: &str, name: &str, at: usize, hint: &str) -> Self {
        Self {
            class: "OqlNormalizeException",
            message: format!("{issue} - found '{name}' at {at} in '{oql}'{hint}"),
        }
    }

    /// The query ends where SQLite, which reads the expressions, expects more.
    pub(crate) fn not_accepted(oql: &str) -> Self {
        Self::syntax(oql, "EOI", "", oql.chars().count())
    }

    /// What an external key answers: iTop passes the exception on as it is.
    pub(crate) fn bare(self) -> String {
        self.message
    }

    /// What the key of an operation answers: iTop packs the exception into one of its own.
    pub(crate) fn packed(self, oql: &str) -> String {
        format!(
            "Query failed to execute: query = {oql}, exception_class = {}, exception_message = {}",
            self.class, self.message
        )
    }
}
