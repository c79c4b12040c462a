//! Title, description and further fields of a ticket, from templates.

mod context;
mod labels;
mod line;
#[cfg(test)]
mod tests;
mod trial;

pub use context::{Resolved, TicketContext, context};
pub use line::{Worse, line};
pub(super) use trial::nearest;

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use labels::Labels;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter,
    syntax::SyntaxConfig,
    value::{Serde, ValueKind},
};
use serde::{Deserialize, Serialize};

use super::text::{
    Edge, MAX_TITLE_CHARS, brackets_apart, clean, cut_chars, html_lines, html_link, one_line,
};

/// The longest description that is sent, in bytes. iTop stores 65,535 bytes after its own
/// rewriting of the HTML (ITOP.md); the rest is room for that.
pub const MAX_DESCRIPTION_BYTES: usize = 64_000;

const TITLE: &str = "title.txt";
const DESCRIPTION: &str = "description.html";
/// The built-in title, whatever is configured.
const PLAIN_TITLE: &str = "plain_title.txt";
const BUILT_IN_TITLE: &str = include_str!("title.txt");
const BUILT_IN_DESCRIPTION: &str = include_str!("description.html");

/// The language of the built-in texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the template of {what} cannot be used: {reason}")]
pub struct TemplateError {
    /// `title`, `description` or the attribute.
    pub what: String,
    /// The template engine's words, with the line.
    pub reason: String,
}

impl TemplateError {
    fn new(what: &str, error: &minijinja::Error) -> Self {
        Self { what: what.to_owned(), reason: format!("{error:#}") }
    }
}

/// The texts of one ticket, within iTop's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketText {
    /// Plain text, at most 255 characters.
    pub title: String,
    /// HTML, at most [`MAX_DESCRIPTION_BYTES`].
    pub description: String,
    /// Further attributes of the data model, as configured.
    pub fields: BTreeMap<String, String>,
}

/// The templates in force.
pub struct Templates {
    environment: Environment<'static>,
    fields: Vec<String>,
    language: Language,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl Templates {
    /// Compiles the templates, and tries each with a sample of every kind of event; `None` is the
    /// built-in one.
    ///
    /// # Errors
    /// Names the template, and the variable or filter that there is not: found at the first
    /// delivery it would be a ticket that is not made.
    pub fn new(
        language: Language,
        title: Option<&str>,
        description: Option<&str>,
        fields: &BTreeMap<String, String>,
    ) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| TemplateError::new("syntax", &error))?);
        environment.set_auto_escape_callback(|name| match name {
            DESCRIPTION => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        environment.set_formatter(|out, state, value| {
            if value.is_none() {
                // What an event does not have is empty, not the word "None".
                return Ok(());
            }
            let edge = match state.name() {
                // iTop shows a title as it is.
                TITLE => return escape_formatter(out, state, value),
                DESCRIPTION => Edge::Open,
                _ => Edge::Closed,
            };
            match value.kind() {
                _ if value.is_safe() => escape_formatter(out, state, value),
                ValueKind::Undefined | ValueKind::Bool | ValueKind::Number => {
                    escape_formatter(out, state, value)
                }
                _ => {
                    let text = value.to_string();
                    escape_formatter(out, state, &Value::from(brackets_apart(&text, edge)))
                }
            }
        });
        environment.add_filter("lines", |value: Value| html(&value, html_lines));
        environment.add_filter("link", |value: Value| html(&value, html_link));
        let mut add = |name: &str, what: &str, source: &str| {
            environment
                .add_template_owned(name.to_owned(), source.to_owned())
                .map_err(|error| TemplateError::new(what, &error))
        };
        add(TITLE, "title", title.unwrap_or(BUILT_IN_TITLE))?;
        add(DESCRIPTION, "description", description.unwrap_or(BUILT_IN_DESCRIPTION))?;
        add(PLAIN_TITLE, "title", BUILT_IN_TITLE)?;
        for (attribute, source) in fields {
            add(&field_template(attribute), attribute, source)?;
        }
        let templates = Self { environment, fields: fields.keys().cloned().collect(), language };
        trial::run(&templates)?;
        Ok(templates)
    }

    /// Renders the texts of one ticket and cuts them to iTop's limits.
    ///
    /// A description that is too long is rendered again with its free texts (description, output,
    /// comment) cut shorter: cutting the HTML itself would break a tag.
    pub fn render(&self, context: &TicketContext) -> Result<TicketText, TemplateError> {
        let mut context = context.clone();
        context.speak(self.language);
        let own_title = context.title.as_deref().map(one_line);
        let full_title = match own_title.filter(|title| !title.is_empty()) {
            Some(title) => title,
            None => one_line(&self.rendered(TITLE, "title", &context)?),
        };
        // A template of what this event does not have: iTop takes no ticket without a title.
        let full_title = if full_title.is_empty() {
            one_line(&self.rendered(PLAIN_TITLE, "title", &context)?)
        } else {
            full_title
        };
        let title = cut_chars(&full_title, MAX_TITLE_CHARS).into_owned();
        // The whole title stands in the description when it had to be cut.
        context.full_title = (title != full_title).then_some(full_title);
        let mut fields = BTreeMap::new();
        for attribute in &self.fields {
            let value = self.rendered(&field_template(attribute), attribute, &context)?;
            fields.insert(attribute.clone(), clean(value.trim()).into_owned());
        }
        Ok(TicketText { title, description: self.description(&context)?, fields })
    }

    fn description(&self, whole: &TicketContext) -> Result<String, TemplateError> {
        let html = self.rendered(DESCRIPTION, "description", whole)?;
        if html.len() <= MAX_DESCRIPTION_BYTES {
            return Ok(html);
        }
        let mut fitting = self.rendered(DESCRIPTION, "description", &whole.with_texts_cut_to(0))?;
        if fitting.len() > MAX_DESCRIPTION_BYTES {
            return Err(TemplateError {
                what: "description".to_owned(),
                reason: format!(
                    "it gives {} bytes even with all free texts cut; iTop takes 65,535",
                    fitting.len()
                ),
            });
        }
        // The most room for each text with which the whole fits, to within a few hundred bytes.
        let (mut enough, mut too_much) = (0, MAX_DESCRIPTION_BYTES);
        while too_much - enough > 256 {
            let room = usize::midpoint(enough, too_much);
            let html = self.rendered(DESCRIPTION, "description", &whole.with_texts_cut_to(room))?;
            if html.len() <= MAX_DESCRIPTION_BYTES {
                (enough, fitting) = (room, html);
            } else {
                too_much = room;
            }
        }
        Ok(fitting)
    }

    fn rendered(
        &self,
        name: &str,
        what: &str,
        context: &TicketContext,
    ) -> Result<String, TemplateError> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(Serde(context)))
            .map_err(|error| TemplateError::new(what, &error))
    }
}

/// What a clock in iTop's zone shows.
fn civil(time: Timestamp, zone: &TimeZone) -> DateTime {
    zone.to_datetime(time)
}

/// A time in iTop's own format: an agent reads it beside those that iTop shows.
pub(super) fn shown_time(time: DateTime) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A text as HTML, unless it is HTML already.
fn html(value: &Value, convert: impl FnOnce(&str) -> String) -> Result<Value, Error> {
    match value.as_str() {
        Some(_) if value.is_safe() => Ok(value.clone()),
        Some(text) => Ok(Value::from_safe_string(convert(text))),
        None if value.is_undefined() => Err(Error::from(ErrorKind::UndefinedError)),
        None => Ok(Value::from("")),
    }
}

fn field_template(attribute: &str) -> String {
    format!("fields/{attribute}.txt")
}
