//! Texts and ids in OQL, iTop's query language.

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

/// `1,2,3`, for `IN (…)`. An empty list would be a syntax error: the caller asks nothing then.
#[must_use]
pub fn id_list(ids: impl IntoIterator<Item = u64>) -> String {
    ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>().join(",")
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
    fn names_that_occur() {
        assert_eq!(quote("O'Brien"), r"'O\'Brien'");
        assert_eq!(quote(r"a\b"), r"'a\\b'");
        assert_eq!(quote(r"end\"), r"'end\\'");
    }
}
