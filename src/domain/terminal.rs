//! What a plugin prints for a terminal and nobody can read elsewhere: colours, titles, links.

use std::borrow::Cow;

const ESCAPE: char = '\u{1b}';

/// Removes the control sequences of terminals (ECMA-48) as a whole, not their first character
/// alone: what is left of `ESC[31m` would be `[31m`.
///
/// What only begins like one, and is not ended where it should be, keeps its text: a parser of
/// terminals would swallow everything behind it.
#[must_use]
pub fn without_sequences(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(ESCAPE) {
        kept.push_str(before);
        // All that is counted is ASCII.
        rest = &after[length(after)..];
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// How many bytes behind an escape character belong to it.
fn length(after: &str) -> usize {
    let bytes = after.as_bytes();
    match bytes.first() {
        // A control sequence: parameters, then one letter. At the end of a text it may be cut.
        Some(b'[') => ended(bytes, 1, 0x20..=0x3f, 0x40..=0x7e),
        // A choice of characters, such as `ESC(B`.
        Some(b' '..=b'/') => ended(bytes, 1, 0x20..=0x2f, 0x30..=0x7e),
        // A string for the terminal, such as a title: up to BEL or `ESC\`, in the same line.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let line = after.split('\n').next().unwrap_or_default();
            let bell = line.find('\u{7}').map(|at| at + 1);
            let terminator = line.find("\u{1b}\\").map(|at| at + 2);
            bell.into_iter().chain(terminator).min().unwrap_or(0)
        }
        _ => 0,
    }
}

/// The length of a sequence whose middle and last bytes are of these kinds; 0 if it is none.
fn ended(
    bytes: &[u8],
    begin: usize,
    middle: std::ops::RangeInclusive<u8>,
    last: std::ops::RangeInclusive<u8>,
) -> usize {
    let rest = &bytes[begin..];
    let count = rest.iter().take_while(|byte| middle.contains(byte)).count();
    match rest.get(count) {
        Some(byte) if last.contains(byte) => begin + count + 1,
        Some(_) => 0,
        None => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_go_as_a_whole() {
        for (printed, read) in [
            ("\u{1b}[31mCRITICAL\u{1b}[0m - 97%", "CRITICAL - 97%"),
            ("\u{1b}[1;38;5;196mred\u{1b}[m", "red"),
            ("\u{1b}(B\u{1b}[mplain", "plain"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;https://x/\u{1b}\\link\u{1b}]8;;\u{1b}\\ end", "link end"),
            ("cut \u{1b}[3", "cut "),
            ("ends \u{1b}", "ends "),
            // What is no sequence stays, but for the character that cannot be shown.
            ("\u{1b}[31é", "[31é"),
            ("\u{1b}]never ended\nnext line", "]never ended\nnext line"),
            ("\u{1b}Hello", "Hello"),
            ("[31m is text", "[31m is text"),
        ] {
            assert_eq!(without_sequences(printed), read, "{printed:?}");
        }
    }

    proptest! {
        #[test]
        fn a_sequence_leaves_no_trace_wherever_it_stands(
            before in "[^\u{1b}]{0,20}",
            sequence in "\u{1b}(\\[[0-9;?]{0,9}[ -/]{0,2}[@-~]|\\][^\u{1b}\u{7}\n]{0,9}(\u{7}|\u{1b}\\\\)|[(-/][0-~])",
            after in "[^\u{1b}]{0,20}",
        ) {
            let text = format!("{before}{sequence}{after}");
            prop_assert_eq!(without_sequences(&text).into_owned(), format!("{before}{after}"));
        }

        #[test]
        fn any_text_loses_its_escapes_and_nothing_is_added(text in any::<String>()) {
            let kept = without_sequences(&text).into_owned();
            prop_assert!(!kept.contains(ESCAPE) && kept.len() <= text.len());
        }
    }
}
