//! Texts and conditions in OQL, iTop's query language.

use crate::domain::text::clean;

/// A string literal: quoted, with backslash escapes for quotation mark and backslash (ITOP.md,
/// "Protocol": names such as `O'Brien` and `a\b` occur).
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in clean(text).chars() {
        if matches!(c, '\'' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

/// The organizations of the tickets that a condition on `marked` holds for.
#[must_use]
pub(super) fn organizations_of_tickets(condition: &str) -> String {
    // Aliases that no configured query around it has: iTop would call its names ambiguous.
    format!(
        "SELECT Organization AS holder JOIN Ticket AS marked ON marked.org_id = holder.id \
         WHERE {condition}"
    )
}

/// A query for objects of `class`, with one more condition: `condition` is told the alias under
/// which the query selects them. What it selected before stays a condition as it stands.
#[must_use]
pub(super) fn narrowed(class: &str, query: &str, condition: impl FnOnce(&str) -> String) -> String {
    match Outline::of(query) {
        Some(Outline { alias, condition: Some((head, known)) }) => {
            format!("{head} WHERE ({}) AND {}", known.trim(), condition(alias))
        }
        Some(Outline { alias, condition: None }) => {
            format!("{} WHERE {}", query.trim(), condition(alias))
        }
        // A union, or several classes at once: iTop takes it as it is, inside.
        None => format!("SELECT {class} WHERE {} AND {class}.id IN ({query})", condition(class)),
    }
}

/// What of a query matters to add a condition to it.
struct Outline<'q> {
    alias: &'q str,
    /// What stands before `WHERE` and after it, if there is one.
    condition: Option<(&'q str, &'q str)>,
}

impl<'q> Outline<'q> {
    /// `None` for a query of another form than `SELECT Class [AS alias] … [WHERE …]`.
    fn of(query: &'q str) -> Option<Self> {
        let mut words = Words { query, at: 0 };
        let mut next = || words.next().map(|(at, word)| (at, word.trim_matches('`')));
        let is = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted);
        let (_, select) = next()?;
        let (_, class) = next()?;
        if !is(select, "SELECT") {
            return None;
        }
        let mut alias = class;
        let mut condition = None;
        let mut after_class = true;
        while let Some((at, word)) = next() {
            if after_class && is(word, "AS") {
                alias = next()?.1;
            } else if is(word, "FROM") || is(word, "UNION") || word == "," {
                return None;
            } else if is(word, "WHERE") && condition.is_none() {
                condition = Some((query[..at].trim(), &query[at + "WHERE".len()..]));
            }
            after_class = false;
        }
        Some(Self { alias, condition })
    }
}

/// The words of a query that stand neither in a text nor in parentheses, and its commas.
struct Words<'q> {
    query: &'q str,
    at: usize,
}

impl<'q> Iterator for Words<'q> {
    type Item = (usize, &'q str);

    fn next(&mut self) -> Option<(usize, &'q str)> {
        let mut depth = 0_u32;
        let mut start = None;
        let mut chars = self.query[self.at..].char_indices();
        while let Some((at, c)) = chars.next() {
            let at = self.at + at;
            if c.is_alphanumeric() || matches!(c, '_' | '`') {
                start = start.or((depth == 0).then_some(at));
                continue;
            }
            if let Some(start) = start {
                self.at = at;
                return Some((start, &self.query[start..at]));
            }
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                '\'' | '"' => {
                    // An escaped quotation mark does not end the text.
                    while let Some((_, inside)) = chars.next() {
                        if inside == '\\' {
                            chars.next();
                        } else if inside == c {
                            break;
                        }
                    }
                }
                ',' if depth == 0 => {
                    self.at = at + 1;
                    return Some((at, ","));
                }
                _ => {}
            }
        }
        self.at = self.query.len();
        start.map(|start| (start, &self.query[start..]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What iTop's lexer makes of a literal: the text, or nothing if it does not end where the
    /// literal ends.
    fn read_literal(literal: &str) -> Option<String> {
        let mut inside = literal.strip_prefix('\'')?.chars();
        let mut text = String::new();
        while let Some(c) = inside.next() {
            match c {
                '\\' => text.push(inside.next()?),
                '\'' => return inside.as_str().is_empty().then_some(text),
                other => text.push(other),
            }
        }
        None
    }

    proptest! {
        #[test]
        fn no_text_escapes_its_quotes(text in any::<String>()) {
            prop_assert_eq!(read_literal(&quote(&text)), Some(clean(&text).into_owned()));
        }

        #[test]
        fn hostile_characters_do_not_either(text in r#"['"\\%_\n\x00a-c\u{202e}🔥]{0,40}"#) {
            prop_assert_eq!(read_literal(&quote(&text)), Some(clean(&text).into_owned()));
        }
    }

    #[test]
    fn a_condition_is_added_to_any_query() {
        let narrowed = |query: &str| narrowed("Person", query, |alias| format!("{alias}.id = 7"));
        for (query, expected) in [
            ("SELECT Person", "SELECT Person WHERE Person.id = 7"),
            (
                "select Person where org_id = 3 OR status = 'active' ",
                "select Person WHERE (org_id = 3 OR status = 'active') AND Person.id = 7",
            ),
            (
                "SELECT Person AS p JOIN Team AS where_else ON p.id = where_else.id WHERE p.id = 1",
                "SELECT Person AS p JOIN Team AS where_else ON p.id = where_else.id \
                 WHERE (p.id = 1) AND p.id = 7",
            ),
            (
                r"SELECT `Person` AS `p` WHERE name = 'x\' WHERE y' AND id IN (SELECT Person WHERE 1)",
                r"SELECT `Person` AS `p` WHERE (name = 'x\' WHERE y' AND id IN (SELECT Person WHERE 1)) AND p.id = 7",
            ),
            (
                "SELECT Person WHERE id = 1 UNION SELECT Person WHERE id = 2",
                "SELECT Person WHERE Person.id = 7 AND Person.id IN \
                 (SELECT Person WHERE id = 1 UNION SELECT Person WHERE id = 2)",
            ),
            (
                "SELECT p FROM Person AS p",
                "SELECT Person WHERE Person.id = 7 AND Person.id IN (SELECT p FROM Person AS p)",
            ),
        ] {
            assert_eq!(narrowed(query), expected);
        }
    }

    #[test]
    fn names_that_occur() {
        assert_eq!(quote("O'Brien"), r"'O\'Brien'");
        assert_eq!(quote(r"a\b"), r"'a\\b'");
        assert_eq!(quote(r"end\"), r"'end\\'");
    }
}
