//! Text from a monitoring system, made fit for iTop's limits.

use std::borrow::Cow;

use super::terminal::without_sequences;

/// The longest title that iTop takes, in characters: a longer one is refused, not cut (ITOP.md).
pub const MAX_TITLE_CHARS: usize = 255;

/// Keeps two brackets from being next to each other: iTop turns `[[Class:name]]` into a link when it
/// shows a text. Nobody sees it, and no line ends there.
const WORD_JOINER: char = '\u{2060}';

/// Removes what no text should carry: the colours of a terminal, and control characters other than
/// line break and tab (a NUL ends the text in iTop's HTML parser). Each kind of line break is `\n`,
/// also the vertical tab, the form feed and NEL.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let unwanted = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(unwanted) {
        let text = without_sequences(text).replace("\r\n", "\n");
        let text = text.replace(['\r', '\u{b}', '\u{c}', '\u{85}'], "\n");
        Cow::Owned(text.replace(unwanted, ""))
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

/// Escapes for HTML, and turns line breaks into `<br/>`; what iTop would make a link stays text.
///
/// Quotation marks are left alone: the result stands between tags, never in an attribute, and an
/// entity would take six bytes of the 65,535 that iTop has for a description.
#[must_use]
pub fn html_lines(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for c in brackets_apart(text, Edge::Open).chars() {
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

/// A link to a web address, which is also its text. Anything else is text alone.
#[must_use]
pub fn html_link(address: &str) -> String {
    let text = html_lines(address);
    if !is_web_address(address) {
        return text;
    }
    // iTop looks for `[[` in attributes too.
    let href = address.replace("[[", "%5B%5B").replace('&', "&amp;").replace('"', "&quot;");
    let href = href.replace('<', "&lt;").replace('>', "&gt;");
    format!("<a href=\"{href}\">{text}</a>")
}

/// Whether a text is an http or https address: people click on it, so no `javascript:`, no `file:`.
#[must_use]
pub fn is_web_address(text: &str) -> bool {
    let web = ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    web && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// What may stand right before a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Nothing that matters.
    Closed,
    /// Perhaps a bracket.
    Open,
}

/// Puts something invisible between each two opening brackets.
#[must_use]
pub fn brackets_apart(text: &str, before: Edge) -> Cow<'_, str> {
    let mut bracket = before == Edge::Open;
    if !(text.contains("[[") || bracket && text.starts_with('[')) {
        return Cow::Borrowed(text);
    }
    let mut apart = String::with_capacity(text.len() + 3);
    for c in text.chars() {
        if c == '[' && bracket {
            apart.push(WORD_JOINER);
        }
        bracket = c == '[';
        apart.push(c);
    }
    Cow::Owned(apart)
}

/// Puts something invisible into each `&name;`: iTop shows a log entry of plain text with its
/// entities decoded (and links what is a bracket then).
#[must_use]
pub fn entities_apart(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('&');
    let mut apart = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        apart.push('&');
        let name = part.strip_prefix('#').unwrap_or(part);
        let letters = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
        if letters > 0 && name[letters..].starts_with(';') {
            apart.push(WORD_JOINER);
        }
        apart.push_str(part);
    }
    Cow::Owned(apart)
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
        fn no_text_can_open_a_link_of_itop(text in r"[\[\]:a-z|\n<&]{0,40}", more in r"[\[a]{0,9}") {
            let html = format!("<p>[{}{}</p>", html_lines(&text), html_lines(&more));
            prop_assert!(!html.contains("[["));
            let link = html_link(&format!("https://x/{}", text.replace('\n', "")));
            prop_assert!(!link.contains("[["));
            // Whoever copies it gets what was sent, but for what cannot be seen.
            let back = brackets_apart(&text, Edge::Closed).replace(WORD_JOINER, "");
            prop_assert_eq!(back, text);
        }

        #[test]
        fn a_link_is_one_tag_whatever_its_address(address in "https?://[ -~é]{0,40}") {
            let link = html_link(&address);
            let tags = if is_web_address(&address) { 2 } else { 0 };
            prop_assert_eq!(link.matches('<').count(), tags);
            let href = link.split('"').nth(1).unwrap_or_default();
            prop_assert!(!href.contains(['<', '>', '"']));
        }

        #[test]
        fn clean_text_has_no_control_characters(text in any::<String>()) {
            prop_assert!(!clean(&text).contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
            prop_assert!(!one_line(&text).contains(char::is_control));
        }
    }

    #[test]
    fn each_kind_of_line_break_is_one() {
        assert_eq!(clean("a\rb\r\nc\nd"), "a\nb\nc\nd");
        assert_eq!(clean("\u{1b}[31ma\u{1b}[0m\u{7}\tb"), "a\tb");
        assert_eq!(one_line("a\rb"), "a b");
        assert_eq!(clean("a\u{85}b\u{b}c\u{c}d"), "a\nb\nc\nd");
        assert_eq!(one_line("a\u{85}b\u{b}c\u{c}d\u{2028}e"), "a b c d e");
    }

    #[test]
    fn entities_are_text() {
        assert_eq!(
            entities_apart("&lt; &#91; &#x5B; &"),
            "&\u{2060}lt; &\u{2060}#91; &\u{2060}#x5B; &"
        );
        assert_eq!(entities_apart("?a=1&b=2; R&D"), "?a=1&b=2; R&D");
    }

    #[test]
    fn addresses_of_the_web_become_links_and_nothing_else() {
        assert_eq!(
            html_link("https://sn.example/?a=1&b=\"#c"),
            "<a href=\"https://sn.example/?a=1&amp;b=&quot;#c\">https://sn.example/?a=1&amp;b=\"#c</a>"
        );
        for text in ["javascript:alert(1)", "ftp://x", "https://x y", "HTTPS", ""] {
            assert!(!html_link(text).contains("<a"), "{text}");
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
