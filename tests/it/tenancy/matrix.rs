//! Every call × every kind of token × what is its own, what is another's, and what is not there.
//!
//! The calls are those that the router is made of. One without an entry in [`requests`] fails.

use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::Scope,
    web::{Access, Call, calls},
};

use super::{Kind, LIMITED, Object, STREAM, Tenants, UNLIMITED, content, secret};
use crate::world::{ACKNOWLEDGEMENTS, Answer};

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
    ("get", "/assets/{version}/{name}"),
    ("get", "/language/{language}"),
    ("get", "/api/v1/check"),
    ("get", "/api/v1/configuration"),
    ("get", "/api/v1/health"),
    ("get", "/api/v1/priority"),
    ("get", "/controls/open"),
    ("get", "/controls/badge.svg"),
    ("get", "/controls/card"),
    ("get", "/api/v1/session"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("post", "/api/v1/acknowledgements/{id}/retry"),
    ("post", "/api/v1/check"),
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
        ("post", "/api/v1/acknowledgements" | "/api/v1/acknowledgements/preview") => {
            (queries(&[own()]), of.event())
        }
        ("get", "/api/v1/acknowledgements") => {
            let of_control = format!("?control={control}");
            let both = format!("{of_control}&instance={instance}");
            let counted = format!("?count=true&event=true&company={company}");
            let ended = "?group=ended&q=disk&count=true".to_owned();
            (queries(&[own(), of_control, here(), both, counted, ended]), Value::Null)
        }
        ("get", "/inbox") => {
            let ended = "?group=ended".to_owned();
            let searched = "?group=ended&q=disk".to_owned();
            let of_company = format!("?group=ended&company={company}");
            (queries(&[ended, searched, of_company]), Value::Null)
        }
        ("post", "/api/v1/acknowledgements/retry" | "/api/v1/acknowledgements/discard") => {
            // Their number is a text in the path of a row.
            let ids = json!([of.id.parse::<i64>().unwrap_or(i64::MAX)]);
            (queries(&[own()]), json!({"ids": ids, "reason": "test"}))
        }
        ("get", "/api/v1/tickets") => {
            let of_company = format!("?company={company}");
            let place = format!("{instance}\n{control}");
            let cursor =
                place.bytes().fold(String::new(), |hex, byte| hex + format!("{byte:02x}").as_str());
            let after = format!("?cursor={cursor}&instance={instance}");
            let searched = format!("?q={}&count=true&pending=true&details=true", of.key);
            let ordered = format!("?sort=-company&count=true&instance={instance}");
            let asked = [own(), of_company, here(), after, searched, ordered];
            (queries(&asked), Value::Null)
        }
        ("get", "/") => {
            let searched = format!("?q={}&instance={instance}", of.key);
            let asked = [own(), format!("?company={company}"), searched];
            (queries(&asked), Value::Null)
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
        ("put", "/api/v1/links") => {
            let item = json!({"company": company, "organization": {"id": of.org}});
            (queries(&[own(), here()]), json!({"items": [item]}))
        }
        ("put", "/api/v1/links/{company}" | "/api/v1/links/{company}/sites/{site}") => {
            (queries(&[own(), here()]), json!({"organization": {"id": of.org}}))
        }
        call if ALONE.contains(&call) => (queries(&[own()]), Value::Null),
        (method, path) => panic!("{method} {path} has no entry in the matrix of tenants"),
    };
    let request = |path| Request { method: call.method, path, body: body.clone() };
    paths.into_iter().map(request).collect()
}

/// The calls that can be about an object: not those by which people sign in and out, which `session`
/// tests.
pub fn calls_about_objects() -> impl Iterator<Item = Call> {
    let is_sign_in = |path: &str| path.starts_with("/session") || path.starts_with("/sign-in");
    calls().filter(move |call| !is_sign_in(call.path))
}

/// A path with what is asked for in its variable parts.
fn filled(path: &str, of: &Object) -> String {
    let part = |part: &str| match part {
        "{id}" => of.id.clone(),
        "{control}" => of.control(),
        "{number}" => of.number.clone(),
        "{company}" => of.company.to_owned(),
        "{site}" => "7".to_owned(),
        "{version}" => "0".to_owned(),
        "{name}" => "live.js".to_owned(),
        "{language}" => "fr".to_owned(),
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
    "/healthz",
    "/readyz",
    "/api/v1/links/unlinked",
    "/api/v1/session",
    "/api/v1/tickets/summary",
    "/api/v1/health",
    "/api/v1/check",
    "/api/v1/configuration",
    "/api/v1/priority",
    "/health",
    "/new-ticket",
];

/// Whether an answer about what is its own says so: its name stands in it.
fn shows_its_object(call: &Call) -> bool {
    let of_itop = call.path.contains("{org}")
        || call.path.starts_with(STREAM)
        || ["/api/v1/companies", "/api/v1/teams"].contains(&call.path);
    let of_nobody = OF_NOBODY.contains(&call.path)
        || ["/assets", "/language"].iter().any(|all| call.path.starts_with(all));
    // Nothing needs anybody; and of a request that was sent nothing is kept.
    let tells_no_row =
        ["/preview", "/causes", "/request"].iter().any(|end| call.path.ends_with(end))
            || is_bulk(call);
    !of_itop && !of_nobody && !tells_no_row
}

/// Whether a call is about many rows: it tells of each that it could not change.
fn is_bulk(call: &Call) -> bool {
    ["/api/v1/acknowledgements/retry", "/api/v1/acknowledgements/discard"].contains(&call.path)
}

async fn ask(tenants: &Tenants, token: &str, request: &Request) -> Answer {
    let Request { method, path, body } = request;
    tenants.ask(token, method, path, body).await
}

#[tokio::test]
async fn who_may_not_make_a_call_is_told_that_and_nothing_else() {
    let tenants = Tenants::start().await;
    for call in calls_about_objects() {
        for object in &tenants.objects {
            for (request, of_nobody) in requests(&call, object)
                .iter()
                .zip(requests(&call, &Object::missing(object.instance)))
            {
                let shown = format!("{} {}", request.method, request.path);
                let needs_token = matches!(
                    call.access,
                    Access::Known | Access::Token(_) | Access::Linker | Access::Overseer
                );
                if needs_token {
                    for nobody in ["", "nobody"] {
                        ask(&tenants, nobody, request).await.problem(401, "unauthorized");
                    }
                }
                if matches!(call.access, Access::Page(_)) {
                    for nobody in ["", "nobody"] {
                        let answer = ask(&tenants, nobody, request).await;
                        assert_eq!(answer.status, 303, "{shown}");
                        assert!(answer.header("location").starts_with("/sign-in?next=%2F"));
                        assert_eq!(answer.text, "", "{shown}");
                    }
                }
                for kind in UNLIMITED.iter().chain(&LIMITED) {
                    if call.access == Access::Signed || kind.may(call.access) {
                        continue;
                    }
                    let answer = ask(&tenants, kind.name, request).await;
                    let lacks = match call.access {
                        Access::Token(scope) | Access::Page(scope)
                            if !kind.scopes.contains(&Scope::Admin) =>
                        {
                            format!("lacks the scope '{}'.", scope.as_str())
                        }
                        _ if !kind.scopes.contains(&Scope::Admin) => {
                            "lacks the scope 'admin'.".to_owned()
                        }
                        Access::Overseer => {
                            "is limited, and this concerns all companies.".to_owned()
                        }
                        _ => "is limited to companies, and such tokens change no links.".to_owned(),
                    };
                    let said = format!("The token '{}' {lacks}", kind.name);
                    if matches!(call.access, Access::Page(_)) {
                        assert_eq!(answer.status, 403, "{shown}");
                        assert!(answer.text.contains(&said.replace('\'', "&#x27;")), "{shown}");
                    } else {
                        assert_eq!(answer.problem(403, "forbidden"), said, "{shown}");
                    }
                    let other = ask(&tenants, kind.name, &of_nobody).await;
                    assert_eq!(content(&answer), content(&other), "{}: {shown}", kind.name);
                }
            }
        }
    }
    tenants.finish().await;
}

#[tokio::test]
async fn a_limited_token_has_its_own_and_all_else_is_not_there() {
    each_has_its_own(Tenants::start().await).await;
}

#[tokio::test]
async fn the_session_of_a_limited_token_is_no_more_than_the_token() {
    each_has_its_own(Tenants::start().await.in_sessions().await).await;
}

async fn each_has_its_own(tenants: Tenants) {
    let everything = all_that_there_is(&tenants).await;
    let mut calls: Vec<_> = calls_about_objects().collect();
    // What it posts of others is refused, and kept as its own: that comes last.
    calls.sort_by_key(|call| (call.method, call.path) == ("post", ACKNOWLEDGEMENTS));
    for call in calls {
        for kind in LIMITED.iter().filter(|kind| kind.may(call.access)) {
            for object in &tenants.objects {
                about(&tenants, &call, kind, object).await;
            }
        }
    }
    // And none of these calls has changed anything of others.
    assert_eq!(all_that_there_is(&tenants).await, everything);
    tenants.finish().await;
}

async fn about(tenants: &Tenants, call: &Call, kind: &Kind, object: &Object) {
    let is_own = kind.own == Some(object.key);
    let own = tenants.object(kind.own.unwrap());
    let by_company = |path: &str| call.path.contains("{company}") || path.contains("company=");
    for (request, of_nobody) in
        requests(call, object).iter().zip(requests(call, &Object::missing(object.instance)))
    {
        let shown = format!("{}: {} {}", kind.name, request.method, request.path);
        // Where no instance is named, a company of the same id is its own.
        let names_instance = request.path.contains("instance=");
        if !is_own && object.company == own.company && by_company(&request.path) && !names_instance
        {
            continue;
        }
        let answer = ask(tenants, kind.name, request).await;
        let told = format!("{}{:?}", answer.text, answer.headers);
        let asked = format!("{}{}", request.path, request.body);
        for other in tenants.objects.iter().filter(|other| kind.own != Some(other.key)) {
            for word in other.words().into_iter().filter(|word| !asked.contains(word)) {
                assert!(!told.contains(word), "{shown} tells '{word}': {told}");
            }
        }
        if is_own {
            // Its acknowledgement is done: there is nothing to try again or to give up.
            let is_lever = request.path.ends_with("/retry") || request.path.ends_with("/discard");
            let is_lever = is_lever && !is_bulk(call);
            let leads_on = request.path.starts_with("/language");
            let expected = if is_lever {
                409
            } else if leads_on {
                303
            } else {
                200
            };
            assert_eq!(answer.status, expected, "{shown}: {told}");
            let is_after = request.path.contains("cursor=");
            let has_it = !shows_its_object(call) || is_after || told.contains(object.key);
            assert!(has_it, "{shown}: {told}");
            continue;
        }
        let missing = ask(tenants, kind.name, &of_nobody).await;
        let (status, headers, text) = content(&missing);
        let missing = (status, headers, object.renamed(&text));
        assert_eq!(content(&answer), missing, "{shown}");
        if request.method == "get" && call.path != STREAM {
            let head = tenants.ask(kind.name, "head", &request.path, &Value::Null).await;
            assert_eq!(head.status, answer.status, "{shown}");
        }
    }
}

#[tokio::test]
async fn an_unlimited_token_has_what_its_scopes_give_it() {
    let tenants = Tenants::start().await;
    for call in calls_about_objects().filter(|call| call.access != Access::Signed) {
        for kind in UNLIMITED.iter().filter(|kind| kind.may(call.access)) {
            for object in &tenants.objects {
                let requests = requests(&call, object);
                let mut shown = false;
                for request in &requests {
                    let answer = ask(&tenants, kind.name, request).await;
                    // What was asked before may have removed it.
                    let status = answer.status;
                    let is_fine = status < 500 && ![400, 401, 403, 422].contains(&status);
                    assert!(is_fine, "{}: {} {}", kind.name, request.path, answer.text);
                    shown |= answer.text.contains(object.key);
                }
                // What a limited token is not told is there to be told.
                let is_read = call.method == "get" && shows_its_object(&call);
                let is_kept = !call.path.starts_with("/api/v1/links/");
                assert!(shown || !is_read || !is_kept, "{} shows no {}", call.path, object.key);
            }
        }
    }
    tenants.finish().await;
}

#[tokio::test]
async fn a_signed_link_is_good_for_its_own_alone() {
    let tenants = Tenants::start().await;
    let signed: Vec<_> = calls().filter(|call| call.access == Access::Signed).collect();
    let paths: Vec<_> = signed.iter().map(|call| call.path).collect();
    assert_eq!(paths, ["/controls/open", "/controls/badge.svg", "/controls/card"]);
    for (call, object) in
        signed.iter().flat_map(|call| tenants.objects.iter().map(move |object| (call, object)))
    {
        let link = &object.open.replace("/controls/open", call.path);
        let own = tenants.ask("", "get", link, &Value::Null).await;
        if call.path == "/controls/open" {
            assert_eq!(own.status, 302, "{}", own.text);
        } else {
            assert_eq!(own.status, 200, "{}", own.text);
            assert!(own.text.contains(object.key), "{}", own.text);
        }
        for other in tenants.objects.iter().filter(|other| other.key != object.key) {
            let missing = Object::missing(other.instance);
            // Each part of the link of another, and all of them, with this one's signature.
            let parts = |of: &Object| {
                [
                    link.replace(&object.control(), &of.control()),
                    link.replace(&company(object), &company(of)),
                    link.replace(&company(object), &company(of))
                        .replace(&format!("={}", object.instance), &format!("={}", of.instance))
                        .replace(&object.control(), &of.control()),
                ]
            };
            let of_missing = parts(&missing);
            for (path, missing) in parts(other).into_iter().zip(of_missing) {
                if path == *link {
                    continue;
                }
                let answer = tenants.ask("", "get", &path, &Value::Null).await;
                assert_eq!(answer.status, 403, "{path}");
                let missing = tenants.ask("", "get", &missing, &Value::Null).await;
                assert_eq!(content(&answer), content(&missing), "{path}");
            }
        }
        // A link is not a token, nor the other way round.
        for kind in &LIMITED {
            assert_eq!(tenants.get(kind.name, call.path).await.status, 403);
        }
        let (_, signature) = object.open.split_once("signature=").unwrap();
        let path = format!(
            "{}?signature={signature}",
            filled("/api/v1/controls/{control}/ticket", object)
        );
        tenants.ask("", "get", &path, &Value::Null).await.problem(401, "unauthorized");
    }
    tenants.finish().await;
}

fn company(of: &Object) -> String {
    format!("company=id%3A{}", of.company)
}

/// All that the administrator sees of those who share an instance, and all tickets and links.
pub async fn all_that_there_is(tenants: &Tenants) -> Vec<(u16, Vec<String>, String)> {
    let mut all = Vec::new();
    for path in ["acknowledgements?instance=default", "tickets", "links", "links/unlinked"] {
        let answer = tenants.get("admin", &format!("/api/v1/{path}")).await;
        assert_eq!(answer.status, 200, "{}", secret("admin"));
        all.push(content(&answer));
    }
    all
}
