//! Values on their way into an object.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::fmt::strtime::BrokenDownTime;
use rusqlite::types::Value as Sql;
use serde_json::{Map, Value, json};

use crate::{
    classes::{Attribute, Class, Kind},
    refusal::Refusal,
    sanitize,
    session::{Found, Session, scalar},
    synchro,
};

/// What a request changes in an object.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Columns of the base table.
    pub(super) values: BTreeMap<&'static str, Sql>,
    pub(super) logs: Vec<(&'static str, LogChange)>,
    /// The CIs of a ticket, if the request names them.
    pub(super) links: Option<Vec<CiLink>>,
}

#[derive(Debug)]
pub(super) enum LogChange {
    Append(Entry),
    Replace(Vec<Entry>),
}

/// A line of a log.
#[derive(Debug)]
pub(super) struct Entry {
    message: String,
    html: String,
    is_text: bool,
}

#[derive(Debug)]
pub(super) struct CiLink {
    pub(super) ci: i64,
    pub(super) impact_code: String,
    pub(super) impact: String,
}

impl Draft {
    /// Converts the fields in the order in which they were sent; the first bad one is refused.
    pub(super) fn convert(
        session: &Session<'_>,
        class: &'static Class,
        fields: &Map<String, Value>,
    ) -> Result<Self, Refusal> {
        let mut draft = Self::default();
        for (code, value) in fields {
            let attribute = class
                .attribute(code)
                .ok_or_else(|| Refusal::error(format!("{code}: Unknown attribute")))?;
            draft.take(session, attribute, value).map_err(|refusal| refusal.about(code))?;
        }
        Ok(draft)
    }

    fn take(
        &mut self,
        session: &Session<'_>,
        attribute: &'static Attribute,
        value: &Value,
    ) -> Result<(), Refusal> {
        let stored = match attribute.kind {
            Kind::Text(_) | Kind::Choice(_) => Sql::Text(scalar(value)?),
            Kind::Html(_) => Sql::Text(sanitize::clean(session.flavour, &scalar(value)?)),
            Kind::Reference(target) => {
                Sql::Integer(session.reference(target, value, attribute.code)?)
            }
            Kind::Date => date(attribute.code, &scalar(value)?, &SECOND)?,
            Kind::Day => date(attribute.code, &scalar(value)?, &DAY)?,
            Kind::Switch => {
                Sql::Integer(i64::from(matches!(&*scalar(value)?, "1" | "true" | "yes")))
            }
            Kind::Document => document(value)?,
            Kind::SourceAttributes => return synchro::attributes_given(session, value),
            Kind::Log => {
                self.logs.push((attribute.code, log_change(session, value)?));
                return Ok(());
            }
            Kind::CiLinks => {
                self.links = Some(ci_links(session, value)?);
                return Ok(());
            }
            // Accepted and silently replaced by what iTop computes.
            Kind::Computed | Kind::Flag => return Ok(()),
        };
        self.values.insert(attribute.code, stored);
        Ok(())
    }

    pub(super) fn set(&mut self, code: &'static str, text: &str) {
        self.values.insert(code, Sql::Text(text.to_owned()));
    }

    pub(super) fn set_if_missing(&mut self, code: &'static str, text: &str) {
        self.values.entry(code).or_insert_with(|| Sql::Text(text.to_owned()));
    }

    pub(super) fn text(&self, code: &str) -> &str {
        match self.values.get(code) {
            Some(Sql::Text(text)) => text,
            _ => "",
        }
    }

    /// Gives what is mandatory and missing the empty value, which nobody has checked.
    pub(super) fn fill(&mut self, class: &'static Class) {
        for attribute in class.attributes().filter(|attribute| attribute.mandatory) {
            let empty = match attribute.kind {
                Kind::Reference(_) => Sql::Integer(0),
                // Words have a default, which the table gives.
                Kind::Choice(_) => continue,
                _ => Sql::Text(String::new()),
            };
            self.values.entry(attribute.code).or_insert(empty);
        }
    }

    /// Checks the object as a whole. `stored` is the object that changes, none for a new one.
    pub(super) fn check(
        &self,
        class: &'static Class,
        stored: Option<&Found>,
    ) -> Result<(), Refusal> {
        let mut issues = Vec::new();
        for attribute in class.attributes() {
            let value = self.values.get(attribute.code);
            if value.is_none() && stored.is_some() {
                continue;
            }
            if let Some(issue) = issue(attribute, value) {
                issues.push(format!(
                    "Unexpected value for attribute '{}' ({}) : {issue}",
                    attribute.label, attribute.code
                ));
            }
        }
        if let Some(twice) = self.links.as_ref().and_then(|links| linked_twice(links)) {
            issues.push(format!(
                "Unexpected value for attribute 'CIs' (functionalcis_list) : Duplicate link to \
                 FunctionalCI::{twice}"
            ));
        }
        Refusal::of_issues(&issues, class.name, stored.map_or(-1, |found| found.id))
    }
}

fn issue(attribute: &Attribute, value: Option<&Sql>) -> Option<String> {
    let empty = match value {
        None | Some(Sql::Null | Sql::Integer(0)) => true,
        Some(Sql::Text(text)) => text.is_empty(),
        Some(_) => false,
    };
    if empty {
        // Words have a default, which the table gives.
        let defaulted = value.is_none() && matches!(attribute.kind, Kind::Choice(_));
        return (attribute.mandatory && !defaulted).then(|| "Null not allowed".to_owned());
    }
    match (attribute.kind, value) {
        (Kind::Text(limit) | Kind::Html(limit), Some(Sql::Text(text))) => {
            let length = text.chars().count();
            (length > limit)
                .then(|| format!("String too long (found {length}, limited to {limit})"))
        }
        (Kind::Choice(words), Some(Sql::Text(text))) => {
            (!words.contains(&text.as_str())).then(|| format!("Value not allowed [{text}]"))
        }
        _ => None,
    }
}

/// A file as it is given: contents in base64, type and name.
fn document(value: &Value) -> Result<Sql, Refusal> {
    let part = |name: &str| value.get(name).and_then(Value::as_str);
    let (Some(data), Some(mimetype), Some(filename)) =
        (part("data"), part("mimetype"), part("filename"))
    else {
        return Err(Refusal::error("Wrong format for a document"));
    };
    let document = json!({
        "data": data, "mimetype": mimetype, "filename": filename, "downloads_count": 0,
    });
    Ok(Sql::Text(document.to_string()))
}

fn linked_twice(links: &[CiLink]) -> Option<i64> {
    links
        .iter()
        .enumerate()
        .find(|(at, link)| links[..*at].iter().any(|earlier| earlier.ci == link.ci))
        .map(|(_, link)| link.ci)
}

/// How dates of a kind are written: as iTop calls it, as it is read, and an example.
type Format = (&'static str, &'static str, &'static str);
const SECOND: Format = ("Y-m-d H:i:s", "%Y-%m-%d %H:%M:%S", "2026-11-20 10:00:00");
const DAY: Format = ("Y-m-d", "%Y-%m-%d", "2026-11-20");

fn date(code: &str, text: &str, (name, format, example): &Format) -> Result<Sql, Refusal> {
    if text.is_empty() {
        return Ok(Sql::Null);
    }
    BrokenDownTime::parse(format, text)
        .ok()
        .filter(|_| text.len() == example.len())
        .map(|_| Sql::Text(text.to_owned()))
        .ok_or_else(|| {
            Refusal::error(format!(
                "Wrong format for date attribute {code}, expecting \"{name}\" and got \"{text}\""
            ))
        })
}

/// A text adds a line of HTML, `add_item` adds a line, `items` replaces the whole log.
fn log_change(session: &Session<'_>, value: &Value) -> Result<LogChange, Refusal> {
    let Value::Object(change) = value else {
        return Ok(LogChange::Append(Entry::html(session, &scalar(value)?)));
    };
    if let Some(item) = change.get("add_item") {
        return Ok(LogChange::Append(Entry::item(session, item)?));
    }
    match change.get("items") {
        Some(Value::Array(items)) => Ok(LogChange::Replace(
            items.iter().map(|item| Entry::item(session, item)).collect::<Result<_, _>>()?,
        )),
        _ => Err(Refusal::error("Wrong format for a case log")),
    }
}

impl Entry {
    fn item(session: &Session<'_>, item: &Value) -> Result<Self, Refusal> {
        let message = item
            .get("message")
            .and_then(Value::as_str)
            .ok_or_else(|| Refusal::error("Missing parameter 'message'"))?;
        if item.get("format").and_then(Value::as_str) == Some("text") {
            let html = sanitize::text_as_html(message);
            return Ok(Self { message: message.to_owned(), html, is_text: true });
        }
        Ok(Self::html(session, message))
    }

    fn html(session: &Session<'_>, message: &str) -> Self {
        let html = sanitize::clean(session.flavour, message);
        Self { message: sanitize::plain_text(&html), html, is_text: false }
    }

    /// What iTop keeps in the column of the log.
    pub(super) fn kept(&self) -> Cow<'_, str> {
        Cow::Borrowed(if self.is_text { &self.message } else { &self.html })
    }

    pub(super) fn shown(&self, session: &Session<'_>) -> Value {
        json!({
            "date": session.now,
            "user_login": session.user.login,
            "user_id": session.user.id.to_string(),
            "message": self.message,
            "message_html": self.html,
        })
    }
}

fn ci_links(session: &Session<'_>, value: &Value) -> Result<Vec<CiLink>, Refusal> {
    let Value::Array(links) = value else {
        return Err(Refusal::error("A link set must be defined by an array of objects"));
    };
    let mut converted = Vec::new();
    for link in links {
        let code = "functionalci_id";
        let ci = session
            .reference("FunctionalCI", link.get(code).unwrap_or(&Value::Null), code)
            .map_err(|refusal| refusal.about(code))?;
        let text = |code| link.get(code).map_or_else(|| Ok(String::new()), scalar);
        let impact_code = Some(text("impact_code")?)
            .filter(|code| !code.is_empty())
            .unwrap_or_else(|| "manual".to_owned());
        let link = CiLink { ci, impact_code, impact: text("impact")? };
        // iTop leaves a link to nothing out, without a word.
        if ci != 0 {
            converted.push(link);
        }
    }
    Ok(converted)
}
