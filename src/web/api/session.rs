//! Who is signed in, and signing in and out for pages.

use axum::{
    Form, Json, RequestExt as _,
    body::{Body, to_bytes},
    extract::{FromRequest, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::visible::Visible,
    web::{
        Addresses, ApiTokens, AppState,
        auth::{Caller, Known},
        problem::ApiError,
    },
};

/// The longest form, in bytes: a token and where to go then.
const MAX_FORM: usize = 16 * 1024;

/// `GET /api/v1/session`: whom the bridge takes the caller for, and what it may do.
pub(in crate::web) async fn session(Known { caller, by }: Known) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let mut session = view(&caller);
    session["by"] = json!(by);
    (no_store, Json(session)).into_response()
}

fn view(caller: &Caller) -> Value {
    let visible: &Visible = caller.visible();
    json!({
        "name": caller.name,
        "scopes": caller.scopes(),
        "instance": visible.instance(),
        "companies": visible.companies(),
    })
}

/// What the page of the sign-in sends.
#[derive(Deserialize)]
pub(in crate::web) struct SignIn {
    token: String,
    /// Where to go then: a path of the bridge with its query, as browsers have it.
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

impl axum::extract::FromRequestParts<AppState> for OwnPage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        state.tokens.refuse_foreign(parts).map(|()| Self)
    }
}

/// `POST /session`: a session for whoever has a token.
pub(in crate::web) async fn begin(
    State(tokens): State<ApiTokens>,
    State(addresses): State<Addresses>,
    OwnForm(form): OwnForm<SignIn>,
) -> Result<Response, ApiError> {
    let next = addresses.own_page(&form.next);
    if tokens.let_in_anyone() {
        return Ok(see(&next, None));
    }
    let signed_in = tokens.sign_in(form.token.trim());
    let (caller, cookie) = signed_in.ok_or(ApiError::Unauthorized)?;
    tracing::info!(by = caller.name, "signed in");
    Ok(see(&next, Some(cookie)))
}

/// `POST /session/end`: takes the session from the browser.
pub(in crate::web) async fn end(
    _: OwnPage,
    State(tokens): State<ApiTokens>,
    State(addresses): State<Addresses>,
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
