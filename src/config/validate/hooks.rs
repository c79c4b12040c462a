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

#[cfg(test)]
mod tests {
    use crate::config::load::tests::{LEAST, from};

    const HOOK: &str = "[[hooks]]\nname = 'noc'\nurl = 'https://noc.example/s3cret'\n\
        events = ['ticket.created']\nsecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n";

    #[test]
    fn a_hook_that_cannot_be_used_is_refused_with_the_reason() {
        from(&format!("{LEAST}{HOOK}"), &[]).unwrap();
        for (from_text, to_text, says) in [
            ("'noc'", "'n o c'", "name must be"),
            ("https://noc.example/s3cret", "ftp://s3cret", "url must be an http or https address"),
            ("https://noc.example/", "https://u:s3cret@noc.example/", "url must be an http"),
            ("url = 'https://noc.example/s3cret'", "", "url is not set; set it or url_file"),
            ("'ticket.created'", "", "events is empty"),
            ("secret = ", "instance = 'a'\ncompanies = []\nsecret = ", "companies is empty"),
            ("secret = ", "companies = ['x']\nsecret = ", "company 1"),
            ("'ticket.created']", "'gate.closed']\ncompanies = ['id:1']", "concern all companies"),
            ("'ticket.created']", "'gate.opened']\ninstance = 'a'", "concern all companies"),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "s3cret!", "secret must be 'whsec_'"),
            ("secret = ", "headers = {'webhook-id' = 'a'}\nsecret = ", "headers must not set"),
            ("secret = ", "headers = {'a b' = 's3cret'}\nsecret = ", "is no name of a header"),
            ("secret = ", "headers = {'a' = \"s3cr\\u0001t\"}\nsecret = ", "cannot stand in one"),
            ("secret = ", "timeout = '2m'\nsecret = ", "timeout must be"),
            ("secret = ", "template = '{{ tiket }}'\nsecret = ", "there is no variable 'tiket'"),
            ("secret = ", "token = ''\nsecret = ", "token is empty"),
            ("secret = ", "secret_file = '/nowhere'\nsecret = ", "are both set"),
        ] {
            let hook = HOOK.replace(from_text, to_text);
            assert_ne!(hook, HOOK, "{from_text}");
            let error = from(&format!("{LEAST}{hook}"), &[]).unwrap_err().to_string();
            assert!(error.contains(says), "{says}: {error}");
            assert!(!error.contains("s3cr"), "{error}");
        }
        let twice = from(&format!("{LEAST}{HOOK}{HOOK}"), &[]).unwrap_err().to_string();
        assert!(twice.contains("hooks 'noc': the name is there twice"), "{twice}");
    }

    #[test]
    fn the_secrets_of_a_hook_may_stand_in_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        std::fs::write(&path, "https://noc.example/from-file\n").unwrap();
        let named = format!("url_file = '{}'", path.display());
        let hook = HOOK.replace("url = 'https://noc.example/s3cret'", &named);
        let config = from(&format!("{LEAST}{hook}"), &[]).unwrap();
        let url = config.hooks[0].url.as_ref().unwrap();
        assert_eq!(url.expose(), "https://noc.example/from-file");
        assert!(!format!("{config:?}").contains("from-file"));
    }
}
