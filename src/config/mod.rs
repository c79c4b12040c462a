//! The configuration: sections, defaults, and what must hold between them.
//!
//! `config.example.toml` states every key with its default and meaning.

mod auth;
mod cmdb;
mod current;
mod delivery;
mod desks;
pub(crate) mod explain;
mod hooks;
mod itop;
mod load;
mod oidc;
mod period;
mod renew;
mod salesforce;
mod secrets;
mod shown;
mod state_folder;
mod ticket;
mod validate;
mod warnings;

pub use auth::{Auth, Grant, Proxy, Scope, Token};
pub use cmdb::{Adopt, Cmdb, Creatable, Keep, NO_CLASS, RetireLimit};
pub use current::Current;
pub use delivery::{DeliverySection, Switch};
pub use desks::Unusable;
pub use hooks::Hook;
pub use itop::{ItopSection, LoginKind};
pub use load::{ConfigError, Place, load, place, url};
pub use oidc::{Oidc, OidcGroup};
pub use period::Period;
pub use salesforce::{SalesforceLogin, SalesforceSection};
pub use shown::{Key, keys};
pub use ticket::{OnOpenTicket, OnWorse, Ticket, TicketClass};
pub use warnings::Warning;

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{domain::desk_name::DeskName, itop::ListQueries, secret::Secret};

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the sections are documented where they are defined")]
pub struct Config {
    pub server: Server,
    pub auth: Auth,
    pub store: StoreSection,
    pub itop: Option<ItopSection>,
    pub salesforce: Option<SalesforceSection>,
    pub catalog: CatalogSection,
    pub links: Links,
    pub delivery: DeliverySection,
    pub ticket: Ticket,
    pub board: Board,
    pub cmdb: Option<Cmdb>,
    pub migrate: Option<MigrateSection>,
    pub hooks: Vec<Hook>,
    pub log: Log,
    /// The file that it was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// How the bridge is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How browsers and dashboards reach the bridge, for the links in answers.
    pub public_url: Option<String>,
    /// The key of signed links; else one is made and kept in the database.
    pub link_key: Option<Secret>,
    /// A file that holds the key of signed links.
    pub link_key_file: Option<PathBuf>,
    /// The origins of pages in browsers that may call, such as `https://dashboard.example`.
    pub cors_origins: Vec<String>,
    /// The origins of pages that may show the card of a control in a frame; none may unless it is named.
    pub frame_ancestors: Vec<String>,
    /// The certificate of the bridge with its chain, PEM; with it the bridge speaks TLS alone.
    pub tls_certificate: Option<PathBuf>,
    /// The key of the certificate, PEM.
    pub tls_key: Option<PathBuf>,
    /// The proxies that are believed where a request comes from: addresses, and networks such as `10.0.0.0/8`.
    pub trusted_proxies: Vec<String>,
    /// Connections at once; more wait. The limit of open files can leave room for fewer.
    pub max_connections: usize,
    /// How long calls in flight may take to end when the bridge stops.
    pub shutdown_grace: Period,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            link_key: None,
            link_key_file: None,
            cors_origins: Vec::new(),
            frame_ancestors: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            trusted_proxies: Vec::new(),
            max_connections: 2_000,
            shutdown_grace: Period::seconds(20),
        }
    }
}

impl Server {
    /// Whether the bridge speaks TLS itself.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.tls_certificate.is_some() && self.tls_key.is_some()
    }
}

/// The database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// The SQLite file. Loading sets it where the configuration does not: below the folder for state.
    pub path: PathBuf,
    /// A database of a PostgreSQL server instead, such as `postgres://bridge@db.example/bridge`.
    pub url: Option<String>,
    /// The password for that.
    pub password: Option<Secret>,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
    /// Certificates to trust there beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long rows are kept after they have ended.
    pub retention: Period,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            url: None,
            password: None,
            password_file: None,
            ca_file: None,
            retention: Period::days(90),
        }
    }
}

impl StoreSection {
    /// What the database is called where people read it.
    #[must_use]
    pub fn database(&self) -> String {
        self.url.clone().unwrap_or_else(|| self.path.display().to_string())
    }
}

/// The lists read from iTop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogSection {
    /// How long a list is served before it is read again.
    pub ttl: Period,
    /// How old a list must be to be read again because something was not found in it.
    pub refresh_on_miss: Period,
    /// Which teams may take a company's tickets.
    pub teams: TeamChoice,
    /// CIs asked for at once.
    pub page_size: usize,
    /// The OQL of each list.
    pub queries: ListQueries,
}

impl Default for CatalogSection {
    fn default() -> Self {
        Self {
            ttl: Period::minutes(10),
            refresh_on_miss: Period::seconds(30),
            teams: TeamChoice::DeliveryModel,
            page_size: 64_000,
            queries: ListQueries::default(),
        }
    }
}

/// Which teams may take a company's tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamChoice {
    /// Those of the company's delivery model.
    DeliveryModel,
    /// All.
    All,
}

/// Companies without a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Links {
    /// What their acknowledgements do.
    pub unlinked: UnlinkedPolicy,
    /// Whether they are linked by themselves.
    pub auto: AutoLink,
    /// To which ticket system they belong; else to the first that is configured, iTop before others.
    pub desk: Option<DeskName>,
}

impl Default for Links {
    fn default() -> Self {
        Self { unlinked: UnlinkedPolicy::Wait, auto: AutoLink::Off, desk: None }
    }
}

/// What acknowledgements of a company without a link do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnlinkedPolicy {
    /// They wait until it is linked.
    Wait,
    /// They are recorded without a ticket.
    Record,
}

/// Whether a company is linked by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AutoLink {
    /// Never.
    Off,
    /// Where exactly one organization bears its name.
    ExactName,
}

/// The status of tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Board {
    /// How old a status may be before it is read again when somebody asks.
    pub max_age: Period,
    /// How old the status of an open ticket may be although nobody asks.
    pub refresh: Period,
    /// How old the status of a resolved or closed ticket may be.
    pub refresh_ended: Period,
    /// Tickets asked for at once.
    pub batch: usize,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            max_age: Period::seconds(5),
            refresh: Period::minutes(1),
            refresh_ended: Period::minutes(10),
            batch: 1_000,
        }
    }
}

/// A migration to Salesforce, which the console shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MigrateSection {
    /// The folder of the migration, as the commands are given it.
    pub folder: PathBuf,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Text or JSON.
    pub format: LogFormat,
    /// What is logged, such as `info` or `info,servicenav_itop_bridge::itop=debug`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}
