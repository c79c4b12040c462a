//! A simulated iTop over real HTTP, for the demo and the tests.
//!
//! It answers as the recordings do that the bridge has under `tests/fixtures/itop`, errors included;
//! `tests/contract` replays them all. [`Faults`] make it fail, before an effect or after it, and hold requests,
//! also between the evaluation of a write and its effect. Queries in a write are evaluated, and
//! texts compared, as a real iTop was measured to.
//!
//! # Users
//!
//! | login | may |
//! |---|---|
//! | `bridge` | read everything, write tickets and configuration; also by token [`TOKEN`] |
//! | `limited` | see company 3 alone, write its tickets |
//! | `limitedcmdb` | see company 3 alone, write its tickets and configuration, also in bulk |
//! | `cmdb` | *Configuration Manager*: write configuration, also in bulk; no data sources |
//! | `reader` | read everything, write nothing |
//! | `restonly` | log in: the profile *REST Services User* alone |
//! | `portal` | nothing over REST: may use the portal alone |
//! | `labadmin` | everything: *Administrator* and *REST Services User* |
//! | `admin` | nothing over REST: lacks the profile *REST Services User* |
//!
//! All have the password [`PASSWORD`].

mod admin;
mod classes;
mod clerk;
mod collation;
mod database;
mod faults;
mod front;
mod grown;
mod inspect;
mod lifecycle;
mod line;
mod load;
mod locks;
mod login;
mod noise;
mod operations;
mod oql;
mod pages;
mod refusal;
mod rest;
mod sanitize;
mod session;
mod synchro;
mod work;
mod write;

use std::{future::IntoFuture as _, io, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{Router, routing::any};
use clock::Clock;
use jiff::{SignedDuration, tz::TimeZone};
use minijinja::Environment;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    faults::{Fault, FaultId, FaultKind, Faults, Operations},
    grown::Grown,
    inspect::TicketSeen,
    load::{Latency, RequestsSeen},
    noise::Noise,
};

/// The password of all users.
pub const PASSWORD: &str = "sandbox";
/// The value of the header `Auth-Token` that logs `bridge` in.
pub const TOKEN: &str = "sandbox-token";

/// Which ticket modules of iTop are installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavour {
    /// ITIL: `UserRequest` and `Incident`, as on the recorded 3.2.0.
    #[default]
    Itil,
    /// Simple: `UserRequest` alone, with `request_type`, as on the recorded 3.1.2.
    Simple,
    /// ITIL with changes, FAQ and known errors, and three classes of the provider's own: `AccessPoint` (a CI),
    /// `SecurityIncident` (a ticket) and `SiteVisit`. Nothing of these was recorded.
    Grown,
}

impl Flavour {
    fn name(self) -> &'static str {
        match self {
            Self::Itil => "ITIL tickets",
            Self::Simple => "simple tickets",
            Self::Grown => "ITIL tickets, changes, knowledge and classes of its own",
        }
    }
}

/// What a new sandbox is filled with. iTop's own demo set is always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Data {
    /// Believable companies besides, for the demo and the awkward cases of tests.
    #[default]
    Companies,
    /// Those companies, and what a provider has after years of work; goes with [`Flavour::Grown`].
    Grown(Grown),
    /// Only what the recorded installation had, with so many bare "Client N" companies.
    Recorded {
        /// How many; the recorded ITIL installation had 2,000.
        clients: u32,
    },
}

/// How a sandbox is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which ticket modules are installed.
    pub flavour: Flavour,
    /// Where the data lies; none keeps it in memory. An existing file goes on with its data, and
    /// `data` and `servers` are then ignored.
    pub file: Option<PathBuf>,
    /// iTop's own time zone, in which all its dates are.
    pub time_zone: TimeZone,
    /// The companies, contacts, services and CIs.
    pub data: Data,
    /// How many servers `srv-000001`, … the company Demo gets.
    pub servers: u32,
    /// How slow requests are; none is as fast as it goes.
    pub latency: Option<Latency>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            flavour: Flavour::default(),
            file: None,
            // The time zones are compiled in.
            time_zone: TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC),
            data: Data::default(),
            servers: 0,
            latency: None,
        }
    }
}

/// Why a sandbox does not start, does not go on, or does not do something.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The data cannot be read or written.
    #[error("the data of the sandbox: {0}")]
    Storage(#[from] rusqlite::Error),
    /// The listener does not work.
    #[error("the listener of the sandbox: {0}")]
    Listener(#[from] io::Error),
    /// A page of the sandbox is broken.
    #[error("a page of the sandbox: {0}")]
    Page(#[from] minijinja::Error),
    /// The server task has panicked.
    #[error("the sandbox has died: {0}")]
    Died(#[from] tokio::task::JoinError),
    /// There is no object of that class and id.
    #[error("there is no {0}::{1}")]
    NoSuchObject(String, i64),
    /// iTop does not allow it: the life cycle of tickets, or the check of a value.
    #[error("{0}")]
    Refused(String),
}

/// The simulated iTop that all requests share.
struct Itop {
    options: Options,
    clock: Clock,
    database: database::Database,
    faults: Faults,
    locks: locks::Locks,
    load: load::Load,
    templates: Environment<'static>,
    /// Requests at work, which run to their end even if their client hangs up.
    tasks: TaskTracker,
    /// Cancelled when the sandbox is dropped: everything stops where it is.
    dead: CancellationToken,
}

impl Itop {
    /// The time as iTop writes it, `ahead` of its own time zone.
    fn now(&self, ahead: SignedDuration) -> String {
        let shifted = self.clock.now().saturating_add(ahead).unwrap_or_else(|_| self.clock.now());
        shifted.to_zoned(self.options.time_zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

/// A running sandbox. Dropping it ends it as `kill -9` would: connections close and delays end
/// without an effect, while a write that has begun is still committed.
pub struct Sandbox {
    address: SocketAddr,
    itop: Arc<Itop>,
    /// None once it has ended.
    server: Option<JoinHandle<io::Result<()>>>,
    stopping: CancellationToken,
}

impl Sandbox {
    /// Starts a sandbox on `listener`.
    pub async fn start(
        listener: TcpListener,
        options: Options,
        clock: Clock,
    ) -> Result<Self, SandboxError> {
        let address = listener.local_addr()?;
        // Filling a database of 50,000 servers takes its time.
        let (database, options) = tokio::task::spawn_blocking(move || {
            database::Database::open(&options).map(|database| (database, options))
        })
        .await??;
        let dead = CancellationToken::new();
        let itop = Arc::new(Itop {
            options,
            clock,
            database,
            faults: Faults::default(),
            locks: locks::Locks::default(),
            load: load::Load::default(),
            templates: pages::templates()?,
            tasks: TaskTracker::new(),
            dead: dead.clone(),
        });
        let router = Router::new()
            .route("/webservices/rest.php", any(rest::rest))
            .merge(synchro::routes())
            .merge(inspect::routes())
            .merge(pages::routes())
            .with_state(Arc::clone(&itop));
        let stopping = CancellationToken::new();
        let server = tokio::spawn(
            axum::serve(
                line::Exchange { listener, dead },
                router.into_make_service_with_connect_info::<line::Line>(),
            )
            .with_graceful_shutdown(stopping.clone().cancelled_owned())
            .into_future(),
        );
        Ok(Self { address, itop, server: Some(server), stopping })
    }

    /// The address that takes the place of iTop's: `{url}/webservices/rest.php`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The faults, to switch them while the sandbox runs.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.itop.faults
    }

    /// Waits until the sandbox serves no more, for whatever reason: run it beside what needs it,
    /// so that a dead sandbox is noticed.
    pub async fn ended(&mut self) -> Result<(), SandboxError> {
        let Some(server) = &mut self.server else { return Ok(()) };
        let ended = server.await;
        self.server = None;
        Ok(ended??)
    }

    /// Stops: takes no more connections, and lets requests at work run to their end.
    pub async fn stop(mut self) -> Result<(), SandboxError> {
        self.stopping.cancel();
        let ended = self.ended().await;
        self.itop.tasks.close();
        self.itop.tasks.wait().await;
        ended
    }

    /// All tickets, oldest first.
    pub async fn tickets(&self) -> Result<Vec<TicketSeen>, SandboxError> {
        inspect::aside(&self.itop, Itop::tickets).await
    }

    /// What the sandbox was asked so far.
    #[must_use]
    pub fn requests_seen(&self) -> RequestsSeen {
        self.itop.load.seen()
    }

    /// Deletes a ticket, as an administrator of iTop can.
    pub async fn delete_ticket(&self, class: &str, id: i64) -> Result<(), SandboxError> {
        self.delete(class, id).await
    }

    /// Moves a ticket along its life cycle, as an agent does by the buttons of its page.
    pub async fn apply_stimulus(
        &self,
        class: &str,
        id: i64,
        stimulus: &str,
    ) -> Result<(), SandboxError> {
        let (class, stimulus) = (class.to_owned(), stimulus.to_owned());
        inspect::aside(&self.itop, move |itop| itop.apply_stimulus(&class, id, &stimulus)).await
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.itop.dead.cancel();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

#[cfg(test)]
mod tests;
