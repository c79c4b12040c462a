//! `LIKE` as MySQL evaluates it: character by character, so that `ß` is not `ss` here and a
//! character without width counts, and with spaces at the end.

use std::sync::Arc;

use rusqlite::{
    Connection,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};

use super::compare;

/// Puts this `LIKE` in the place of SQLite's own.
pub(super) fn register(connection: &Connection) -> Result<(), rusqlite::Error> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // `a LIKE b ESCAPE '\'` is `like(b, a, '\')`, the only form in which OQL is written down.
    connection.create_scalar_function("like", 3, flags, |call: &Context<'_>| {
        let pattern: Arc<Pattern> =
            call.get_or_create_aux(0, |pattern| pattern.as_str().map(Pattern::read))?;
        Ok(match call.get_raw(1) {
            ValueRef::Null | ValueRef::Blob(_) => None,
            ValueRef::Integer(number) => Some(pattern.matches(&number.to_string())),
            ValueRef::Real(number) => Some(pattern.matches(&number.to_string())),
            ValueRef::Text(text) => Some(pattern.matches(&String::from_utf8_lossy(text))),
        })
    })
}

/// A pattern, read once a query.
struct Pattern {
    pieces: Vec<Piece>,
    /// The text of a pattern `%text%` of ASCII, such as a marker: it is looked for in the logs of
    /// thousands of tickets.
    within: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    Character(char),
}

impl Pattern {
    fn read(pattern: &str) -> Self {
        let mut pieces = Vec::new();
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            pieces.push(match character {
                '%' => Piece::Any,
                '_' => Piece::One,
                '\\' => Piece::Character(characters.next().unwrap_or('\\')),
                other => Piece::Character(other),
            });
        }
        let within = match pieces.as_slice() {
            [Piece::Any, text @ .., Piece::Any] => text
                .iter()
                .map(|piece| match piece {
                    Piece::Character(character) if character.is_ascii() => Some(*character),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        Self { pieces, within }
    }

    fn matches(&self, text: &str) -> bool {
        if let Some(within) = &self.within {
            if contains(text.as_bytes(), within.as_bytes()) {
                return true;
            }
            if text.is_ascii() {
                return false;
            }
        }
        self.matches_slowly(&text.chars().collect::<Vec<_>>())
    }

    /// The usual way: at a mismatch, the last `%` takes one character more.
    fn matches_slowly(&self, text: &[char]) -> bool {
        let (mut at, mut piece) = (0, 0);
        let mut retry = None;
        while let Some(character) = text.get(at) {
            match self.pieces.get(piece) {
                Some(Piece::Any) => {
                    piece += 1;
                    retry = Some((piece, at));
                    continue;
                }
                Some(Piece::One) => {}
                Some(Piece::Character(wanted)) if alike(*wanted, *character) => {}
                _ => {
                    let Some((after_any, taken)) = retry else { return false };
                    retry = Some((after_any, taken + 1));
                    (piece, at) = (after_any, taken + 1);
                    continue;
                }
            }
            (piece, at) = (piece + 1, at + 1);
        }
        self.pieces[piece..].iter().all(|rest| *rest == Piece::Any)
    }
}

/// Whether `text` contains `part`, ASCII, in any case.
fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text).any(|at| {
        text.get(at + 1..at + 1 + rest.len()).is_some_and(|found| found.eq_ignore_ascii_case(rest))
    })
}

fn alike(a: char, b: char) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(&b);
    }
    // No letter is like a sign: most characters need no look at the collation.
    if a.is_alphabetic() != b.is_alphabetic() {
        return false;
    }
    // A space alone would be one at the end, which does not count when texts are compared.
    a == b || compare(&format!("{a}."), &format!("{b}.")).is_eq()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_matched_character_by_character() {
        for (pattern, text, expected) in [
            ("%[ack 00aa]%", "line\n[ack 00aa] é", true),
            ("%[ACK 00aa]%", "[ack 00AA]", true),
            ("%[ack 00aa]%", "é [ack 00ab] [ack 00a", false),
            ("%[ack 00aa]%", "[ack 00ab]", false),
            ("%elo%", "Élodie", true),
            ("éLO%", "elodie", true),
            ("stra%sse", "straße", false),
            ("stra_e", "straße", true),
            ("a%b%c", "a b b c c", true),
            ("a%b", "a b ", false),
            ("a b", "a\u{a0}b", true),
            ("a_b", "ab", false),
            (r"100\%", "100%", true),
            (r"100\%", "1000", false),
            ("🔥%", "🧯 x", true),
            ("%", "", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::read(pattern).matches(text), expected, "{pattern:?} {text:?}");
        }
    }
}
