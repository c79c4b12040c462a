//! A list as JSON: an array, item by item, or objects one after another.

use std::io::{BufReader, Read};

use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{ListError, Rows, not_json, without_mark};

pub(super) fn read(from: impl Read, rows: &mut Rows) -> Result<(), ListError> {
    let mut from = BufReader::new(without_mark(from)?);
    let first = loop {
        let mut byte = [0];
        match from.read(&mut byte).map_err(ListError::Broken)? {
            0 => {
                return Err(ListError::Unreadable(
                    "It is empty: an empty list is '[]'.".to_owned(),
                ));
            }
            _ if byte[0].is_ascii_whitespace() => {}
            _ => break byte,
        }
    };
    let all = first.as_slice().chain(from);
    if first == *b"{" {
        let objects = serde_json::Deserializer::from_reader(all).into_iter::<Box<RawValue>>();
        for (at, object) in (1..).zip(objects) {
            let object = object.map_err(not_json)?;
            if rows.is_over(at) {
                break;
            }
            rows.take_json(at, object.get());
        }
        return Ok(());
    }
    let mut array = serde_json::Deserializer::from_reader(all);
    array.deserialize_seq(Items(rows)).and_then(|()| array.end()).map_err(not_json)
}

/// The items of an array.
struct Items<'r>(&'r mut Rows);

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of equipment")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut at = 0;
        while let Some(item) = items.next_element::<Box<RawValue>>()? {
            at += 1;
            if self.0.is_over(at) {
                // What follows is only passed over: an array has to be read to its end.
                while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                break;
            }
            self.0.take_json(at, item.get());
        }
        Ok(())
    }
}
