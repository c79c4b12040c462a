//! Signing in and out: a token is exchanged for a session, which the browser keeps.

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
        Addresses, ApiTokens, AppState,
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
}

/// `GET /sign-in`: asks for a token, unless whoever asks may read anyway.
pub(in crate::web) async fn page(
    State(state): State<AppState>,
    known: Result<Known, ApiError>,
    headers: HeaderMap,
    Params(SignInParams { next }): Params<SignInParams>,
) -> Result<Response, ApiError> {
    match known {
        Ok(known) if known.caller.may(Scope::Read) => {
            Ok(see(&state.addresses.own_page(&next), None))
        }
        // Whose token may read no page any more needs another one.
        Ok(Known { by: By::Cookie, .. }) => {
            form(&state, &headers, StatusCode::OK, &next, Some("no_pages"))
        }
        _ => form(&state, &headers, StatusCode::OK, &next, None),
    }
}

/// The page with its form, and with what was wrong with a token.
fn form(
    state: &AppState,
    headers: &HeaderMap,
    status: StatusCode,
    next: &str,
    wrong: Option<&str>,
) -> Result<Response, ApiError> {
    let next = state.addresses.own_page(next);
    let here = state.addresses.path(format_args!("/sign-in?next={}", encoded(&next)));
    let values = context! {
        wrong,
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
    let Some((caller, cookie)) = state.tokens.sign_in(token.trim()) else {
        return form(&state, &headers, StatusCode::UNAUTHORIZED, &next, Some("unknown"));
    };
    if !caller.may(Scope::Read) {
        // A session in which each page is refused would be a dead end.
        return form(&state, &headers, StatusCode::FORBIDDEN, &next, Some("no_pages"));
    }
    tracing::info!(by = caller.name, "signed in");
    Ok(see(&state.addresses.own_page(&next), Some(cookie)))
}

/// `POST /session/end`: takes the session from the browser.
pub(in crate::web) async fn end(
    State(tokens): State<ApiTokens>,
    State(addresses): State<Addresses>,
    _: Params<NoParams>,
    _: OwnPage,
) -> Response {
    see(&addresses.path("/sign-in"), tokens.sign_out())
}

/// Sends a browser on, with its cookie.
fn see(path: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(path) = HeaderValue::from_str(path) {
        headers.insert(header::LOCATION, path);
    }
    if let Some(cookie) = cookie {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}
