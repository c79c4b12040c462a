//! The configuration: sections, defaults, and what must hold between them.
//!
//! `config.example.toml` states every key with its default and meaning.

mod current;
mod explain;
mod load;
mod period;
mod renew;
mod secrets;
mod shown;
mod state_folder;
mod validate;
mod warnings;

pub use current::Current;
pub use load::{ConfigError, load};
pub use period::Period;
pub use shown::{Key, keys};
pub use warnings::Warning;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{priority::Matrix, ticket_text::Language},
    itop::ListQueries,
    secret::Secret,
};

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the sections are documented where they are defined")]
pub struct Config {
    pub server: Server,
    pub auth: Auth,
    pub store: StoreSection,
    pub itop: ItopSection,
    pub catalog: CatalogSection,
    pub links: Links,
    pub delivery: Delivery,
    pub ticket: Ticket,
    pub board: Board,
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
            max_connections: 2_000,
            shutdown_grace: Period::seconds(20),
        }
    }
}

/// Who may call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// The API tokens. Without any, and without a proxy, the bridge listens on loopback only and lets
    /// everyone in.
    pub tokens: Vec<Token>,
    /// A proxy that signs people in.
    pub proxy: Option<Proxy>,
}

impl Auth {
    /// Whether everybody is let in who reaches the port.
    #[must_use]
    pub fn lets_anyone_in(&self) -> bool {
        self.tokens.is_empty() && self.proxy.is_none()
    }
}

/// A proxy in front of the bridge that signs people in, and says in headers who they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proxy {
    /// The header with the name of the person.
    pub header: String,
    /// The header with their groups, separated by commas.
    pub groups_header: String,
    /// The header with the secret that the proxy alone knows.
    pub secret_header: String,
    /// That secret.
    pub secret: Option<Secret>,
    /// A file that holds it.
    pub secret_file: Option<PathBuf>,
    /// Where the proxy calls from: addresses, and networks such as `10.0.0.0/8`.
    pub trusted: Vec<String>,
    /// What those in a group may do.
    pub groups: BTreeMap<String, Vec<Scope>>,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            header: "X-Forwarded-User".to_owned(),
            groups_header: "X-Forwarded-Groups".to_owned(),
            secret_header: "X-Bridge-Proxy-Secret".to_owned(),
            secret: None,
            secret_file: None,
            trusted: vec!["127.0.0.1".to_owned(), "::1".to_owned()],
            groups: BTreeMap::new(),
        }
    }
}

/// An API token, as `servicenav-itop-bridge token` prints it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What it is called in the log.
    pub name: String,
    /// `sha256:` and the hash of the token.
    #[serde(serialize_with = "shown::is_set")]
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The instance it speaks for; a body may then not name another.
    #[serde(default)]
    pub instance: Option<String>,
    /// The companies it is limited to, `id:…` or `name:…`: those of its instance, else of `default`.
    #[serde(default)]
    pub companies: Option<Vec<String>>,
}

impl Token {
    /// Whether it can change what the bridge keeps.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.scopes.iter().any(|scope| *scope != Scope::Read)
    }

    /// Whether it is that of a tenant: it writes, and for some companies alone. Their instance is then
    /// theirs alone too, so that ids of controls and events meet no others.
    #[must_use]
    pub fn is_of_a_tenant(&self) -> bool {
        self.companies.is_some() && self.writes()
    }
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Post acknowledgements.
    Ingest,
    /// Read tickets, lists and the inbox.
    Read,
    /// Try acknowledgements again, and give them up.
    Operate,
    /// Change links, and see who waits for one. Includes the others.
    Admin,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Read, Self::Operate, Self::Admin];

    /// The word in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

/// The database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// The SQLite file. Loading sets it where the configuration does not: below the folder for state.
    pub path: PathBuf,
    /// How long rows are kept after they have ended.
    pub retention: Period,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self { path: PathBuf::new(), retention: Period::days(90) }
    }
}

/// The way to iTop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItopSection {
    /// The web root of iTop, as the bridge reaches it.
    pub url: String,
    /// The web root of iTop, as operators reach it.
    pub public_url: Option<String>,
    /// How to log in.
    pub login: LoginKind,
    /// The login of the account.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// A file that holds its password.
    pub password_file: Option<PathBuf>,
    /// A token of iTop.
    pub token: Option<Secret>,
    /// A file that holds a token of iTop.
    pub token_file: Option<PathBuf>,
    /// The user for what asks for a basic login before iTop does.
    pub front_user: Option<String>,
    /// The password for that.
    pub front_password: Option<Secret>,
    /// A file that holds the password for that.
    pub front_password_file: Option<PathBuf>,
    /// Certificates to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// The certificate that the bridge shows to what asks for one, with its chain, PEM.
    pub client_cert_file: Option<PathBuf>,
    /// The key of that certificate, PEM.
    pub client_key_file: Option<PathBuf>,
    /// The IANA name of the time zone that iTop is set to.
    pub time_zone: String,
    /// How long a connection may take.
    pub connect_timeout: Period,
    /// How long a whole call may take.
    pub timeout: Period,
    /// How long the creation of a ticket may take.
    pub create_timeout: Period,
    /// Calls in flight at most; one is kept for reads.
    pub max_in_flight: usize,
}

impl Default for ItopSection {
    fn default() -> Self {
        Self {
            url: String::new(),
            public_url: None,
            login: LoginKind::Form,
            user: String::new(),
            password: None,
            password_file: None,
            token: None,
            token_file: None,
            front_user: None,
            front_password: None,
            front_password_file: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            time_zone: "Europe/Paris".to_owned(),
            connect_timeout: Period::seconds(5),
            timeout: Period::seconds(30),
            create_timeout: Period::seconds(120),
            max_in_flight: 18,
        }
    }
}

/// How the bridge logs in to iTop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginKind {
    /// User and password in the form.
    Form,
    /// A token in the header `Auth-Token`.
    Token,
    /// HTTP basic.
    Basic,
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
}

impl Default for Links {
    fn default() -> Self {
        Self { unlinked: UnlinkedPolicy::Wait, auto: AutoLink::Off }
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

/// Turning acknowledgements into tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// Deliveries at once, however slow iTop becomes; at least 1.
    pub in_flight_min: u16,
    /// Deliveries at once, however fast iTop is; below `itop.max_in_flight`.
    pub in_flight_max: u16,
    /// How long a write without an answer may still be running.
    pub settle: Period,
    /// The same of a create where nothing proves that the way has been free since.
    pub settle_unproven: Period,
    /// Whether a create carries the condition that no ticket has its marker yet.
    pub conditional: Switch,
    /// Whether the way of a create is probed before one is sent again.
    pub path_probe: Switch,
    /// How many creates are sent again at once until one of them has succeeded.
    pub recreate_at_once: usize,
    /// The first wait after a failed attempt.
    pub backoff_first: Period,
    /// The longest wait between attempts.
    pub backoff_max: Period,
    /// When a row that cannot be delivered is given up.
    pub give_up: Period,
    /// How long after a backup was restored each event is looked for before it is delivered.
    pub restore_window: Period,
    /// How often a blocked row looks whether it was mended in iTop.
    pub recheck_blocked: Period,
    /// The first wait before a closed gate is probed.
    pub probe_first: Period,
    /// The longest wait between probes.
    pub probe_max: Period,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            in_flight_min: 1,
            in_flight_max: 16,
            settle: Period::seconds(30),
            settle_unproven: Period::minutes(10),
            conditional: Switch::Auto,
            path_probe: Switch::Auto,
            recreate_at_once: 1,
            backoff_first: Period::seconds(5),
            backoff_max: Period::minutes(10),
            give_up: Period::days(3),
            restore_window: Period::days(7),
            recheck_blocked: Period::minutes(5),
            probe_first: Period::seconds(1),
            probe_max: Period::seconds(30),
        }
    }
}

/// Whether something is done that most want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// Where it can be.
    Auto,
    /// Never.
    Off,
}

/// The tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ticket {
    /// The class of new tickets.
    pub class: TicketClass,
    /// The language of the built-in texts.
    pub language: Language,
    /// What to do while a control's ticket is still open.
    pub on_open_ticket: OnOpenTicket,
    /// What to do when an open ticket is reused and the control has become worse.
    pub on_worse: OnWorse,
    /// The team where neither the acknowledgement nor the link names one: its name or key.
    pub team: Option<String>,
    /// The template of the title.
    pub title: Option<String>,
    /// The template of the description, HTML.
    pub description: Option<String>,
    /// The attribute that keeps the marker.
    pub marker_field: String,
    /// Further attributes: attribute = template.
    pub fields: BTreeMap<String, String>,
    /// Element type × criticality.
    pub priority: Matrix,
}

impl Default for Ticket {
    fn default() -> Self {
        Self {
            class: TicketClass::Auto,
            language: Language::En,
            on_open_ticket: OnOpenTicket::Reuse,
            on_worse: OnWorse::Line,
            team: None,
            title: None,
            description: None,
            marker_field: crate::itop::MARKER_LOG.to_owned(),
            fields: BTreeMap::new(),
            priority: Matrix::default(),
        }
    }
}

/// The class of new tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketClass {
    /// `Incident` where it exists, else `UserRequest`.
    #[serde(rename = "auto")]
    Auto,
    /// Incidents.
    Incident,
    /// User requests.
    UserRequest,
}

/// What to do while a control's ticket is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnOpenTicket {
    /// A line in its private log, no new ticket.
    Reuse,
    /// A new ticket.
    Replace,
}

/// What becomes of an open ticket whose control has become worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnWorse {
    /// The line in its log says so.
    Line,
    /// Impact and urgency are raised too, and never lowered.
    Raise,
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
