//! Who speaks with iTop by hand: an administrator, whose login is asked for or named, and never kept.

use std::{io::IsTerminal as _, path::PathBuf};

use anyhow::{Context as _, bail};
use console::Term;

use crate::{
    app::client_settings,
    cli::screen::readable,
    config::Config,
    itop::{Login, Settings},
    secret::Secret,
};

/// Whose login.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Account {
    /// The login of an administrator in iTop; asked for where it is needed and not named
    #[arg(long, value_name = "LOGIN")]
    pub(in crate::cli) admin_user: Option<String>,
    /// A file with its password; else it is asked for
    #[arg(long, value_name = "FILE", requires = "admin_user")]
    admin_password_file: Option<PathBuf>,
}

impl Account {
    /// How iTop is called with an administrator's login.
    pub(in crate::cli) fn administrator(&self, config: &Config) -> anyhow::Result<Settings> {
        let user = match &self.admin_user {
            Some(user) => user.clone(),
            None => asked("The login of an administrator in iTop: ", Term::read_line)?,
        };
        if user.trim().is_empty() {
            bail!("a login is needed: add --admin-user and --admin-password-file");
        }
        let password = match &self.admin_password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| {
                    format!("the password cannot be read from {}", readable(file))
                })?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            None => asked(&format!("The password of {user}: "), Term::read_secure_line)?,
        };
        settings(config, user, Secret::new(password))
    }

    /// The same with the account of `[cmdb]`, where no administrator is named.
    pub(in crate::cli) fn administrator_or_own(&self, config: &Config) -> anyhow::Result<Settings> {
        let own = config.cmdb.as_ref().and_then(|cmdb| Some((&cmdb.user, cmdb.password.as_ref()?)));
        match (own, &self.admin_user) {
            (Some((user, password)), None) => settings(config, user.clone(), password.clone()),
            _ => self.administrator(config),
        }
    }
}

/// How iTop is called, with this login in the form.
fn settings(config: &Config, user: String, password: Secret) -> anyhow::Result<Settings> {
    let settings = client_settings(config)?;
    Ok(Settings { login: Login::Form { user, password }, ..settings })
}

/// Asks whoever sits there.
fn asked(question: &str, read: fn(&Term) -> std::io::Result<String>) -> anyhow::Result<String> {
    let term = Term::stderr();
    if !std::io::stdin().is_terminal() || !term.is_term() {
        bail!("nobody is there to answer: add --admin-user and --admin-password-file");
    }
    term.write_str(question)?;
    Ok(read(&term)?)
}
