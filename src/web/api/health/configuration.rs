//! The configuration that the bridge runs with.

use std::path::PathBuf;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    config::{Config, Current, Key, Warning, keys},
    web::auth::Overseer,
};

/// A configuration as it is told of.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Configuration")]
pub(in crate::web) struct Shown {
    /// Null where it comes of environment variables alone.
    pub(in crate::web) file: Option<PathBuf>,
    pub(in crate::web) keys: Vec<Key>,
    /// The names of those that are not at their default.
    pub(in crate::web) changed: Vec<String>,
    /// What works, and harms.
    pub(in crate::web) warnings: Vec<Warning>,
}

impl Shown {
    /// The configuration without its secrets.
    pub(in crate::web) fn of(config: &Config) -> Self {
        let keys = keys(config);
        let changed = keys.iter().filter(|key| key.changed).map(|key| key.key.clone()).collect();
        Self { file: config.file.clone(), keys, changed, warnings: config.warnings() }
    }
}

/// `GET /api/v1/configuration`: each key with its value and its default; of a secret that it is set.
pub(in crate::web) async fn shown(
    Overseer: Overseer,
    State(config): State<Current>,
) -> Json<Shown> {
    Json(Shown::of(&config.get()))
}
