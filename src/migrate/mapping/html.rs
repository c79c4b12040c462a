//! HTML as a rich text field may hold it, and addresses of articles.
//!
//! This is no parser of whatever the web has: iTop has cleaned and balanced each text when it was stored, and Salesforce
//! cleans it once more. What comes out is made anew of the tags that are kept, so that nothing else can be in it. The crate
//! `ammonia`, which would also mend what is not well-formed, makes the program 1.1 MB larger (measured), 4 % of it.

/// What is kept of a text; all else loses its tags and keeps its words.
const KEPT: [&str; 29] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// What loses its words too.
const DROPPED: [&str; 5] = ["script", "style", "head", "iframe", "object"];

/// HTML without what is no text: scripts, styles, attributes but the addresses of links, pictures, which die
/// with the iTop that they stand in.
#[must_use]
pub fn sanitized(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start].replace('>', "&gt;"));
        let tag = &rest[start + 1..];
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !tag.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            out.push_str("&lt;");
            rest = tag;
            continue;
        }
        let (inside, after) = split_tag(tag);
        rest = after;
        let is_end = inside.starts_with('/');
        let name = name(inside);
        if DROPPED.contains(&name.as_str()) {
            if !is_end {
                rest = after_end(rest, &name);
            }
            continue;
        }
        let Some(name) = KEPT.iter().find(|kept| **kept == name) else { continue };
        let name = *name;
        if is_end {
            // What was left open inside is closed with it; an end without a beginning is none.
            if let Some(at) = open.iter().rposition(|open| *open == name) {
                for name in open.drain(at..).rev() {
                    end(&mut out, name);
                }
            }
            continue;
        }
        out.push('<');
        out.push_str(name);
        if name == "a"
            && let Some(address) = attribute(inside, "href").filter(|address| is_address(address))
        {
            out.push_str(" href=\"");
            out.push_str(address);
            out.push('"');
        }
        out.push('>');
        if !matches!(name, "br" | "hr") {
            open.push(name);
        }
    }
    out.push_str(&rest.replace('>', "&gt;"));
    for name in open.into_iter().rev() {
        end(&mut out, name);
    }
    out
}

fn end(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// The inside of a tag, and what follows it. A quoted value may hold any sign.
fn split_tag(tag: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return (&tag[..at], &tag[at + 1..]),
            (None, '"' | '\'') if tag[..at].trim_end().ends_with('=') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    (tag, "")
}

fn name(inside: &str) -> String {
    let name = inside.trim_start_matches('/');
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    name[..end].to_ascii_lowercase()
}

/// What follows the end of an element.
fn after_end<'h>(html: &'h str, name: &str) -> &'h str {
    let lower = html.to_ascii_lowercase();
    let Some(at) = lower.find(&format!("</{name}")) else { return "" };
    html[at..].split_once('>').map_or("", |(_, after)| after)
}

/// The value of an attribute, by its own name alone: one whose name ends so, or in whose value it stands, is another.
fn attribute<'t>(inside: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = inside.split_once(|c: char| c.is_ascii_whitespace() || c == '/')?.1;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '/');
        let (own, behind) = rest.split_at(end.unwrap_or(rest.len()).max(1));
        let value = behind.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start);
        let Some(value) = value else {
            rest = behind;
            continue;
        };
        let (value, behind) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => {
                value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len()))
            }
        };
        if own.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = behind;
    }
}

/// Whether a link may lead there.
fn is_address(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    ["http://", "https://", "mailto:"].iter().any(|start| lower.starts_with(start))
        && !address.contains(['"', '<', '>'])
}

/// The address of an article: letters, digits and hyphens of a title, and an id, so that no two are the same.
pub(super) fn url_name(title: &str, id: u64) -> String {
    const MOST: usize = 200;
    let mut name = String::new();
    for c in title.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        if name.len() >= MOST {
            break;
        }
    }
    let name = name.trim_matches('-');
    if name.is_empty() { format!("article-{id}") } else { format!("{name}-{id}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_stays_and_what_is_none_goes() {
        for (html, kept) in [
            ("<p>a <b>b</b> &lt;c&gt;</p>", "<p>a <b>b</b> &lt;c&gt;</p>"),
            ("<div onclick=\"x('>')\">a<br/>b</div>", "<div>a<br>b</div>"),
            ("<div><div>a</div><section>b</section></div>", "<div><div>a</div>b</div>"),
            ("a<script>alert('</p>')</script>b", "ab"),
            ("<a href='javascript:x'>a</a>", "<a>a</a>"),
            (
                "<a class=x href=\"https://x.example/?a=1&amp;b\">a</a>",
                "<a href=\"https://x.example/?a=1&amp;b\">a</a>",
            ),
            (
                "<a title=\"href=https://evil.example/\" HREF = 'mailto:a@b.example'>a</a>",
                "<a href=\"mailto:a@b.example\">a</a>",
            ),
            ("<a data-href=\"https://evil.example/\" x>a</a>", "<a>a</a>"),
            (
                "<a href=\"https://x.example/\"onclick=\"y\">a</a>",
                "<a href=\"https://x.example/\">a</a>",
            ),
            ("<ul><li>a<li>b</ul>", "<ul><li>a<li>b</li></li></ul>"),
            ("1 < 2 <!-- no --> > 0", "1 &lt; 2  &gt; 0"),
            ("<img src=x>a</p>", "a"),
            ("<p>a", "<p>a</p>"),
        ] {
            assert_eq!(sanitized(html), kept, "{html}");
        }
        assert_eq!(url_name("Où est l'imprimante ?", 7), "O-est-l-imprimante-7");
        assert_eq!(url_name("???", 7), "article-7");
    }

    proptest! {
        #[test]
        fn whatever_it_is_only_known_tags_stay_and_twice_is_once(
            html in "([<>/&;\"'= ]|script|style|href|<b>|</b>|<a |<p>|on=|é|http://x|x){0,24}",
        ) {
            let once = sanitized(&html);
            prop_assert_eq!(&sanitized(&once), &once);
            let lower = once.to_ascii_lowercase();
            prop_assert!(!lower.contains("<script") && !lower.contains("<style"));
            prop_assert_eq!(once.matches('<').count(), once.matches('>').count());
        }
    }
}
