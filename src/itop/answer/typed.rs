//! Decoding the objects of a long answer without a tree of values between: for 50,000 objects
//! that tree costs as much time as iTop's own work, and ten times the memory of the list.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use super::{class_and_id, found, read, within};
use crate::{itop::ItopError, outgoing::Raw};

/// A list that is filled while an answer is decoded.
pub(in crate::itop) trait Objects: Default {
    /// The fields that are wanted of each object. iTop's values vary, so decoding should take any
    /// shape; an object whose fields cannot be decoded is left out.
    type Fields: DeserializeOwned;

    /// Takes the next object, in iTop's order, with its concrete class.
    fn add(&mut self, class: &str, id: u64, fields: Self::Fields);
}

/// Judges an answer as [`read`] does and gives its objects with the `N` of `Found: N`.
///
/// Only a success in the usual shape is decoded at once: everything else goes through [`read`], so
/// that failures are told apart in one place.
pub(in crate::itop) fn read_objects<L: Objects>(
    raw: &Raw,
) -> Result<(L, Option<usize>), ItopError> {
    let body = &raw.body;
    let listing = serde_json::from_slice(body).or_else(|error| match within::json(body) {
        // A long answer should not need the memory of a tree for a notice that was printed by it.
        Some(range) if range != (0..body.len()) => serde_json::from_slice(&body[range]),
        _ => Err(error),
    });
    if let Ok(Struct(Listing { code: 0, message, objects: List(list) })) = listing {
        return Ok((list, message.as_deref().and_then(found)));
    }
    let answer = read(raw)?;
    let mut list = L::default();
    for (class, id, fields) in answer.objects() {
        if let Ok(fields) = L::Fields::deserialize(Value::Object(fields.clone())) {
            list.add(class, id, fields);
        }
    }
    Ok((list, answer.found()))
}

#[derive(Deserialize)]
#[serde(bound = "L: Objects")]
struct Listing<L> {
    code: i64,
    message: Option<String>,
    #[serde(default)]
    objects: List<L>,
}

#[derive(Deserialize)]
#[serde(bound = "F: DeserializeOwned")]
struct Object<F> {
    fields: Option<Struct<F>>,
}

/// A JSON object, and nothing else: what is derived takes an array for a struct as well, and PHP
/// writes an empty list where it means an empty object.
struct Struct<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Struct<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Struct<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Struct)
            }
        }

        deserializer.deserialize_map(Map(PhantomData))
    }
}

/// The member `objects`: names with objects, or `null` where nothing was found.
#[derive(Default)]
struct List<L>(L);

impl<'de, L: Objects> Deserialize<'de> for List<L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<L>(PhantomData<L>);

        impl<'de, L: Objects> Visitor<'de> for Each<L> {
            type Value = List<L>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("objects by name, or null")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(List(L::default()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list = L::default();
                while let Some(name) = map.next_key::<String>()? {
                    let Some((class, id)) = class_and_id(&name) else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let Struct(object) = map.next_value::<Struct<Object<L::Fields>>>()?;
                    if let Some(Struct(fields)) = object.fields {
                        list.add(class, id, fields);
                    }
                }
                Ok(List(list))
            }
        }

        deserializer.deserialize_any(Each(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::{super::tests::raw, *};

    /// Names and how they came, by whichever way they were decoded.
    #[derive(Debug, Default, PartialEq)]
    struct Names(Vec<(String, u64, Value)>);

    #[derive(Deserialize)]
    struct Name {
        #[serde(default)]
        name: Value,
    }

    impl Objects for Names {
        type Fields = Name;

        fn add(&mut self, class: &str, id: u64, fields: Name) {
            self.0.push((class.to_owned(), id, fields.name));
        }
    }

    /// What the tree of values gives, which is what this module must give too.
    fn by_tree(body: &[u8]) -> Result<(Names, Option<usize>), ItopError> {
        let answer = read(&raw(200, "application/json", body))?;
        let objects = answer.objects().map(|(class, id, fields)| {
            (class.to_owned(), id, fields.get("name").cloned().unwrap_or_default())
        });
        Ok((Names(objects.collect()), answer.found()))
    }

    #[track_caller]
    fn same(body: &str) -> Result<(Names, Option<usize>), ItopError> {
        let read = read_objects::<Names>(&raw(200, "application/json", body.as_bytes()));
        assert_eq!(read, by_tree(body.as_bytes()), "{body}");
        read
    }

    fn listing(objects: &Value) -> String {
        json!({"code": 0, "message": "Found: 7", "objects": objects}).to_string()
    }

    #[test]
    fn objects_come_in_itops_order_with_their_concrete_class() {
        let body = listing(&json!({
            "Server::12": {"code": 0, "key": "12", "fields": {"id": "12", "name": "é/\"x\""}},
            "PC::3": {"code": 0, "key": 3, "fields": {"name": 7}},
            "Rack::1": {"fields": {}},
        }));
        let (names, found) = same(&body).unwrap();
        let row = |class: &str, id, name| (class.to_owned(), id, name);
        let expected = [
            row("Server", 12, json!("é/\"x\"")),
            row("PC", 3, json!(7)),
            row("Rack", 1, Value::Null),
        ];
        assert_eq!((names.0.as_slice(), found), (expected.as_slice(), Some(7)));
    }

    #[test]
    fn whatever_the_shape_it_is_judged_as_the_tree_is() {
        let good = json!({"fields": {"name": "x"}});
        for objects in [
            json!(null),
            json!({}),
            json!([]),
            json!("none"),
            json!({"Server": good, "Server::": good, "::1": good, "Server::1": good}),
            json!({"A::1": null, "A::2": [], "A::3": {}, "A::4": good}),
            json!({"A::1": {"fields": []}, "A::2": {"fields": null}, "A::3": good}),
            json!({"A::1": {"fields": ["x"]}, "A::2": {"fields": "x"}, "A::3": good}),
        ] {
            assert!(same(&listing(&objects)).is_ok());
        }
        let whole = listing(&json!({"A::1": good}));
        for body in [
            format!("<br />\n<b>Notice</b>: x\n{whole}"),
            format!(" \n{whole}\n"),
            format!("{whole}{whole}"),
            format!("\u{feff}{whole}<br />\n<b>Notice</b>: {{x}}"),
            format!(r#"{{"x":[]}} {}"#, whole.replace(r#"{"code""#, r#"{"message":null,"code""#)),
            r#"{"objects":{"A::1":{"fields":{"name":"x"}}},"message":null,"code":0}"#.to_owned(),
            r#"{"code":0,"message":3,"objects":{"A::1":{"fields":{"name":"x"}}}}"#.to_owned(),
            r#"{"code":0,"objects":{"A::1":{"fields":{"name":"x","name":"y"}}}}"#.to_owned(),
            r#"{"code":0,"code":0}"#.to_owned(),
            r#"{"code":0}"#.to_owned(),
        ] {
            assert!(same(&body).is_ok(), "{body}");
        }
        for body in [
            whole[..whole.len() - 9].to_owned(),
            whole.replace(r#""code":0"#, r#""code":100"#),
            whole.replace(r#""code":0"#, r#""code":"0""#),
            format!("{}{whole}", &whole[..whole.len() - 9]),
            r#"[0,"Found: 1",{"A::1":{"fields":{"name":"x"}}}]"#.to_owned(),
            r#"{"code":1,"message":"Error: Invalid login"}"#.to_owned(),
            r#"{"hello":1}"#.to_owned(),
            String::new(),
        ] {
            assert!(same(&body).is_err(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_tree(
            names in proptest::collection::vec(("[A-C]{0,2}(::)?[0-9]{0,2}", ".{0,6}"), 0..6),
            code in prop::sample::select(vec![0, 0, 0, 1, 100]),
            cut in 0_usize..400,
            before in r#"[{}<"a1: ]{0,5}"#,
            after in r#"[{}<"a1: ]{0,5}"#,
        ) {
            let objects: Map<_, _> = names
                .into_iter()
                .map(|(key, name)| (key, json!({"key": "1", "fields": {"name": name}})))
                .collect();
            let text = json!({"code": code, "message": "Found: 2", "objects": objects}).to_string();
            let whole = &text.as_bytes()[..text.len().saturating_sub(cut.saturating_sub(200))];
            let body = &[before.as_bytes(), whole, after.as_bytes()].concat();
            let read = read_objects::<Names>(&raw(200, "application/json", body));
            prop_assert_eq!(read, by_tree(body));
        }
    }
}
