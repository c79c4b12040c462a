//! What differs between an example and an answer, apart from what is each org's own.

use serde_json::Value;

/// Members whose texts are each org's own.
const OWN: [&str; 8] = [
    "access_token",
    "instance_url",
    "issued_at",
    "signature",
    "label",
    "contentUrl",
    "keyPrefix",
    "problem",
];

/// What is wanted and not there, or otherwise. More may be there.
pub fn differences(wanted: &Value, said: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    walk("", "", wanted, said, &mut wrong);
    wrong
}

fn walk(path: &str, name: &str, wanted: &Value, said: &Value, wrong: &mut Vec<String>) {
    match (wanted, said) {
        (Value::Object(wanted), Value::Object(said)) => {
            for (name, value) in wanted {
                let path = format!("{path}.{name}");
                match said.get(name) {
                    Some(said) => walk(&path, name, value, said, wrong),
                    None => wrong.push(format!("{path} is missing")),
                }
            }
        }
        (Value::Array(wanted), Value::Array(said)) => {
            // What has a name is found by it; the example shows a part.
            let named = wanted.iter().all(|item| key(item).is_some()) && !wanted.is_empty();
            // The examples show the first page alone, and of a deployment what failed alone.
            let all = !["records", "componentSuccesses"].contains(&name);
            if !named && all && wanted.len() != said.len() {
                wrong.push(format!("{path} has {} for {}", said.len(), wanted.len()));
            }
            for (place, item) in wanted.iter().enumerate() {
                let path = format!("{path}[{place}]");
                let own = if named {
                    said.iter().find(|other| key(other) == key(item))
                } else {
                    said.get(place)
                };
                match own {
                    Some(own) => walk(&path, name, item, own, wrong),
                    None => wrong.push(format!("{path} is missing: {item}")),
                }
            }
        }
        (Value::String(wanted), Value::String(said)) => {
            if !OWN.contains(&name) && general(wanted) != general(said) {
                wrong.push(format!("{path}: {said} for {wanted}"));
            }
        }
        (Value::Number(wanted), Value::Number(said)) => {
            if name == "httpStatusCode" && wanted != said {
                wrong.push(format!("{path}: {said} for {wanted}"));
            }
        }
        _ if wanted == said => {}
        _ => wrong.push(format!("{path}: {said} for {wanted}")),
    }
}

/// By what an item of describe is found.
fn key(item: &Value) -> Option<&str> {
    item.get("name").or(item.get("childSObject")).or(item.get("value")).and_then(Value::as_str)
}

/// A text without what is each org's own: ids, numbers, dates, hosts, repeated letters.
fn general(text: &str) -> String {
    let mut general = String::new();
    for word in text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
        let (core, end) = match word.char_indices().last() {
            Some((place, letter)) if !letter.is_ascii_alphanumeric() => {
                (&word[..place], &word[place..])
            }
            _ => (word, ""),
        };
        let digits = core.bytes().filter(u8::is_ascii_digit).count();
        let shown = match core.len() {
            15 | 18 | 19 if &core[3..5] == "xx" => "<id>",
            255.. => "<long>",
            // A subject that is too long, cut in the example.
            1 if core == "x" => "<long>",
            length if digits == length && length > 0 => "<number>",
            // A date and its time.
            _ if digits > 0 && core.contains('T') => "<number>",
            _ => core,
        };
        general.push_str(shown);
        general.push_str(end);
    }
    let general = general.replace("<long>…", "<long>").replace("https:", "http:");
    match general.split_once("/id/") {
        Some((_, id)) => format!("<host>/id/{id}"),
        None => general,
    }
}
