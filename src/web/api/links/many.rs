//! `PUT /api/v1/links`: many links at once, all of them or none.

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use serde_json_borrow::Value as Borrowed;

use super::{
    apply::{self, AllAsked, Asked, Run},
    asked, table,
};
use crate::{
    domain::{
        body::{Errors, FieldError, Object, expected},
        link_table::MAX_LINES,
    },
    web::{
        AppState,
        auth::Linker,
        body::{JsonBody, ListOrTable},
        parameters::Params,
        problem::ApiError,
    },
};

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct ManyParams {
    /// Only tell what would change.
    pub(super) dry_run: Option<bool>,
    /// What the dry run said that was looked at before.
    digest: Option<String>,
    pub(super) instance: Option<String>,
}

impl ManyParams {
    /// `dry_run` is what the body says.
    pub(super) fn run(self, dry_run: bool) -> Run {
        if self.dry_run.unwrap_or(dry_run) { Run::Dry } else { Run::Apply { digest: self.digest } }
    }
}

/// What the body has beside the links.
const MEMBERS: [&str; 2] = ["items", "dry_run"];

pub(in crate::web) async fn put_many(
    Linker(caller): Linker,
    State(state): State<AppState>,
    Params(params): Params<ManyParams>,
    body: ListOrTable,
) -> Result<Json<Value>, ApiError> {
    let reader = asked::Reader::new(&caller, params.instance.clone())?;
    let (items, dry_run) = match &body {
        ListOrTable::List(body) => {
            let (items, dry_run) = listed(&reader, body)?;
            (AllAsked::from(items), dry_run)
        }
        ListOrTable::Table(text) => (table::asked(&reader, text), false),
    };
    apply::all(&state, &caller, items, params.run(dry_run)).await.map(|report| Json(json!(report)))
}

/// The items of a body `{"items": […], "dry_run": bool}`.
fn listed(reader: &asked::Reader<'_>, body: &JsonBody) -> Result<(Vec<Asked>, bool), ApiError> {
    let value = body.value()?;
    let mut errors = Errors::default();
    let invalid = |errors: Errors| Err(ApiError::Invalid(errors.found));
    let Borrowed::Object(members) = &value else {
        errors.push("", "type", expected("an object with 'items'", &value));
        return invalid(errors);
    };
    for name in members.keys().filter(|name| !MEMBERS.contains(name)) {
        let message = format!("'{name}' is no member here; known are {}", MEMBERS.join(", "));
        errors.push(&format!("/{name}"), "unknown", message);
    }
    let root = Object::root(members);
    let dry_run = root.flag("dry_run", &mut errors).unwrap_or_default();
    let items = match root.member("items") {
        Some(Borrowed::Array(items)) => items.as_slice(),
        Some(other) => {
            errors.push("/items", "type", expected("a list", other));
            &[]
        }
        None => {
            errors.push("/items", "required", "'items' is missing");
            &[]
        }
    };
    if items.len() > MAX_LINES {
        let message = format!("may have at most {MAX_LINES} links, and has {}", items.len());
        errors.push("/items", "length", message);
    }
    if !errors.found.is_empty() {
        return invalid(errors);
    }
    Ok((items.iter().enumerate().map(|(at, item)| reader.item(at, item)).collect(), dry_run))
}

/// An error at its place in the whole body.
pub(super) fn in_item(at: usize, error: &FieldError) -> Value {
    json!({
        "pointer": format!("/items/{at}{}", error.pointer),
        "code": error.code,
        "message": error.message,
    })
}
