//! `[[hooks]]`: who is told of what has happened.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::Period;
use crate::{
    domain::{hook_event::HookEvent, keys::PartyKey, visible::Visible},
    secret::Secret,
};

/// A receiver, and what it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hook {
    /// What it is called in log, database and pages.
    pub name: String,
    /// Where messages are posted. For some receivers whoever has it may post: it is shown nowhere.
    pub url: Option<Secret>,
    /// A file that holds it.
    pub url_file: Option<PathBuf>,
    /// What it is told.
    pub events: Vec<HookEvent>,
    /// The instance of which it is told; all without one.
    pub instance: Option<String>,
    /// The companies of its instance (else of `default`) of which it is told, `id:…` or `name:…`; all
    /// without any.
    pub companies: Option<Vec<String>>,
    /// What messages are signed with, `whsec_…`; several, separated by blanks, while one takes the place
    /// of another.
    pub secret: Option<Secret>,
    /// A file that holds it.
    pub secret_file: Option<PathBuf>,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<Secret>,
    /// A file that holds it.
    pub token_file: Option<PathBuf>,
    /// Further headers. They may be secrets, and are shown nowhere.
    pub headers: BTreeMap<String, Secret>,
    /// What the body is.
    pub content_type: String,
    /// What the body is made with; without one it is the event in JSON.
    pub template: Option<String>,
    /// How long the receiver may take to answer.
    pub timeout: Period,
}

impl Default for Hook {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: None,
            url_file: None,
            events: Vec::new(),
            instance: None,
            companies: None,
            secret: None,
            secret_file: None,
            token: None,
            token_file: None,
            headers: BTreeMap::new(),
            content_type: "application/json".to_owned(),
            template: None,
            timeout: Period::seconds(10),
        }
    }
}

impl Hook {
    /// Of what it is told, from a checked configuration.
    #[must_use]
    pub fn visible(&self) -> Visible {
        let instance = self.instance.as_ref().and_then(|instance| instance.parse().ok());
        match (instance, &self.companies) {
            (instance, Some(companies)) => {
                let companies: Vec<PartyKey> =
                    companies.iter().filter_map(|company| company.parse().ok()).collect();
                Visible::of_companies(instance.unwrap_or_default(), &companies)
            }
            (Some(instance), None) => Visible::of_instance(instance),
            (None, None) => Visible::all(),
        }
    }

    /// Whether it is told of a part only.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.instance.is_some() || self.companies.is_some()
    }
}
