//! iTop's cleaning of HTML: a white list of elements, all else removed with its content.
//!
//! Seen in the recordings: comments go, an unknown element takes what it contains with it (up to
//! its end tag, or the end of the text), and text that begins a document is put into a paragraph.

use std::fmt::Write as _;

use super::Flavour;

const ALLOWED: &[&str] = &[
    "a",
    "abbr",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "del",
    "div",
    "em",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "legend",
    "li",
    "mark",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
];
const EMPTY: &[&str] = &["br", "col", "hr", "img"];
/// What ends a paragraph that was not closed.
const BLOCKS: &[&str] = &[
    "blockquote",
    "center",
    "div",
    "fieldset",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];
const ATTRIBUTES: &[&str] = &[
    "align", "border", "colspan", "height", "href", "name", "rowspan", "src", "style", "title",
    "width",
];

/// Cleans `html` as iTop does before it stores it.
pub(super) fn clean(flavour: Flavour, html: &str) -> String {
    let mut document = Document { out: String::new(), open: Vec::new(), flavour };
    let mut rest = html;
    while !rest.is_empty() {
        rest = document.step(rest);
    }
    while let Some(name) = document.open.pop() {
        document.close(name);
    }
    document.out
}

/// The plain text of cleaned HTML.
pub(super) fn plain_text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end + 1);
        let tag = rest[start..end].trim_matches(['<', '>', '/', ' ']);
        if matches!(tag, "br" | "p" | "li" | "div") && !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        rest = &rest[end..];
    }
    text.push_str(rest);
    unescaped(text.trim())
}

/// Text as HTML, as iTop shows a log entry of text format.
pub(super) fn text_as_html(text: &str) -> String {
    escaped(text)
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
        .replace("\r\n", "\n")
        .replace(['\r', '\n'], "<br/>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescaped(html: &str) -> String {
    html.replace("&nbsp;", "\u{a0}")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

struct Document {
    out: String,
    /// Elements not yet closed.
    open: Vec<&'static str>,
    flavour: Flavour,
}

impl Document {
    /// Consumes one piece of text or one tag and returns what follows.
    fn step<'a>(&mut self, html: &'a str) -> &'a str {
        if let Some(comment) = html.strip_prefix("<!--") {
            return comment.split_once("-->").map_or("", |(_, after)| after);
        }
        if html.starts_with("<!") || html.starts_with("<?") {
            return html.split_once('>').map_or("", |(_, after)| after);
        }
        if let Some(tag) = html.strip_prefix("</") {
            let (name, after) = tag.split_once('>').unwrap_or((tag, ""));
            self.end(&name.trim().to_ascii_lowercase());
            return after;
        }
        if html.starts_with('<') && html[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (tag, after) = html[1..].split_once('>').unwrap_or((&html[1..], ""));
            let length = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
            let name = tag[..length].to_ascii_lowercase();
            // An e-mail address in brackets is an element of that name to the parser.
            let odd = tag[length..].starts_with(['@', '.', ':', '-', '_']);
            return match ALLOWED.iter().find(|allowed| !odd && **allowed == name) {
                Some(name) => {
                    self.start(name, &tag[length..]);
                    after
                }
                None if matches!(name.as_str(), "html" | "body") => after,
                None => after_element(&name, after),
            };
        }
        // A bracket that begins no tag is text.
        let end = html.char_indices().skip(1).find(|(_, c)| *c == '<').map_or(html.len(), |c| c.0);
        self.text(&html[..end]);
        &html[end..]
    }

    fn text(&mut self, text: &str) {
        // Only text before any element gets a paragraph of its own.
        if self.out.is_empty() && self.open.is_empty() {
            if text.trim().is_empty() {
                return;
            }
            self.start("p", "");
        }
        let text = match self.flavour {
            Flavour::Itil | Flavour::Grown => decoded_and_escaped(text),
            // The older version escapes escaped brackets once more (seen in its 032).
            Flavour::Simple => {
                decoded_and_escaped(text).replace("&lt;", "&amp;lt;").replace("&gt;", "&amp;gt;")
            }
        };
        self.out.push_str(&text);
    }

    fn start(&mut self, name: &'static str, attributes: &str) {
        if BLOCKS.contains(&name) && self.open.last() == Some(&"p") {
            self.end("p");
        }
        self.out.push('<');
        self.out.push_str(name);
        for (attribute, value) in attributes_of(attributes) {
            // Writing to a String cannot fail.
            let _ = write!(self.out, " {attribute}=\"{}\"", escaped(&value).replace('"', "&quot;"));
        }
        self.out.push('>');
        if !EMPTY.contains(&name) {
            self.open.push(name);
        }
    }

    /// Closes `name` and what is open inside it; an end tag of nothing open is dropped.
    fn end(&mut self, name: &str) {
        if !self.open.contains(&name) {
            return;
        }
        while let Some(open) = self.open.pop() {
            self.close(open);
            if open == name {
                break;
            }
        }
    }

    fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

/// What follows the end tag of a removed element; without one it swallows everything.
fn after_element<'a>(name: &str, html: &'a str) -> &'a str {
    let lower = html.to_ascii_lowercase();
    lower
        .find(&format!("</{name}"))
        .map_or("", |at| html[at..].split_once('>').map_or("", |(_, after)| after))
}

/// A text node as the parser reads it and writes it out again.
fn decoded_and_escaped(text: &str) -> String {
    escaped(&unescaped(text))
}

/// The allowed attributes of a start tag; links and images of odd schemes are dropped.
fn attributes_of(tag: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut rest = tag.trim_start_matches('/');
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, next) = match quote {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        let name = name.split_whitespace().next_back().unwrap_or_default().to_ascii_lowercase();
        if let Some(name) = ATTRIBUTES.iter().find(|allowed| **allowed == name) {
            let value = unescaped(value);
            let scheme = value.trim().to_ascii_lowercase();
            let link = matches!(*name, "href" | "src");
            if !link || ["http:", "https:", "mailto:"].iter().any(|s| scheme.starts_with(s)) {
                found.push((*name, value));
            }
        }
        rest = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_texts_come_out_as_recorded() {
        for (html, cleaned) in [
            (
                "<p>ok</p><script>alert(1)</script><!-- gone -->line1\nline2 <tag> end",
                "<p>ok</p>line1\nline2 ",
            ),
            ("é 🔥", "<p>é 🔥</p>"),
            ("<p>DISK CRITICAL &lt;97%&gt;</p>", "<p>DISK CRITICAL &lt;97%&gt;</p>"),
            ("Jean <jean@x.fr> took it [ack 0199ab]", "<p>Jean </p>"),
        ] {
            assert_eq!(clean(Flavour::Itil, html), cleaned);
        }
        assert_eq!(clean(Flavour::Simple, "<p>&lt;</p>"), "<p>&amp;lt;</p>");
        assert_eq!(plain_text("<p>Jean </p>"), "Jean");
        assert_eq!(text_as_html("a <b>\nc & \"d\""), "a &lt;b&gt;<br/>c &amp; &quot;d&quot;");
    }

    #[test]
    fn scripts_cannot_hide_in_attributes() {
        assert_eq!(
            clean(Flavour::Itil, "<a href=\"javascript:alert(1)\" onclick='x'>t</a>"),
            "<a>t</a>"
        );
        assert_eq!(
            clean(Flavour::Itil, "<a href='https://x/?a=1&amp;b=\"' title=y>t</a>"),
            "<a href=\"https://x/?a=1&amp;b=&quot;\" title=\"y\">t</a>"
        );
    }

    #[test]
    fn broken_markup_is_closed() {
        assert_eq!(clean(Flavour::Itil, "a<p>b<ul><li>c"), "<p>a</p><p>b</p><ul><li>c</li></ul>");
        assert_eq!(clean(Flavour::Itil, "5 < 6 </b> & 7"), "<p>5 &lt; 6  &amp; 7</p>");
        assert_eq!(clean(Flavour::Itil, "<"), "<p>&lt;</p>");
    }
}
