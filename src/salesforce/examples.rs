//! The examples of requests and answers, for the tests.

use serde_json::Value;

use crate::outgoing::Raw;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/salesforce");

/// An example as it stands in its file.
pub(super) fn file(name: &str) -> Value {
    let path = format!("{FOLDER}/{name}.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The answer of an example.
pub(super) fn example(name: &str) -> Raw {
    let response = file(name)["response"].take();
    let status = response["status"].as_u64().unwrap().try_into().unwrap();
    let body = match &response["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let mut raw = Raw::of(status, "application/json", body);
    for (name, value) in response["headers"].as_object().into_iter().flatten() {
        let name: reqwest::header::HeaderName = name.parse().unwrap();
        raw.headers.insert(name, value.as_str().unwrap().parse().unwrap());
    }
    raw
}

/// The names of all, with their status.
pub(super) fn all() -> Vec<(String, u16)> {
    let files = std::fs::read_dir(FOLDER).unwrap().map(|file| file.unwrap().path());
    let names = files.filter(|path| path.extension().is_some_and(|ext| ext == "json"));
    let names = names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    names.map(|name| (name.clone(), example(&name).status)).collect()
}
