//! Builds everything from configuration, clock and listener, and runs it until it is told to stop.

mod desks;
mod error;
mod federation;
mod leader;
mod local_token;
mod purge;
mod reload;
mod settings;
mod tasks;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    board::Board,
    check::Checks,
    clock::Clock,
    config::{Config, Current},
    delivery::{Delivery, Settings},
    domain::{names, visible::Visible},
    history::History,
    hooks::Hooks,
    migrate::watch::Watch,
    server::Front,
    store::Store,
    web::{
        self, Addresses, AppState, ControlAnswers, Looks, Parts, Rooms, Sessions, Signer,
        Templates as Pages,
    },
};

pub use error::{RunError, StartError};
pub use leader::Leader;
use local_token::Tokens;
pub use local_token::file as local_token_file;
pub use reload::Reload;
pub use settings::client_settings;
use settings::link_key;
use tasks::Tasks;

/// A bridge that is ready to run.
#[derive(Debug)]
pub struct App {
    front: Front,
    state: AppState,
    leader: Leader,
    reload: Reload,
    config: Config,
}

impl App {
    /// Wires everything up; nothing runs before [`App::run`].
    pub async fn build(
        config: Config,
        clock: Clock,
        listener: TcpListener,
    ) -> Result<Self, StartError> {
        let front = Front::new(listener, &config, &clock)?;
        refuse_open(front.address(), &config)?;
        // The writer spells what tickets are found by: the first one would be written down, and answered,
        // only when that is ready.
        tokio::task::spawn_blocking(|| {
            // Not within the line: it is made only where somebody wants to read it.
            let letters = names::prepare();
            tracing::debug!(letters, "names can be spelt");
        });
        let store = Store::of(&config.store, clock.clone()).await?;
        tell_what_is_served(&config, &store);
        let desks = desks::wired(&config, &clock)?;
        refuse_crowded(&config, &store).await?;
        let signer = Signer::new(&link_key(&config, &store).await?);
        let bridge_url = config.server.public_url.clone().unwrap_or_else(|| front.url());
        let addresses = Addresses::new(&bridge_url, desks.clone(), signer.clone());
        let settings = Settings {
            delivery: config.delivery.clone(),
            ticket: config.ticket.clone(),
            links: config.links.clone(),
            desks: desks::settings(&config)?.into_iter().collect(),
            cmdb: config.cmdb.clone(),
        };
        let delivery = Delivery::new(store.clone(), &desks, clock.clone(), settings);
        delivery.recover_hold().await?;
        let (board, refresher) =
            Board::new(store.clone(), clock.clone(), desks.clone(), config.board.clone());
        let sessions = Sessions::new(&config.server, signer.clone(), clock.clone());
        let tokens = Tokens::of(&config, sessions);
        let answers = ControlAnswers::new(
            store.for_polls(),
            board.clone(),
            delivery.clone(),
            addresses.clone(),
            clock.clone(),
        );
        let federation = federation::wired(&config, &desks, &store, &delivery, &clock)?;
        let current = Current::new(config.clone());
        let checks = Checks::new(current.clone(), desks.clone(), clock.clone());
        let catalog = desks.default().catalog.clone();
        let history = History::read(store.clone(), clock.clone(), desks.clone()).await?;
        let hooks = Hooks::new(store.clone(), clock.clone(), desks.clone(), &config.hooks).await?;
        let reload = Reload::new(reload::Parts {
            config: current.clone(),
            address: front.address(),
            desks: desks.clone(),
            store: store.clone(),
            tokens: tokens.clone(),
            signer,
            answers: answers.clone(),
            hooks: hooks.clone(),
            federation: federation.clone(),
            tls: front.tls().cloned(),
        });
        let migration = config.migrate.as_ref().map(|migrate| migrate.folder.clone());
        let migration = migration.map(|folder| Watch::new(folder, clock.clone()));
        let parts = Parts {
            templates: Pages::new(&addresses, &clock)?,
            store: store.for_polls(),
            desks,
            catalog,
            delivery,
            board,
            clock,
            tokens: tokens.known,
            addresses,
            answers,
            rooms: Rooms::beside(front.most_connections()),
            config: current,
            checks,
            history,
            hooks,
            federation,
            migration,
            looks: Looks::default(),
            tls: front.tls().cloned(),
        };
        let state = AppState::from(parts);
        let leader = Leader::new(leader::Parts {
            state: state.clone(),
            refresher,
            reload: reload.clone(),
            delivery: config.delivery.clone(),
            retention: config.store.retention.duration(),
        });
        Ok(Self { front, state, leader, reload, config })
    }

    /// What can be read again while the bridge runs.
    #[must_use]
    pub fn reload(&self) -> Reload {
        self.reload.clone()
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.front.address()
    }

    /// What delivers where [`App::serve`] answers.
    #[must_use]
    pub fn leader(&self) -> Leader {
        self.leader.clone()
    }

    /// Serves and delivers until `stop`. Then it accepts no more connections, lets calls in flight
    /// end within `server.shutdown_grace`, and leaves the rest as rows.
    ///
    /// # Errors
    /// Where the server or a background task ends by itself: the process should end too, so that
    /// whoever watches it starts it again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunError> {
        let (leader, clock) = (self.leader(), self.state.clock.clone());
        let grace = self.config.server.shutdown_grace.duration();
        let running = async {
            let (leading, serving) = (leader.lead(stop.clone()), self.serve(stop.clone()));
            tokio::try_join!(leading, serving)
        };
        let too_long = async {
            stop.cancelled().await;
            clock.sleep(grace).await;
        };
        tokio::select! {
            outcome = running => outcome.map(|_| ()),
            () = too_long => {
                tracing::warn!("calls in flight did not end in time; they are looked up at the next start");
                Ok(())
            }
        }
    }

    /// Accepts and answers until `stop`; delivers nothing, which [`Leader::lead`] does.
    ///
    /// # Errors
    /// Where something without which it cannot be done ends by itself.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), RunError> {
        let Self { front, state, config, .. } = self;
        let mut tasks = Tasks::until(stop.clone());
        let store = state.store.clone();
        tasks.start_endless("writer of the database", async move { store.writer_ended().await });
        let (delivery, told) = (state.delivery.clone(), stop.clone());
        tasks.start("who waits", async move {
            told.cancelled().await;
            delivery.stop_waiting();
        });
        if let Some(tls) = front.tls().cloned() {
            tasks.start_endless("certificate", tls.watch());
        }
        let routes = web::routes(&state, &config);
        let serving = async {
            front.serve(routes, stop).await;
            Ok(())
        };
        tokio::try_join!(serving, tasks.ended()).map(|_| ())
    }
}

/// What an operator looks for first when something is not as expected: which configuration, which
/// database and how much is in it, which ticket systems.
fn tell_what_is_served(config: &Config, store: &Store) {
    let path = &config.store.path;
    // It has just been opened.
    let file = || path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string();
    let database = config.store.url.clone().unwrap_or_else(file);
    let file = config.file.as_deref().map(|file| file.canonicalize().unwrap_or(file.to_owned()));
    let configuration = file.map_or("environment".to_owned(), |file| file.display().to_string());
    tracing::info!(
        configuration,
        database,
        acknowledgements = store.counts(&Visible::all()).total(),
        itop = config.itop.as_ref().map(|itop| &itop.url),
        salesforce = config.salesforce.as_ref().map(|salesforce| &salesforce.login_url),
        version = env!("CARGO_PKG_VERSION"),
        "the bridge starts"
    );
    for warning in config.warnings() {
        tracing::warn!(mend = warning.mend, "{}", warning.seen);
    }
}

/// Beyond loopback nobody is let in without a token.
fn refuse_open(address: SocketAddr, config: &Config) -> Result<(), StartError> {
    if !address.ip().is_loopback() && config.auth.lets_anyone_in() {
        return Err(StartError::Open(address));
    }
    Ok(())
}

/// What a token of some companies posts takes the place of nobody's.
async fn refuse_crowded(config: &Config, store: &Store) -> Result<(), StartError> {
    match web::crowded_instance(&config.auth, store).await? {
        Some(instance) => Err(StartError::Crowded(instance)),
        None => Ok(()),
    }
}
