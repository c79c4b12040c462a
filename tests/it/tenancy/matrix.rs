//! Every call × every kind of token × what is its own, what is another's, and what is not there.
//!
//! The calls are those that the router is made of. One without an entry in `requests` fails.

use serde_json::Value;
use servicenav_itop_bridge::{
    config::Scope,
    web::{Access, Call, calls},
};

use super::{
    Kind, LIMITED, Object, STREAM, Tenants, UNLIMITED, content,
    requests::{Request, calls_about_objects, filled, is_bulk, requests, shows_its_object},
    secret,
};
use crate::{
    oidc::stand_in::StandIn,
    world::{ACKNOWLEDGEMENTS, Answer},
};

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
                    Access::Known
                        | Access::Token(_)
                        | Access::InPath
                        | Access::Linker
                        | Access::Overseer
                        | Access::Steward
                        | Access::Watcher
                );
                if needs_token {
                    for nobody in ["", "nobody"] {
                        ask(&tenants, nobody, request).await.problem(401, "unauthorized");
                    }
                }
                if matches!(call.access, Access::Page(_) | Access::PageOfOverseers) {
                    for nobody in ["", "nobody"] {
                        let answer = ask(&tenants, nobody, request).await;
                        assert_eq!(answer.status, 303, "{shown}");
                        assert!(answer.header("location").starts_with("/sign-in?next=%2F"));
                        assert_eq!(answer.text, "", "{shown}");
                    }
                }
                for kind in UNLIMITED.iter().chain(&LIMITED) {
                    // What stands in the address goes before all else.
                    if call.access == Access::InPath {
                        ask(&tenants, kind.name, request).await.problem(401, "unauthorized");
                        continue;
                    }
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
                        Access::Watcher if !kind.scopes.contains(&Scope::Admin) => {
                            "lacks the scope 'metrics'.".to_owned()
                        }
                        Access::Steward if !kind.may(Access::Token(Scope::Operate)) => {
                            "lacks the scope 'operate'.".to_owned()
                        }
                        Access::Steward => {
                            "is limited, and this concerns all companies.".to_owned()
                        }
                        _ if !kind.scopes.contains(&Scope::Admin) => {
                            "lacks the scope 'admin'.".to_owned()
                        }
                        Access::Overseer | Access::PageOfOverseers | Access::Watcher => {
                            "is limited, and this concerns all companies.".to_owned()
                        }
                        _ => "is limited to companies, and such tokens change no links.".to_owned(),
                    };
                    let said = format!("The token '{}' {lacks}", kind.name);
                    if matches!(call.access, Access::Page(_) | Access::PageOfOverseers) {
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
    Box::pin(each_has_its_own(Tenants::start().await)).await;
}

#[tokio::test]
async fn the_session_of_a_limited_token_is_no_more_than_the_token() {
    Box::pin(each_has_its_own(Tenants::start().await.in_sessions().await)).await;
}

#[tokio::test]
async fn whoever_signs_in_in_a_limited_group_has_its_own_and_all_else_is_not_there() {
    let provider = StandIn::start().await;
    Box::pin(each_has_its_own(Tenants::start().await.by_provider(&provider).await)).await;
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
            // An address is signed for those who have a token.
            let is_of_person = tenants.are_by_provider() && call.path.ends_with("/stream/address");
            let expected = if is_lever {
                409
            } else if is_of_person {
                403
            } else if leads_on {
                303
            } else if call.path == "/api/v1/itop/changes" {
                202
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
        // The description is of the program, and some of its words are those of this test.
        let is_of_all = ["/api", "/api/openapi.json"].contains(&call.path);
        let missing = (status, headers, if is_of_all { text } else { object.renamed(&text) });
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
    for path in [
        "acknowledgements?instance=default",
        "tickets",
        "links",
        "links/unlinked",
        "equipment?instance=default",
        "equipment/companies?instance=default",
    ] {
        let answer = tenants.get("admin", &format!("/api/v1/{path}")).await;
        assert_eq!(answer.status, 200, "{}", secret("admin"));
        all.push(content(&answer));
    }
    all
}
