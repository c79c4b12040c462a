//! What must hold of a provider where people sign in. What its groups are limited to is looked at with the
//! tokens.

use std::collections::BTreeSet;

use super::{super::Oidc, web_url};
use crate::{domain::text::cut_chars, oidc::IS_BUILT_IN, outgoing::is_loopback};

/// The longest name of a provider, in characters: it stands on a button.
const MOST_OF_NAME: usize = 60;

/// The most groups: all that somebody is in stand in the cookie of a session.
const MOST_GROUPS: usize = 100;

/// What does not fit together, a sentence each.
pub(super) fn problems(oidc: &Oidc) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = super::check(&mut problems);
    check(
        !IS_BUILT_IN,
        "auth.oidc is set, and this program was built without it: take a package, or build it with \
         --features oidc",
    );
    let name = &oidc.name;
    check(
        name.trim().is_empty() || cut_chars(name, MOST_OF_NAME) != *name,
        "auth.oidc.name must have between 1 and 60 characters: it stands on the button",
    );
    check(
        oidc.client_id.is_empty() || oidc.client_id.contains(char::is_control),
        "auth.oidc.client_id is not set; it is what the bridge is called at the provider",
    );
    let is_scope = |scope: &String| !scope.is_empty() && scope.bytes().all(is_of_scope);
    check(
        !oidc.scopes.iter().all(is_scope),
        "auth.oidc.scopes must be single words, such as \"profile\"",
    );
    check(
        oidc.groups_claim.trim().is_empty(),
        "auth.oidc.groups_claim is empty; name the claim that lists somebody's groups, such as \"groups\"",
    );
    check(
        oidc.groups.is_empty(),
        "auth.oidc.groups is empty, so that nobody could do anything; add [[auth.oidc.groups]] with a \
         name and its scopes",
    );
    check(
        oidc.groups.len() > MOST_GROUPS,
        "auth.oidc.groups has more than 100 groups, which no cookie holds",
    );
    drop(check);
    problems.extend(issuer(&oidc.issuer));
    groups(oidc, &mut problems);
    problems
}

/// What a scope may be of (RFC 6749, 3.3).
fn is_of_scope(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')
}

fn issuer(issuer: &str) -> Option<String> {
    let Some(url) = web_url(issuer) else {
        return Some(
            "auth.oidc.issuer must be the https address of the provider's issuer, such as \
             https://sso.example/realms/company"
                .to_owned(),
        );
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Some(
            "auth.oidc.issuer has a query (?) or a fragment (#), which no issuer has".into(),
        );
    }
    if let Some((issuer, _)) = issuer.split_once("/.well-known/") {
        return Some(format!(
            "auth.oidc.issuer names the provider's document; write the issuer alone: {issuer}"
        ));
    }
    (url.scheme() != "https" && !is_loopback(&url)).then(|| {
        "auth.oidc.issuer must be https: whoever stands between could sign in as anybody".to_owned()
    })
}

fn groups(oidc: &Oidc, problems: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for group in &oidc.groups {
        let name = &group.name;
        if name.is_empty() {
            problems.push("auth.oidc.groups: one has no name".to_owned());
        } else if !names.insert(name) {
            problems.push(format!("auth.oidc.groups '{name}' stands there twice; write one"));
        }
        if group.scopes.is_empty() {
            problems
                .push(format!("auth.oidc.groups '{name}' has no scopes, so that it gives nothing"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load::tests::{LEAST, from};

    const ISSUER: &str = "issuer = 'https://sso.example/realms/company'";
    const GROUP: &str = "[[auth.oidc.groups]]\nname = 'noc'\nscopes = ['read']";

    /// What is said of such a section.
    fn said_of(lines: &[&str]) -> String {
        let file = format!("{LEAST}[auth.oidc]\n{}\n", lines.join("\n"));
        from(&file, &[]).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_least_is_issuer_client_and_a_group() {
        assert_eq!(said_of(&[ISSUER, "client_id = 'bridge'", GROUP]), "");
        for (wrong, says) in [
            (&["client_id = 'bridge'", GROUP][..], "auth.oidc.issuer must be the https address"),
            (&[ISSUER, GROUP], "auth.oidc.client_id is not set"),
            (&[ISSUER, "client_id = 'bridge'"], "auth.oidc.groups is empty"),
        ] {
            let said = said_of(wrong);
            assert!(said.contains(says) && said.lines().count() == 2, "{said}");
        }
    }

    #[test]
    fn an_issuer_is_an_address_of_its_own_that_nobody_can_stand_before() {
        let said_of = |issuer: &str| {
            said_of(&[&format!("issuer = '{issuer}'"), "client_id = 'bridge'", GROUP])
        };
        for fine in ["http://127.0.0.1:8080", "http://localhost/realms/x", "https://sso.example/"] {
            assert_eq!(said_of(fine), "", "{fine}");
        }
        for (wrong, says) in [
            ("http://sso.example/", "must be https"),
            ("sso.example", "must be the https address"),
            ("https://user:p4ss@sso.example", "must be the https address"),
            ("https://sso.example/?realm=x", "has a query"),
            (
                "https://sso.example/r/.well-known/openid-configuration",
                "write the issuer alone: https://sso.example/r",
            ),
        ] {
            let said = said_of(wrong);
            assert!(said.contains(says) && !said.contains("p4ss"), "{said}");
        }
    }

    #[test]
    fn what_a_group_gives_can_be_given() {
        let said_of = |group: &str| {
            said_of(&[ISSUER, "client_id = 'bridge'", &format!("[[auth.oidc.groups]]\n{group}")])
        };
        let named = |rest: &str| format!("name = 'acme'\n{rest}");
        for fine in [
            "scopes = ['read']\ncompanies = ['id:7', 'name:Acme']",
            "scopes = ['read', 'operate']\ncompanies = ['id:7']\ninstance = 'acme'",
            "scopes = ['admin']",
        ] {
            assert_eq!(said_of(&named(fine)), "", "{fine}");
        }
        for (wrong, says) in [
            ("scopes = []", "'acme' has no scopes"),
            ("scopes = ['read']\ncompanies = []", "auth.oidc.groups 'acme': companies is empty"),
            ("scopes = ['read']\ncompanies = ['7']", "auth.oidc.groups 'acme': company 1"),
            (
                "scopes = ['metrics']\ncompanies = ['id:7']",
                "auth.oidc.groups 'acme': the scope metrics",
            ),
            // As of tokens: whoever writes for some companies has an instance of its own.
            (
                "scopes = ['read', 'operate']\ncompanies = ['id:7']",
                "auth.oidc.groups 'acme' is limited to companies and may write",
            ),
            ("scopes = ['read']\n[[auth.oidc.groups]]\nname = 'acme'\nscopes = ['read']", "twice"),
            ("scopes = ['reed']", "unknown word"),
        ] {
            let said = said_of(&named(wrong));
            assert!(said.contains(says), "{said}");
        }
        assert!(said_of("name = ''\nscopes = ['read']").contains("one has no name"));
    }
}
