//! What all pages have.

/// A whole page; `body` is HTML.
pub(super) fn page(title: &str, body: &str) -> String {
    let (title, style) = (escaped(title), include_str!("style.css"));
    format!(
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <title>{title} · Salesforce sandbox</title><style>{style}</style></head><body>\
         <header><div><a href=\"/\">Salesforce sandbox</a>\
         <small>A simulated Salesforce. Nothing here is real.</small></div></header>\
         <main>{body}</main></body></html>"
    )
}

/// A text that stands for itself between tags and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}
