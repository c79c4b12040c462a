//! The description of the API: all calls and nothing else, and every answer that a test sees is in it.

mod schema;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use servicenav_itop_bridge::web::{calls, described, description};

use crate::world::{Answer, World};

const DESCRIPTION: &str = "/api/openapi.json";

/// Fails the test unless an answer is one that the description allows: its status, its content type, and
/// each member of its body.
#[track_caller]
pub fn assert_described(method: &Method, path: &str, answer: &Answer) {
    let document = description();
    let method = if method == Method::HEAD { "get" } else { &method.as_str().to_lowercase() };
    let Some(call) = called(document, path).and_then(|path| path.get(method)) else { return };
    let shown = format!("{method} {path} → {}", answer.status);
    let described = &call["responses"][answer.status.to_string()];
    assert!(!described.is_null(), "the description does not know {shown}: {}", answer.text);
    if answer.text.is_empty() {
        return;
    }
    let kind = answer.header("content-type").split(';').next().unwrap_or_default();
    let content = &described["content"][kind];
    assert!(!content.is_null(), "the description knows no '{kind}' of {shown}: {}", answer.text);
    if kind.ends_with("json") {
        let checked = schema::check(document, &content["schema"], &answer.body);
        assert_eq!(checked, Ok(()), "{shown}: {}", answer.text);
    }
}

/// The calls at an address.
fn called<'d>(document: &'d Value, path: &str) -> Option<&'d Value> {
    let path = path.split(['?', '#']).next()?;
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let asked: Vec<_> = path.split('/').collect();
    let fits = |known: &str| {
        let known: Vec<_> = known.split('/').collect();
        known.len() == asked.len()
            && known.iter().zip(&asked).all(|(known, asked)| {
                known == asked || (known.starts_with('{') && !asked.is_empty())
            })
    };
    let paths = document["paths"].as_object()?;
    // What is written out goes before what is variable.
    let found = paths.iter().filter(|(known, _)| fits(known));
    found.min_by_key(|(known, _)| known.matches('{').count()).map(|(_, calls)| calls)
}

#[test]
fn each_call_is_described_and_nothing_else() {
    let table: BTreeSet<_> = calls().map(|call| (call.method, call.path)).collect();
    let said: Vec<_> = described().collect();
    let missing: Vec<_> = table.iter().filter(|call| !said.contains(call)).collect();
    assert!(missing.is_empty(), "add these to src/web/description/calls: {missing:?}");
    let foreign: Vec<_> = said.iter().filter(|call| !table.contains(call)).collect();
    assert!(foreign.is_empty(), "nobody can call these: {foreign:?}");
    assert_eq!(said.len(), table.len(), "one is described twice");
}

/// Each call with its method and path.
fn operations() -> Vec<(String, &'static Value)> {
    let paths = description()["paths"].as_object().unwrap();
    let of = |(path, calls): (&String, &'static Value)| {
        let calls = calls.as_object().unwrap();
        calls.iter().map(|(method, call)| (format!("{method} {path}"), call)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn each_call_has_what_a_reader_needs() {
    let (mut names, mut unsaid) = (BTreeSet::new(), Vec::new());
    for (call, said) in operations() {
        assert!(names.insert(said["operationId"].as_str().unwrap()), "{call}");
        assert!(!said["summary"].as_str().unwrap().is_empty(), "{call}");
        let answers = said["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.as_str() < "400"), "{call}");
        let mut parameters = BTreeSet::new();
        for parameter in said["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            assert!(parameters.insert(name), "{call}: {name} stands twice");
            let about = parameter["description"].as_str().unwrap_or_default();
            let is_of_a_page = said["tags"][0] == "Pages for browsers";
            if !is_of_a_page && about.is_empty() {
                unsaid.push(format!("{call}: {name}"));
            }
        }
    }
    assert!(unsaid.is_empty(), "say what these parameters are: {unsaid:#?}");
}

#[test]
fn each_example_is_as_its_schema_says() {
    let document = description();
    let mut examples = 0;
    let mut held = |content: &Value, shown: &str| {
        if let Some(example) = content.get("example") {
            let checked = schema::check(document, &content["schema"], example);
            assert_eq!(checked, Ok(()), "{shown}: {example}");
            examples += 1;
        }
    };
    for (call, said) in operations() {
        held(&said["requestBody"]["content"]["application/json"], &call);
        for (status, answer) in said["responses"].as_object().unwrap() {
            held(&answer["content"]["application/json"], &format!("{call} {status}"));
        }
    }
    assert!(examples > 0);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for example in schema["examples"].as_array().into_iter().flatten() {
            assert_eq!(schema::check(document, schema, example), Ok(()), "{name}: {example}");
        }
    }
}

#[test]
fn each_call_that_takes_or_gives_json_has_examples() {
    // Of what is the same as another one, or tells of the machine that it runs on.
    let without = ["getDescription"];
    let mut missing = Vec::new();
    for (_, said) in operations() {
        let json = |content: &Value| content["content"]["application/json"].clone();
        let name = said["operationId"].as_str().unwrap();
        let bodies = [json(&said["requestBody"]), json(&said["responses"]["200"])];
        let lacks = |body: &Value| !body.is_null() && body.get("example").is_none();
        if bodies.iter().any(lacks) && !without.contains(&name) {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "give these examples in examples.json: {missing:?}");
}

#[tokio::test]
async fn the_description_is_there_for_everyone_and_kept() {
    let world = World::with(itop_sandbox::Options::default(), |config| {
        config.server.public_url = Some("https://bridge.example/servicenav".to_owned());
        config.auth.tokens = vec![crate::world::token("all", &[])];
    })
    .await;
    let answer = world.get(DESCRIPTION).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "max-age=300"));
    assert_eq!(answer.body["openapi"], "3.1.0");
    assert_eq!(answer.body["servers"][0]["url"], "/servicenav");
    let mut whole = answer.body.clone();
    whole.as_object_mut().unwrap().shift_remove("servers");
    assert_eq!(&whole, description());
    let known = [("if-none-match", answer.header("etag"))];
    assert_eq!(world.send(Method::GET, DESCRIPTION, &known, None).await.status, 304);
    // Who is asked how large it is need not be asked for all of it.
    let packed = world.http.get(format!("{}{DESCRIPTION}", world.base));
    let packed = packed.header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    world.finish().await;
}

#[tokio::test]
async fn people_read_the_same_and_a_problem_has_its_place() {
    let world = World::with(itop_sandbox::Options::default(), |config| {
        config.auth.tokens = vec![crate::world::token("all", &[])];
    })
    .await;
    for (language, title) in [("en", "The API"), ("fr", "L’API")] {
        let taken = [("accept-language", language)];
        let page = world.send(Method::GET, "/api", &taken, None).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains(&format!("<h1>{title}</h1>")), "{}", page.text);
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
        for (call, said) in operations() {
            let id = said["operationId"].as_str().unwrap();
            assert!(page.text.contains(&format!(" id=\"{id}\"")), "{call}");
        }
        for (name, _) in description()["components"]["schemas"].as_object().unwrap() {
            let place = format!(" id=\"{name}\"");
            assert!(!name.starts_with("problem-") || page.text.contains(&place), "{name}");
        }
        let known = [("accept-language", language), ("if-none-match", page.header("etag"))];
        assert_eq!(world.send(Method::GET, "/api", &known, None).await.status, 304);
        assert_eq!(page.header("vary"), "accept-language, cookie");
        // Each link within the page leads to something.
        for link in page.text.split("href=\"#").skip(1) {
            let (place, _) = link.split_once('"').unwrap();
            assert!(page.text.contains(&format!(" id=\"{place}\"")), "{place}");
        }
    }
    world.finish().await;
}
