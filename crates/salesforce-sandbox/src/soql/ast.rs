//! A query that was read.

/// A name with dots, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) parts: Vec<String>,
    pub(super) at: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) text: String,
    pub(super) object: Path,
    pub(super) selected: Selected,
    pub(super) condition: Option<Condition>,
    pub(super) grouped: Vec<Path>,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Selected {
    /// `COUNT()`
    Count,
    Fields(Vec<Path>),
    /// With functions over groups: each either a field that is grouped by, or a function.
    Aggregates(Vec<Column>),
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) function: Option<String>,
    pub(super) path: Path,
    pub(super) alias: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) path: Path,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare { path: Path, operator: Operator, literal: Literal },
    In { path: Path, not: bool, literals: Vec<Literal> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Text(String),
    /// In LIKE `%` and `_` may be escaped: this is the text with those escapes kept.
    Pattern(String),
    Flag(bool),
    Number(f64),
    /// As they are compared.
    Date(String),
    DateTime(String),
    /// From the first moment of a range to the last: `TODAY`, `LAST_N_DAYS:7`.
    Range {
        days_back: i64,
        days: i64,
    },
}
