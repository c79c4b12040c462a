//! How the tickets of a recording are called in the sandbox, wherever they stand.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// How the tickets of a recording are called in the sandbox.
#[derive(Default)]
pub struct Names {
    pub ids: BTreeMap<String, String>,
    pub refs: BTreeMap<String, String>,
}

impl Names {
    /// Learns how a ticket that was just created, or first shown with its ref, is called.
    pub fn learn(&mut self, recorded: &Value, answered: &Value) {
        let (Some(recorded), Some(answered)) = (only_object(recorded), only_object(answered))
        else {
            return;
        };
        if !matches!(text(recorded, "class"), "Incident" | "UserRequest") {
            return;
        }
        if text(recorded, "message") == "created" {
            self.ids.insert(text(recorded, "key").to_owned(), text(answered, "key").to_owned());
        }
        let known =
            self.ids.get(text(recorded, "key")).is_some_and(|id| id == text(answered, "key"));
        let (theirs, ours) = (text(&recorded["fields"], "ref"), text(&answered["fields"], "ref"));
        let same_form = ours.len() == theirs.len() && ours.get(..2) == theirs.get(..2);
        if known && !theirs.is_empty() && same_form {
            self.refs.entry(theirs.to_owned()).or_insert_with(|| ours.to_owned());
        }
    }

    /// The names in the key and the queries of a request.
    pub fn in_request(&self, data: &Value) -> Value {
        let mut data = data.clone();
        let about_tickets =
            matches!(data["class"].as_str(), Some("Incident" | "UserRequest" | "Ticket"));
        match data.get_mut("key") {
            Some(Value::String(oql)) => *oql = self.in_oql(oql),
            Some(key @ Value::Number(_)) if about_tickets => {
                let id = key.to_string();
                *key = Value::from(self.ids.get(&id).cloned().unwrap_or(id));
            }
            _ => {}
        }
        if let Some(fields) = data.get_mut("fields").and_then(Value::as_object_mut) {
            for value in fields.values_mut() {
                if let Value::String(text) = value {
                    *text = self.in_oql(text);
                }
            }
        }
        data
    }

    /// A text with the ids and refs of tickets in the query that it may have called as in the
    /// sandbox. Ids of tickets follow the attribute `id` of what the query calls a ticket.
    fn in_oql(&self, text: &str) -> String {
        const SIGNS: [char; 5] = [' ', '(', ')', ',', '\''];
        let Some(from) = text.find("SELECT ") else { return text.to_owned() };
        let words: Vec<_> = text[from..].split(SIGNS).collect();
        let is_ticket = |class: &str| matches!(class, "Incident" | "UserRequest" | "Ticket");
        let mut columns: Vec<_> = words
            .windows(3)
            .filter(|three| is_ticket(three[0]) && three[1] == "AS")
            .map(|three| format!("{}.id", three[2]))
            .collect();
        if is_ticket(words[1]) {
            columns.push("id".to_owned());
        }
        let mut translated = text[..from].to_owned();
        let (mut of_ticket, mut above) = (false, false);
        for piece in text[from..].split_inclusive(SIGNS) {
            let word = piece.trim_end_matches(SIGNS);
            let name = match word {
                _ if !word.starts_with(|c: char| c.is_ascii_digit()) => {
                    self.refs.get(word).cloned()
                }
                id if of_ticket && above => Some(self.newest_up_to(id)),
                id if of_ticket => self.ids.get(id).cloned(),
                _ => None,
            };
            if word.starts_with(|c: char| c.is_ascii_alphabetic()) && word != "IN" {
                of_ticket = columns.iter().any(|column| column == word);
            }
            above = if word.is_empty() { above } else { word == ">" };
            translated.push_str(name.as_deref().unwrap_or(word));
            translated.push_str(&piece[word.len()..]);
        }
        translated
    }

    /// The newest ticket of the sandbox that stands for one up to that id; a recorded bound need
    /// not be the id of a recorded ticket.
    fn newest_up_to(&self, id: &str) -> String {
        let bound: u64 = id.parse().unwrap();
        self.ids
            .iter()
            .filter(|(theirs, _)| theirs.parse::<u64>().unwrap() <= bound)
            .map(|(_, ours)| ours.parse::<u64>().unwrap())
            .max()
            .unwrap_or(0)
            .to_string()
    }

    /// A recorded body, with its tickets called as in the sandbox.
    pub fn translated(&self, recorded: &Value) -> Value {
        let Some(objects) = recorded["objects"].as_object() else {
            let mut refusal = recorded.clone();
            if let Some(Value::String(message)) = refusal.get_mut("message") {
                *message = self.in_oql(message);
            }
            return self.with_refs(&refusal);
        };
        let mut renamed = Map::new();
        for (name, object) in objects {
            let mut object = self.with_refs(object);
            let class = text(&object, "class").to_owned();
            let id = text(&object, "key").to_owned();
            match self.ids.get(&id).filter(|_| matches!(&*class, "Incident" | "UserRequest")) {
                Some(ours) => {
                    object["key"] = Value::from(ours.clone());
                    if object["fields"].get("id").is_some() {
                        object["fields"]["id"] = Value::from(ours.clone());
                    }
                    renamed.insert(format!("{class}::{ours}"), object);
                }
                None => drop(renamed.insert(name.clone(), object)),
            }
        }
        let mut body = recorded.clone();
        body["objects"] = Value::Object(renamed);
        body
    }

    fn with_refs(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(
                self.refs
                    .iter()
                    .fold(text.clone(), |text, (theirs, ours)| text.replace(theirs.as_str(), ours)),
            ),
            Value::Array(items) => items.iter().map(|item| self.with_refs(item)).collect(),
            Value::Object(map) => {
                map.iter().map(|(key, value)| (key.clone(), self.with_refs(value))).collect()
            }
            other => other.clone(),
        }
    }
}

fn only_object(body: &Value) -> Option<&Value> {
    let objects = body.get("objects")?.as_object()?;
    if objects.len() == 1 { objects.values().next() } else { None }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
