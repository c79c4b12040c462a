//! Data synchronization, CSV import and export as recorded.
//!
//! Between the recorded requests others were made that set the scene: sources, rows, objects. They
//! are in [`scene`], one for each case that needs one. The clock stands still within a case, and
//! cases that iTop answered within one second are answered within one here: its counts depend on it.

mod lab;
mod scene;

use std::{collections::BTreeMap, fs, path::PathBuf};

use futures_util::future::join_all;
use lab::{Answer, Lab};
use serde::Deserialize;
use serde_json::Value;

/// The cases that the sandbox cannot match, and why; one that matches after all fails the test.
const CANNOT_MATCH: &[(&str, &str)] = &[
    (
        "053-import-500-create",
        "how many of the 5,000 rows of the post before it fell into the same second",
    ),
    (
        "078-two-imports-different-rows",
        "how far two posts at once had come with the rows of each other",
    ),
];

/// The cases of which only the beginning of the answer is compared, up to these words, and why.
const BEGINNING: &[(&str, &str, &str)] = &[
    (
        "094-csv-unknown-column",
        "Possible columns: name, description, org_id, org_id->",
        "the list of all columns of iTop's whole data model",
    ),
    (
        "103-export-no-fields",
        "Missing parameter: fields  <p>Parameters:</p>",
        "the manual of iTop's page",
    ),
    (
        "105-export-bad-oql",
        "Unknown class - found &amp;#039;Nope&amp;#039; at 7 in &amp;#039;SELECT Nope&amp;#039;",
        "the list of all classes of iTop's whole data model",
    ),
    (
        "106-export-wrong-password",
        "<div id=\"login-body\"><div id=\"login-header\"></div>",
        "the whole of iTop's login page",
    ),
];

/// What the later recordings show the account `limited` to be: it may write configuration.
const LIMITED_LATER: (&str, &str) = ("limited", "limitedcmdb");

/// The cases that iTop answered in the second of the one before.
const SAME_SECOND: &[&str] = &[
    "013", "014", "016", "017", "018", "029", "030", "031", "032", "035", "036", "037", "038",
    "039", "040", "041", "081",
];

#[derive(Deserialize)]
struct Case {
    request: OneOrMore<Request>,
    response: OneOrMore<Response>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn all(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

#[derive(Deserialize)]
struct Request {
    path: String,
    query: BTreeMap<String, String>,
    form: BTreeMap<String, String>,
    #[serde(default)]
    json_data: Value,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    content_type: String,
    body: Value,
}

#[tokio::test]
async fn synchronization_answers_as_recorded() {
    let mut lab = Lab::start().await;
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, case) in cases() {
        if !SAME_SECOND.contains(&&name[..3]) {
            lab.seconds_pass(1);
        }
        scene::set(&mut lab, &name[..3]).await;
        let requests = case.request.all();
        let posts = requests.iter().map(|request| lab.send(&name, request));
        let mut answers = join_all(posts).await;
        lab.faults().clear();
        let mut expected = case.response.all();
        // Which of two that were posted at once came first does not matter.
        expected.sort_by_key(|response| response.body.to_string());
        answers.sort_by_key(|answer| answer.body.clone());
        let mut differences = Vec::new();
        for (expected, answer) in expected.iter().zip(&answers) {
            compare(&mut lab, &name, expected, answer, &mut differences);
        }
        compared += 1;
        let listed = CANNOT_MATCH.iter().any(|(case, _)| *case == name);
        match (differences.is_empty(), listed) {
            (false, false) => wrong.push(format!("{name}: {}", differences.join("; "))),
            (true, true) => wrong.push(format!("{name} matches: take it off the list")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(compared, 108);
    lab.stop().await;
}

fn cases() -> Vec<(String, Case)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/itop/sync");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let case = serde_json::from_str(&fs::read_to_string(path).unwrap());
        (name.clone(), case.unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    paths.iter().map(read).collect()
}

fn compare(
    lab: &mut Lab,
    name: &str,
    expected: &Response,
    answer: &Answer,
    differences: &mut Vec<String>,
) {
    if expected.status != answer.status {
        differences.push(format!("status {} is {}", expected.status, answer.status));
    }
    if expected.content_type != answer.content_type {
        differences.push(format!("type {} is {}", expected.content_type, answer.content_type));
    }
    let recorded = match &expected.body {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let answered = lab::shortened(&answer.body);
    let (mut theirs, mut ours) = (&*recorded, &*answered);
    if let Some((_, words, _)) = BEGINNING.iter().find(|(case, ..)| *case == name) {
        theirs = upto(theirs, words);
        ours = upto(ours, words);
    }
    if let Some(difference) = lab.difference(theirs.trim_end(), ours.trim_end()) {
        differences.push(difference);
    }
}

fn upto<'a>(text: &'a str, words: &str) -> &'a str {
    text.find(words).map_or(text, |at| &text[..at + words.len()])
}
