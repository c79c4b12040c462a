//! Signing in at the provider (OpenID Connect): the way there, the way back, and signing out.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Said, SignInParams, form, see, with_cookies};
use crate::{
    config::Scope,
    domain::{
        text::{cut_chars, one_line},
        ticket_text::Language,
    },
    oidc::{Identity, OidcError},
    secret::Secret,
    web::{
        AppState,
        addresses::encoded,
        auth::{Known, NoAccess, OidcSignIn},
        console::language,
        parameters::Params,
        problem::ApiError,
    },
};

/// Where the provider leads people back to: the one address that it has to know.
const CALLBACK: &str = "/sign-in/callback";

/// The same of a bridge that browsers reach there.
#[must_use]
pub fn callback_of(bridge: &str) -> String {
    [bridge.trim_end_matches('/'), CALLBACK].concat()
}

/// How many groups of somebody the log shows, and how much of each.
const SHOWN_GROUPS: usize = 50;
const SHOWN_OF_GROUP: usize = 80;

/// The path of the way there, which goes on to `next`.
pub(super) fn start_path(state: &AppState, next: &str) -> String {
    let next = encoded(&state.addresses.own_page(next)).to_string();
    state.addresses.path(format_args!("/sign-in/start?next={next}"))
}

fn callback(state: &AppState) -> String {
    state.addresses.whole(CALLBACK)
}

fn code_of(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Fr => "fr",
    }
}

/// `GET /sign-in/start`: leads to the provider.
///
/// It is a link, not a form: browsers hold what a form leads on to against the policy of its page.
pub(in crate::web) async fn start(
    State(state): State<AppState>,
    headers: HeaderMap,
    Params(SignInParams { next, .. }): Params<SignInParams>,
) -> Result<Response, ApiError> {
    let oidc = oidc(&state)?;
    let next = state.addresses.own_page(&next);
    let (attempt, cookie) = state.tokens.sessions().attempt(&next);
    let language = code_of(language::of(&headers));
    match oidc.provider.begin(&attempt, &callback(&state), language).await {
        Ok(address) => Ok(see(&address, cookie)),
        Err(error) => failed(&state, &headers, &next, &error),
    }
}

fn oidc(state: &AppState) -> Result<std::sync::Arc<OidcSignIn>, ApiError> {
    let missing =
        || ApiError::NotFound("There is no provider here: auth.oidc is not set.".to_owned());
    state.tokens.oidc().ok_or_else(missing)
}

/// What the provider sends a browser back with. It may add what it likes.
#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct CallbackParams {
    /// The code for which the bridge is told who that is.
    code: Option<String>,
    /// What the attempt is recognised by.
    state: Option<String>,
    /// Why nobody was signed in.
    error: Option<String>,
    /// The same in the provider's words.
    error_description: Option<String>,
    /// The issuer of the provider (RFC 9207).
    iss: Option<String>,
}

/// `GET /sign-in/callback`: a browser comes back from the provider.
pub(in crate::web) async fn come_back(
    State(state): State<AppState>,
    known: Result<Known, ApiError>,
    headers: HeaderMap,
    params: Result<Query<CallbackParams>, QueryRejection>,
) -> Result<Response, ApiError> {
    let oidc = oidc(&state)?;
    let Query(params) = params.map_err(|error| ApiError::BadParameter(error.body_text()))?;
    if params.code.is_none() && params.error.is_none() {
        // Whoever has signed out there comes back here, too, so that the provider need know one address alone.
        return Ok(see(&state.addresses.path("/sign-in?way=ended"), None));
    }
    let sessions = state.tokens.sessions();
    let attempt = params.state.as_deref().and_then(|told| sessions.attempted(&headers, told));
    let Some((attempt, next)) = attempt else {
        // In another tab they have signed in meanwhile.
        if known.is_ok_and(|known| known.caller.may(Scope::Read)) {
            return Ok(see(&state.addresses.path("/"), None));
        }
        return told(&state, &headers, StatusCode::BAD_REQUEST, "", ("lost", ""));
    };
    let next = state.addresses.own_page(&next);
    let ended = sessions.attempt_ended();
    let answer = match (params.code, params.error) {
        (_, Some(error)) => declined(&state, &headers, &next, &error, params.error_description),
        _ if params.iss.is_some_and(|issuer| !oidc.is_of(&issuer)) => {
            let error = OidcError::NotValid("another issuer has sent the browser back".to_owned());
            failed(&state, &headers, &next, &error)
        }
        (Some(code), None) => {
            let code = Secret::new(code);
            match oidc.provider.finish(code, attempt, &callback(&state)).await {
                Ok(identity) => admit(&state, &oidc, &headers, &next, &identity),
                Err(error) => failed(&state, &headers, &next, &error),
            }
        }
        (None, None) => Err(ApiError::Internal),
    };
    Ok(with_cookies(answer?, [ended]))
}

/// Whoever the provider has signed in, with a session if they may do something here.
fn admit(
    state: &AppState,
    oidc: &OidcSignIn,
    headers: &HeaderMap,
    next: &str,
    identity: &Identity,
) -> Result<Response, ApiError> {
    let name = &identity.name;
    let why = match oidc.admitted(identity) {
        Ok(caller) => {
            tracing::info!(by = name, provider = oidc.name(), "signed in");
            return Ok(see(next, state.tokens.sessions().begun(&caller)));
        }
        Err(NoAccess::NoGroup) => "no_group",
        Err(NoAccess::SeveralInstances) => "several_instances",
        Err(NoAccess::NoPages) => "no_pages",
    };
    let groups = identity.groups.iter().flatten().take(SHOWN_GROUPS);
    let groups: Vec<_> =
        groups.map(|group| cut_chars(&one_line(group), SHOWN_OF_GROUP).into_owned()).collect();
    let mend = match (identity.has_too_many, &identity.groups) {
        (true, _) => {
            "they are in more groups than the provider tells: have it tell those of this application alone"
        }
        (_, None) => {
            "the provider told of no groups: have it put the claim into the ID token, or ask for the scope that has \
             it (auth.oidc.scopes)"
        }
        _ => "put them into one of auth.oidc.groups, or name one of their groups there",
    };
    let claim = oidc.groups_claim();
    tracing::warn!(
        by = name,
        why,
        claim,
        ?groups,
        mend,
        "the provider has signed in somebody who may do nothing here"
    );
    told(state, headers, StatusCode::FORBIDDEN, next, (why, name))
}

/// The provider has not signed anybody in.
fn declined(
    state: &AppState,
    headers: &HeaderMap,
    next: &str,
    error: &str,
    description: Option<String>,
) -> Result<Response, ApiError> {
    if error == "access_denied" {
        tracing::info!("somebody was not signed in by the provider, or did not want to be");
        return told(state, headers, StatusCode::FORBIDDEN, next, ("denied", ""));
    }
    let shown = |text: &str| cut_chars(&one_line(text), SHOWN_OF_GROUP).into_owned();
    let (error, description) = (shown(error), shown(&description.unwrap_or_default()));
    tracing::warn!(error, description, "the provider has signed nobody in");
    // Whatever stands in an address would be shown: of the standard's words it is one of these (RFC 6749, 4.1.2.1).
    let is_word = error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let error = if is_word { error.as_str() } else { "?" };
    told(state, headers, StatusCode::BAD_GATEWAY, next, ("declined", error))
}

fn failed(
    state: &AppState,
    headers: &HeaderMap,
    next: &str,
    error: &OidcError,
) -> Result<Response, ApiError> {
    tracing::warn!(%error, "nobody could be signed in by the provider");
    let (status, code) = match error {
        OidcError::Away(_) => (StatusCode::SERVICE_UNAVAILABLE, "away"),
        OidcError::Refused(_) => (StatusCode::BAD_GATEWAY, "refused"),
        OidcError::NotValid(_) => (StatusCode::FORBIDDEN, "not_valid"),
    };
    told(state, headers, status, next, (code, ""))
}

/// The page where one signs in, with what came of it.
fn told(
    state: &AppState,
    headers: &HeaderMap,
    status: StatusCode,
    next: &str,
    (code, detail): (&str, &str),
) -> Result<Response, ApiError> {
    let said = Said { of_provider: Some(code), detail: Some(detail), ..Said::default() };
    form(state, headers, status, next, &said)
}

/// The page that leads on to where somebody signs out at the provider; `None` for whoever has not signed in
/// there, or cannot sign out there.
///
/// The page leads on by itself rather than the answer: what a form leads on to would have to be in the policy
/// of every page.
pub(super) async fn sign_out(
    state: &AppState,
    headers: &HeaderMap,
) -> Option<Result<Response, ApiError>> {
    if !state.tokens.is_by_provider(headers) {
        return None;
    }
    let oidc = state.tokens.oidc()?;
    let address = oidc.provider.sign_out_address(&callback(state)).await?;
    let values = context! { address, provider => oidc.name(), frame => context! { active => "" } };
    let page = state.templates.fill(language::of(headers), "sign_in/ended.html", values);
    Some(page.map(IntoResponse::into_response))
}
