//! The description of the API (`OpenAPI` 3.1), made once of the table of calls, of the types that are read and
//! written, and of the types of problems.
//!
//! A new call needs an entry in one of the lists of `calls`: the tests hold the table against them, and each
//! answer that the tests see against what is described here.

mod bodies;
mod calls;
mod examples;
mod given;
mod operation;
mod reference;
mod schemas;
mod shapes;

pub(super) use given::{KEPT, given};
pub(super) use reference::reference;
pub(super) use shapes::{
    ChangedLink, ControlItem, EarlierRow, Gate, Link, PlacedError, ReadyDesk, SlowCreate,
};

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use self::operation::{Chapter, name_of};
use super::{
    calls as table,
    problem_type::{self, ProblemType},
};
use schemas::Schemas;

/// The description but for where the bridge is reached.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(made);

/// The description of the API, as `/api/openapi.json` gives it but for its `servers`.
#[must_use]
pub fn description() -> &'static Value {
    &DESCRIPTION
}

/// The calls that are described, by method and path: as many as there are, if each has its entry.
pub fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    calls::all(&mut Schemas::new()).into_iter().map(|call| (call.method, call.path))
}

fn made() -> Value {
    let mut schemas = Schemas::new();
    let described = calls::all(&mut schemas);
    let mut paths = Map::new();
    for operation in described {
        let is_it =
            |call: &table::Call| call.path == operation.path && call.method == operation.method;
        // One that is not in the table cannot be called.
        let Some(call) = table::calls().find(is_it) else { continue };
        let (method, path) = (operation.method, operation.path);
        let mut document = operation.document(&call);
        examples::add(&mut document);
        paths.entry(path).or_insert_with(|| json!({}))[method] = document;
    }
    let document = schemas.answer::<shapes::ProblemDocument>();
    let mut named = schemas.named();
    for kind in problem_type::ALL {
        named.insert(name_of(kind), problem(kind, &document));
    }
    let tags: Vec<_> = Chapter::ALL
        .iter()
        .map(|chapter| json!({"name": chapter.name(), "description": chapter.about()}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ServiceNav–iTop bridge",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Acknowledgements of ServiceNav become tickets of iTop, exactly once.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "description": INTRODUCTION,
        },
        "tags": tags,
        "paths": paths,
        "components": {"schemas": named, "securitySchemes": security_schemes()},
    })
}

/// What holds for all calls.
const INTRODUCTION: &str = "Every answer carries `x-request-id`, which stands in the log lines of that \
     request too; one that is sent is taken over. A slash at the end of an address changes nothing. Keys of \
     iTop are texts. A parameter that an address does not have is refused. To a token that is limited to \
     companies or to an instance everything else does not exist. Errors are problem documents (RFC 9457) \
     with a stable `type`; an address that is not described answers 404 `not-found`, a method that is not \
     described 405 `method-not-allowed` with `Allow`.";

fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http", "scheme": "bearer",
            "description": "A token of the bridge; the command `token` makes one. Scopes: `ingest` posts, \
                `read` reads, `operate` pulls the levers, `admin` changes links and includes the others.",
        },
        "session": {
            "type": "apiKey", "in": "cookie", "name": "bridge_session",
            "description": "Of a browser that has signed in. By https the name begins with `__Host-` or \
                `__Secure-`. What changes something must come from a page of the bridge.",
        },
        "signature": {
            "type": "apiKey", "in": "query", "name": "signature",
            "description": "Of a link that an answer about a control gives.",
        },
    })
}

/// The document of one type of problem.
fn problem(kind: &ProblemType, document: &Value) -> Value {
    json!({
        "title": kind.title,
        "description": kind.meaning,
        "allOf": [document],
        "properties": {
            "type": {"const": kind.urn()},
            "status": {"const": kind.status.as_u16()},
        },
        "examples": [examples::problem(kind)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_schema() {
        let mut schemas = Schemas::new();
        calls::all(&mut schemas);
        let ambiguous = schemas.ambiguous();
        assert!(ambiguous.is_empty(), "give these a name of their own: {ambiguous:?}");
    }
}
