//! People who sign in at a provider, by OpenID Connect.

mod away;
mod forged;
mod real;
mod sessions;
pub mod stand_in;

use itop_sandbox::Options;
use servicenav_itop_bridge::config::{Config, Oidc, OidcGroup, Scope};

use crate::{
    session,
    world::{Answer, World, token},
};
use stand_in::{StandIn, cookie};

/// A group with these scopes, limited to companies unless there are none.
pub fn group(name: &str, scopes: &[Scope], companies: &[&str]) -> OidcGroup {
    OidcGroup {
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        instance: None,
        companies: (!companies.is_empty())
            .then(|| companies.iter().map(ToString::to_string).collect()),
    }
}

pub fn groups() -> Vec<OidcGroup> {
    vec![
        group("noc", &[Scope::Read, Scope::Operate], &[]),
        group("acme", &[Scope::Read], &["id:43"]),
        group("demo", &[Scope::Read], &["id:42"]),
        group("boss", &[Scope::Admin], &[]),
    ]
}

/// A bridge whose people sign in at a stand-in; it knows the token "desk" as well.
async fn world(change: impl FnOnce(&mut Config)) -> (World, StandIn) {
    let provider = StandIn::start().await;
    let world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![token("desk", &[Scope::Admin])];
        let (name, groups) = ("Acme ID".to_owned(), groups());
        config.auth.oidc = Some(Oidc { name, groups, ..provider.config() });
        change(config);
    })
    .await;
    (world, provider)
}

/// Checks that nobody was signed in, and that a page says why.
#[track_caller]
fn refused(answer: &Answer, status: u16, says: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.text);
    assert!(session::shown(answer).contains(says), "{}", answer.text);
    assert_eq!(cookie(answer, "bridge_session"), None);
}
