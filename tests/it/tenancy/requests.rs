//! The requests by which each call is asked for what is somebody's.

use serde_json::{Value, json};
use servicenav_itop_bridge::web::{Call, calls};

use super::{Object, STREAM};

/// A request for something, in one of several ways.
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub body: Value,
}

/// Calls that take nothing beside what stands in their path.
const ALONE: &[(&str, &str)] = &[
    ("get", "/api/v1/acknowledgements/{id}"),
    ("get", "/api/v1/acknowledgements/{id}/request"),
    ("get", "/api/v1/tickets/{number}"),
    ("get", "/api/v1/links"),
    ("get", "/api/v1/links/unlinked"),
    ("get", "/api/v1/companies/{org}/contacts"),
    ("get", "/api/v1/companies/{org}/teams"),
    ("get", "/api/v1/companies/{org}/services"),
    ("get", "/api/v1/companies/{org}/cis"),
    ("get", "/api/v1/companies"),
    ("get", "/api/v1/teams"),
    ("get", "/inbox/{id}"),
    ("get", "/companies"),
    ("get", "/new-ticket"),
    ("get", "/health"),
    ("get", "/migration"),
    ("get", "/migration/reports/{report}"),
    ("get", "/assets/{version}/{name}"),
    ("get", "/language/{language}"),
    ("get", "/api/v1/check"),
    ("get", "/api/v1/configuration"),
    ("get", "/api/v1/cmdb/sources"),
    ("get", "/api/v1/health"),
    ("get", "/api/v1/priority"),
    ("get", "/controls/open"),
    ("get", "/controls/badge.svg"),
    ("get", "/controls/card"),
    ("get", "/api/v1/session"),
    ("get", "/api"),
    ("get", "/api/openapi.json"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("post", "/api/v1/acknowledgements/{id}/retry"),
    ("post", "/api/v1/check"),
    ("get", "/api/v1/hold"),
    ("put", "/api/v1/hold"),
    ("delete", "/api/v1/hold"),
    ("get", "/api/v1/switch"),
];

/// All ways in which a call can be about an object.
///
/// A new call needs an entry here, and a new variable part of a path one in [`filled`].
pub fn requests(call: &Call, of: &Object) -> Vec<Request> {
    let path = filled(call.path, of);
    let Object { instance, company, .. } = of;
    let control = of.control();
    let queries = |queries: &[String]| -> Vec<String> {
        queries.iter().map(|query| format!("{path}{query}")).collect()
    };
    let here = || format!("?instance={instance}");
    let own = String::new;
    let (paths, body) = match (call.method, call.path) {
        (
            "post",
            "/api/v1/acknowledgements"
            | "/api/v1/acknowledgements/by/{token}"
            | "/api/v1/acknowledgements/preview",
        ) => (queries(&[own()]), of.event()),
        ("get", "/api/v1/acknowledgements") => {
            let of_control = format!("?control={control}");
            let both = format!("{of_control}&instance={instance}");
            let counted = format!("?count=true&event=true&company={company}");
            let ended = "?group=ended&q=disk&count=true".to_owned();
            (queries(&[own(), of_control, here(), both, counted, ended]), Value::Null)
        }
        ("get", "/inbox") => {
            let searched = "?group=ended&q=disk".to_owned();
            let of_company = format!("?group=ended&company={company}");
            (queries(&["?group=ended".to_owned(), searched, of_company]), Value::Null)
        }
        ("post", "/api/v1/acknowledgements/retry" | "/api/v1/acknowledgements/discard") => {
            // Their number is a text in the path of a row.
            let ids = json!([of.id.parse::<i64>().unwrap_or(i64::MAX)]);
            (queries(&[own()]), json!({"ids": ids, "reason": "test"}))
        }
        ("get", "/api/v1/tickets") => {
            let of_company = format!("?company={company}");
            let after = format!("?cursor={}&instance={instance}", cursor(instance, &control));
            let searched = format!("?q={}&count=true&pending=true&details=true", of.key);
            let ordered = format!("?sort=-company&count=true&instance={instance}");
            let asked = [own(), of_company, here(), after, searched, ordered];
            (queries(&asked), Value::Null)
        }
        ("get", "/") => {
            let searched = format!("?q={}&instance={instance}", of.key);
            (queries(&[own(), format!("?company={company}"), searched]), Value::Null)
        }
        ("post", "/api/v1/tickets/stream/address")
        | ("get", STREAM | "/api/v1/tickets/summary" | "/api/v1/acknowledgements/causes") => {
            (queries(&[own(), format!("?company={company}"), here()]), Value::Null)
        }
        ("post", "/api/v1/tickets/lookup") => {
            let items = json!({"items": [{"control": control}, {"ref": of.number}]});
            (queries(&[own(), here()]), items)
        }
        ("get", "/api/v1/controls/ticket" | "/api/v1/controls/detail" | "/tickets/detail") => {
            let query = format!("?control={control}");
            let here = format!("{query}&instance={instance}");
            (queries(&[query, here]), Value::Null)
        }
        ("post", "/api/v1/itop/changes") => {
            (queries(&[own()]), json!({"class": "Incident", "id": of.id.parse::<u64>().unwrap()}))
        }
        ("post", "/api/v1/acknowledgements/{id}/discard") => {
            (queries(&[own()]), json!({"reason": "test"}))
        }
        (
            "get",
            "/api/v1/controls/{control}/ticket"
            | "/api/v1/links/{company}"
            | "/api/v1/links/{company}/effective"
            | "/api/v1/links/{company}/sites/{site}"
            | "/api/v1/links/{company}/sites/{site}/effective"
            | "/api/v1/links.csv"
            | "/api/v1/links/companies",
        )
        | (
            "post",
            "/api/v1/links/matches"
            | "/api/v1/links/{company}/trial"
            | "/api/v1/links/{company}/sites/{site}/trial",
        )
        | ("delete", "/api/v1/links/{company}" | "/api/v1/links/{company}/sites/{site}") => {
            (queries(&[own(), here()]), Value::Null)
        }
        (_, path) if OF_EQUIPMENT.iter().any(|of| path.starts_with(of)) => {
            let (asked, body) = of_equipment(call, of);
            (queries(&asked), body)
        }
        ("put", "/api/v1/links") => {
            let item = json!({"company": company, "organization": {"id": of.org}});
            (queries(&[own(), here()]), json!({"items": [item]}))
        }
        ("put", "/api/v1/links/{company}" | "/api/v1/links/{company}/sites/{site}") => {
            (queries(&[own(), here()]), json!({"organization": {"id": of.org}}))
        }
        ("post", "/api/v1/switch" | "/api/v1/switch/back") => {
            (queries(&[own()]), json!({"dry_run": true}))
        }
        call if ALONE.contains(&call) => (queries(&[own()]), Value::Null),
        (method, path) => panic!("{method} {path} has no entry in the matrix of tenants"),
    };
    let request = |path| Request { method: call.method, path, body: body.clone() };
    paths.into_iter().map(request).collect()
}

/// Where a page of the board begins after a control.
fn cursor(instance: &str, control: &str) -> String {
    let place = format!("{instance}\n{control}");
    place.bytes().fold(String::new(), |hex, byte| hex + format!("{byte:02x}").as_str())
}

/// What the calls about equipment begin with.
const OF_EQUIPMENT: [&str; 3] = ["/equipment", "/api/v1/equipment", "/api/v1/cmdb"];

/// The same for the calls about equipment: what follows their paths, and their bodies.
fn of_equipment(call: &Call, of: &Object) -> (Vec<String>, Value) {
    let Object { instance, company, .. } = of;
    let own = String::new;
    let of_company = || format!("?company={company}");
    let both = || format!("?company={company}&instance={instance}");
    match (call.method, call.path) {
        (_, path) if path.starts_with("/api/v1/cmdb") => (vec![own()], of_cmdb(path, of)),
        ("get", "/api/v1/equipment") => {
            let searched = format!("?q={}&count=true", of.key);
            let one = format!("?id={}&instance={instance}", of.equipment());
            (vec![own(), of_company(), both(), searched, one], Value::Null)
        }
        ("get", "/equipment") => {
            let searched = format!("?q={}&state=new", of.key);
            let one = format!("?one={}&of={company}&at={instance}", of.equipment());
            (vec![own(), of_company(), searched, one], Value::Null)
        }
        ("get", "/api/v1/equipment/companies") => (vec![own(), of_company(), both()], Value::Null),
        ("get" | "delete", _) => (vec![of_company(), both()], Value::Null),
        ("put" | "patch", _) | (_, "/api/v1/equipment/preview") => {
            let row = json!({"id": of.equipment(), "name": format!("Server {}", of.key)});
            (vec![of_company(), both()], json!([row]))
        }
        (_, "/api/v1/equipment/retry") => {
            let ids = [of.equipment()];
            (vec![own()], json!({"company": company, "instance": instance, "ids": ids}))
        }
        (_, "/api/v1/equipment/approve" | "/api/v1/equipment/keep") => {
            (vec![own()], json!({"company": company, "instance": instance, "what": "retire"}))
        }
        (method, path) => panic!("{method} {path} has no entry in the matrix of tenants"),
    }
}

/// The calls that can be about an object: not those by which people sign in and out, which `session`
/// tests.
pub fn calls_about_objects() -> impl Iterator<Item = Call> {
    let is_sign_in = |path: &str| path.starts_with("/session") || path.starts_with("/sign-in");
    calls().filter(move |call| !is_sign_in(call.path))
}

/// A path with what is asked for in its variable parts.
pub fn filled(path: &str, of: &Object) -> String {
    let part = |part: &str| match part {
        "{id}" => of.id.clone(),
        "{control}" => of.control(),
        "{number}" => of.number.clone(),
        "{equipment}" => of.equipment(),
        "{company}" => of.company.to_owned(),
        "{site}" => "7".to_owned(),
        "{version}" => "0".to_owned(),
        "{report}" => "verify".to_owned(),
        "{name}" => "live.js".to_owned(),
        "{language}" => "fr".to_owned(),
        // Nobody's.
        "{token}" => "nobody".to_owned(),
        "{org}" => of.org.to_owned(),
        fixed => {
            assert!(!fixed.contains('{'), "{fixed} has no entry in the matrix of tenants");
            fixed.to_owned()
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// What is about no object of a company.
const OF_NOBODY: &[&str] = &[
    "/metrics",
    "/api",
    "/api/openapi.json",
    "/healthz",
    "/readyz",
    "/api/v1/links/unlinked",
    "/api/v1/session",
    "/api/v1/tickets/summary",
    "/api/v1/health",
    "/api/v1/check",
    "/api/v1/configuration",
    "/api/v1/cmdb/sources",
    "/api/v1/cmdb/resume",
    "/api/v1/cmdb/release",
    "/api/v1/priority",
    "/api/v1/hold",
    "/api/v1/switch",
    "/api/v1/switch/back",
    "/api/v1/itop/changes",
    "/health",
    "/new-ticket",
];

/// Whether an answer about what is its own says so: its name stands in it.
pub fn shows_its_object(call: &Call) -> bool {
    let of_itop = call.path.contains("{org}")
        || call.path.starts_with(STREAM)
        || ["/api/v1/companies", "/api/v1/teams"].contains(&call.path);
    let of_nobody = OF_NOBODY.contains(&call.path)
        || ["/assets", "/language", "/migration"].iter().any(|all| call.path.starts_with(all));
    // Nothing needs anybody; and of a request that was sent nothing is kept.
    let tells_no_row = ["/preview", "/causes", "/request", "/actions", "/approve", "/keep"]
        .iter()
        .any(|end| call.path.ends_with(end))
        || (call.path == "/api/v1/equipment" && call.method != "get")
        || is_bulk(call);
    !of_itop && !of_nobody && !tells_no_row
}

/// Whether a call is about many rows: it tells of each that it could not change.
pub fn is_bulk(call: &Call) -> bool {
    [
        "/api/v1/acknowledgements/retry",
        "/api/v1/acknowledgements/discard",
        "/api/v1/equipment/retry",
    ]
    .contains(&call.path)
}

fn of_cmdb(path: &str, of: &Object) -> Value {
    match path {
        "/api/v1/cmdb/sources" => json!({"items": []}),
        "/api/v1/cmdb/resume" => json!({"class": "Server"}),
        _ => json!({"company": of.company}),
    }
}
