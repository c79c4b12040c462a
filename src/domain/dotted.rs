//! An event as names and values: `control.id` is the member `id` of the object `control`. Forms and
//! command lines have no objects; every value is a text, which the reader of events takes.

use serde_json::{Map, Value};

/// Why a pair has no place in an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DottedError {
    /// A name that is empty, or has an empty part.
    #[error("'{0}' is no name of a member: write control.id")]
    NoName(String),
    /// `control` beside `control.id`.
    #[error("'{0}' is both a value and the beginning of other names")]
    ValueAndObject(String),
    /// More levels than any event has.
    #[error("'{0}' has more parts than any member of an event")]
    TooDeep(String),
}

/// Parts of a name at most: `acknowledgement.author.login` has three.
const MAX_PARTS: usize = 4;

/// The object of these pairs. Of two values of one name the later counts.
///
/// # Errors
/// [`DottedError`], by the name that is wrong.
pub fn object<N: AsRef<str>, V: Into<Value>>(
    pairs: impl IntoIterator<Item = (N, V)>,
) -> Result<Map<String, Value>, DottedError> {
    let mut object = Map::new();
    for (name, value) in pairs {
        set(&mut object, name.as_ref(), value.into())?;
    }
    Ok(object)
}

/// Sets one member.
///
/// # Errors
/// [`DottedError`].
pub fn set(object: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), DottedError> {
    let parts: Vec<_> = name.split('.').collect();
    if parts.iter().any(|part| part.trim().is_empty()) {
        return Err(DottedError::NoName(name.to_owned()));
    }
    if parts.len() > MAX_PARTS {
        return Err(DottedError::TooDeep(name.to_owned()));
    }
    let (last, above) = parts.split_last().unwrap_or((&name, &[]));
    let mut at = object;
    for part in above {
        let below = at.entry((*part).to_owned()).or_insert_with(|| Value::Object(Map::new()));
        at =
            below.as_object_mut().ok_or_else(|| DottedError::ValueAndObject((*part).to_owned()))?;
    }
    if at.get(*last).is_some_and(Value::is_object) {
        return Err(DottedError::ValueAndObject(name.to_owned()));
    }
    at.insert((*last).to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_become_objects() {
        let pairs = [
            ("event_type", "acknowledgement"),
            ("control.id", "a.b"),
            ("acknowledgement.author.login", "jdupont"),
            ("control.id", "svc-1"),
        ];
        assert_eq!(
            Value::Object(object(pairs).unwrap()),
            json!({"event_type": "acknowledgement", "control": {"id": "svc-1"},
                   "acknowledgement": {"author": {"login": "jdupont"}}})
        );
    }

    #[test]
    fn what_is_no_name_is_said() {
        for name in ["", ".", "control.", ".id", "control..id"] {
            assert_eq!(object([(name, "x")]), Err(DottedError::NoName(name.to_owned())));
        }
        assert_eq!(object([("a.b.c.d.e", "x")]), Err(DottedError::TooDeep("a.b.c.d.e".into())));
        let both = [("team", "x"), ("team.id", "3")];
        assert_eq!(object(both), Err(DottedError::ValueAndObject("team".into())));
        let both = [("team.id", "3"), ("team", "x")];
        assert_eq!(object(both), Err(DottedError::ValueAndObject("team".into())));
    }
}
