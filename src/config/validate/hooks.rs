//! What must hold of hooks, one by one and among each other.

use std::collections::BTreeSet;

use reqwest::header::{HeaderName, HeaderValue};

use super::{super::Hook, web_url};
use crate::domain::{
    hook_body::HookBody,
    keys::{Instance, PartyKey},
    standard_webhooks::Key,
};

/// Hooks at most: each may have some posts in flight.
const MOST: usize = 32;

/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;

/// Headers that a hook sets itself, or that belong to the connection.
const OWN: [&str; 9] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// What does not fit together, a sentence each.
pub(super) fn problems(hooks: &[Hook]) -> Vec<String> {
    let mut problems: Vec<_> = hooks.iter().flat_map(of_one).collect();
    if hooks.len() > MOST {
        problems.push(format!("hooks: there are {}, and may be {MOST}", hooks.len()));
    }
    let mut names = BTreeSet::new();
    for hook in hooks.iter().filter(|hook| !names.insert(&hook.name)) {
        problems.push(format!(
            "hooks '{}': the name is there twice; what waits is known by it",
            hook.name
        ));
    }
    problems
}

fn of_one(hook: &Hook) -> Vec<String> {
    let mut problems = Vec::new();
    let mut wrong = |what: &str| problems.push(format!("hooks '{}': {what}", hook.name));
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if hook.name.is_empty() || hook.name.len() > LONGEST_NAME || !hook.name.bytes().all(is_sign) {
        wrong("name must be 1 to 64 letters, digits, '.', '_' or '-'");
    }
    match &hook.url {
        None => wrong("url is not set; set it or url_file"),
        Some(url) if web_url(url.expose()).is_none() => {
            wrong("url must be an http or https address without user and password");
        }
        Some(_) => {}
    }
    if hook.events.is_empty() {
        wrong("events is empty, so that it would be told nothing");
    }
    if hook.is_limited() && hook.events.iter().any(|event| event.concerns_all()) {
        wrong(
            "gate.closed and gate.opened concern all companies; tell them by a hook without instance \
             and companies",
        );
    }
    if let Some(Err(error)) = hook.instance.as_ref().map(|text| text.parse::<Instance>()) {
        wrong(&format!("instance {error}"));
    }
    for (number, company) in (1..).zip(hook.companies.iter().flatten()) {
        if let Err(error) = company.parse::<PartyKey>() {
            wrong(&format!("company {number} {error}"));
        }
    }
    if hook.companies.as_ref().is_some_and(Vec::is_empty) {
        wrong("companies is empty; name some, or leave companies out for all");
    }
    for secret in hook.secret.iter().flat_map(|secret| secret.expose().split_whitespace()) {
        if let Err(error) = Key::parse(secret) {
            wrong(&format!("secret {error}"));
        }
    }
    if HeaderValue::from_str(&hook.content_type).is_err() || hook.content_type.trim().is_empty() {
        wrong("content_type must be one as headers have it, such as application/json");
    }
    if hook.token.as_ref().is_some_and(|token| HeaderValue::from_str(token.expose()).is_err()) {
        wrong("token has characters that cannot stand in a header");
    }
    for (name, value) in &hook.headers {
        match name.parse::<HeaderName>() {
            Ok(name) if OWN.contains(&name.as_str()) => wrong(&format!(
                "headers must not set {name}: the bridge does, or token and content_type do"
            )),
            Ok(_) if HeaderValue::from_str(value.expose()).is_err() => {
                wrong(&format!("the header {name} has characters that cannot stand in one"));
            }
            Ok(_) => {}
            Err(_) => wrong(&format!("'{name}' is no name of a header")),
        }
    }
    let seconds = hook.timeout.duration().as_secs();
    if !(1..=60).contains(&seconds) {
        wrong("timeout must be at least 1s and at most 60s");
    }
    if let Err(error) = HookBody::new(hook.template.as_deref(), &hook.content_type, &hook.events) {
        wrong(&format!("template: {error}"));
    }
    problems
}
