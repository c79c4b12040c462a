//! What parts of the bridge are given of a configuration.

use super::StartError;
use crate::{
    config::{Config, LoginKind, SalesforceLogin, SalesforceSection, Ticket},
    domain::ticket_text::{TemplateError, Templates},
    itop::{FrontLogin, ItopZone, Login, Settings, TlsFiles},
    salesforce,
    secret::{Secret, random_key},
    store::{Store, StoreError},
};

/// The settings of the iTop client, from a checked configuration.
pub fn client_settings(config: &Config) -> Result<Settings, StartError> {
    let section = &config.itop;
    let wrong = |what: &str| StartError::Config(format!("itop.{what} cannot be used"));
    let secret = |secret: &Option<Secret>, what| secret.clone().ok_or_else(|| wrong(what));
    let user = section.user.clone();
    let login = match section.login {
        LoginKind::Form => Login::Form { user, password: secret(&section.password, "password")? },
        LoginKind::Basic => Login::Basic { user, password: secret(&section.password, "password")? },
        LoginKind::Token => Login::Token(secret(&section.token, "token")?),
    };
    let front = section.front_user.as_ref().zip(section.front_password.clone());
    let client = section.client_cert_file.clone().zip(section.client_key_file.clone());
    Ok(Settings {
        url: section.url.parse().map_err(|_| wrong("url"))?,
        login,
        front: front.map(|(user, password)| FrontLogin { user: user.clone(), password }),
        tls: TlsFiles { ca_file: section.ca_file.clone(), client },
        connect_timeout: section.connect_timeout.duration(),
        timeout: section.timeout.duration(),
        create_timeout: section.create_timeout.duration(),
        max_in_flight: section.max_in_flight,
        zone: ItopZone::named(&section.time_zone).map_err(|_| wrong("time_zone"))?,
    })
}

/// The settings of the Salesforce client, from a checked section.
pub fn salesforce_settings(
    section: &SalesforceSection,
) -> Result<salesforce::Settings, StartError> {
    let wrong = |what: &str| StartError::Config(format!("salesforce.{what} cannot be used"));
    let client_id = section.client_id.clone();
    let login = match section.login {
        SalesforceLogin::Jwt => salesforce::Login::Jwt {
            client_id,
            user: section.user.clone(),
            key_file: section.key_file.clone().ok_or_else(|| wrong("key_file"))?,
            audience: section.audience.clone(),
        },
        SalesforceLogin::ClientCredentials => salesforce::Login::ClientCredentials {
            client_id,
            secret: section.client_secret.clone().ok_or_else(|| wrong("client_secret"))?,
        },
    };
    let public_url = section.public_url.as_ref().map(|url| url.parse()).transpose();
    Ok(salesforce::Settings {
        login_url: section.login_url.parse().map_err(|_| wrong("login_url"))?,
        login,
        api_version: section.api_version.clone(),
        tls: TlsFiles { ca_file: section.ca_file.clone(), client: None },
        connect_timeout: section.connect_timeout.duration(),
        timeout: section.timeout.duration(),
        create_timeout: section.create_timeout.duration(),
        max_in_flight: section.max_in_flight,
        public_url: public_url.map_err(|_| wrong("public_url"))?,
        mapping: section.mapping(),
    })
}

/// The templates of tickets.
pub(super) fn templates(ticket: &Ticket) -> Result<Templates, TemplateError> {
    let (title, description) = (ticket.title.as_deref(), ticket.description.as_deref());
    Templates::new(ticket.language, title, description, &ticket.fields)
}

/// The key of signed links: the configured one, else one that is made once and kept.
pub(super) async fn link_key(config: &Config, store: &Store) -> Result<Secret, StoreError> {
    match &config.server.link_key {
        Some(key) => Ok(key.clone()),
        None => Ok(Secret::new(store.meta_or_insert("link_key", random_key()).await?)),
    }
}
