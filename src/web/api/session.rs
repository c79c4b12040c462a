//! Who the bridge takes a caller for.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use crate::web::auth::{Caller, Known};

/// `GET /api/v1/session`: whom the bridge takes the caller for, and what it may do.
pub(in crate::web) async fn session(Known { caller, by }: Known) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let mut session = view(&caller);
    session["by"] = json!(by);
    (no_store, Json(session)).into_response()
}

fn view(caller: &Caller) -> Value {
    let visible = caller.visible();
    json!({
        "name": caller.name,
        "scopes": caller.scopes(),
        "instance": visible.instance(),
        "companies": visible.companies(),
    })
}
