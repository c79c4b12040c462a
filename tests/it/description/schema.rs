//! Holds values against schemas as the description has them (JSON Schema 2020-12), more strictly than
//! that: a member that no part of a schema names is an error, for nobody could know of it.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is wrong with a value, and where.
pub type Wrong = String;

/// Holds a value against a schema of a document.
pub fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), Wrong> {
    closed(document, schema, value, "")
}

/// The members that a schema has spoken of.
#[derive(Default)]
struct Known<'d> {
    names: BTreeSet<&'d str>,
    /// Whether any other may be there.
    is_open: bool,
}

/// What no part of the schema speaks of is wrong.
fn closed(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), Wrong> {
    let known = evaluate(document, schema, value, at)?;
    let names = value.as_object().into_iter().flat_map(serde_json::Map::keys);
    match names.into_iter().find(|name| !known.is_open && !known.names.contains(name.as_str())) {
        Some(name) => Err(format!("{at}/{name} is not described")),
        None => Ok(()),
    }
}

fn evaluate<'d>(
    document: &'d Value,
    schema: &'d Value,
    value: &Value,
    at: &str,
) -> Result<Known<'d>, Wrong> {
    let mut known = Known::default();
    let Some(parts) = schema.as_object() else {
        return if schema == true {
            Ok(Known { is_open: true, ..known })
        } else {
            Err(no(at, value))
        };
    };
    known.is_open = !["properties", "$ref", "allOf", "anyOf", "oneOf"]
        .iter()
        .any(|part| parts.contains_key(*part));
    let mut take = |other: Known<'d>| {
        known.is_open |= other.is_open;
        known.names.extend(other.names);
    };
    for (name, part) in parts {
        match name.as_str() {
            "$ref" => {
                let address = part.as_str().and_then(|address| address.strip_prefix('#'));
                let found = address.and_then(|address| document.pointer(address));
                let found = found.ok_or_else(|| format!("{at}: {part} leads nowhere"))?;
                take(evaluate(document, found, value, at)?);
            }
            "allOf" => {
                for one in part.as_array().unwrap() {
                    take(evaluate(document, one, value, at)?);
                }
            }
            "anyOf" | "oneOf" => {
                let all = part.as_array().unwrap().iter();
                let tried: Vec<_> = all.map(|one| evaluate(document, one, value, at)).collect();
                let reasons: Vec<_> =
                    tried.iter().filter_map(|tried| tried.as_ref().err().cloned()).collect();
                if reasons.len() == tried.len() {
                    return Err(format!("{at} is none of: {}", reasons.join("; ")));
                }
                tried.into_iter().flatten().for_each(&mut take);
            }
            "type" => is_of(part, value).then_some(()).ok_or_else(|| no(at, value))?,
            "enum" => {
                let is_one = part.as_array().unwrap().contains(value);
                is_one.then_some(()).ok_or_else(|| no(at, value))?;
            }
            "const" => (part == value).then_some(()).ok_or_else(|| no(at, value))?,
            "required" => {
                for name in part.as_array().unwrap().iter().filter_map(Value::as_str) {
                    if value.as_object().is_some_and(|members| !members.contains_key(name)) {
                        return Err(format!("{at}/{name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, schema) in part.as_object().unwrap() {
                    take(Known { names: BTreeSet::from([name.as_str()]), is_open: false });
                    if let Some(member) = value.get(name) {
                        closed(document, schema, member, &format!("{at}/{name}"))?;
                    }
                }
            }
            "additionalProperties" => {
                let named = parts.get("properties").and_then(Value::as_object);
                for (name, member) in value.as_object().into_iter().flatten() {
                    if named.is_none_or(|named| !named.contains_key(name)) {
                        closed(document, part, member, &format!("{at}/{name}"))?;
                    }
                }
                take(Known { is_open: true, ..Known::default() });
            }
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    closed(document, part, item, &format!("{at}/{place}"))?;
                }
            }
            "minimum" if value.is_number() && value.as_f64() < part.as_f64() => {
                return Err(no(at, value));
            }
            "maximum" if value.is_number() && value.as_f64() > part.as_f64() => {
                return Err(no(at, value));
            }
            "minItems" | "maxItems" | "minLength" | "maxLength" | "pattern" | "format"
            | "minimum" | "maximum" | "description" | "title" | "default" | "examples" => {}
            other => return Err(format!("{at}: what does '{other}' of a schema mean?")),
        }
    }
    Ok(known)
}

fn no(at: &str, value: &Value) -> Wrong {
    format!("{at} may not be {value}")
}

fn is_of(kinds: &Value, value: &Value) -> bool {
    match kinds {
        Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
        kind => match kind.as_str().unwrap() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("{other} is no type"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;

    #[test]
    fn what_is_not_described_is_found() {
        let document = json!({"all": {
            "named": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        }});
        let named = json!({"$ref": "#/all/named"});
        let more = json!({"properties": {"b": {"type": ["string", "null"]}}, "allOf": [named]});
        let either = json!({"anyOf": [named, {"type": "null"}]});
        let map = json!({"type": "object", "additionalProperties": {"type": "boolean"}});
        for (schema, value) in [
            (&named, json!({"a": 1})),
            (&more, json!({"a": 1, "b": null})),
            (&either, json!(null)),
            (&either, json!({"a": 1})),
            (&map, json!({"x": true})),
            (&json!({"type": "object"}), json!({"x": 1})),
            (&json!({"items": named}), json!([{"a": 1}])),
        ] {
            assert_eq!(check(&document, schema, &value), Ok(()), "{value}");
        }
        for (schema, value) in [
            (&named, json!({})),
            (&named, json!({"a": "1"})),
            (&named, json!({"a": 1, "c": 1})),
            (&named, json!([])),
            (&more, json!({"a": 1, "b": 1})),
            (&more, json!({"b": "b"})),
            (&more, json!({"a": 1, "c": 1})),
            (&either, json!({"a": 1, "c": 1})),
            (&map, json!({"x": 1})),
            (&json!({"items": named}), json!([{"a": 1}, {}])),
            (&json!({"minimum": 1, "maximum": 4}), json!(5)),
            (&json!({"enum": ["a"]}), json!("b")),
            (&json!({"const": "a"}), json!("b")),
            (&json!({"$ref": "#/nowhere"}), json!("b")),
            (&json!({"new": 1}), json!("b")),
        ] {
            assert!(check(&document, schema, &value).is_err(), "{schema} {value}");
        }
    }
}
