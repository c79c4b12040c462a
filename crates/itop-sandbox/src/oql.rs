//! OQL, run by SQLite nearly as it stands.
//!
//! A query is cut into tokens, each token is checked (classes, aliases, attributes, a closed list
//! of words) and written down again as SQL: names quoted, texts escaped anew. Nothing of the
//! sender's text reaches SQLite unchecked, and the grammar of expressions is left to SQLite.

mod failure;
mod parser;
mod tokens;

use super::{Flavour, classes::Class};
use parser::Parser;

pub(super) use failure::Failure;

/// A query as SQL.
#[derive(Debug)]
pub(super) struct Query {
    /// The class that is selected.
    pub(super) class: &'static Class,
    /// Its alias, quoted.
    pub(super) alias: String,
    /// Whether it joins classes, so that an object can be found several times.
    pub(super) joined: bool,
    /// Everything from `FROM` on.
    pub(super) from: String,
}

/// What is known to the reader of a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) flavour: Flavour,
    /// The companies that the user may see; none means all.
    pub(super) companies: Option<&'a [i64]>,
    /// The present time as iTop writes it.
    pub(super) now: &'a str,
    /// Whether queries inside queries are understood, as they are since iTop 2.7.
    pub(super) nested: bool,
}

impl Scope<'_> {
    /// The view of `class`, narrowed to what the user may see.
    pub(super) fn source(&self, class: &Class) -> String {
        match (self.companies, class.company_column()) {
            (Some(companies), Some(column)) => {
                let ids: Vec<_> = companies.iter().map(ToString::to_string).collect();
                format!("(SELECT * FROM \"{}\" WHERE {column} IN ({}))", class.name, ids.join(","))
            }
            _ => quoted(class.name),
        }
    }
}

/// Reads an OQL query.
pub(super) fn read(scope: Scope<'_>, oql: &str) -> Result<Query, Failure> {
    let tokens = tokens::cut(oql).map_err(|at| {
        let found: String = oql.chars().skip(at).take(1).collect();
        Failure::syntax(oql, &found, &found, at)
    })?;
    Parser::new(scope, oql, tokens).query()
}

/// A name as SQL; [`tokens`] lets no quote into a name.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// A text as an SQL literal.
pub(super) fn literal(text: &str) -> String {
    // SQLite would end the statement at a NUL.
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

#[cfg(test)]
mod tests;
