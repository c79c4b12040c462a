//! Loading rows into the table of a data source.

/// What a load has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The class of the data source.
    pub class: String,
    /// Rows that were new to the table.
    pub created: u64,
    /// Rows that were in the table.
    pub updated: u64,
    /// Rows that were left out, or of which a value was; all others are loaded.
    pub issues: Vec<RowIssue>,
}

/// What was wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowIssue {
    /// Its number in the table that was sent; the first is 0.
    pub row: usize,
    /// iTop's words, cut.
    pub message: String,
}
