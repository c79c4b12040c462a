//! The description as people read it: chapters, calls, members, types of problems.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    description,
    operation::{Chapter, JSON, name_of, who},
};
use crate::web::{
    calls::{Call, calls},
    problem_type::ALL,
};

/// Members of a body that are shown at most, and how deep they lie.
const MOST_MEMBERS: usize = 80;
const DEEPEST: usize = 3;

/// All of it.
#[derive(Serialize)]
pub(in crate::web) struct Reference {
    introduction: &'static Value,
    chapters: Vec<Part>,
    problems: Vec<ProblemPart>,
}

#[derive(Serialize)]
struct Part {
    id: String,
    name: &'static str,
    about: &'static str,
    calls: Vec<CallPart>,
}

#[derive(Serialize)]
struct CallPart {
    id: &'static Value,
    method: &'static str,
    path: &'static str,
    summary: &'static Value,
    about: String,
    who: String,
    parameters: Vec<Parameter>,
    request: Option<Body>,
    answers: Vec<Answer>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Parameter {
    name: &'static Value,
    place: &'static Value,
    is_required: bool,
    kind: String,
    about: &'static Value,
}

#[derive(Serialize)]
struct Answer {
    status: &'static str,
    about: &'static Value,
    body: Option<Body>,
}

#[derive(Serialize)]
struct Body {
    kinds: Vec<&'static str>,
    members: Vec<Member>,
    example: Option<String>,
}

#[derive(Serialize)]
struct Member {
    name: String,
    is_required: bool,
    kind: String,
    about: String,
}

#[derive(Serialize)]
struct ProblemPart {
    code: &'static str,
    urn: String,
    status: u16,
    title: &'static str,
    meaning: &'static str,
    example: Option<String>,
}

/// Made anew; whoever shows it keeps the page.
pub(in crate::web) fn reference() -> Reference {
    let document = description();
    let chapter = |chapter: &Chapter| Part {
        id: chapter.name().to_lowercase().replace(' ', "-"),
        name: chapter.name(),
        about: chapter.about(),
        calls: calls().filter_map(|call| part(&call, *chapter)).collect(),
    };
    let problem = |kind: &&super::ProblemType| {
        let example = &document["components"]["schemas"][name_of(kind)]["examples"][0];
        ProblemPart {
            code: kind.code,
            urn: kind.urn(),
            status: kind.status.as_u16(),
            title: kind.title,
            meaning: kind.meaning,
            example: pretty(Some(example)),
        }
    };
    Reference {
        introduction: &document["info"]["description"],
        chapters: Chapter::ALL.iter().map(chapter).collect(),
        problems: ALL.iter().map(problem).collect(),
    }
}

fn part(call: &Call, chapter: Chapter) -> Option<CallPart> {
    let said = description()["paths"].get(call.path)?.get(call.method)?;
    if said["tags"][0] != chapter.name() {
        return None;
    }
    let about = said["description"].as_str().unwrap_or_default();
    let who = who(call.access);
    let (good, bad): (Vec<_>, Vec<_>) = said["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .partition(|(status, _)| status.as_str() < "400");
    let answer = |(status, answer): (&'static String, &'static Value)| Answer {
        status,
        about: &answer["description"],
        body: answer.get("content").map(body),
    };
    Some(CallPart {
        id: &said["operationId"],
        method: call.method,
        path: call.path,
        summary: &said["summary"],
        about: about.strip_suffix(&who).unwrap_or(about).trim().to_owned(),
        who,
        parameters: said["parameters"].as_array().into_iter().flatten().map(parameter).collect(),
        request: said.get("requestBody").map(|request| body(&request["content"])),
        answers: good.into_iter().map(answer).collect(),
        problems: bad.into_iter().flat_map(|(_, answer)| problems(answer)).collect(),
    })
}

fn parameter(parameter: &'static Value) -> Parameter {
    Parameter {
        name: &parameter["name"],
        place: &parameter["in"],
        is_required: parameter["required"] == true,
        kind: kind(&parameter["schema"]),
        about: &parameter["description"],
    }
}

/// The codes of the problems of an answer.
fn problems(answer: &Value) -> Vec<String> {
    let schema = &answer["content"][crate::web::problem::PROBLEM]["schema"];
    let one = std::slice::from_ref(schema);
    let all = schema["oneOf"].as_array().map_or(one, Vec::as_slice).iter();
    all.filter_map(|one| Some(one["$ref"].as_str()?.rsplit_once("problem-")?.1.to_owned()))
        .collect()
}

fn body(content: &'static Value) -> Body {
    let kinds = content.as_object().into_iter().flatten().map(|(kind, _)| kind.as_str()).collect();
    let mut members = Vec::new();
    collect("", &content[JSON]["schema"], 0, &mut members);
    let is_whole = members.len() <= MOST_MEMBERS;
    members.truncate(MOST_MEMBERS);
    if !is_whole {
        members.push(Member {
            name: "…".to_owned(),
            is_required: false,
            kind: String::new(),
            about: String::new(),
        });
    }
    Body { kinds, members, example: pretty(content[JSON].get("example")) }
}

fn pretty(example: Option<&Value>) -> Option<String> {
    serde_json::to_string_pretty(example?).ok()
}

/// What a reference leads to.
fn resolved(schema: &'static Value) -> &'static Value {
    let name = schema["$ref"].as_str().and_then(|address| address.rsplit_once('/'));
    name.map_or(schema, |(_, name)| &description()["components"]["schemas"][name])
}

/// The members of an object, below a name.
fn collect(above: &str, schema: &'static Value, depth: usize, members: &mut Vec<Member>) {
    let schema = resolved(schema);
    if depth == DEEPEST || members.len() > MOST_MEMBERS {
        return;
    }
    for many in ["anyOf", "oneOf", "allOf"] {
        for one in schema[many].as_array().into_iter().flatten() {
            collect(above, one, depth, members);
        }
    }
    if !schema["items"].is_null() {
        collect(&format!("{above}[]."), &schema["items"], depth + 1, members);
    }
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{above}{name}");
        if members.iter().any(|known| known.name == path) {
            continue;
        }
        let about = &member["description"];
        let about = if about.is_null() { &resolved(member)["description"] } else { about };
        members.push(Member {
            name: path.clone(),
            is_required: required.contains(&json!(name)),
            kind: kind(member),
            about: about.as_str().unwrap_or_default().to_owned(),
        });
        let below = if resolved(member)["items"].is_null() { format!("{path}.") } else { path };
        collect(&below, member, depth + 1, members);
    }
}

/// What a value is, in a few words.
fn kind(schema: &'static Value) -> String {
    let schema = resolved(schema);
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" · ");
    }
    if let Some(word) = schema["const"].as_str() {
        return word.to_owned();
    }
    for many in ["anyOf", "oneOf"] {
        if let Some(ones) = schema[many].as_array() {
            let mut kinds: Vec<_> = ones.iter().map(kind).collect();
            kinds.dedup();
            let joined = if kinds.iter().all(|kind| !kind.contains(' ')) { " or " } else { " · " };
            return kinds.join(joined);
        }
    }
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => String::new(),
    }
}
