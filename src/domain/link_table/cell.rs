//! What a cell is for a spreadsheet, and what it is in truth.

use std::borrow::Cow;

const APOSTROPHE: char = '\'';

/// What a formula begins with; spreadsheets also strip some of it and look at what follows.
fn begins_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
}

/// Whether a text is a formula, or one that is guarded already: that must not lose its own apostrophe.
fn needs_guard(text: &str) -> bool {
    text.trim_start_matches(APOSTROPHE).starts_with(begins_formula)
}

/// A cell that no spreadsheet takes for a formula.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if needs_guard(text) { format!("{APOSTROPHE}{text}").into() } else { text.into() }
}

/// What such a cell says.
pub(super) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix(APOSTROPHE) {
        Some(text) if needs_guard(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_could_be_a_formula_is_guarded() {
        for (text, cell) in [
            ("=A1", "'=A1"),
            ("-Demo-", "'-Demo-"),
            ("@demo", "'@demo"),
            ("'=A1", "''=A1"),
            ("'Demo'", "'Demo'"),
            ("a=b", "a=b"),
            ("", ""),
            ("l'eau", "l'eau"),
        ] {
            assert_eq!(guarded(text), cell);
            assert_eq!(unguarded(cell), text);
        }
        // Written by hand, without a guard.
        assert_eq!(unguarded("=A1"), "=A1");
    }

    proptest! {
        #[test]
        fn a_guard_is_taken_off_again(text in "['=@+a\t-]{0,5}|.{0,5}") {
            let cell = guarded(&text).into_owned();
            prop_assert_eq!(unguarded(&cell), text.as_str());
        }
    }
}
