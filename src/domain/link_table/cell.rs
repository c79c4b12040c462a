//! What a cell is for a spreadsheet, and what it is in truth.
//!
//! Who opens a table tells the spreadsheet what stands between its cells, or it guesses: what one takes for a
//! part of a cell, the other takes for the beginning of the next one. So what could be a formula is guarded
//! wherever any of the separators, or a line, may begin a cell.

use std::borrow::Cow;

const APOSTROPHE: char = '\'';

/// Whether a cell may begin behind this.
fn ends_cell(c: char) -> bool {
    matches!(c, ',' | ';' | '|' | '\t' | '\r' | '\n')
}

/// What a formula begins with.
fn begins_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

/// What spreadsheets may strip from the beginning of a cell before they look at what follows. An
/// apostrophe is among it: a text that is guarded already must not lose its own.
fn is_stripped(c: char) -> bool {
    matches!(c, APOSTROPHE | '"' | ' ' | '\u{a0}')
}

/// Whether what begins here needs a guard; `is_first` at the beginning of a cell, where tabs and line
/// breaks are stripped too.
fn needs_guard(text: &str, is_first: bool) -> bool {
    let text = text.trim_start_matches(is_stripped);
    text.starts_with(begins_formula) || (is_first && text.starts_with(['\t', '\r', '\n']))
}

/// The parts of a text each of which could be a cell, with what stands behind them.
fn parts(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.split_inclusive(ends_cell).scan(0, move |at, part| {
        let begin = *at;
        *at += part.len();
        Some((begin == 0, &text[begin..]))
    })
}

/// A cell that no spreadsheet takes for a formula, nor a part of it.
pub(in crate::domain) fn guarded(text: &str) -> Cow<'_, str> {
    if !parts(text).any(|(is_first, rest)| needs_guard(rest, is_first)) {
        return text.into();
    }
    let mut cell = String::with_capacity(text.len() + 4);
    for (is_first, rest) in parts(text) {
        if needs_guard(rest, is_first) {
            cell.push(APOSTROPHE);
        }
        cell.push_str(first_of(rest));
    }
    cell.into()
}

/// What such a cell says.
pub(in crate::domain) fn unguarded(cell: &str) -> Cow<'_, str> {
    let own = |(is_first, rest): (bool, &str)| {
        rest.strip_prefix(APOSTROPHE).is_some_and(|text| needs_guard(text, is_first))
    };
    if !parts(cell).any(own) {
        return cell.into();
    }
    let without = |part| first_of(if own(part) { &part.1[1..] } else { part.1 });
    parts(cell).map(without).collect::<String>().into()
}

/// The first part of a text.
fn first_of(text: &str) -> &str {
    text.split_inclusive(ends_cell).next().unwrap_or_default()
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
            // To whoever opens it with the other separator these are two cells.
            ("a;=cmd()", "a;'=cmd()"),
            ("a,=cmd()", "a,'=cmd()"),
            ("a\t=cmd()", "a\t'=cmd()"),
            ("a\r\n=cmd()", "a\r\n'=cmd()"),
            ("a|@x;-1", "a|'@x;'-1"),
            ("a\";=cmd()", "a\";'=cmd()"),
            ("a;\"=cmd()\"", "a;'\"=cmd()\""),
            ("a; =cmd()", "a;' =cmd()"),
            ("a;'=cmd()", "a;''=cmd()"),
            ("=a;=b", "'=a;'=b"),
            ("Lyon - Nord, Paris", "Lyon - Nord, Paris"),
            ("\t=a", "'\t'=a"),
        ] {
            assert_eq!(guarded(text), cell);
            assert_eq!(unguarded(cell), text);
        }
        // Written by hand, without a guard.
        assert_eq!(unguarded("=A1"), "=A1");
    }

    proptest! {
        #[test]
        fn a_guard_is_taken_off_again(text in "['=@+a;,|\" \t\r\n-]{0,8}|.{0,5}") {
            let cell = guarded(&text).into_owned();
            prop_assert_eq!(unguarded(&cell), text.as_str());
        }
    }
}
