//! `/composite/graph`: several composites, each of which is done as a whole or not at all.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{record::Work, refusal::Refusal};

/// After so many failed graphs the rest is not tried.
const MOST_FAILURES: usize = 14;

impl Work<'_> {
    pub(super) fn graphs(&self, call: &Call) -> Result<Answer, Refusal> {
        let body = call.object()?;
        let graphs = body.get("graphs").and_then(Value::as_array).cloned().unwrap_or_default();
        let nodes = |graph: &Value| graph["compositeRequest"].as_array().map_or(0, Vec::len);
        if graphs.is_empty() || graphs.len() > 75 || graphs.iter().map(nodes).sum::<usize>() > 500 {
            let message = "A request has 1 to 75 graphs and at most 500 nodes";
            return Err(Refusal::bad("LIMIT_EXCEEDED", message));
        }
        for graph in &graphs {
            check(graph)?;
        }
        let (mut shown, mut failures) = (Vec::new(), 0);
        for graph in &graphs {
            let (responses, successful) = if failures >= MOST_FAILURES {
                (json!([]), false)
            } else {
                let done = self.parts_of(graph, true)?;
                (json!(done.responses), !done.failed)
            };
            failures += usize::from(!successful);
            shown.push(json!({
                "graphId": graph["graphId"],
                "graphResponse": {"compositeResponse": responses},
                "isSuccessful": successful,
            }));
        }
        Ok(Answer::json(200, json!({"graphs": shown})))
    }
}

fn check(graph: &Value) -> Result<(), Refusal> {
    let id = graph["graphId"].as_str().unwrap_or_default();
    if id.is_empty() || id.len() > 39 || id.contains('.') {
        return Err(Refusal::bad("INVALID_GRAPH_ID", format!("Invalid graphId: '{id}'")));
    }
    let mut different = HashSet::new();
    for node in graph["compositeRequest"].as_array().into_iter().flatten() {
        let url = node["url"].as_str().unwrap_or_default();
        let path: Vec<&str> = url.split(['/', '?']).filter(|part| !part.is_empty()).collect();
        let ["services", "data", version, "sobjects", object, ..] = path[..] else {
            let message = format!("Only sobjects are allowed in a graph, not {url}");
            return Err(Refusal::bad("INVALID_REQUEST", message));
        };
        different.insert((version, node["method"].as_str().unwrap_or_default(), object));
    }
    if different.len() > 15 {
        let message = "A graph has at most 15 different nodes";
        return Err(Refusal::bad("LIMIT_EXCEEDED", message));
    }
    Ok(())
}
