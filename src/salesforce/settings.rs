//! What the client needs to know.

use std::{path::PathBuf, time::Duration};

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::{domain::priority::Priority, outgoing::TlsFiles, secret::Secret};

/// How the bridge logs in; both flows end at the same endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// JWT bearer: a text that the bridge signs.
    Jwt {
        /// The consumer key of the app.
        client_id: String,
        /// The user that the bridge is.
        user: String,
        /// The private key, RSA of 2,048 bits or more, PEM (PKCS#8 or PKCS#1).
        key_file: PathBuf,
        /// Whom the text is for; of the login address where it is not named.
        audience: Option<String>,
    },
    /// Client credentials: the host must be a My Domain.
    ClientCredentials {
        /// The consumer key of the app.
        client_id: String,
        /// Its secret.
        secret: Secret,
    },
}

/// What the client needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where the bridge logs in; all else goes to the host that the answer names.
    pub login_url: Url,
    /// How it does.
    pub login: Login,
    /// The version of the API, such as `67.0`.
    pub api_version: String,
    /// The certificates.
    pub tls: TlsFiles,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a whole call may take. Salesforce ends one after ten minutes.
    pub timeout: Duration,
    /// How long a create may take: the customer's own triggers and flows run in it.
    pub create_timeout: Duration,
    /// Calls in flight at most, of which one is kept for reads.
    pub max_in_flight: usize,
    /// The address of the org for people; else the host of the API.
    pub public_url: Option<Url>,
    /// How a ticket becomes a Case.
    pub mapping: Mapping,
}

/// How a ticket becomes a Case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The external id field of Case that holds a marker's digits: text, unique, case-sensitive.
    pub external_id_field: String,
    /// The value of Origin; none leaves it to the org.
    pub origin: Option<String>,
    /// The value of Status of a new Case; none leaves it to the org.
    pub status: Option<String>,
    /// The record type of new Cases: its developer name or its id.
    pub record_type: Option<String>,
    /// The values of Priority.
    pub priorities: Priorities,
    /// What a service is.
    pub service: ServiceObject,
    /// What a CI is.
    pub ci: CiObject,
    /// The field of Case that refers to a CI, where that is `CI__c`.
    pub ci_field: String,
    /// The field of `CI__c` that refers to its Account.
    pub ci_account_field: String,
    /// Whether what a duplicate rule warns of is made all the same.
    pub allow_duplicates: bool,
    /// The longest Subject, in characters.
    pub max_subject: usize,
    /// The longest Description, in bytes.
    pub max_description: usize,
    /// A condition of SOQL that the Accounts meet which are companies; none takes all.
    pub companies: Option<String>,
}

/// The values of Priority, by the bridge's four.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each is that of the priority it is called after")]
pub struct Priorities {
    pub critical: String,
    pub high: String,
    pub medium: String,
    pub low: String,
}

impl Default for Priorities {
    /// The three values of a new org.
    fn default() -> Self {
        let own = |text: &str| text.to_owned();
        Self { critical: own("High"), high: own("High"), medium: own("Medium"), low: own("Low") }
    }
}

impl Priorities {
    /// The value of a priority.
    #[must_use]
    pub fn value(&self, priority: Priority) -> &str {
        match priority {
            Priority::Critical => &self.critical,
            Priority::High => &self.high,
            Priority::Medium => &self.medium,
            Priority::Low => &self.low,
        }
    }

    /// What a value means; of several priorities that have it the least urgent, so that nobody takes a
    /// Case for more urgent than it may be. Picklists do not look at the case of letters.
    #[must_use]
    pub fn read(&self, value: &str) -> Option<Priority> {
        [Priority::Low, Priority::Medium, Priority::High, Priority::Critical]
            .into_iter()
            .find(|priority| self.value(*priority).eq_ignore_ascii_case(value))
    }

    /// All four values.
    #[must_use]
    pub fn values(&self) -> [(&'static str, &str); 4] {
        [
            ("critical", &self.critical),
            ("high", &self.high),
            ("medium", &self.medium),
            ("low", &self.low),
        ]
    }
}

/// What a service of a ticket is in Salesforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceObject {
    /// An Entitlement of the Account.
    Entitlement,
    /// A Product2; the same for all Accounts.
    Product,
    /// Cases have none.
    None,
}

impl ServiceObject {
    /// The field of Case that refers to it.
    #[must_use]
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::Entitlement => Some("EntitlementId"),
            Self::Product => Some("ProductId"),
            Self::None => None,
        }
    }
}

/// What a CI of a ticket is in Salesforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CiObject {
    /// The object of the bridge's package.
    #[serde(rename = "CI__c")]
    Ci,
    /// An Asset of the Account.
    #[serde(rename = "asset")]
    Asset,
    /// Cases have none.
    #[serde(rename = "none")]
    None,
}

impl Mapping {
    /// The field of Case that refers to a CI.
    #[must_use]
    pub fn ci_field(&self) -> Option<&str> {
        match self.ci {
            CiObject::Ci => Some(&self.ci_field),
            CiObject::Asset => Some("AssetId"),
            CiObject::None => None,
        }
    }
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            external_id_field: "Bridge_Ack__c".to_owned(),
            origin: None,
            status: None,
            record_type: None,
            priorities: Priorities::default(),
            service: ServiceObject::Entitlement,
            ci: CiObject::Ci,
            ci_field: "CI__c".to_owned(),
            ci_account_field: "Account__c".to_owned(),
            allow_duplicates: false,
            max_subject: 255,
            max_description: 32_000,
            companies: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_two_priorities_is_read_as_the_less_urgent_one() {
        let stock = Priorities::default();
        assert_eq!(stock.value(Priority::Critical), "High");
        assert_eq!(stock.read("High"), Some(Priority::High));
        assert_eq!(stock.read("medium"), Some(Priority::Medium));
        assert_eq!(stock.read("P1"), None);
    }
}
