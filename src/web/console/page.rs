//! What every page has: who reads it, in which language, and the frame around it.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use minijinja::{Value, context};

use super::{
    language,
    templates::query,
    texts::{SEVERAL, text, translated},
};
use crate::{
    config::Scope,
    desk::{Desks, Served},
    domain::{delivery_state::State as RowState, ticket_text::Language},
    gate::GateState,
    store::{MOST_UNLINKED, StoreError},
    web::{
        AppState,
        addresses::encoded,
        auth::{By, Caller, Known, Reader},
        problem::{ApiError, PROBLEM, TYPE_PREFIX},
    },
};

/// What says why something is refused is never longer.
const LONGEST_PROBLEM: usize = 1 << 20;

/// A page that is asked for by somebody who may read.
pub(in crate::web) struct Page {
    pub(in crate::web) caller: Arc<Caller>,
    pub(in crate::web) language: Language,
    by: By,
    state: AppState,
    uri: Uri,
}

impl FromRequestParts<AppState> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Known { caller, by } = Known::from_request_parts(parts, state).await?;
        let Reader(caller) = Reader::of(caller)?;
        let language = language::of(&parts.headers);
        Ok(Self { caller, language, by, state: state.clone(), uri: parts.uri.clone() })
    }
}

impl Page {
    /// The page from its template, with the frame around it. `values` is what the page itself shows.
    ///
    /// # Errors
    /// Where the counts of the frame cannot be read, or the template is wrong, which is a defect.
    pub(in crate::web) async fn render(
        &self,
        template: &str,
        values: Value,
    ) -> Result<Response, ApiError> {
        let frame = self.frame().await?;
        let path = self.state.addresses.path(self.uri.path());
        let query = query(path, self.uri.query());
        let values = context! { frame, query, ..values };
        Ok(self.state.templates.fill(self.language, template, values)?.into_response())
    }

    /// Whether whoever reads the page may do what needs this scope: what they may not is not offered.
    pub(in crate::web) fn may(&self, scope: Scope) -> bool {
        self.caller.may(scope)
    }

    /// Which ticket system texts are about that are about all of them: the only one, or `several`.
    pub(in crate::web) fn desk_of_texts(&self) -> &'static str {
        the_desk(&self.state.desks)
    }

    async fn frame(&self) -> Result<Value, StoreError> {
        let (store, visible) = (&self.state.store, self.caller.visible());
        let counts = store.counts(visible);
        let needs = [RowState::Failed, RowState::Blocked, RowState::Rejected];
        let needs: u64 = needs.into_iter().map(|state| counts.of(state)).sum();
        // Who waits for a link has at least one row that is blocked.
        let unlinked =
            if counts.of(RowState::Blocked) > 0 { store.count_unlinked(visible).await? } else { 0 };
        let desks: Vec<_> = self.state.desks.iter().map(desk).collect();
        let first = self.uri.path().split('/').nth(1).unwrap_or_default();
        let here = self.uri.path_and_query().map_or("/", |here| here.as_str());
        Ok(context! {
            active => if matches!(first, "" | "tickets") { "tickets" } else { first },
            needs,
            unlinked,
            // Nobody counts further for a figure in a corner.
            unlinked_shown => if unlinked == MOST_UNLINKED {
                format!("{}+", MOST_UNLINKED - 1)
            } else {
                unlinked.to_string()
            },
            // Whether any way is closed.
            is_closed => self.state.desks.iter().any(|served| !served.gate.is_open()),
            desks,
            desk => the_desk(&self.state.desks),
            has_several => self.state.desks.are_several(),
            // Where everybody is let in, nobody is anybody.
            name => (self.by != By::Anyone).then_some(self.caller.name.as_str()),
            // Whoever comes through a proxy signs out there.
            may_sign_out => self.by == By::Cookie,
            may_post => self.may(Scope::Ingest),
            has_migration => self.state.migration.is_some() && self.caller.oversees(),
            has_equipment => self.state.config.get().cmdb.is_some(),
            next => encoded(&self.state.addresses.path(here)).to_string(),
            version => env!("CARGO_PKG_VERSION"),
        })
    }
}

/// A ticket system, and why its way is closed if it is.
fn desk(served: &Served) -> Value {
    let gate = match served.gate.state() {
        GateState::Open { .. } => None,
        GateState::Closed { reason, since, .. } => {
            Some(context! { code => reason.code(), since => since.at.to_string() })
        }
    };
    context! { code => served.name().code(), title => served.name().title(), gate }
}

/// Which one texts are about that are about all.
fn the_desk(desks: &Desks) -> &'static str {
    if desks.are_several() { SEVERAL } else { desks.default().name().code() }
}

/// What stands around all pages: errors that a person can read. A stranger is led to
/// the page where one signs in.
pub(in crate::web) async fn dress(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let language = language::of(request.headers());
    let (uri, is_read) = (request.uri().clone(), request.method().is_safe());
    let mut response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED && is_read {
        response = to_sign_in(&state, &uri);
    } else if response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM) {
        response = refused(&state, language, &uri, response).await;
    }
    let headers = response.headers_mut();
    // What is shown is somebody's, and of this moment.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language, cookie"));
    response
}

fn to_sign_in(state: &AppState, uri: &Uri) -> Response {
    let here = uri.path_and_query().map_or("/", |here| here.as_str());
    let next = encoded(&state.addresses.path(here)).to_string();
    let location = state.addresses.path(format_args!("/sign-in?next={next}"));
    match HeaderValue::from_str(&location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => ApiError::Internal.into_response(),
    }
}

/// What a program is told in a document, a person reads in a page.
async fn refused(state: &AppState, language: Language, uri: &Uri, response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let document: serde_json::Value = axum::body::to_bytes(body, LONGEST_PROBLEM)
        .await
        .ok()
        .and_then(|body| serde_json::from_slice(&body).ok())
        .unwrap_or_default();
    let code = document["type"].as_str().and_then(|kind| kind.strip_prefix(TYPE_PREFIX));
    let title = ["layout.error.", code.unwrap_or_default()].concat();
    let values = [("desk", Value::from(the_desk(&state.desks)))].into_iter().collect();
    let title = translated(language, &title, &values).ok();
    let title = title.or_else(|| text(language, "layout.error.unknown").map(str::to_owned));
    let values = context! {
        title, code,
        detail => document["detail"].as_str(),
        query => query(state.addresses.path(uri.path()), uri.query()),
        frame => context! { active => "" },
    };
    match state.templates.fill(language, "error.html", values) {
        Ok(page) => {
            for own in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
                head.headers.remove(own);
            }
            (head.status, head.headers, page).into_response()
        }
        Err(error) => error.into_response(),
    }
}
