//! `[salesforce]`: Salesforce Service Cloud as a ticket system.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Period, Unusable};
use crate::{
    outgoing::TlsFiles,
    salesforce::{CiObject, Login, Mapping, Priorities, ServiceObject, Settings},
    secret::Secret,
};

/// The way to Salesforce, and how a ticket becomes a Case. Without the section nothing of it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SalesforceSection {
    /// Where the bridge logs in.
    pub login_url: String,
    /// How.
    pub login: SalesforceLogin,
    /// The consumer key of the app.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// A file that holds its secret.
    pub client_secret_file: Option<PathBuf>,
    /// The user that the bridge is.
    pub user: String,
    /// The private key that signs, PEM.
    pub key_file: Option<PathBuf>,
    /// Whom what is signed is for.
    pub audience: Option<String>,
    /// The version of the API.
    pub api_version: String,
    /// The address of the org as people reach it.
    pub public_url: Option<String>,
    /// Certificates to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take.
    pub connect_timeout: Period,
    /// How long a whole call may take.
    pub timeout: Period,
    /// How long the creation of a Case may take.
    pub create_timeout: Period,
    /// Calls in flight at most; one is kept for reads.
    pub max_in_flight: usize,
    /// The field of Case that keeps the marker.
    pub external_id_field: String,
    /// The queue where neither the acknowledgement nor the link names one: its name or id.
    pub queue: Option<String>,
    /// The record type of new Cases: its developer name or id.
    pub record_type: Option<String>,
    /// The value of Origin.
    pub origin: Option<String>,
    /// The value of Status of new Cases.
    pub status: Option<String>,
    /// The values of Priority.
    pub priorities: Priorities,
    /// What a service is.
    pub service: ServiceObject,
    /// What a CI is.
    pub ci: CiObject,
    /// The field of Case that refers to a CI.
    pub ci_field: String,
    /// The field of a CI that refers to its Account.
    pub ci_account_field: String,
    /// Which Accounts are companies: a condition of SOQL.
    pub companies: Option<String>,
    /// Whether what a duplicate rule warns of is made all the same.
    pub allow_duplicates: bool,
    /// The longest Subject, in characters.
    pub max_subject: usize,
    /// The longest Description, in bytes.
    pub max_description: usize,
    /// Further fields of Case: field = template.
    pub fields: BTreeMap<String, String>,
}

impl Default for SalesforceSection {
    fn default() -> Self {
        let mapping = Mapping::default();
        Self {
            login_url: "https://login.salesforce.com/".to_owned(),
            login: SalesforceLogin::Jwt,
            client_id: String::new(),
            client_secret: None,
            client_secret_file: None,
            user: String::new(),
            key_file: None,
            audience: None,
            api_version: "67.0".to_owned(),
            public_url: None,
            ca_file: None,
            connect_timeout: Period::seconds(5),
            timeout: Period::seconds(30),
            create_timeout: Period::seconds(120),
            max_in_flight: 18,
            external_id_field: mapping.external_id_field,
            queue: None,
            record_type: mapping.record_type,
            origin: mapping.origin,
            status: mapping.status,
            priorities: mapping.priorities,
            service: mapping.service,
            ci: mapping.ci,
            ci_field: mapping.ci_field,
            ci_account_field: mapping.ci_account_field,
            companies: mapping.companies,
            allow_duplicates: mapping.allow_duplicates,
            max_subject: mapping.max_subject,
            max_description: mapping.max_description,
            fields: BTreeMap::new(),
        }
    }
}

impl SalesforceSection {
    /// The settings of its client.
    ///
    /// # Errors
    /// Where what stands here was not checked.
    pub fn settings(&self) -> Result<Settings, Unusable> {
        let client_id = self.client_id.clone();
        let key_file = || self.key_file.clone().ok_or(Unusable::Key("salesforce.key_file"));
        let secret = || self.client_secret.clone().ok_or(Unusable::Key("salesforce.client_secret"));
        let login = match self.login {
            SalesforceLogin::Jwt => Login::Jwt {
                client_id,
                user: self.user.clone(),
                key_file: key_file()?,
                audience: self.audience.clone(),
            },
            SalesforceLogin::ClientCredentials => {
                Login::ClientCredentials { client_id, secret: secret()? }
            }
        };
        let login_url = self.login_url.parse();
        let public_url = self.public_url.as_ref().map(|url| url.parse()).transpose();
        Ok(Settings {
            login_url: login_url.map_err(|_| Unusable::Key("salesforce.login_url"))?,
            login,
            api_version: self.api_version.clone(),
            tls: TlsFiles { ca_file: self.ca_file.clone(), client: None },
            connect_timeout: self.connect_timeout.duration(),
            timeout: self.timeout.duration(),
            create_timeout: self.create_timeout.duration(),
            max_in_flight: self.max_in_flight,
            public_url: public_url.map_err(|_| Unusable::Key("salesforce.public_url"))?,
            mapping: self.mapping(),
        })
    }

    /// How a ticket becomes a Case.
    #[must_use]
    pub fn mapping(&self) -> Mapping {
        Mapping {
            external_id_field: self.external_id_field.clone(),
            origin: self.origin.clone(),
            status: self.status.clone(),
            record_type: self.record_type.clone(),
            priorities: self.priorities.clone(),
            service: self.service,
            ci: self.ci,
            ci_field: self.ci_field.clone(),
            ci_account_field: self.ci_account_field.clone(),
            allow_duplicates: self.allow_duplicates,
            max_subject: self.max_subject,
            max_description: self.max_description,
            companies: self.companies.clone(),
        }
    }

    /// Takes over how another one logs in: what a running bridge can change.
    pub(super) fn take_login(&mut self, read: &Self) {
        self.login = read.login;
        self.client_id.clone_from(&read.client_id);
        self.client_secret.clone_from(&read.client_secret);
        self.client_secret_file.clone_from(&read.client_secret_file);
        self.user.clone_from(&read.user);
        self.key_file.clone_from(&read.key_file);
        self.audience.clone_from(&read.audience);
        self.ca_file.clone_from(&read.ca_file);
    }
}

/// How the bridge logs in to Salesforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SalesforceLogin {
    /// JWT bearer: a user and a key that signs.
    Jwt,
    /// Client credentials: a secret, at the org's My Domain.
    ClientCredentials,
}
