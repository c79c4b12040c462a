//! Writes: first they are evaluated, then they have their effect. Between the two a real iTop may
//! wait, and others may write.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{one_object, output_fields};
use crate::{
    classes::{self, Attribute, Class},
    refusal::Refusal,
    session::{Found, Session, parameter, text_parameter},
    synchro,
    write::{self, Pending},
};

/// A write whose values are converted and whose conditions have held.
pub(crate) struct Evaluated {
    /// The class that the request names, whose fields the answer shows.
    class: &'static Class,
    output: Vec<&'static Attribute>,
    pub(crate) pending: Pending,
}

impl Evaluated {
    /// Has the effect, and answers.
    pub(crate) fn finish(self, session: &Session<'_>) -> Result<Value, Refusal> {
        let message = if self.pending.is_new() { "created" } else { "updated" };
        let found = self.pending.store(session)?;
        one_object(session, self.class, message, &found, &self.output)
    }
}

pub(super) fn create(
    session: &Session<'_>,
    parameters: &Map<String, Value>,
) -> Result<Evaluated, Refusal> {
    tracking_comment(parameters)?;
    let class = session.class(parameters)?;
    let fields = fields(parameters)?;
    let output = output_fields(class, parameters)?;
    if !session.may_write(class) {
        return Err(Refusal::no_right("creating", class.name));
    }
    if class.is_abstract() {
        return Err(Refusal::error(format!(
            "Cannot instantiate the abstract class {}",
            class.name
        )));
    }
    let pending = write::create(session, class, &fields)?;
    Ok(Evaluated { class, output, pending })
}

pub(super) fn update(
    session: &Session<'_>,
    parameters: &Map<String, Value>,
) -> Result<Evaluated, Refusal> {
    tracking_comment(parameters)?;
    let class = session.class(parameters)?;
    let key = parameter(parameters, "key")?;
    let fields = fields(parameters)?;
    let output = output_fields(class, parameters)?;
    let found = target(session, class, key)?;
    let pending = write::update(session, concrete(session, class, &found), found, &fields)?;
    Ok(Evaluated { class, output, pending })
}

pub(super) fn apply_stimulus(
    session: &Session<'_>,
    parameters: &Map<String, Value>,
) -> Result<Evaluated, Refusal> {
    tracking_comment(parameters)?;
    let class = session.class(parameters)?;
    let key = parameter(parameters, "key")?;
    let fields = fields(parameters)?;
    let output = output_fields(class, parameters)?;
    let stimulus = text_parameter(parameters, "stimulus")?;
    let found = target(session, class, key)?;
    let concrete = concrete(session, class, &found);
    let pending = write::apply_stimulus(session, concrete, found, &stimulus, &fields)?;
    Ok(Evaluated { class, output, pending })
}

/// The object that a write changes. iTop asks for the right on the class that a query selects before
/// it evaluates the query: in read-only mode no condition is looked at.
fn target(session: &Session<'_>, class: &'static Class, key: &Value) -> Result<Found, Refusal> {
    let selected = session.selection(class, key)?.class;
    if !session.may_write(selected) {
        return Err(Refusal::no_right("modifying", selected.name));
    }
    session.one(class, key, "key")?.ok_or(Refusal::Crashed)
}

/// Administrators alone delete, and it is done as it is evaluated.
pub(super) fn delete(
    session: &Session<'_>,
    parameters: &Map<String, Value>,
) -> Result<Value, Refusal> {
    tracking_comment(parameters)?;
    let class = session.class(parameters)?;
    let key = parameter(parameters, "key")?;
    if !session.user.is_administrator() || !session.may_write(class) {
        return Err(Refusal::no_right("deleting", class.name));
    }
    let simulate = parameters.get("simulate").and_then(Value::as_bool) == Some(true);
    synchro::delete(session, class, key, simulate)
}

fn concrete(session: &Session<'_>, class: &'static Class, found: &Found) -> &'static Class {
    classes::find(session.flavour, &found.class).unwrap_or(class)
}

/// Mandatory on every write; it ends in the change log.
fn tracking_comment(parameters: &Map<String, Value>) -> Result<(), Refusal> {
    let comment = text_parameter(parameters, "comment")?;
    if comment.chars().count() > 255 {
        return Err(Refusal::error(
            "Unexpected value for attribute 'userinfo' (userinfo) : String too long",
        ));
    }
    Ok(())
}

fn fields(parameters: &Map<String, Value>) -> Result<Cow<'_, Map<String, Value>>, Refusal> {
    match parameter(parameters, "fields")? {
        Value::Object(fields) => Ok(Cow::Borrowed(fields)),
        // PHP does not tell an empty object from an empty list.
        Value::Array(list) if list.is_empty() => Ok(Cow::Owned(Map::new())),
        _ => Err(Refusal::error("Wrong format for fields")),
    }
}
