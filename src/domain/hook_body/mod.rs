//! The body of a hook's message: an event as it is, or what a template of the configuration makes of it.
//!
//! A template is a mistake away from one that never ends. So it has variables, `if`, `for` over what the
//! event has, and filters, but nothing by which a text or a list could be made longer than it is: then
//! fuel and the bound of the output are enough.

mod language;
mod trial;

pub use trial::sample;

use std::io::{self, Write};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value as Shown, value::Serde,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    hook_event::HookEvent,
    text::{cut_chars, one_line},
};

/// The longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 16 * 1024;

/// The longest body, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Steps of the template engine for one body: a long template takes some thousands.
const FUEL: u64 = 50_000;

/// The name of the one template.
const BODY: &str = "body";

/// What a body is made of.
///
/// ```json
/// {
///   "id": "msg_…", "type": "ticket.created", "timestamp": "2026-11-27T06:44:33.120Z",
///   "data": {"instance": "default", "reference": null, "company": {"key": "id:42", "name": "Demo"}, …}
/// }
/// ```
///
/// `data` has all members of [`members`], `null` where the event has none; of `ticket` and
/// `gate` the member `desk` is there only where they are not iTop's. A template has the members of `data` beside `id`, `type` and `timestamp`.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What has happened.
    pub event: HookEvent,
    /// The id of the message, the same each time it is sent.
    pub id: String,
    /// When it happened, RFC 3339.
    pub timestamp: String,
    /// All else.
    pub data: Value,
}

/// The members of [`Message::data`], each with its own members; a member without any is a value.
#[must_use]
pub fn members() -> Value {
    json!({
        "instance": null,
        "reference": null,
        "company": {"key": null, "name": null},
        "site": {"key": null, "name": null},
        "control": {"id": null, "name": null, "state": null, "output": null, "url": null},
        "equipment": {"name": null},
        "acknowledgement": {
            "id": null, "event_id": null, "event_type": null, "state": null, "author": null,
            "comment": null, "problem": {"code": null, "message": null},
        },
        "ticket": {
            "desk": null, "class": null, "id": null, "number": null, "status": null, "operational_status": null,
            "priority": null, "title": null, "team": null, "agent": null, "presence": null,
            "url": null, "previous_status": null, "previous_presence": null,
        },
        "gate": {"desk": null, "state": null, "reason": null, "message": null},
    })
}

/// A template that cannot be used, or that gives nothing which could be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HookBodyError(String);

impl HookBodyError {
    fn of_engine(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::OutOfFuel => Self(format!("the template takes more than {FUEL} steps")),
            ErrorKind::WriteFailure => {
                Self(format!("the template gives more than {MAX_BODY_BYTES} bytes"))
            }
            _ => Self(one_line(&format!("the template cannot be used: {error:#}"))),
        }
    }
}

/// How values are written into a template's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    /// As a part of a JSON string.
    Json,
    /// As a part of a form's value.
    Form,
    /// As they are.
    Plain,
}

impl Escape {
    fn of(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.to_ascii_lowercase().contains("json") {
            Self::Json
        } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::Plain
        }
    }

    fn written(self, text: &str) -> String {
        match self {
            Self::Json => {
                let quoted = Value::from(text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Form => utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
            Self::Plain => text.to_owned(),
        }
    }
}

/// What makes the bodies of a hook.
pub struct HookBody {
    template: Option<Environment<'static>>,
    escape: Escape,
}

impl std::fmt::Debug for HookBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookBody").field("escape", &self.escape).finish_non_exhaustive()
    }
}

impl HookBody {
    /// Compiles a template, and tries it with a sample of each event; without one the event is sent as it
    /// is, in JSON.
    ///
    /// # Errors
    /// Names what is wrong: at the first event it would be a message that is not sent.
    pub fn new(
        template: Option<&str>,
        content_type: &str,
        events: &[HookEvent],
    ) -> Result<Self, HookBodyError> {
        let escape = Escape::of(content_type);
        let Some(source) = template else { return Ok(Self { template: None, escape }) };
        language::check(source)?;
        let mut environment = Environment::empty();
        environment.set_syntax(language::syntax()?);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        // What an event does not have is empty. Names that there are not at all are found by the trial.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_formatter(move |out, _, value| {
            let text = text(value);
            let text = if value.is_safe() { text } else { escape.written(&text) };
            out.write_str(&text).map_err(|_| Error::from(ErrorKind::WriteFailure))
        });
        add_filters(&mut environment);
        environment
            .add_template_owned(BODY.to_owned(), source.to_owned())
            .map_err(|error| HookBodyError::of_engine(&error))?;
        let body = Self { template: Some(environment), escape };
        trial::run(&body, events)?;
        Ok(body)
    }

    /// The body of a message; `None` where the template gives nothing for it, so that nothing is sent.
    pub fn render(&self, message: &Message) -> Result<Option<String>, HookBodyError> {
        let Message { event, id, timestamp, data } = message;
        let Some(environment) = &self.template else {
            let whole =
                json!({"type": event.as_str(), "timestamp": timestamp, "id": id, "data": data});
            return Ok(Some(whole.to_string()));
        };
        let mut values = data.clone();
        values["id"] = json!(id);
        values["type"] = json!(event.as_str());
        values["timestamp"] = json!(timestamp);
        let template =
            environment.get_template(BODY).map_err(|error| HookBodyError::of_engine(&error))?;
        let mut body = Bounded(Vec::new());
        template
            .render_captured_to(Shown::from(Serde(values)), &mut body)
            .map(drop)
            .map_err(|error| HookBodyError::of_engine(&error))?;
        let text = String::from_utf8(body.0)
            .map_err(|_| HookBodyError("the template gives no text".to_owned()))?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        if self.escape == Escape::Json
            && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text)
        {
            return Err(HookBodyError(format!(
                "what the template gives is not JSON ({error}): {}",
                cut_chars(&one_line(&text), 200)
            )));
        }
        Ok(Some(text))
    }
}

/// What takes no more than a body may have.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_BODY_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// None of them gives more than a body may have.
fn add_filters(environment: &mut Environment<'_>) {
    environment.add_filter("json", |value: Shown| {
        let text = serde_json::to_string(&value)
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
        bounded(text).map(Shown::from_safe_string)
    });
    environment.add_filter("upper", |value: Shown| bounded(text(&value).to_uppercase()));
    environment.add_filter("lower", |value: Shown| bounded(text(&value).to_lowercase()));
    environment.add_filter("trim", |value: Shown| text(&value).trim().to_owned());
    environment
        .add_filter("cut", |value: Shown, most: usize| cut_chars(&text(&value), most).into_owned());
    environment.add_filter("default", |value: Shown, other: Shown| {
        let is_missing = value.is_none()
            || value.is_undefined()
            || value.as_str().is_some_and(|text| text.trim().is_empty());
        if is_missing { other } else { value }
    });
}

/// A value as a text; an empty one for what the event does not have.
fn text(value: &Shown) -> String {
    if value.is_none() || value.is_undefined() { String::new() } else { value.to_string() }
}

fn bounded(text: String) -> Result<String, Error> {
    if text.len() > MAX_BODY_BYTES { Err(ErrorKind::WriteFailure.into()) } else { Ok(text) }
}

#[cfg(test)]
mod tests;
