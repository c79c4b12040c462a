//! The data sources of iTop, which the bridge's own account may not read: `cmdb setup` tells of them.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    cmdb::model::Model,
    config::{Cmdb, Current},
    domain::body::FieldError,
    store::Store,
    web::{
        auth::Overseer,
        body::{JsonBody, read},
        problem::ApiError,
    },
};

/// Sources at most: one a class.
const MOST: usize = 200;

/// The longest text of one, in bytes.
const LONGEST: usize = 4_000;

/// The data sources that equipment is loaded into.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CmdbSources")]
pub(in crate::web) struct Sources {
    /// Whether equipment is kept at all: the section `[cmdb]` is there.
    is_on: bool,
    items: Vec<KnownSource>,
    /// Classes that have no source yet.
    missing: Vec<String>,
}

/// A data source of iTop.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CmdbSource")]
struct KnownSource {
    /// Of its CIs.
    class: String,
    /// Its id in iTop.
    source_id: String,
    /// In iTop.
    name: String,
    set_up_at: Timestamp,
    /// The configuration wants something else of it by now: `cmdb setup` mends that.
    outdated: bool,
}

/// What `cmdb setup` has found.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CmdbSourcesFound")]
pub(in crate::web) struct Found {
    items: Vec<FoundSource>,
}

/// A data source as it was set up.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FoundSource {
    /// Of its CIs.
    class: String,
    /// Its id in iTop.
    source_id: String,
    /// In iTop.
    name: String,
    /// Which attributes it feeds, and how each is kept.
    made_for: String,
}

/// `GET /api/v1/cmdb/sources`: those that are known.
pub(in crate::web) async fn list(
    Overseer: Overseer,
    State(config): State<Current>,
    State(store): State<Store>,
) -> Result<Json<Sources>, ApiError> {
    Ok(Json(known(config.get().cmdb.as_ref(), &store).await?))
}

/// `PUT /api/v1/cmdb/sources`: these are all from now on.
pub(in crate::web) async fn replace(
    Overseer: Overseer,
    State(config): State<Current>,
    State(store): State<Store>,
    body: JsonBody,
) -> Result<Json<Sources>, ApiError> {
    let config = config.get();
    let Some(cmdb) = &config.cmdb else {
        let detail = "This bridge keeps no equipment in iTop's CMDB: it has no section [cmdb].";
        return Err(ApiError::NotFound(detail.to_owned()));
    };
    let Found { items } = read(body.text())?;
    let errors = faults(&items);
    if !errors.is_empty() {
        return Err(ApiError::Invalid(errors));
    }
    let sources =
        items.into_iter().map(|item| [item.class, item.source_id, item.name, item.made_for]);
    store.replace_cmdb_sources(sources.collect()).await?;
    Ok(Json(known(Some(cmdb), &store).await?))
}

async fn known(cmdb: Option<&Cmdb>, store: &Store) -> Result<Sources, ApiError> {
    let Some(cmdb) = cmdb else {
        return Ok(Sources { is_on: false, items: Vec::new(), missing: Vec::new() });
    };
    let known = store.cmdb_sources().await?;
    let has = |class: &str| known.iter().any(|source| source.class == class);
    let missing = cmdb.all_classes().into_iter().filter(|class| !has(class));
    let missing = missing.map(str::to_owned).collect();
    let items = known.into_iter().map(|source| KnownSource {
        outdated: Model::of(cmdb, &source.class)
            .is_none_or(|model| model.made_for() != source.made_for),
        class: source.class,
        source_id: source.source_id,
        name: source.name,
        set_up_at: source.set_up_at,
    });
    Ok(Sources { is_on: true, items: items.collect(), missing })
}

/// What is wrong with what was sent.
fn faults(items: &[FoundSource]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: String, code, message: &str| {
        errors.push(FieldError { pointer, code, message: message.to_owned() });
    };
    if items.len() > MOST {
        wrong("/items".to_owned(), "length", "at most 200 data sources");
    }
    let mut classes = BTreeSet::new();
    for (at, item) in items.iter().enumerate() {
        let is_id = item.source_id.parse::<u64>().is_ok_and(|id| id > 0);
        if !is_id {
            wrong(format!("/items/{at}/source_id"), "format", "an id of iTop is a number");
        }
        if !classes.insert(&item.class) {
            wrong(format!("/items/{at}/class"), "value", "the class stands there twice");
        }
        for (name, text) in
            [("class", &item.class), ("name", &item.name), ("made_for", &item.made_for)]
        {
            if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
                let message = "must be a text of one line, of at most 4,000 bytes";
                wrong(format!("/items/{at}/{name}"), "length", message);
            }
        }
    }
    errors
}
