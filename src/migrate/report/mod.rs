//! Pages that one would show to a customer: one file each, without scripts, in light and dark.

pub mod plots;

use minijinja::{AutoEscape, Environment, Value};
use serde::Serialize;

/// The frame and the look of all pages.
const LAYOUT: &str = include_str!("layout.html");
const STYLE: &str = include_str!("style.css");

/// A page could not be made: its template is wrong, a defect.
#[derive(Debug, thiserror::Error)]
#[error("the page could not be made: {0}")]
pub struct PageError(#[from] minijinja::Error);

/// Makes a page of a template that extends `layout.html`, with what it shows.
///
/// # Errors
/// When the template does not fit what it is to show.
pub fn page(template: &str, shown: &impl Serialize) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_filter("count", count);
    environment.add_filter("bytes", bytes);
    environment.add_filter("span", span);
    environment.add_filter("bars", |rows: Value, label: &str| {
        let rows: Vec<_> = rows
            .try_iter()
            .into_iter()
            .flatten()
            .filter_map(|row| {
                let name = row.get_item_by_index(0).ok()?.to_string();
                Some((name, u64::try_from(row.get_item_by_index(1).ok()?).ok()?))
            })
            .collect();
        Value::from_safe_string(plots::bars(&rows, label))
    });
    environment.add_template("layout.html", LAYOUT)?;
    environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
    environment.add_template("page.html", template)?;
    Ok(environment.get_template("page.html")?.render(minijinja::value::Serde(shown))?)
}

/// A number with blanks between thousands.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A size as people say it.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{} B", count(bytes)),
        10_000..10_000_000 => format!("{} KB", count(bytes.div_ceil(1_000))),
        10_000_000..10_000_000_000 => format!("{} MB", count(bytes.div_ceil(1_000_000))),
        _ => format!("{} GB", count(bytes.div_ceil(1_000_000_000))),
    }
}

/// A length of time as people say it.
#[must_use]
pub fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_people_read_them() {
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(12), "12");
        assert_eq!(bytes(9_999), "9\u{202f}999 B");
        assert_eq!(bytes(12_345_678), "13 MB");
        assert_eq!(span(119), "119 s");
        assert_eq!(span(121), "3 min");
        assert_eq!(span(7_201), "3 h");
    }

    #[test]
    fn a_page_stands_alone_and_nothing_gets_out_of_its_place() {
        let template = "{% extends \"layout.html\" %}{% block title %}{{ name }}{% endblock %}\
                        {% block main %}{{ rows | bars('Objects') }}{% endblock %}";
        let shown = serde_json::json!({"name": "<b>&", "rows": [["<i>", 3], ["Server", 12]]});
        let page = page(template, &shown).unwrap();
        assert!(page.contains("&lt;b&gt;&amp;") && page.contains("&lt;i&gt;"), "{page}");
        for foreign in ["<script", "http://", "https://", "<b>&"] {
            assert!(!page.replace("http://www.w3.org/", "").contains(foreign), "{foreign}: {page}");
        }
    }
}
