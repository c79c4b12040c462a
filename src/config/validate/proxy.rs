//! What must hold of a proxy that signs people in.

use std::collections::BTreeMap;

use reqwest::header::HeaderName;

use super::super::Proxy;
use crate::domain::network::Network;

/// The fewest characters of its secret.
const LEAST_SECRET: usize = 32;

/// Headers that say something else already.
const TAKEN: [&str; 6] =
    ["authorization", "cookie", "host", "origin", "sec-fetch-site", "x-request-id"];

/// What does not fit together, a sentence each.
pub(super) fn problems(proxy: &Proxy) -> Vec<String> {
    let mut problems = Vec::new();
    secret(proxy, &mut problems);
    headers(proxy, &mut problems);
    if proxy.trusted.is_empty() {
        problems.push(
            "auth.proxy.trusted is empty; name the addresses or networks that the proxy comes from"
                .to_owned(),
        );
    }
    for network in &proxy.trusted {
        if let Err(error) = network.parse::<Network>() {
            problems.push(format!("auth.proxy.trusted: '{network}' {error}"));
        }
    }
    groups(proxy, &mut problems);
    problems
}

fn secret(proxy: &Proxy, problems: &mut Vec<String>) {
    let Some(secret) = &proxy.secret else {
        problems.push(
            "auth.proxy.secret is not set; set it or auth.proxy.secret_file: the header alone proves \
             nothing, because on one host everybody comes from 127.0.0.1"
                .to_owned(),
        );
        return;
    };
    if secret.expose().chars().count() < LEAST_SECRET {
        problems.push(format!(
            "auth.proxy.secret must have at least {LEAST_SECRET} characters: who guesses it is \
             whoever he likes"
        ));
    }
    if !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        problems.push(
            "auth.proxy.secret must be of ASCII characters without blanks: it is sent in a header"
                .to_owned(),
        );
    }
}

fn headers(proxy: &Proxy, problems: &mut Vec<String>) {
    let mut seen = BTreeMap::new();
    for (key, header) in [
        ("header", &proxy.header),
        ("secret_header", &proxy.secret_header),
        ("groups_header", &proxy.groups_header),
    ] {
        let lower = header.to_ascii_lowercase();
        if lower.parse::<HeaderName>().is_err() {
            problems.push(format!(
                "auth.proxy.{key} must be the name of a header, such as X-Forwarded-User"
            ));
        } else if TAKEN.contains(&lower.as_str()) {
            problems
                .push(format!("auth.proxy.{key} must not be {header}, which says something else"));
        } else if let Some(other) = seen.insert(lower, key) {
            problems.push(format!("auth.proxy.{other} and auth.proxy.{key} are the same header"));
        }
    }
}

fn groups(proxy: &Proxy, problems: &mut Vec<String>) {
    if proxy.groups.is_empty() {
        problems.push(
            "auth.proxy.groups is empty, so that nobody could do anything; name groups with their \
             scopes, such as noc = [\"read\", \"operate\"]"
                .to_owned(),
        );
    }
    for (group, scopes) in &proxy.groups {
        if group.trim().is_empty() || group.trim() != group || group.contains(',') {
            problems.push(format!(
                "auth.proxy.groups: '{group}' can be no group: the proxy tells groups with commas \
                 between them, and blanks around them do not count"
            ));
        }
        if scopes.is_empty() {
            problems.push(format!(
                "auth.proxy.groups: '{group}' has no scopes, so that it gives nothing"
            ));
        }
    }
}
