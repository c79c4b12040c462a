//! The token of this machine: whoever may read the database may call the bridge, too, without that anybody
//! has made a token first.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    config::{Auth, Config, Scope, Token},
    secret::{Secret, random_key},
    web::{ApiTokens, Sessions, hash_token},
};

/// What it is called in the log, and in what it has done.
const NAME: &str = "local";

/// Where it lies for a database: beside it, for its own user alone.
#[must_use]
pub fn file(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".token");
    name.into()
}

/// The tokens that are known: those of the configuration, and that of this machine.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) known: ApiTokens,
    local: LocalToken,
}

impl Tokens {
    /// Those of a checked configuration.
    pub(super) fn of(config: &Config, sessions: Sessions) -> Self {
        let local = LocalToken::make(&config.store.path);
        Self { known: ApiTokens::new(&local.beside(&config.auth), sessions), local }
    }

    /// Knows these from now on, and that of this machine.
    pub(super) fn replace(&self, auth: &Auth) {
        self.known.replace(&self.local.beside(auth));
    }
}

/// The token of this machine, if it could be written. Each start makes another one.
#[derive(Clone, Debug)]
struct LocalToken(Option<Token>);

impl LocalToken {
    /// Makes one for whoever may read the database. Where that fails the bridge does without.
    fn make(database: &Path) -> Self {
        let secret = Secret::new(format!("snb_{}", random_key()));
        match write(&file(database), &secret) {
            Ok(()) => Self(Some(Token {
                name: NAME.to_owned(),
                hash: hash_token(secret.expose()),
                scopes: vec![Scope::Admin],
                ..Token::default()
            })),
            Err(error) => {
                tracing::warn!(%error, "the token of this machine could not be written");
                Self(None)
            }
        }
    }

    /// What may call: also this, unless everybody may.
    fn beside(&self, auth: &Auth) -> Auth {
        let mut auth = auth.clone();
        if !auth.lets_anyone_in() {
            auth.tokens.extend(self.0.clone());
        }
        auth
    }
}

/// Puts it into the place of the last one, whatever that is: a link is not followed, and nobody reads half of it.
fn write(file: &Path, secret: &Secret) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    // For its own user from the first byte on.
    let mut written = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    writeln!(written, "{}", secret.expose())?;
    written.persist(file)?;
    Ok(())
}
