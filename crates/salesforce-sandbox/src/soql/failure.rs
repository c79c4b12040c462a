//! What is wrong with a query, said as Salesforce says it.

use crate::refusal::Refusal;

/// What is wrong, and at which character.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) at: usize,
}

impl Failure {
    pub(super) fn malformed(at: usize, message: impl Into<String>) -> Self {
        Self { code: "MALFORMED_QUERY", message: message.into(), at }
    }

    pub(super) fn field(at: usize, message: impl Into<String>) -> Self {
        Self { code: "INVALID_FIELD", message: message.into(), at }
    }

    pub(super) fn unexpected(at: usize, token: &str) -> Self {
        Self::malformed(at, format!("unexpected token: '{token}'"))
    }

    /// With the query, a caret below the place, and row and column.
    pub(super) fn refusal(self, text: &str) -> Refusal {
        let before: String = text.chars().take(self.at).collect();
        let row = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let line = text.split('\n').nth(row - 1).unwrap_or("");
        // Of a long line only what stands around the place.
        let skipped = column.saturating_sub(40);
        let shown: String = line.chars().skip(skipped).take(80).collect();
        let blanks = " ".repeat(column - 1 - skipped);
        let Self { code, message, .. } = self;
        let message =
            format!("\n{shown}\n{blanks}^\nERROR at Row:{row}:Column:{column}\n{message}");
        Refusal::bad(code, message)
    }
}
