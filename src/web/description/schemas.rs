//! Schemas (JSON Schema 2020-12) of what is really read and written.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Where named schemas stand in the document.
const PLACE: &str = "/components/schemas";

/// Makes schemas, and keeps those that have a name.
pub(super) struct Schemas {
    /// Of what is written.
    answers: SchemaGenerator,
    /// Of what is read.
    bodies: SchemaGenerator,
    /// Of parameters, which name no others.
    parameters: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = PLACE.into();
                settings.meta_schema = None;
            })
        };
        let inline =
            settings().for_deserialize().with(|settings| settings.inline_subschemas = true);
        Self {
            answers: settings().for_serialize().into_generator(),
            bodies: settings().for_deserialize().into_generator(),
            parameters: inline.into_generator(),
        }
    }

    /// Of an answer.
    pub(super) fn answer<T: JsonSchema>(&mut self) -> Value {
        self.answers.subschema_for::<T>().to_value()
    }

    /// Of a body.
    pub(super) fn body<T: JsonSchema>(&mut self) -> Value {
        self.bodies.subschema_for::<T>().to_value()
    }

    /// The query parameters that a type is read from, in its order.
    pub(super) fn parameters<T: JsonSchema>(&mut self) -> Vec<Value> {
        let schema = self.parameters.subschema_for::<T>().to_value();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let members = schema["properties"].as_object().cloned().unwrap_or_default();
        let parameter = |(name, schema): (String, Value)| {
            let mut schema = without_null(schema);
            let said = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let about = said.unwrap_or_else(|| json!(usual(&name)));
            let is_required = required.iter().any(|required| *required == name);
            json!({
                "name": name, "in": "query", "required": is_required, "description": plain(&about),
                "schema": schema,
            })
        };
        members.into_iter().map(parameter).collect()
    }

    /// Those that have a name.
    pub(super) fn named(mut self) -> Map<String, Value> {
        let mut named = self.answers.take_definitions(true);
        named.extend(self.bodies.take_definitions(true));
        for schema in named.values_mut() {
            speak_plainly(schema);
        }
        named.sort_keys();
        named
    }
}

#[cfg(test)]
impl Schemas {
    /// The names of schemas that are one thing in answers and another in bodies.
    pub(super) fn ambiguous(&self) -> Vec<&String> {
        let (answers, bodies) = (self.answers.definitions(), self.bodies.definitions());
        let differs = |(name, schema): &(&String, &Value)| {
            answers.get(*name).is_some_and(|other| other != *schema)
        };
        bodies.iter().filter(differs).map(|(name, _)| name).collect()
    }
}

/// A parameter that is left out is absent: there is no null in an address.
fn without_null(mut schema: Value) -> Value {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            schema["type"] = kind.clone();
        }
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.retain(|word| !word.is_null());
    }
    if let Some(any) = schema["anyOf"].as_array()
        && let Some(other) = any.iter().find(|one| one["type"] != "null")
    {
        let mut other = other.clone();
        if !schema["description"].is_null() {
            other["description"] = schema["description"].clone();
        }
        return other;
    }
    // Whatever is absent has its default.
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("default");
    }
    schema
}

/// What parameters mean that mean the same everywhere.
fn usual(name: &str) -> &'static str {
    match name {
        "instance" => "The ServiceNav instance; else all that the token sees, or its own.",
        "company" => "ServiceNav's company: `id:42`, or `name:Demo` where it has no id.",
        "site" => "ServiceNav's site: `id:7`, or `name:…`.",
        "control" => "The id of a control.",
        "force" => "Take an empty list too.",
        "limit" => "How many items at most.",
        "cursor" => "The `next` of an earlier answer.",
        "q" => "Words to search for.",
        "signature" => "Of this bridge.",
        "next" => "Where to go then: a path of the bridge.",
        _ => "",
    }
}

/// Comments of the code speak of `None`, and link to other code.
fn plain(text: &Value) -> Value {
    text.as_str().map_or(Value::Null, |text| {
        let text = text.replace("`None`", "`null`").replace("[`", "`").replace("`]", "`");
        json!(text.replace('\n', " "))
    })
}

fn speak_plainly(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "description" && member.is_string() {
                    *member = plain(member);
                } else {
                    speak_plainly(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(speak_plainly),
        _ => {}
    }
}
