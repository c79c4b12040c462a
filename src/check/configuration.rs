//! What the configuration alone shows.

use super::Report;
use crate::{
    config::{Config, ConfigError, ItopSection, LoginKind},
    domain::company_link::CompanyLink,
    store,
};

const CONFIGURATION: &str = "configuration";

/// A configuration that `serve` would not start with.
pub(super) fn refused(error: &ConfigError, report: &mut Report<'_>) {
    match error {
        ConfigError::Unreadable { .. } => {
            report.failure(CONFIGURATION, error.to_string(), "Name the file with --config.");
        }
        ConfigError::Wrong { .. } => report.failure(
            CONFIGURATION,
            error.to_string(),
            "config.example.toml states each key with its meaning.",
        ),
        ConfigError::Invalid(problems) => {
            for problem in problems {
                report.failure(
                    CONFIGURATION,
                    problem,
                    "The bridge does not start like this; config.example.toml states each key.",
                );
            }
        }
    }
}

/// What works and should be looked at, and what is wrong beyond what loading it refuses.
pub(super) fn examine(config: &Config, report: &mut Report<'_>) {
    let mut is_fine = true;
    for warning in config.warnings() {
        is_fine = false;
        report.warning(CONFIGURATION, warning.seen, warning.mend);
    }
    let has_colon = |itop: &ItopSection| {
        itop.login == LoginKind::Basic
            && itop.password.as_ref().is_some_and(|password| password.expose().contains(':'))
    };
    if config.itop.as_ref().is_some_and(has_colon) {
        is_fine = false;
        report.failure(
            CONFIGURATION,
            "itop.login is \"basic\" and the password has a ':', at which iTop cuts it",
            "Use itop.login = \"form\", or a password without ':'.",
        );
    }
    let listen = config.server.listen;
    if !listen.ip().is_loopback() && config.auth.lets_anyone_in() {
        is_fine = false;
        report.failure(
            CONFIGURATION,
            format!("server.listen is {listen}, beyond loopback, and there is no token"),
            "Make one with the command 'token'; without one the bridge will not start.",
        );
    }
    if is_fine {
        report.ok(CONFIGURATION, "fits together");
    }
}

/// The company links, read without touching the database: it may be in use.
pub(super) fn links(config: &Config, report: &mut Report<'_>) -> Vec<CompanyLink> {
    let database = config.store.database();
    if let Ok(Some(doubt)) = store::doubts_of(&config.store) {
        report.warning("database", doubt, "Set it to on, or to what the standby servers need.");
    }
    match store::links_of(&config.store) {
        Ok(Some(links)) => {
            report.ok("database", format!("{database} (company links: {})", links.len()));
            links
        }
        Ok(None) => {
            report.ok("database", format!("{database} will be made at the first start"));
            Vec::new()
        }
        Err(error) => {
            let mend = match config.store.url {
                Some(_) => {
                    "Check store.url, its password, and who may connect; the company links are not known \
                     here."
                }
                None => {
                    "Check store.path and who may read it; the company links are not known here."
                }
            };
            report.failure("database", error.to_string(), mend);
            Vec::new()
        }
    }
}
