//! What a lookup asks for, read item by item: nothing else of a body is kept, and of items above the
//! last that may be only their number.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::MAX_ITEMS;
use crate::{
    domain::{body::FieldError, keys::ControlId},
    web::{body::read, problem::ApiError},
};

/// Something that is looked up.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    /// A control.
    Control(ControlId),
    /// A ticket, by its number.
    Number(String),
}

#[derive(Deserialize)]
struct Body<'t> {
    #[serde(borrow)]
    items: Option<Items<'t>>,
}

struct Items<'t> {
    /// As many as there may be.
    first: Vec<&'t RawValue>,
    count: usize,
}

#[derive(Deserialize)]
struct Item<'t> {
    #[serde(borrow)]
    control: Option<&'t RawValue>,
    #[serde(borrow, rename = "ref")]
    number: Option<&'t RawValue>,
}

/// The items of a body; what is wrong with one is said in its place.
pub(super) fn items(text: &str) -> Result<Vec<Result<Asked, String>>, ApiError> {
    let invalid = |code, message: String| {
        ApiError::Invalid(vec![FieldError { pointer: "/items".to_owned(), code, message }])
    };
    let Some(Body { items: Some(items) }) = object(text) else {
        // What is no JSON at all is told as that.
        read::<IgnoredAny>(text)?;
        let message = "'items' must be a list of {\"control\": …} and {\"ref\": …}";
        return Err(invalid("required", message.to_owned()));
    };
    if items.count > MAX_ITEMS {
        return Err(invalid("length", format!("at most {MAX_ITEMS} items, not {}", items.count)));
    }
    Ok(items.first.into_iter().map(asked).collect())
}

/// An object with these members; serde would take a list of their values for one too.
fn object<'t, T: Deserialize<'t>>(json: &'t str) -> Option<T> {
    json.trim_ascii_start().starts_with('{').then(|| serde_json::from_str(json).ok())?
}

fn asked(item: &RawValue) -> Result<Asked, String> {
    let item = object(item.get()).unwrap_or(Item { control: None, number: None });
    match (item.control.and_then(text), item.number.and_then(text)) {
        (Some(control), None) => {
            control.parse().map(Asked::Control).map_err(|error| format!("'control' {error}"))
        }
        (None, Some(number)) if !number.trim().is_empty() => {
            Ok(Asked::Number(number.trim().to_owned()))
        }
        _ => Err("an item needs either 'control' or 'ref'".to_owned()),
    }
}

/// A text, or a whole number as one.
fn text(value: &RawValue) -> Option<String> {
    let json = value.get();
    if json.starts_with('"') {
        return serde_json::from_str(json).ok();
    }
    let digits = json.strip_prefix('-').unwrap_or(json);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| json.to_owned())
}

impl<'de: 't, 't> Deserialize<'de> for Items<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;

        impl<'de> Visitor<'de> for Bounded {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<'de>, A::Error> {
                let mut items = Items { first: Vec::new(), count: 0 };
                while items.count < MAX_ITEMS {
                    let Some(item) = list.next_element()? else { return Ok(items) };
                    items.first.push(item);
                    items.count += 1;
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    items.count += 1;
                }
                Ok(items)
            }
        }

        deserializer.deserialize_seq(Bounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(item: &str) -> Result<Asked, String> {
        items(&format!("{{\"items\":[{item}]}}")).unwrap().pop().unwrap()
    }

    #[test]
    fn an_item_is_a_control_or_a_number() {
        let control = |id: &str| Ok(Asked::Control(id.parse().unwrap()));
        assert_eq!(one(r#"{"control": "a\u00e9\"b"}"#), control("aé\"b"));
        assert_eq!(one(r#"{"control": 42, "note": {"control": [1, {}]}}"#), control("42"));
        assert_eq!(one(r#"{"control": "a", "ref": null}"#), control("a"));
        assert_eq!(one(r#" {"ref": " I-1 "} "#), Ok(Asked::Number("I-1".to_owned())));
        assert_eq!(one(r#"{"ref": 12}"#), Ok(Asked::Number("12".to_owned())));
        for bad in [
            "{}",
            "null",
            "1.5",
            "\"a\"",
            "[\"a\", null]",
            r#"{"control": 1.5}"#,
            r#"{"control": ["a"]}"#,
            r#"{"control": true}"#,
            r#"{"ref": ""}"#,
            r#"{"control": "a", "ref": "b"}"#,
        ] {
            assert!(one(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn of_items_above_the_most_only_their_number_is_kept() {
        let list = |count: usize| format!("{{\"items\":[{}]}}", vec!["[]"; count].join(","));
        assert_eq!(items(&list(MAX_ITEMS)).unwrap().len(), MAX_ITEMS);
        let too_many = list(1_000_000);
        let Items { first, count } = object::<Body<'_>>(&too_many).unwrap().items.unwrap();
        assert_eq!((first.len(), count), (MAX_ITEMS, 1_000_000));
        // One item that is long is not read into anything either.
        let deep =
            format!("{{\"items\":[{{\"x\":{}}}]}}", "[".repeat(100) + "]".repeat(100).as_str());
        assert!(items(&deep).unwrap()[0].is_err());
    }
}
