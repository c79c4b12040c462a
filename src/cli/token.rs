//! `token`: make an API token. And the tokens that other commands read.

use std::{ffi::OsStr, path::Path, process::ExitCode};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};

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
    /// What it may do: ingest and read if nothing is said, of one that signs ingest
    #[arg(long = "scope", value_parser = Scope::ALL.map(Scope::as_str))]
    scopes: Vec<String>,
    /// One that may stand in the address, for senders that can set nothing else; it posts acknowledgements alone
    #[arg(long, conflicts_with_all = ["scopes", "signing"])]
    in_path: bool,
    /// A secret for a sender that signs what it posts (Standard Webhooks), instead of a token
    #[arg(long)]
    signing: bool,
}

impl TokenArgs {
    pub(super) fn run(&self) -> ExitCode {
        let name = toml::Value::from(self.name.as_str());
        if self.signing {
            let secret = STANDARD.encode(rand::random::<[u8; 32]>());
            print::line(format_args!(
                "The secret by which the sender signs. The bridge needs it too, better in a file:\n\n\
                 whsec_{secret}\n\n\
                 For the configuration of the bridge:\n\n\
                 [[auth.tokens]]\n\
                 name = {name}\n\
                 signing_secret_file = \"/run/secrets/signing_secret\"\n\
                 scopes = {}",
                self.scopes_or(&["ingest"])
            ));
            return ExitCode::SUCCESS;
        }
        if self.in_path {
            let token = format!("snb_{}", random_key());
            print::line(format_args!(
                "The token, shown this once. The sender posts to this address:\n\n\
                 https://…/api/v1/acknowledgements/by/{token}\n\n\
                 Its hash, for the configuration of the bridge:\n\n\
                 [[auth.tokens]]\n\
                 name = {name}\n\
                 hash = \"{}\"\n\
                 scopes = [\"ingest\"]\n\
                 in_path = true",
                hash_token(&token)
            ));
            return ExitCode::SUCCESS;
        }
        let token = format!("snb_{}", random_key());
        print::line(format_args!(
            "The token, shown this once; give it to the sender as 'Authorization: Bearer …':\n\n\
             {token}\n\n\
             Its hash, for the configuration of the bridge:\n\n\
             [[auth.tokens]]\n\
             name = {name}\n\
             hash = \"{}\"\n\
             scopes = {}",
            hash_token(&token),
            self.scopes_or(&["ingest", "read"])
        ));
        ExitCode::SUCCESS
    }

    /// The scopes that were named, else these.
    fn scopes_or(&self, usual: &[&str]) -> toml::Value {
        if self.scopes.is_empty() {
            toml::Value::from(usual.to_vec())
        } else {
            toml::Value::from(self.scopes.clone())
        }
    }
}
