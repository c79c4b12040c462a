//! Signing in and out: a token, or what the provider says, is exchanged for a session, which the browser
//! keeps.

pub(in crate::web) mod provider;

use axum::{
    Form, RequestExt as _,
    body::{Body, to_bytes},
    extract::{FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::language;
use crate::{
    config::Scope,
    web::{
        AppState,
        addresses::encoded,
        auth::{By, Known},
        parameters::{NoParams, Params},
        problem::ApiError,
    },
};

/// The longest form, in bytes: a token and where to go then.
const MAX_FORM: usize = 16 * 1024;

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct SignInParams {
    /// Where to go then: a path of the bridge with its query, as browsers have it.
    #[serde(default)]
    next: String,
    /// Why the page is shown although strangers are led to the provider at once.
    way: Option<Way>,
}

/// Why the page is shown although strangers are led to the provider at once.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum Way {
    /// Somebody has a token.
    Token,
    /// Somebody has signed out.
    Ended,
}

/// What the page tells besides.
#[derive(Default)]
struct Said<'s> {
    /// What was wrong with a token.
    wrong: Option<&'s str>,
    /// What came of signing in at the provider.
    of_provider: Option<&'s str>,
    /// Whom it has signed in, or what it says is wrong.
    detail: Option<&'s str>,
}

/// `GET /sign-in`: asks for a token, or leads to the provider, unless whoever asks may read anyway.
pub(in crate::web) async fn page(
    State(state): State<AppState>,
    known: Result<Known, ApiError>,
    headers: HeaderMap,
    Params(SignInParams { next, way }): Params<SignInParams>,
) -> Result<Response, ApiError> {
    match known {
        Ok(known) if known.caller.may(Scope::Read) => {
            Ok(see(&state.addresses.own_page(&next), None))
        }
        // Whose token may read no page any more needs another one.
        Ok(Known { by: By::Cookie, .. }) => {
            let said = Said { wrong: Some("no_pages"), ..Said::default() };
            form(&state, &headers, StatusCode::OK, &next, &said)
        }
        _ => {
            let is_straight = state.tokens.oidc().is_some_and(|oidc| oidc.is_straight());
            if is_straight && way.is_none() {
                return Ok(see(&provider::start_path(&state, &next), None));
            }
            let has_ended = way == Some(Way::Ended);
            let of_provider = has_ended.then_some("ended");
            form(&state, &headers, StatusCode::OK, &next, &Said { of_provider, ..Said::default() })
        }
    }
}

/// The page with its form, and with what was wrong.
fn form(
    state: &AppState,
    headers: &HeaderMap,
    status: StatusCode,
    next: &str,
    said: &Said<'_>,
) -> Result<Response, ApiError> {
    let next = state.addresses.own_page(next);
    let oidc = state.tokens.oidc();
    // Whoever takes another language stays on the page.
    let stays =
        if oidc.as_ref().is_some_and(|oidc| oidc.is_straight()) { "way=token&" } else { "" };
    let here = state.addresses.path(format_args!("/sign-in?{stays}next={}", encoded(&next)));
    let values = context! {
        wrong => said.wrong,
        of_provider => said.of_provider,
        detail => said.detail.unwrap_or_default(),
        provider => oidc.as_ref().map(|oidc| oidc.name()),
        start => provider::start_path(state, &next),
        frame => context! { active => "", next => encoded(&here).to_string() },
        next,
    };
    let page = state.templates.fill(language::of(headers), "sign_in/page.html", values)?;
    Ok((status, page).into_response())
}

/// What the page sends.
#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct SignIn {
    token: String,
    #[serde(default)]
    next: String,
}

/// A form that a page of the bridge has sent.
pub(in crate::web) struct OwnForm<T>(T);

impl<T> FromRequest<AppState> for OwnForm<T>
where
    T: for<'de> Deserialize<'de> + Send + 'static,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        state.tokens.refuse_foreign(&parts)?;
        let form = to_bytes(body, MAX_FORM).await;
        let form = form.map_err(|_| ApiError::TooLarge(MAX_FORM))?;
        let request = Request::from_parts(parts, Body::from(form));
        match request.extract::<Form<T>, _>().await {
            Ok(Form(form)) => Ok(Self(form)),
            Err(rejection) => Err(ApiError::Unreadable(rejection.body_text())),
        }
    }
}

/// A request that a page of the bridge has sent.
pub(in crate::web) struct OwnPage;

impl FromRequestParts<AppState> for OwnPage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        state.tokens.refuse_foreign(parts).map(|()| Self)
    }
}

/// `POST /session`: a session for whoever has a token.
pub(in crate::web) async fn begin(
    State(state): State<AppState>,
    headers: HeaderMap,
    _: Params<NoParams>,
    OwnForm(SignIn { token, next }): OwnForm<SignIn>,
) -> Result<Response, ApiError> {
    if state.tokens.let_in_anyone() {
        return Ok(see(&state.addresses.own_page(&next), None));
    }
    let wrong = |what| Said { wrong: Some(what), ..Said::default() };
    let Some((caller, cookie)) = state.tokens.sign_in(token.trim()) else {
        return form(&state, &headers, StatusCode::UNAUTHORIZED, &next, &wrong("unknown"));
    };
    if !caller.may(Scope::Read) {
        // A session in which each page is refused would be a dead end.
        return form(&state, &headers, StatusCode::FORBIDDEN, &next, &wrong("no_pages"));
    }
    tracing::info!(by = caller.name, "signed in");
    Ok(see(&state.addresses.own_page(&next), Some(cookie)))
}

/// `POST /session/end`: takes the session from the browser, and leads on to where somebody signs out at the
/// provider who has signed in there.
pub(in crate::web) async fn end(
    State(state): State<AppState>,
    headers: HeaderMap,
    _: Params<NoParams>,
    _: OwnPage,
) -> Result<Response, ApiError> {
    let ended = state.tokens.sign_out();
    if let Some(page) = provider::sign_out(&state, &headers).await {
        return Ok(with_cookies(page?, [ended]));
    }
    // Where strangers are led to the provider at once they would be signed in again.
    let page = if state.tokens.oidc().is_some() { "/sign-in?way=ended" } else { "/sign-in" };
    Ok(see(&state.addresses.path(page), ended))
}

/// Sends a browser on, with its cookie.
fn see(place: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(place) = HeaderValue::from_str(place) {
        headers.insert(header::LOCATION, place);
    }
    with_cookies(response, [cookie])
}

fn with_cookies<const N: usize>(
    mut response: Response,
    cookies: [Option<HeaderValue>; N],
) -> Response {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
