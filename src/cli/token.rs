//! `token`: make an API token. And the tokens that other commands read.

use std::{ffi::OsStr, path::Path, process::ExitCode};

use anyhow::Context as _;

use super::{print, screen::readable};
use crate::{
    config::Scope,
    secret::{Secret, random_key},
    web::hash_token,
};

/// The token in a file; none where none is named.
pub(super) fn from_file(file: Option<&OsStr>) -> anyhow::Result<Option<Secret>> {
    let Some(file) = file.filter(|file| !file.is_empty()).map(Path::new) else { return Ok(None) };
    let token = std::fs::read_to_string(file)
        .with_context(|| format!("the token cannot be read from {}", readable(file)))?;
    Ok(Some(Secret::new(token.trim().to_owned())))
}

/// What the token is for.
#[derive(Debug, clap::Args)]
pub(super) struct TokenArgs {
    /// What it is called in the log
    #[arg(long, default_value = "servicenav")]
    name: String,
    /// What it may do
    #[arg(long = "scope", default_values = ["ingest", "read"], value_parser = Scope::ALL.map(Scope::as_str))]
    scopes: Vec<String>,
}

impl TokenArgs {
    pub(super) fn run(&self) -> ExitCode {
        let token = format!("snb_{}", random_key());
        print::line(format_args!(
            "The token, shown this once; give it to the sender as 'Authorization: Bearer …':\n\n\
             {token}\n\n\
             Its hash, for the configuration of the bridge:\n\n\
             [[auth.tokens]]\n\
             name = {}\n\
             hash = \"{}\"\n\
             scopes = {}",
            toml::Value::from(self.name.as_str()),
            hash_token(&token),
            toml::Value::from(self.scopes.clone())
        ));
        ExitCode::SUCCESS
    }
}
