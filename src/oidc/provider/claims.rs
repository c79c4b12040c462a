//! What is taken from all that a provider tells of somebody: a name, and their groups.

use openidconnect::{
    AdditionalClaims, IdTokenClaims, StandardClaims, UserInfoClaims, core::CoreGenderClaim,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Identity;

/// The longest name of a person, in characters.
const MAX_NAME: usize = 200;

/// All that has no type in the standard.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Extra {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for Extra {}

/// What one answer tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    name: Option<String>,
    groups: Option<Vec<String>>,
    has_too_many: bool,
}

impl Told {
    pub(super) fn of_token(
        claims: &IdTokenClaims<Extra, CoreGenderClaim>,
        groups_claim: &str,
    ) -> Self {
        let names = [
            claims.preferred_username().map(|name| name.as_str()),
            claims.name().and_then(|name| Some(name.get(None)?.as_str())),
            claims.email().map(|email| email.as_str()),
        ];
        Self::new(names, claims.additional_claims(), groups_claim)
    }

    pub(super) fn of_userinfo(
        claims: &UserInfoClaims<Extra, CoreGenderClaim>,
        groups_claim: &str,
    ) -> Self {
        let standard: &StandardClaims<CoreGenderClaim> = claims.standard_claims();
        let names = [
            standard.preferred_username().map(|name| name.as_str()),
            standard.name().and_then(|name| Some(name.get(None)?.as_str())),
            standard.email().map(|email| email.as_str()),
        ];
        Self::new(names, claims.additional_claims(), groups_claim)
    }

    fn new(names: [Option<&str>; 3], extra: &Extra, groups_claim: &str) -> Self {
        let name = names.into_iter().flatten().map(str::trim).find(|name| is_name(name));
        Self {
            name: name.map(str::to_owned),
            groups: groups(&extra.all, groups_claim),
            has_too_many: has_too_many(&extra.all, groups_claim),
        }
    }

    /// Whether nothing has to be asked for elsewhere.
    pub(super) fn is_whole(&self) -> bool {
        self.name.is_some() && (self.groups.is_some() || self.has_too_many)
    }

    /// With what another answer tells besides.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            name: self.name.or(other.name),
            groups: self.groups.or(other.groups),
            has_too_many: self.has_too_many || other.has_too_many,
        }
    }

    pub(super) fn identity(self, subject: &str) -> Identity {
        let Self { name, groups, has_too_many } = self;
        let subject = || subject.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        Identity { name: name.unwrap_or_else(subject), groups, has_too_many }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control)
}

/// The groups in a claim: one, or a list. Its name may have dots itself (those that are addresses do);
/// else they lead into it.
fn groups(claims: &Map<String, Value>, claim: &str) -> Option<Vec<String>> {
    let inside = || {
        let mut names = claim.split('.');
        let first = claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    };
    match claims.get(claim).or_else(inside)? {
        Value::String(group) => Some(vec![group.clone()]),
        Value::Array(groups) => {
            Some(groups.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => None,
    }
}

/// A provider that has more groups than it tells names the claim, and where to ask (OpenID Connect Core,
/// 5.6.2; Entra ID does so above 200).
fn has_too_many(claims: &Map<String, Value>, claim: &str) -> bool {
    claims.get("_claim_names").is_some_and(|names| names.get(claim).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(claims: Value, claim: &str) -> Told {
        let Value::Object(all) = claims else { panic!("{claims}") };
        Told::new([None; 3], &Extra { all }, claim)
    }

    #[test]
    fn groups_are_found_where_providers_put_them() {
        for (claims, claim, groups) in [
            (json!({"groups": ["noc", "desk"]}), "groups", Some(vec!["noc", "desk"])),
            (json!({"groups": "noc"}), "groups", Some(vec!["noc"])),
            (json!({"groups": []}), "groups", Some(vec![])),
            (json!({"groups": ["noc", 7, null]}), "groups", Some(vec!["noc"])),
            (json!({"realm_access": {"roles": ["noc"]}}), "realm_access.roles", Some(vec!["noc"])),
            (
                json!({"https://sso.example/groups": ["noc"]}),
                "https://sso.example/groups",
                Some(vec!["noc"]),
            ),
            (json!({"groups": {"noc": true}}), "groups", None),
            (json!({"groups": null}), "groups", None),
            (json!({"roles": ["noc"]}), "groups", None),
            (json!({}), "realm_access.roles", None),
        ] {
            let groups = groups.map(|groups| groups.into_iter().map(str::to_owned).collect());
            assert_eq!(told(claims.clone(), claim).groups, groups, "{claims}");
        }
        let many = told(json!({"_claim_names": {"groups": "src1"}}), "groups");
        assert!(many.has_too_many && many.groups.is_none());
    }

    #[test]
    fn a_name_is_one_line_that_says_something() {
        let named = |names: [Option<&str>; 3]| {
            let told = Told::new(names, &Extra { all: Map::new() }, "groups");
            told.identity("sub\n1").name
        };
        assert_eq!(named([Some("zoe"), Some("Zoé"), None]), "zoe");
        assert_eq!(named([Some(" "), Some("Zoé"), Some("z@x.example")]), "Zoé");
        assert_eq!(named([Some("a\nb"), None, Some("z@x.example")]), "z@x.example");
        assert_eq!(named([None, None, None]), "sub1");
        let long = "é".repeat(MAX_NAME + 1);
        assert_eq!(named([Some(&long), None, None]), "sub1");
    }
}
