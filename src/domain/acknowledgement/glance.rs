//! What a list says of each event beside what the inbox has in columns.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json_borrow::Value;

use super::{Receipt, read};
use crate::domain::{
    body::{member, shown},
    json_text::{before_mistake, without_raw_controls},
};

/// What people recognise an event by. Members that it does not have, or that cannot be read, are
/// `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Glance {
    /// The state of the control when it was acknowledged.
    pub state: Option<String>,
    /// The name of the equipment.
    pub equipment: Option<String>,
    /// The name of the site.
    pub site: Option<String>,
    /// Who acknowledged.
    pub author: Option<String>,
    /// What that person wrote.
    pub comment: Option<String>,
}

impl Glance {
    /// Looks at a body as it was received, which may be one that was refused and cut.
    #[must_use]
    pub fn of(body: &str) -> Self {
        // The time of receipt is none of what is told here.
        let Ok(event) = read(body, &Receipt::default()) else { return Self::of_refused(body) };
        let author = Some(event.author().to_owned()).filter(|author| !author.is_empty());
        Self {
            state: Some(event.control.state.as_str().to_owned()),
            equipment: event.equipment.map(|equipment| equipment.name),
            site: event.site.map(|site| site.label().to_owned()),
            author,
            comment: event.acknowledgement.comment,
        }
    }

    fn of_refused(body: &str) -> Self {
        let spaced = without_raw_controls(body);
        let body = spaced.as_deref().unwrap_or(body);
        let json = |text| serde_json::from_str::<Value<'_>>(text);
        let before = json(body).err().and_then(|mistake| before_mistake(body, &mistake));
        let Ok(body) = json(before.as_deref().unwrap_or(body)) else { return Self::default() };
        let at =
            |path: &[&str]| text(path.iter().try_fold(&body, |value, name| member(value, name))?);
        Self {
            state: at(&["control", "state"]),
            equipment: at(&["equipment", "name"]),
            site: at(&["site", "name"]).or_else(|| at(&["site"])),
            author: at(&["acknowledgement", "author", "name"])
                .or_else(|| at(&["acknowledgement", "author", "login"]))
                .or_else(|| at(&["acknowledgement", "author"])),
            comment: at(&["acknowledgement", "comment"]),
        }
    }
}

/// A text or a number, short and on one line.
fn text(value: &Value<'_>) -> Option<String> {
    let is_told = matches!(value, Value::Str(_) | Value::Number(_));
    is_told.then(|| shown(value)).filter(|text| !text.is_empty())
}

/// Whom and what an event is about, as it stands in the body, to be searched: equipment and author. It
/// is read of many bodies, so nothing is checked.
pub(crate) fn searched<'b>(body: &'b Value<'b>) -> impl Iterator<Item = &'b str> {
    let at = |path: &[&str]| path.iter().try_fold(body, |value, name| member(value, name));
    let author = at(&["acknowledgement", "author"]);
    let of_author = |name| author.and_then(|author| member(author, name));
    [
        at(&["equipment", "name"]),
        at(&["equipment", "address"]),
        author,
        of_author("name"),
        of_author("login"),
        of_author("email"),
    ]
    .into_iter()
    .filter_map(|value| value?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> serde_json::Value {
        json!({
            "company": {"id": 53, "name": "ACME"}, "site": {"id": 7, "name": "Lyon"},
            "equipment": {"name": "till-12"},
            "control": {
                "id": "c", "element_type": "equipment", "name": "till-12", "criticality": "high",
                "state": "DOWN"
            },
            "acknowledgement": {"author": {"login": "jd", "name": "Jean"}, "comment": "On it"}
        })
    }

    fn of(state: &str) -> Glance {
        let text = |text: &str| Some(text.to_owned());
        Glance {
            state: text(state),
            equipment: text("till-12"),
            site: text("Lyon"),
            author: text("Jean"),
            comment: text("On it"),
        }
    }

    #[test]
    fn an_event_and_what_was_refused_are_told_alike() {
        assert_eq!(Glance::of(&event().to_string()), of("DOWN"));
        let mut refused = event();
        refused["control"]["state"] = json!("ON FIRE");
        assert_eq!(Glance::of(&refused.to_string()), of("ON FIRE"));
        let cut = refused.to_string();
        let within_comment = cut.find("On it").unwrap() + 2;
        let glance = Glance::of(&cut[..within_comment]);
        assert_eq!((glance.author, glance.comment), (Some("Jean".to_owned()), None));
        assert_eq!(Glance::of("<html>"), Glance::default());
        assert_eq!(Glance::of("{\"control\": {\"state\": {}}}"), Glance::default());
    }

    #[test]
    fn equipment_and_author_are_searched() {
        let text = event().to_string();
        let body = serde_json::from_str(&text).unwrap();
        assert_eq!(searched(&body).collect::<Vec<_>>(), ["till-12", "Jean", "jd"]);
        let text = r#"{"acknowledgement": {"author": "jd"}, "equipment": 7}"#;
        let body = serde_json::from_str(text).unwrap();
        assert_eq!(searched(&body).collect::<Vec<_>>(), ["jd"]);
    }
}
