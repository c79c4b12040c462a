//! What a request does, as far as its address and its body say it.

use serde_json::Value;

use super::{Operation, Step};
use crate::web::Call;

/// The steps of a request, those of its parts included. `named` says of which object an id is.
pub(crate) fn steps(call: &Call, named: impl Fn(&str) -> Option<String> + Copy) -> Vec<Step> {
    let parts = call.parts();
    let body = || serde_json::from_slice::<Value>(&call.body).unwrap_or_default();
    let ["services", area, rest @ ..] = parts.as_slice() else { return Vec::new() };
    let rest = match (*area, rest) {
        ("oauth2", ["token"]) => return vec![(Operation::Token, String::new())],
        ("data", [_, rest @ ..]) if !rest.is_empty() => rest,
        _ => return Vec::new(),
    };
    let of = |operation: Operation, object: &str| vec![(operation, object.to_owned())];
    match (call.method.as_str(), rest) {
        (_, ["composite"] | ["composite", "graph"]) => {
            let mut all = of(Operation::Composite, "");
            collect(&body(), named, &mut all);
            all
        }
        ("POST", ["composite", "sobjects"]) => typed(&body(), Operation::Create),
        ("PATCH", ["composite", "sobjects"]) => typed(&body(), Operation::Update),
        ("PATCH", ["composite", "sobjects", object, ..]) => of(Operation::Upsert, object),
        ("DELETE", ["composite", "sobjects"]) => {
            let ids = call.list("ids").unwrap_or_default();
            ids.iter().map(|id| (Operation::Delete, named(id).unwrap_or_default())).collect()
        }
        (_, ["composite", "sobjects", object]) => of(Operation::Retrieve, object),
        (_, ["query" | "queryAll", ..]) => of(Operation::Query, &queried(call)),
        (_, ["limits", ..]) => of(Operation::Limits, ""),
        (_, ["jobs", ..]) => of(Operation::Bulk, ""),
        (_, ["metadata", ..]) => of(Operation::Deploy, ""),
        (_, ["actions", ..]) => of(Operation::Action, ""),
        ("GET", ["sobjects"]) => of(Operation::Describe, ""),
        ("GET", ["sobjects", object] | ["sobjects", object, "describe"]) => {
            of(Operation::Describe, object)
        }
        ("POST", ["sobjects", object, ..]) => of(Operation::Create, object),
        ("GET", ["sobjects", object, ..]) => of(Operation::Read, object),
        ("PATCH", ["sobjects", object, _]) => of(Operation::Update, object),
        ("PATCH", ["sobjects", object, ..]) => of(Operation::Upsert, object),
        ("DELETE", ["sobjects", object, ..]) => of(Operation::Delete, object),
        _ => Vec::new(),
    }
}

/// The steps of the parts of a composite or a graph.
fn collect(body: &Value, named: impl Fn(&str) -> Option<String> + Copy, all: &mut Vec<Step>) {
    for graph in body["graphs"].as_array().into_iter().flatten() {
        collect(graph, named, all);
    }
    for part in body["compositeRequest"].as_array().into_iter().flatten() {
        let text = |name: &str| part[name].as_str().unwrap_or_default();
        let call = Call::new(text("method"), text("url"), part["body"].to_string().into_bytes());
        all.extend(steps(&call, named));
    }
}

fn typed(body: &Value, operation: Operation) -> Vec<Step> {
    let records = body["records"].as_array().into_iter().flatten();
    let mut all: Vec<Step> = records
        .map(|record| {
            (operation, record["attributes"]["type"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    all.dedup();
    all
}

/// The object after FROM.
fn queried(call: &Call) -> String {
    let text = call.argument("q").unwrap_or_default();
    let mut words = text.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("from"));
    words.next().unwrap_or_default().to_owned()
}
