//! What must hold of tokens, one by one and among each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use super::super::{Auth, Grant, Scope, Token};
use crate::domain::{
    keys::{Instance, PartyKey},
    standard_webhooks::Key,
};

/// The SHA-256 of nothing.
const HASH_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What does not fit together, a sentence each: of tokens, and of what groups are limited to as tokens are.
pub(super) fn problems(auth: &Auth) -> Vec<String> {
    let tokens = &auth.tokens;
    let mut problems: Vec<_> = tokens.iter().flat_map(of_one).collect();
    problems.extend(auth.grants().flat_map(limits));
    if problems.is_empty() {
        problems.extend(hash_twice(tokens));
        problems.extend(secret_twice(tokens));
        let grants: Vec<_> = auth.grants().collect();
        problems.extend(grants.iter().filter_map(|grant| shares_its_instance(grant, &grants)));
    }
    problems
}

fn of_one(token: &Token) -> Vec<String> {
    let name = &token.name;
    let mut problems = Vec::new();
    let digits = token.hash.strip_prefix("sha256:").unwrap_or_default();
    let signs = token.signing_secrets().next().is_some();
    let is_wrong = digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_wrong && !(token.hash.is_empty() && signs) {
        problems.push(format!(
            "auth.tokens '{name}': hash must be sha256: and 64 hexadecimal digits, as the command \
             'token' prints it"
        ));
    }
    if digits.eq_ignore_ascii_case(HASH_OF_NOTHING) {
        problems.push(format!("auth.tokens '{name}': hash is that of an empty token"));
    }
    for secret in token.signing_secrets() {
        if let Err(error) = Key::parse(secret) {
            problems.push(format!("auth.tokens '{name}': signing_secret {error}"));
        }
    }
    if token.in_path && (token.hash.is_empty() || token.scopes != [Scope::Ingest]) {
        problems.push(format!(
            "auth.tokens '{name}': in_path is for a token with a hash and scopes = [\"ingest\"] alone: \
             addresses end up in logs"
        ));
    }
    problems
}

/// What it is limited to.
fn limits(grant: Grant<'_>) -> Vec<String> {
    let Grant { key, name, scopes, instance, companies } = grant;
    let what = if key == "auth.tokens" { "token" } else { "group" };
    let mut problems = Vec::new();
    // An instance that cannot be read would not limit it at all.
    if let Some(Err(error)) = instance.map(str::parse::<Instance>) {
        problems.push(format!("{key} '{name}': instance {error}"));
    }
    for (number, company) in (1..).zip(companies.unwrap_or_default()) {
        if let Err(error) = company.parse::<PartyKey>() {
            problems.push(format!("{key} '{name}': company {number} {error}"));
        }
    }
    let is_limited = instance.is_some() || companies.is_some();
    if is_limited && scopes.contains(&Scope::Metrics) {
        problems.push(format!(
            "{key} '{name}': the scope metrics shows what is counted over all companies and instances, and \
             this {what} is limited; give Prometheus a token of its own, without instance and companies"
        ));
    }
    if companies.is_some_and(<[_]>::is_empty) {
        problems.push(format!(
            "{key} '{name}': companies is empty, so that it could see nothing; name some, or leave \
             companies out for all"
        ));
    }
    problems
}

/// One token with two entries would be whichever comes last.
fn hash_twice(tokens: &[Token]) -> Vec<String> {
    let mut names = BTreeMap::<_, Vec<&str>>::new();
    for token in tokens.iter().filter(|token| !token.hash.is_empty()) {
        names.entry(token.hash.to_ascii_lowercase()).or_default().push(&token.name);
    }
    let twice = names.into_values().filter(|names| names.len() > 1);
    let sentence = |names: Vec<&str>| {
        let names = names.join("', '");
        format!("auth.tokens '{names}': they have the same hash; each needs a token of its own")
    };
    twice.map(sentence).collect()
}

/// By a secret of two senders nobody could tell which of them has signed.
fn secret_twice(tokens: &[Token]) -> Vec<String> {
    let mut names = BTreeMap::<_, BTreeSet<&str>>::new();
    for token in tokens {
        for secret in token.signing_secrets() {
            let bare = secret.strip_prefix("whsec_").unwrap_or(secret).trim_end_matches('=');
            names.entry(bare).or_default().insert(&token.name);
        }
    }
    let twice = names.into_values().filter(|names| names.len() > 1);
    let sentence = |names: BTreeSet<&str>| {
        let names = names.into_iter().collect::<Vec<_>>().join("', '");
        format!("auth.tokens '{names}': they have the same signing secret; each needs its own")
    };
    twice.map(sentence).collect()
}

/// What is given for some companies, and writes, could take the ids of controls and events of all others in
/// its instance. So that has to be its own: how to split what is not.
fn shares_its_instance(grant: &Grant<'_>, all: &[Grant<'_>]) -> Option<String> {
    if !grant.is_of_a_tenant() {
        return None;
    }
    let meets = |other: &&Grant<'_>| {
        other.writes() && instance(other) == instance(grant) && keys(other) != keys(grant)
    };
    let others: Vec<_> = all.iter().filter(meets).map(|other| other.name).collect();
    let state = match grant.instance {
        None => "It has none".to_owned(),
        Some(_) if others.is_empty() => return None,
        Some(own) => format!("Instance '{own}' is also that of '{}'", others.join("', '")),
    };
    let Grant { key, name, scopes, .. } = grant;
    let (scopes, free) = (said(scopes), free_instance(grant, all));
    let company = grant.companies.and_then(<[_]>::first).map_or("id:42", String::as_str);
    let what = if *key == "auth.tokens" { "token" } else { "group" };
    Some(format!(
        "{key} '{name}' is limited to companies and may write (scopes: {scopes}), so it needs an \
         instance of its own: in one instance the ids of controls and events of all companies meet. \
         {state}. Set instance = \"{free}\", or another name that no other {what} has, and link its \
         companies there: PUT /api/v1/links/{company}?instance={free}. A {what} with scopes = [\"read\"] \
         alone may share an instance"
    ))
}

/// An instance that none has, called like this one, in characters that no address has to encode.
fn free_instance(grant: &Grant<'_>, all: &[Grant<'_>]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = grant.name.chars().map(plain).collect();
    let is_taken = |name: &String| all.iter().any(|other| instance(other).as_str() == name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}

/// The instance of what is posted without naming one.
fn instance(grant: &Grant<'_>) -> Instance {
    grant.instance.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The companies that it is limited to; `None` for all.
fn keys(grant: &Grant<'_>) -> Option<BTreeSet<PartyKey>> {
    Some(grant.companies?.iter().filter_map(|company| company.parse().ok()).collect())
}

fn said(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::config::load::tests::{LEAST, from};

    const HASH: &str =
        "hash = 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'";
    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    /// What is said of entries of these lines.
    fn said_of(entries: &[&[&str]]) -> Option<String> {
        let entry = |(number, lines): (usize, &&[&str])| {
            format!("[[auth.tokens]]\nname = 't{number}'\n{}\n", lines.join("\n"))
        };
        let entries: String = entries.iter().enumerate().map(entry).collect();
        from(&format!("{LEAST}{entries}"), &[]).err().map(|error| error.to_string())
    }

    #[test]
    fn a_sender_signs_or_has_a_token() {
        let ingest = "scopes = ['ingest']";
        let signing = &format!("signing_secret = '{SECRET}'");
        for right in [
            &[HASH, ingest][..],
            &[signing, ingest],
            &[HASH, signing, ingest],
            &[
                &format!(
                    "signing_secret = '{SECRET} whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8='"
                ),
                ingest,
            ],
            &[HASH, ingest, "in_path = true"],
        ] {
            assert_eq!(said_of(&[right]), None, "{right:?}");
        }
        for (wrong, says) in [
            (&[ingest][..], "hash must be sha256:"),
            (&["signing_secret = ' '", ingest], "'t0': signing_secret is empty"),
            (&["signing_secret = 'whsec_c2hvcnQ='", ingest], "signing_secret has 5 bytes"),
            (&["signing_secret = 'p4ssword!'", ingest], "signing_secret must be 'whsec_'"),
            (&[signing, "hash = 'x'", ingest], "hash must be sha256:"),
            (
                &[signing, "signing_secret_file = '/x'", ingest],
                "'t0': signing_secret_file are both set",
            ),
            (
                &["signing_secret_file = '/nowhere/x'", ingest],
                "signing_secret_file: /nowhere/x cannot be read",
            ),
            (
                &[HASH, "scopes = ['ingest', 'read']", "in_path = true"],
                "in_path is for a token with",
            ),
            (&[signing, ingest, "in_path = true"], "in_path is for a token with"),
        ] {
            let said = said_of(&[wrong]).unwrap();
            assert!(said.contains(says), "{wrong:?}: {said}");
            assert!(!said.contains("p4ssword") && !said.contains("c2hvcnQ"), "{said}");
        }
        // The same secret in another spelling.
        let padded = format!("signing_secret = '{}='", SECRET.trim_start_matches("whsec_"));
        let said = said_of(&[&[signing, ingest], &[&padded, ingest]]).unwrap();
        assert!(said.contains("'t0', 't1': they have the same signing secret"), "{said}");
    }
}
