//! From the tokens of a query to SQL.

use std::fmt::Write as _;

use super::{
    Failure, Query, Scope, literal, quoted,
    tokens::{self, Kind, Token},
};
use crate::classes::{self, Attribute, Class};

struct Source {
    alias: String,
    class: &'static Class,
}

pub(super) struct Parser<'a> {
    scope: Scope<'a>,
    oql: &'a str,
    tokens: Vec<Token>,
    next: usize,
    /// The classes of the query at hand, after those of the queries around it.
    sources: Vec<Source>,
    /// Where those of the query at hand begin.
    own: usize,
    sql: String,
}

impl<'a> Parser<'a> {
    pub(super) fn new(scope: Scope<'a>, oql: &'a str, tokens: Vec<Token>) -> Self {
        Self { scope, oql, tokens, next: 0, sources: Vec::new(), own: 0, sql: String::new() }
    }

    pub(super) fn query(mut self) -> Result<Query, Failure> {
        self.select()?;
        if self.next < self.tokens.len() {
            return Err(self.unexpected());
        }
        let joined = self.sources.len() > 1;
        let main = self.sources.swap_remove(0);
        Ok(Query { class: main.class, alias: quoted(&main.alias), joined, from: self.sql })
    }

    /// A query, of which everything from `FROM` on is written down.
    fn select(&mut self) -> Result<(), Failure> {
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
        Ok(())
    }

    /// `SELECT …)`, the bracket before it is written already.
    fn nested(&mut self) -> Result<(), Failure> {
        if !self.scope.nested {
            return Err(self.unexpected());
        }
        let own = std::mem::replace(&mut self.own, self.sources.len());
        // The alias is known only when the source has been read, and stands before it.
        let around = std::mem::take(&mut self.sql);
        self.select()?;
        let alias = quoted(&self.sources[self.own].alias);
        self.sources.truncate(self.own);
        self.own = own;
        let inner = std::mem::replace(&mut self.sql, around);
        let _ = write!(self.sql, "SELECT {alias}.id {inner}");
        Ok(())
    }

    /// `Class [AS alias]`.
    fn source(&mut self) -> Result<(), Failure> {
        let (name, at) = self.name()?;
        let Some(class) = classes::find(self.scope.flavour, &name) else {
            return Err(Failure::unknown_class(self.shown(), &name, at));
        };
        let (alias, at) = if self.take_keyword("AS") { self.name()? } else { (name, at) };
        let first = self.sources.len() == self.own;
        // The class that a query inside a query selects may hide an alias around it.
        if !first && self.sources.iter().any(|source| source.alias == alias) {
            return Err(Failure::name(self.shown(), "Duplicate class alias", &alias, at, ""));
        }
        // Seen on a real one: only what the whole query selects is narrowed to what the user may
        // see, not what it joins, nor the queries inside it.
        let source =
            if self.sources.is_empty() { self.scope.source(class) } else { quoted(class.name) };
        let _ = write!(self.sql, "{source} AS {}", quoted(&alias));
        self.sources.push(Source { alias, class });
        Ok(())
    }

    /// The tokens of a condition up to one of `ends`, or to the bracket that ends a query inside a
    /// query, each checked and rewritten.
    fn condition(&mut self, ends: &[&str]) -> Result<(), Failure> {
        let first = self.next;
        let mut open = 0_usize;
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
                Kind::Sign if token.text == ")" && open == 0 && self.own > 0 => break,
                Kind::Number | Kind::Sign => {
                    match token.text.as_str() {
                        "(" => open += 1,
                        ")" => open = open.saturating_sub(1),
                        _ => {}
                    }
                    let _ = write!(self.sql, "{} ", token.text);
                }
                Kind::Name => match token.text.to_ascii_uppercase().as_str() {
                    word @ ("AND" | "OR") => {
                        numeric = false;
                        let _ = write!(self.sql, "{word} ");
                    }
                    "NOT" => self.not()?,
                    "BELOW" => {
                        self.next += 1;
                        self.below()?;
                        continue;
                    }
                    "IN" => {
                        self.sql.push_str("IN ");
                        if self.at("(", 1) && self.at("SELECT", 2) {
                            self.next += 2;
                            self.sql.push('(');
                            self.nested()?;
                            self.sql.push_str(") ");
                            self.sign(")")?;
                            continue;
                        }
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

    /// `NOT`, which is at hand; OQL knows it before `IN`, `LIKE` and `BELOW` alone.
    fn not(&mut self) -> Result<(), Failure> {
        if !["IN", "LIKE", "BELOW"].iter().any(|word| self.at(word, 1)) {
            return Err(self.unexpected());
        }
        self.sql.push_str("NOT ");
        Ok(())
    }

    /// What follows `BELOW`: the root of a branch of organizations, of which the id is compared.
    fn below(&mut self) -> Result<(), Failure> {
        let (alias, attribute) = self.attribute()?;
        let _ = write!(
            self.sql,
            "IN (WITH RECURSIVE branch(id) AS (SELECT {}.\"{}\" UNION SELECT child.id \
             FROM \"Organization\" AS child JOIN branch ON child.parent_id = branch.id) \
             SELECT id FROM branch) ",
            quoted(&alias),
            attribute.code
        );
        Ok(())
    }

    /// `NOW()`, of which the word is at hand.
    fn now(&mut self) -> Result<(), Failure> {
        for sign in ["(", ")"] {
            self.next += 1;
            if !self.at(sign, 0) {
                return Err(self.unexpected());
            }
        }
        let _ = write!(self.sql, "{} ", literal(self.scope.now));
        Ok(())
    }

    /// `attribute` or `alias.attribute`.
    fn attribute(&mut self) -> Result<(String, &'static Attribute), Failure> {
        let (name, at) = self.name()?;
        if self.at("(", 0) {
            self.next -= 1;
            return Err(self.unexpected());
        }
        if self.at(".", 0) {
            self.next += 1;
            let (code, at) = self.name()?;
            let Some(source) = self.sources.iter().rfind(|source| source.alias == name) else {
                let known: Vec<_> = self.sources.iter().map(|source| &*source.alias).collect();
                let hint = expecting(&known, &name);
                let issue = "Unknown class [alias]";
                return Err(Failure::name(self.shown(), issue, &name, at, &hint));
            };
            return match searchable(source.class, &code) {
                Some(attribute) => Ok((name, attribute)),
                None => Err(self.unknown_filter(&code, at, source.class)),
            };
        }
        // iTop looks in the queries around as well, and a name of two classes is ambiguous.
        let mut owners = self.sources.iter().enumerate().filter_map(|(n, source)| {
            let hidden = self.sources[n + 1..].iter().any(|later| later.alias == source.alias);
            if hidden { None } else { Some(source) }
                .and_then(|source| Some((&source.alias, searchable(source.class, &name)?)))
        });
        match (owners.next(), owners.next()) {
            (Some((alias, attribute)), None) => Ok((alias.clone(), attribute)),
            (None, _) => Err(self.unknown_filter(&name, at, self.sources[self.own].class)),
            (Some(_), Some(_)) => {
                Err(Failure::name(self.shown(), "Ambiguous filter code", &name, at, ""))
            }
        }
    }

    fn unknown_filter(&self, code: &str, at: usize, class: &Class) -> Failure {
        let known: Vec<_> = class
            .attributes()
            .filter(|attribute| searchable(class, attribute.code).is_some())
            .map(|attribute| attribute.code)
            .collect();
        let hint = expecting(&known, code);
        Failure::name(self.shown(), "Unknown filter code", code, at, &hint)
    }

    /// The query as messages about names show it: empty for one inside another (read in iTop's
    /// source).
    fn shown(&self) -> &str {
        if self.own > 0 { "" } else { self.oql }
    }

    fn name(&mut self) -> Result<(String, usize), Failure> {
        match self.tokens.get(self.next) {
            Some(token) if token.kind == Kind::Name && !tokens::is_keyword(&token.text) => {
                self.next += 1;
                Ok((token.text.clone(), token.at))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Whether the token so many places on is this sign or keyword.
    fn at(&self, word: &str, ahead: usize) -> bool {
        self.tokens
            .get(self.next + ahead)
            .is_some_and(|token| token.kind != Kind::Text && token.text.eq_ignore_ascii_case(word))
    }

    fn sign(&mut self, sign: &str) -> Result<(), Failure> {
        if !self.at(sign, 0) {
            return Err(self.unexpected());
        }
        self.next += 1;
        Ok(())
    }

    fn keyword(&mut self, word: &str) -> Result<(), Failure> {
        if self.take_keyword(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn take_keyword(&mut self, word: &str) -> bool {
        let found = self.at(word, 0);
        self.next += usize::from(found);
        found
    }

    fn unexpected(&self) -> Failure {
        self.tokens.get(self.next).map_or_else(
            || Failure::not_accepted(self.oql),
            |token| Failure::syntax(self.oql, &token.grammar_name(), &token.text, token.at),
        )
    }
}

/// What iTop says of the names that it knows: it suggests the first of the nearest.
fn expecting(known: &[&str], found: &str) -> String {
    let nearest = known.iter().min_by_key(|name| strsim::levenshtein(name, found));
    let nearest = nearest.copied().unwrap_or("id");
    format!(", expecting {{{}}}, I would suggest to use '{nearest}'", known.join(", "))
}

/// Link sets cannot be searched.
fn searchable(class: &Class, code: &str) -> Option<&'static Attribute> {
    class.attribute(code).filter(|attribute| attribute.is_searched())
}
