//! The templates of the pages, and what they can call.

use std::sync::{Arc, OnceLock};

use axum::{body::Bytes, response::Html};
use jiff::Timestamp;
use minijinja::{
    Environment, Error, ErrorKind, HtmlEscape, UndefinedBehavior, Value,
    value::{Kwargs, Serde},
};

use super::{
    assets,
    texts::{status_word, translated},
};
use crate::{
    clock::Clock,
    desk::DeskName,
    domain::ticket_text::Language,
    web::{Addresses, addresses::encoded, problem::ApiError},
};

/// Every template; a page's own begins with the name of its folder.
pub(super) const TEMPLATES: &[(&str, &str)] = &[
    ("layout.html", include_str!("layout.html")),
    ("components.html", include_str!("components.html")),
    ("error.html", include_str!("error.html")),
    ("companies/page.html", include_str!("companies/page.html")),
    ("equipment/page.html", include_str!("equipment/page.html")),
    ("inbox/dialog.html", include_str!("inbox/dialog.html")),
    ("inbox/one.html", include_str!("inbox/one.html")),
    ("inbox/page.html", include_str!("inbox/page.html")),
    ("migration/page.html", include_str!("migration/page.html")),
    ("reference/page.html", include_str!("reference/page.html")),
    ("sign_in/ended.html", include_str!("sign_in/ended.html")),
    ("sign_in/page.html", include_str!("sign_in/page.html")),
    ("sign_in/token.html", include_str!("sign_in/token.html")),
    ("signed/page.html", include_str!("../signed/page.html")),
    ("tickets/page.html", include_str!("tickets/page.html")),
    ("new_ticket/page.html", include_str!("new_ticket/page.html")),
    ("health/page.html", include_str!("health/page.html")),
    ("tickets/detail.html", include_str!("tickets/detail.html")),
    ("tickets/status.html", include_str!("tickets/status.html")),
];

/// The templates in each language. Cheap to clone.
#[derive(Clone)]
pub struct Templates {
    inner: Arc<[Environment<'static>; 2]>,
    references: Arc<[OnceLock<Bytes>; 2]>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Templates")
    }
}

impl Templates {
    /// Compiles them.
    ///
    /// # Errors
    /// Where one is none: a defect, which tests find.
    pub fn new(addresses: &Addresses, clock: &Clock) -> Result<Self, Error> {
        let of = |language| environment(language, addresses, clock);
        let inner = Arc::new([of(Language::En)?, of(Language::Fr)?]);
        Ok(Self { inner, references: Arc::default() })
    }

    /// The reference of the API, which is filled once in each language.
    ///
    /// # Errors
    /// Where it cannot be filled, which is a defect.
    pub(in crate::web) fn reference(
        &self,
        language: Language,
        fill: impl FnOnce() -> Result<Html<String>, ApiError>,
    ) -> Result<Bytes, ApiError> {
        let [en, fr] = &*self.references;
        let kept = match language {
            Language::En => en,
            Language::Fr => fr,
        };
        if let Some(page) = kept.get() {
            return Ok(page.clone());
        }
        let Html(page) = fill()?;
        Ok(kept.get_or_init(|| page.into()).clone())
    }

    /// Fills one; what cannot be filled is a defect, which the log names.
    pub(in crate::web) fn fill(
        &self,
        language: Language,
        name: &str,
        values: Value,
    ) -> Result<Html<String>, ApiError> {
        let [en, fr] = &*self.inner;
        let environment = match language {
            Language::En => en,
            Language::Fr => fr,
        };
        let page = environment.get_template(name).and_then(|template| template.render(values));
        page.map(Html).map_err(|error| {
            tracing::error!(
                error = format!("{error:#}"),
                template = name,
                "a page could not be filled"
            );
            ApiError::Internal
        })
    }
}

/// What a page shows, from anything that can be serialised.
pub(in crate::web) fn value(values: &impl serde::Serialize) -> Value {
    Value::from(Serde(values))
}

fn environment(
    language: Language,
    addresses: &Addresses,
    clock: &Clock,
) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    for (name, template) in TEMPLATES {
        environment.add_template(name, template)?;
    }
    environment.add_global("language", if language == Language::Fr { "fr" } else { "en" });
    environment
        .add_function("t", move |key: &str, values: Kwargs| translated(language, key, &values));
    environment
        .add_function("status_word", move |code: &str| status_word(language, code).into_owned());
    environment.add_function("desk_title", |code: Option<&str>| {
        code.and_then(DeskName::parse).unwrap_or(DeskName::Itop).title()
    });
    environment.add_filter("code", |text: Option<&str>| {
        text.map(|text| Value::from_safe_string(with_code(text)))
    });
    let root = addresses.clone();
    environment.add_function("url", move |path: &str| root.path(path));
    let root = addresses.clone();
    environment.add_function("asset", move |name: &str| {
        let path = assets::path(name).ok_or_else(|| {
            Error::new(ErrorKind::InvalidOperation, format!("there is no asset '{name}'"))
        })?;
        Ok(root.path(path))
    });
    let now = clock.clone();
    environment.add_function("age", move |at: Option<&str>| {
        Ok::<_, Error>(match at {
            Some(at) => Value::from_safe_string(age(language, now.now(), parsed(at)?)?),
            None => Value::from("–"),
        })
    });
    environment.add_function("at", |at: Option<&str>| {
        Ok::<_, Error>(match at {
            Some(at) => Value::from_safe_string(exact(parsed(at)?)),
            None => Value::from("–"),
        })
    });
    Ok(environment)
}

/// What stands between backticks is code, as in Markdown.
fn with_code(text: &str) -> String {
    let part = |(place, part): (usize, &str)| {
        let part = HtmlEscape(part);
        if place % 2 == 1 { format!("<code>{part}</code>") } else { part.to_string() }
    };
    text.split('`').enumerate().map(part).collect()
}

fn parsed(at: &str) -> Result<Timestamp, Error> {
    at.parse().map_err(|_| Error::new(ErrorKind::InvalidOperation, format!("'{at}' is no time")))
}

/// How long ago something was, with the exact time behind it. The browser keeps it running, and tells
/// the exact time in its own zone.
fn age(language: Language, now: Timestamp, at: Timestamp) -> Result<String, Error> {
    let seconds = now.duration_since(at).as_secs().max(0);
    let (key, count) = match seconds {
        0 => ("now", 0),
        1..60 => ("seconds", seconds),
        60..3_600 => ("minutes", seconds / 60),
        3_600..86_400 => ("hours", seconds / 3_600),
        86_400..172_800 => ("yesterday", 1),
        _ => ("days", seconds / 86_400),
    };
    let values: Kwargs = [("n", Value::from(count))].into_iter().collect();
    let said = translated(language, &format!("layout.age.{key}"), &values)?;
    // Neither has anything that HTML reads otherwise.
    Ok(format!("<time class=\"age\" datetime=\"{at:.3}\" title=\"{at:.0}\">{said}</time>"))
}

/// An exact time: of the browser's zone once its script runs, of UTC until then.
fn exact(at: Timestamp) -> String {
    let utc = at.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("<time class=\"at\" datetime=\"{at:.3}\" title=\"{utc}\">{utc}</time>")
}

/// The address of a page with other values in its query: what is empty is left out, and a name that is
/// not given keeps its value. In a template `query(sort="age", cursor="")`.
pub(super) fn query(path: String, present: Option<&str>) -> Value {
    let present: Vec<(String, String)> = present.map(pairs_of).unwrap_or_default();
    Value::from_function(move |values: Kwargs| {
        let mut pairs = present.clone();
        for name in values.args() {
            pairs.retain(|(known, _)| known != name);
            let value: Value = values.get(name)?;
            let value = if value.is_none() { String::new() } else { value.to_string() };
            if !value.is_empty() {
                pairs.push((name.to_owned(), value));
            }
        }
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let separator = if pairs.is_empty() { "" } else { "?" };
        Ok::<_, Error>(format!("{path}{separator}{}", pairs.join("&")))
    })
}

/// The pairs of a query, decoded.
fn pairs_of(query: &str) -> Vec<(String, String)> {
    reqwest::Url::parse(&format!("http://bridge/?{query}"))
        .map(|url| url.query_pairs().into_owned().collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_between_backticks_is_set_apart_and_all_is_escaped() {
        let shown = with_code("a `<b>` & `c`");
        assert_eq!(shown, "a <code>&lt;b&gt;</code> &amp; <code>c</code>");
    }

    /// The regions of a template that are exchanged, with the blocks in which each stands.
    fn regions(template: &str) -> Vec<(&str, Vec<&str>)> {
        let (mut open, mut found) = (Vec::new(), Vec::new());
        for (before, after) in template.split("{%").enumerate() {
            let text = if before == 0 {
                after
            } else {
                let (tag, text) = after.split_once("%}").unwrap_or((after, ""));
                let tag = tag.trim_matches(|c: char| c == '-' || c.is_whitespace());
                match tag.split_whitespace().next() {
                    Some("if" | "for") => open.push(tag),
                    Some("endif" | "endfor") => drop(open.pop()),
                    _ => {}
                }
                text
            };
            let names = text.split("data-live=\"").skip(1);
            found.extend(names.map(|name| (name.split('"').next().unwrap_or(name), open.clone())));
        }
        assert!(open.is_empty(), "{open:?}");
        found
    }

    #[test]
    fn what_is_exchanged_is_always_there() {
        // A region that only some pages have would keep what is no longer true, or never come.
        let all = TEMPLATES.iter().flat_map(|(name, template)| {
            regions(template).into_iter().map(move |(region, blocks)| (name, region, blocks))
        });
        let mut seen = 0;
        for (name, region, blocks) in all {
            assert!(blocks.is_empty(), "{name}: data-live=\"{region}\" stands in {blocks:?}");
            seen += 1;
        }
        assert!(seen > 20, "{seen}");
        let found = regions("{% if a %}{% for b in a %}<p data-live=\"x\">{% endfor %}{% endif %}");
        assert_eq!(found, [("x", vec!["if a", "for b in a"])]);
    }
}
