//! OQL, run by SQLite nearly as it stands.
//!
//! A query is cut into tokens, each token is checked (classes, aliases, attributes, a closed list
//! of words) and written down again as SQL: names quoted, texts escaped anew. Nothing of the
//! sender's text reaches SQLite unchecked, and the grammar of expressions is left to SQLite.

mod tokens;

use std::fmt::Write as _;

use super::{
    Flavour,
    classes::{self, Attribute, Class},
};
use tokens::{Kind, Token};

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
}

impl Scope<'_> {
    /// The view of `class`, narrowed to what the user may see.
    pub(super) fn source(&self, class: &Class) -> String {
        match (self.companies, class.company_column()) {
            (Some(companies), Some(column)) => {
                let ids: Vec<_> = companies.iter().map(ToString::to_string).collect();
                format!("(SELECT * FROM \"{}\" WHERE {column} IN ({}))", class.name, ids.join(","))
            }
            _ => format!("\"{}\"", class.name),
        }
    }
}

/// Reads an OQL query.
///
/// The error is the sentence that iTop answers, without its leading "Error: ".
pub(super) fn read(scope: Scope<'_>, oql: &str) -> Result<Query, String> {
    let tokens = tokens::cut(oql).map_err(|at| {
        let found: String = oql.chars().skip(at).take(1).collect();
        syntax(oql, &found, &found, at)
    })?;
    Reader { scope, oql, tokens, next: 0, sources: Vec::new(), sql: String::new() }.query()
}

/// The sentence for a query that SQLite did not accept.
pub(super) fn not_accepted(oql: &str) -> String {
    syntax(oql, "EOI", "", oql.chars().count())
}

fn syntax(oql: &str, kind: &str, found: &str, at: usize) -> String {
    failed(
        oql,
        "OQLParserSyntaxErrorException",
        &format!("Unexpected token {kind} - found '{found}' at {at} in '{oql}'"),
    )
}

fn failed(oql: &str, class: &str, message: &str) -> String {
    format!(
        "Query failed to execute: query = {oql}, exception_class = {class}, \
         exception_message = {message}"
    )
}

struct Source {
    alias: String,
    class: &'static Class,
}

struct Reader<'a> {
    scope: Scope<'a>,
    oql: &'a str,
    tokens: Vec<Token>,
    next: usize,
    sources: Vec<Source>,
    sql: String,
}

impl Reader<'_> {
    fn query(mut self) -> Result<Query, String> {
        self.keyword("SELECT")?;
        self.sql.push_str("FROM ");
        self.source()?;
        while self.take_keyword("JOIN") {
            self.sql.push_str(" JOIN ");
            self.source()?;
            self.keyword("ON")?;
            self.sql.push_str(" ON ");
            self.condition(&["JOIN", "WHERE"])?;
        }
        if self.take_keyword("WHERE") {
            self.sql.push_str(" WHERE (");
            self.condition(&[])?;
            self.sql.push(')');
        }
        if self.next < self.tokens.len() {
            return Err(self.unexpected());
        }
        let joined = self.sources.len() > 1;
        let main = self.sources.swap_remove(0);
        Ok(Query { class: main.class, alias: quoted(&main.alias), joined, from: self.sql })
    }

    /// `Class [AS alias]`.
    fn source(&mut self) -> Result<(), String> {
        let (name, at) = self.name()?;
        let Some(class) = classes::find(self.scope.flavour, &name) else {
            let message = format!("Unknown class - found '{name}' at {at} in '{}'", self.oql);
            return Err(failed(self.oql, "UnknownClassOqlException", &message));
        };
        let (alias, at) = if self.take_keyword("AS") { self.name()? } else { (name, at) };
        if self.sources.iter().any(|source| source.alias == alias) {
            let message =
                format!("Duplicate class alias - found '{alias}' at {at} in '{}'", self.oql);
            return Err(failed(self.oql, "OqlNormalizeException", &message));
        }
        let _ = write!(self.sql, "{} AS {}", self.scope.source(class), quoted(&alias));
        self.sources.push(Source { alias, class });
        Ok(())
    }

    /// The tokens of a condition up to one of `ends`, each checked and rewritten.
    fn condition(&mut self, ends: &[&str]) -> Result<(), String> {
        let first = self.next;
        // MySQL reads a text as a number where it meets a number: 'yes' is 0.
        let mut numeric = false;
        let mut after_like = false;
        while let Some(token) = self.tokens.get(self.next).cloned() {
            if token.kind == Kind::Name
                && ends.iter().any(|end| token.text.eq_ignore_ascii_case(end))
            {
                break;
            }
            let like = std::mem::take(&mut after_like);
            if like && token.kind != Kind::Text {
                return Err(self.unexpected());
            }
            match token.kind {
                Kind::Text if like => {
                    let _ = write!(self.sql, "{} ESCAPE '\\' ", literal(&token.text));
                }
                Kind::Text if numeric => {
                    let _ = write!(self.sql, "CAST({} AS NUMERIC) ", literal(&token.text));
                }
                Kind::Text => {
                    let _ = write!(self.sql, "{} ", literal(&token.text));
                }
                Kind::Number | Kind::Sign => {
                    let _ = write!(self.sql, "{} ", token.text);
                }
                Kind::Name => match token.text.to_ascii_uppercase().as_str() {
                    word @ ("AND" | "OR") => {
                        numeric = false;
                        let _ = write!(self.sql, "{word} ");
                    }
                    word @ ("NOT" | "IN") => {
                        let _ = write!(self.sql, "{word} ");
                    }
                    "LIKE" => {
                        after_like = true;
                        self.sql.push_str("LIKE ");
                    }
                    "ISNULL" => self.sql.push_str("NULL IS "),
                    "CONCAT" => self.sql.push_str("concat"),
                    "NOW" => self.now()?,
                    _ => {
                        let (alias, attribute) = self.attribute()?;
                        numeric = attribute.is_numeric();
                        let _ = write!(self.sql, "{}.\"{}\" ", quoted(&alias), attribute.code);
                        continue;
                    }
                },
            }
            self.next += 1;
        }
        if self.next == first || after_like {
            return Err(self.unexpected());
        }
        Ok(())
    }

    /// `NOW()`, of which the word is at hand.
    fn now(&mut self) -> Result<(), String> {
        for sign in ["(", ")"] {
            self.next += 1;
            if self.tokens.get(self.next).is_none_or(|token| token.text != sign) {
                return Err(self.unexpected());
            }
        }
        let _ = write!(self.sql, "{} ", literal(self.scope.now));
        Ok(())
    }

    /// `attribute` or `alias.attribute`.
    fn attribute(&mut self) -> Result<(String, &'static Attribute), String> {
        let (name, at) = self.name()?;
        if self.tokens.get(self.next).is_some_and(|token| token.text == "(") {
            self.next -= 1;
            return Err(self.unexpected());
        }
        if self.tokens.get(self.next).is_some_and(|token| token.text == ".") {
            self.next += 1;
            let (code, at) = self.name()?;
            let Some(source) = self.sources.iter().find(|source| source.alias == name) else {
                let message =
                    format!("Unknown class [alias] - found '{name}' at {at} in '{}'", self.oql);
                return Err(failed(self.oql, "OqlNormalizeException", &message));
            };
            return match searchable(source.class, &code) {
                Some(attribute) => Ok((name, attribute)),
                None => Err(self.unknown_filter(&code, at, source.class)),
            };
        }
        let mut owners = self.sources.iter().filter_map(|source| {
            searchable(source.class, &name).map(|attribute| (source.alias.clone(), attribute))
        });
        match (owners.next(), owners.next()) {
            (Some(owner), None) => Ok(owner),
            (None, _) => Err(self.unknown_filter(&name, at, self.sources[0].class)),
            (Some(_), Some(_)) => {
                let message =
                    format!("Ambiguous filter code - found '{name}' at {at} in '{}'", self.oql);
                Err(failed(self.oql, "OqlNormalizeException", &message))
            }
        }
    }

    fn unknown_filter(&self, code: &str, at: usize, class: &Class) -> String {
        let known: Vec<_> = class
            .attributes()
            .filter(|attribute| searchable(class, attribute.code).is_some())
            .map(|attribute| attribute.code)
            .collect();
        // iTop suggests the first of the nearest names.
        let nearest = known
            .iter()
            .min_by_key(|name| strsim::levenshtein(name, code))
            .copied()
            .unwrap_or("id");
        failed(
            self.oql,
            "OqlNormalizeException",
            &format!(
                "Unknown filter code - found '{code}' at {at} in '{}', expecting {{{}}}, I would \
                 suggest to use '{nearest}'",
                self.oql,
                known.join(", ")
            ),
        )
    }

    fn name(&mut self) -> Result<(String, usize), String> {
        match self.tokens.get(self.next) {
            Some(token) if token.kind == Kind::Name && !tokens::is_keyword(&token.text) => {
                self.next += 1;
                Ok((token.text.clone(), token.at))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn keyword(&mut self, word: &str) -> Result<(), String> {
        if self.take_keyword(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn take_keyword(&mut self, word: &str) -> bool {
        let found = self
            .tokens
            .get(self.next)
            .is_some_and(|token| token.kind == Kind::Name && token.text.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn unexpected(&self) -> String {
        self.tokens.get(self.next).map_or_else(
            || not_accepted(self.oql),
            |token| syntax(self.oql, &token.grammar_name(), &token.text, token.at),
        )
    }
}

/// Link sets cannot be searched.
fn searchable(class: &Class, code: &str) -> Option<&'static Attribute> {
    class.attribute(code).filter(|attribute| attribute.kind != classes::Kind::CiLinks)
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
