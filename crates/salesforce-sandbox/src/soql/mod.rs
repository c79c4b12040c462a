//! SOQL: what the bridge and usual programs ask, read by a parser of its own and run on SQLite.
//!
//! Fields, fields of parents, `COUNT()`, aggregates with GROUP BY, WHERE with AND, OR, NOT,
//! comparisons, LIKE, IN with values, ORDER BY, LIMIT, OFFSET. What is not: children in a query,
//! queries in IN, TYPEOF, HAVING, `FIELDS()`, which are refused as malformed.

mod aggregate;
mod ast;
mod compile;
mod condition;
mod failure;
mod locator;
mod parser;
mod run;
mod tokens;

pub(crate) use self::locator::Cursors;
