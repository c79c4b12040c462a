//! Text from a monitoring system, made fit for iTop's limits.

use std::borrow::Cow;

/// The longest title that iTop takes, in characters: a longer one is refused, not cut (ITOP.md).
pub const MAX_TITLE_CHARS: usize = 255;

/// Removes what no text should carry: control characters other than line break and tab (a NUL
/// ends the text in iTop's HTML parser), and carriage returns.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let unwanted = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(unwanted) {
        Cow::Owned(text.replace("\r\n", "\n").replace(unwanted, ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same on one line: line breaks and tabs become spaces.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in clean(text).split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// How many characters a text has, if these are more than `max`.
#[must_use]
pub fn too_long(text: &str, max: usize) -> Option<usize> {
    // A character has a byte or more: most texts need not be counted.
    let length = if text.len() > max { text.chars().count() } else { 0 };
    (length > max).then_some(length)
}

/// Cuts to `max` characters, the last of which is then an ellipsis.
#[must_use]
pub fn cut_chars(text: &str, max: usize) -> Cow<'_, str> {
    if text.chars().nth(max).is_none() {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    Cow::Owned(kept.trim_end().to_owned() + "…")
}

/// The longest beginning of `text` that has at most `max` bytes and ends between characters.
#[must_use]
pub fn cut_bytes(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// Escapes for HTML, and turns line breaks into `<br/>`.
///
/// Quotation marks are left alone: the result stands between tags, never in an attribute, and an
/// entity would take six bytes of the 65,535 that iTop has for a description.
#[must_use]
pub fn html_lines(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\n' => html.push_str("<br/>"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cutting_never_exceeds_the_limit_or_breaks_a_character(text in ".*", max in 1_usize..300) {
            let cut = cut_chars(&text, max);
            prop_assert!(cut.chars().count() <= max);
            if text.chars().count() <= max {
                prop_assert_eq!(cut.as_ref(), text.as_str());
            }
            prop_assert!(cut_bytes(&text, max).len() <= max);
            prop_assert!(text.starts_with(cut_bytes(&text, max)));
        }

        #[test]
        fn escaped_text_has_no_tag_but_the_line_break(text in any::<String>()) {
            let html = html_lines(&text).replace("<br/>", "");
            prop_assert!(!html.contains('<') && !html.contains('>'));
        }

        #[test]
        fn clean_text_has_no_control_characters(text in any::<String>()) {
            prop_assert!(!clean(&text).contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
            prop_assert!(!one_line(&text).contains(char::is_control));
        }
    }

    #[test]
    fn four_byte_characters_count_as_one() {
        assert_eq!(cut_chars(&"🔥".repeat(255), 255).chars().count(), 255);
        let cut = cut_chars(&"🔥".repeat(256), 255).into_owned();
        assert_eq!(cut.chars().count(), 255);
        assert!(cut.ends_with('…'));
    }
}
