//! The bridge's texts are HTML; a Case shows its description as it stands. Lines, lists and tables stay
//! what they are to a reader.

use std::fmt::Write as _;

use crate::domain::text::cut_bytes;

/// Keeps two brackets apart in iTop; nobody sees it, and here it would only be in the way of a search.
const WORD_JOINER: char = '\u{2060}';

/// The plain text of a text in HTML.
#[must_use]
pub(crate) fn of_html(html: &str) -> String {
    let mut page = Page::default();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        page.text(&rest[..start]);
        let tag = &rest[start + 1..];
        // A sign that stands alone is text.
        if !tag.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!')) {
            page.text("<");
            rest = tag;
            continue;
        }
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        page.tag(tag);
        rest = after;
    }
    page.text(rest);
    page.finished()
}

/// The longest beginning of a text that has at most so many bytes, with a sign that there is more.
#[must_use]
pub(super) fn cut(text: &str, most: usize) -> String {
    const MORE: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}{MORE}", cut_bytes(text, most.saturating_sub(MORE.len())).trim_end())
}

/// A text as Salesforce keeps it, on one line's ends and without what nobody sees.
#[must_use]
pub(crate) fn kept(text: &str) -> String {
    text.replace(WORD_JOINER, "").trim().to_owned()
}

#[derive(Default)]
struct Page {
    out: String,
    /// Where blanks and line breaks stay.
    is_pre: bool,
    cells: usize,
    /// The address of a link, and where its text begins.
    link: Option<(String, usize)>,
}

impl Page {
    fn text(&mut self, html: &str) {
        let text = unescaped(html).replace(WORD_JOINER, "");
        if self.is_pre {
            self.out.push_str(&text);
            return;
        }
        for c in text.chars() {
            if !c.is_ascii_whitespace() {
                self.out.push(c);
            } else if !self.out.is_empty() && !self.out.ends_with([' ', '\n']) {
                self.out.push(' ');
            }
        }
    }

    fn tag(&mut self, tag: &str) {
        let is_end = tag.starts_with('/');
        let name_of = tag.trim_start_matches('/');
        let length = name_of.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name_of.len());
        let name = name_of[..length].to_ascii_lowercase();
        match name.as_str() {
            "br" => self.line(),
            "p" | "div" | "table" | "ul" | "ol" | "h1" | "h2" | "h3" | "h4" | "blockquote" => {
                self.paragraph();
            }
            "pre" => {
                self.line();
                self.is_pre = !is_end;
            }
            "tr" => {
                self.line();
                self.cells = 0;
            }
            "td" | "th" if !is_end => {
                self.cells += 1;
                match self.cells {
                    1 => {}
                    2 => self.beside(": "),
                    _ => self.beside(" | "),
                }
            }
            "li" if !is_end => {
                self.line();
                self.out.push_str("- ");
            }
            "a" if !is_end => {
                let address = attribute(tag, "href").map(unescaped);
                self.link = address.map(|address| (address, self.out.len()));
            }
            "a" => {
                if let Some((address, start)) = self.link.take() {
                    let shown = self.out.get(start..).unwrap_or_default();
                    if shown.trim() != address {
                        let _ = write!(self.out, " ({address})");
                    }
                }
            }
            _ => {}
        }
    }

    fn beside(&mut self, between: &str) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push_str(between);
        }
    }

    fn line(&mut self) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        // In what is kept as it is each break counts.
        if self.is_pre || !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn paragraph(&mut self) {
        self.line();
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn finished(self) -> String {
        let lines: Vec<_> = self.out.lines().map(str::trim_end).collect();
        lines.join("\n").trim().to_owned()
    }
}

/// The value of an attribute of a tag.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (_, after) = tag.split_once(&format!("{name}="))?;
    let quote = after.chars().next()?;
    match quote {
        '"' | '\'' => after[1..].split(quote).next(),
        _ => after.split_ascii_whitespace().next(),
    }
}

/// A text in which each entity stands for its sign.
fn unescaped(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('&') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(at, _)| at);
        if let Some((sign, end)) = end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            text.push(sign);
            rest = &rest[end + 1..];
        } else {
            text.push('&');
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    text
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control() || *c == '\n')?
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_description_reads_as_its_page_does() {
        let html = "<p><b>Disk C: 97 %</b></p>\n<p>first<br/>second &lt;3 &amp; more</p>\n\
            <pre>  a  b<br/><br/>c</pre>\n<table>\n<tbody>\n\
            <tr><td>Company</td><td>Demo &#39;SA&#x27;</td></tr>\n\
            <tr><td>Link</td><td><a href=\"https://sn.example/?a=1&amp;b=2\">https://sn.example/?a=1&amp;b=2</a></td></tr>\n\
            </tbody>\n</table>\n<ul>\n<li>one</li>\n<li><a href='https://x.example/'>two</a></li>\n</ul>";
        let expected = "Disk C: 97 %\n\nfirst\nsecond <3 & more\n\n  a  b\n\nc\n\n\
            Company: Demo 'SA'\nLink: https://sn.example/?a=1&b=2\n\n- one\n- two (https://x.example/)";
        assert_eq!(of_html(html), expected);
        assert_eq!(of_html("1 < 2 & 3;"), "1 < 2 & 3;");
        assert_eq!(of_html("[\u{2060}[Class:name]]"), "[[Class:name]]");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("äöüß", 7), "äö…");
        assert_eq!(cut("äöüß", 8), "äöüß");
        assert_eq!(kept(" a\u{2060}b \n"), "ab");
    }

    proptest! {
        #[test]
        fn no_html_makes_it_panic_and_no_cut_is_too_long(html in "[<>/&;# a-z\"='é\n]{0,80}", most in 3_usize..40) {
            let text = of_html(&html);
            prop_assert!(cut(&text, most).len() <= most.max(3));
        }
    }
}
