//! The provider where people sign in.

use super::Report;
use crate::{
    clock::Clock,
    config::Config,
    oidc::{OidcError, Provider},
    web::callback_of,
};

const SIGN_IN: &str = "sign-in";

/// Whether it answers as a provider does, and what has to be registered there. Only signing in needs it.
pub(super) async fn examine(config: &Config, clock: &Clock, report: &mut Report<'_>) {
    let Some(oidc) = &config.auth.oidc else { return };
    report.examining(SIGN_IN);
    let issuer = &oidc.issuer;
    match Provider::new(oidc, clock.clone()).examine().await {
        Ok(examined) => {
            let listens = || format!("http://{}", config.server.listen);
            let bridge = config.server.public_url.clone().unwrap_or_else(listens);
            let callback = callback_of(&bridge);
            let sign_out = if examined.has_sign_out { ", also for signing out" } else { "" };
            report.ok(
                SIGN_IN,
                format!(
                    "{issuer} answers; the redirect address to register there{sign_out}: {callback}"
                ),
            );
            for doubt in examined.doubts {
                let mend = "Name scopes that the provider knows, or none besides.";
                report.warning(SIGN_IN, doubt, mend);
            }
        }
        Err(error) => report.failure(SIGN_IN, format!("{issuer}: {error}"), mend(&error)),
    }
}

fn mend(error: &OidcError) -> &'static str {
    match error {
        OidcError::Away(_) => {
            "Nobody can sign in there, and tokens work. auth.oidc.issuer must be what the provider calls \
             itself, to the letter: the \"issuer\" in its .well-known/openid-configuration."
        }
        OidcError::Refused(_) | OidcError::NotValid(_) => {
            "Change how this client is signed for there."
        }
    }
}
