//! `import.php`: a file of CSV at once, without memory of its rows.

/// What is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import<'a> {
    /// The class of iTop.
    pub class: &'a str,
    /// The CSV: UTF-8, separated by commas, the first line names attributes (`name`, `org_id->name`).
    pub csv: &'a str,
    /// By which attributes an object is found that is there already. There is no default: iTop's own
    /// takes another company's CI for this one.
    pub keys: &'a [String],
    /// Only says what would happen.
    pub simulate: bool,
}

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportAnswer {
    /// In the order of the file.
    pub rows: Vec<ImportedRow>,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRow {
    /// Its number in what was sent; the first behind the header is 0.
    pub row: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An object was made, or would be.
    Created {
        /// Its class and id; none in a simulation.
        object: Option<(String, String)>,
    },
    /// An object was changed.
    Updated {
        /// Its class and id.
        object: Option<(String, String)>,
    },
    /// An object is as the row says.
    Unchanged {
        /// Its class and id.
        object: Option<(String, String)>,
    },
    /// The row was left out.
    Issue {
        /// iTop's words.
        message: String,
    },
}
