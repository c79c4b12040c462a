//! People whom a provider has signed in (OpenID Connect).
//!
//! Their session says who they are and of which groups of the configuration the provider has told. It is
//! read against the present configuration at each request: a group that is removed, or changed, ends or
//! changes what it gave. It ends eight hours after they have signed in, whatever they do, so that the
//! provider is asked again whether they still belong here.

use std::{collections::BTreeSet, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Caller, Kind};
use crate::{
    clock::Clock,
    config::{self, Grant, Scope},
    domain::{
        hex::hex,
        keys::{Instance, PartyKey},
        visible::Visible,
    },
    oidc::{Identity, Provider},
    secret::Secret,
    web::{rates::Allowance, share::Receiving},
};

/// What the shown part of such a session begins with: no token's digits do.
const PREFIX: &str = "oidc-";

/// Hexadecimal digits by which a session names a group.
const DIGITS: usize = 16;

/// The provider, and what those in its groups may do.
#[derive(Debug)]
pub(in crate::web) struct OidcSignIn {
    config: config::Oidc,
    pub(in crate::web) provider: Provider,
    tenants: Arc<[Visible]>,
    /// All of them together have as much as one token.
    receiving: Receiving,
    allowance: Allowance,
}

/// What the cookie of a session has of a person.
#[derive(Debug, Deserialize, Serialize)]
struct Shown {
    name: String,
    groups: Vec<String>,
}

/// Why somebody whom the provider has signed in may do nothing here.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::web) enum NoAccess {
    /// They are in none of the groups that are known here.
    NoGroup,
    /// Their groups are of instances that nobody can look at together.
    SeveralInstances,
    /// What they are given allows no page.
    NoPages,
}

impl OidcSignIn {
    /// That of a checked configuration.
    pub(super) fn new(
        config: &config::Oidc,
        rate: u32,
        tenants: Arc<[Visible]>,
        clock: &Clock,
    ) -> Self {
        Self {
            config: config.clone(),
            provider: Provider::new(config, clock.clone()),
            tenants,
            receiving: Receiving::default(),
            allowance: Allowance::new(rate, clock),
        }
    }

    /// What people call the provider.
    pub(in crate::web) fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether strangers are led there at once.
    pub(in crate::web) fn is_straight(&self) -> bool {
        self.config.straight
    }

    /// Whether this is its issuer.
    pub(in crate::web) fn is_of(&self, issuer: &str) -> bool {
        self.config.issuer == issuer
    }

    /// The claim that lists groups.
    pub(in crate::web) fn groups_claim(&self) -> &str {
        &self.config.groups_claim
    }

    /// The caller that somebody is who has just signed in.
    pub(in crate::web) fn admitted(&self, identity: &Identity) -> Result<Arc<Caller>, NoAccess> {
        let told: BTreeSet<_> = identity.groups.iter().flatten().collect();
        let groups = self.config.groups.iter().filter(|group| told.contains(&group.name));
        let groups = groups.map(|group| digits(&group.name)).collect();
        let caller = self.caller(Shown { name: identity.name.clone(), groups })?;
        if caller.may(Scope::Read) { Ok(caller) } else { Err(NoAccess::NoPages) }
    }

    /// The caller whom a session shows. Whether it is a session at all its signature tells.
    pub(super) fn shown(&self, shown: &str) -> Option<Arc<Caller>> {
        let shown = URL_SAFE_NO_PAD.decode(shown.strip_prefix(PREFIX)?).ok()?;
        self.caller(serde_json::from_slice(&shown).ok()?).ok()
    }

    fn caller(&self, shown: Shown) -> Result<Arc<Caller>, NoAccess> {
        let groups = &self.config.groups;
        let grants: Vec<_> = groups
            .iter()
            .filter(|group| shown.groups.contains(&digits(&group.name)))
            .map(Grant::from)
            .collect();
        let scopes = Scope::together(grants.iter().flat_map(|grant| grant.scopes));
        if scopes.is_empty() {
            return Err(NoAccess::NoGroup);
        }
        let visible = together(&grants).ok_or(NoAccess::SeveralInstances)?;
        let text = serde_json::to_vec(&shown).unwrap_or_default();
        let shown_id = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(text));
        // Of another provider, or as another client of it, a session is none.
        let id = [self.config.issuer.as_str(), &self.config.client_id, &shown_id].join("\n");
        Ok(Arc::new(Caller {
            kind: Kind::ByProvider,
            id: Secret::new(id),
            shown_id,
            name: shown.name,
            scopes,
            visible,
            tenants: self.tenants.clone(),
            receiving: self.receiving.clone(),
            allowance: self.allowance.clone(),
        }))
    }
}

/// What several groups let see together: all that any of them does. `None` where that is more than one
/// instance and less than all.
fn together(grants: &[Grant<'_>]) -> Option<Visible> {
    let is_limited = |grant: &Grant<'_>| grant.instance.is_some() || grant.companies.is_some();
    if !grants.iter().all(is_limited) {
        return Some(Visible::all());
    }
    let instances: BTreeSet<Instance> = grants
        .iter()
        .map(|grant| grant.instance.and_then(|name| name.parse().ok()).unwrap_or_default())
        .collect();
    let mut instances = instances.into_iter();
    let (instance, None) = (instances.next()?, instances.next()) else { return None };
    let companies: Option<Vec<_>> = grants.iter().map(|grant| grant.companies).collect();
    let Some(companies) = companies else { return Some(Visible::of_instance(instance)) };
    let companies: BTreeSet<PartyKey> =
        companies.into_iter().flatten().filter_map(|company| company.parse().ok()).collect();
    Some(Visible::of_companies(instance, &companies))
}

/// By what a session names a group: names can be long, and a cookie cannot.
fn digits(group: &str) -> String {
    let mut digits = hex(&Sha256::digest(group));
    digits.truncate(DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OidcGroup;

    fn group(name: &str, scopes: &[Scope], instance: &str, companies: &[&str]) -> OidcGroup {
        OidcGroup {
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            instance: (!instance.is_empty()).then(|| instance.to_owned()),
            companies: (!companies.is_empty())
                .then(|| companies.iter().map(ToString::to_string).collect()),
        }
    }

    fn sign_in() -> OidcSignIn {
        let groups = vec![
            group("noc", &[Scope::Read, Scope::Operate], "", &[]),
            group("acme", &[Scope::Read], "", &["id:7", "name:Acme"]),
            group("bolt", &[Scope::Read], "", &["id:8", "id:7"]),
            group("site", &[Scope::Read, Scope::Ingest], "site", &[]),
            group("site acme", &[Scope::Read], "site", &["id:7"]),
            group("senders", &[Scope::Ingest], "", &[]),
        ];
        let config = config::Oidc { groups, ..config::Oidc::default() };
        OidcSignIn::new(&config, 1, Arc::default(), &Clock::system())
    }

    fn admitted(groups: &[&str]) -> Result<(Vec<Scope>, Visible), NoAccess> {
        let groups = Some(groups.iter().map(ToString::to_string).collect());
        let identity = Identity { name: "zoe".to_owned(), groups, has_too_many: false };
        let caller = sign_in().admitted(&identity)?;
        // The session says the same.
        let again = sign_in().shown(&caller.shown_id).unwrap();
        assert_eq!((&again.scopes, &again.visible), (&caller.scopes, &caller.visible));
        assert_eq!((again.name.as_str(), again.id.expose()), ("zoe", caller.id.expose()));
        Ok((caller.scopes.clone(), caller.visible.clone()))
    }

    fn companies(instance: &str, ids: &[&str]) -> Visible {
        let keys: Vec<PartyKey> = ids.iter().map(|id| id.parse().unwrap()).collect();
        Visible::of_companies(instance.parse().unwrap(), &keys)
    }

    #[test]
    fn several_groups_add_up() {
        let (read, operate) = (Scope::Read, Scope::Operate);
        for (groups, scopes, visible) in [
            (&["noc"][..], vec![read, operate], Visible::all()),
            (&["acme", "of others"], vec![read], companies("default", &["id:7", "name:Acme"])),
            (&["bolt", "acme"], vec![read], companies("default", &["id:7", "id:8", "name:Acme"])),
            // Whoever is in one that is limited to nothing is limited to nothing.
            (&["acme", "noc"], vec![read, operate], Visible::all()),
            (
                &["site acme", "site"],
                vec![Scope::Ingest, read],
                Visible::of_instance("site".parse().unwrap()),
            ),
        ] {
            assert_eq!(admitted(groups), Ok((scopes, visible)), "{groups:?}");
        }
    }

    #[test]
    fn who_may_do_nothing_is_told_why() {
        for (groups, why) in [
            (&[][..], NoAccess::NoGroup),
            (&["NOC", "noc ", ""], NoAccess::NoGroup),
            (&["acme", "site acme"], NoAccess::SeveralInstances),
            (&["senders"], NoAccess::NoPages),
        ] {
            assert_eq!(admitted(groups), Err(why), "{groups:?}");
        }
    }

    #[test]
    fn what_is_no_session_is_nobody() {
        for shown in ["", "oidc-", "oidc-e30", "oidc-!", "0123456789abcdef0123456789abcdef"] {
            assert!(sign_in().shown(shown).is_none(), "{shown}");
        }
    }
}
