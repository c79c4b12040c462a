//! Builds everything from configuration, clock and listener, and runs it until it is told to stop.

mod federation;
mod local_token;
mod reload;

use std::{net::SocketAddr, pin::Pin};

use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    board::{Board, Refresher},
    catalog::Catalog,
    check::Checks,
    clock::Clock,
    config::{self, Config, Current, LoginKind},
    delivery::{Delivery, Settings},
    domain::{
        keys::Instance,
        ticket_text::{TemplateError, Templates},
        visible::Visible,
    },
    gate::Gate,
    history::History,
    hooks::{HookError, Hooks, ReplaceError},
    itop::{self, Client, ClientError, FrontLogin, ItopZone, Login, TlsFiles},
    secret::{Secret, random_key},
    server,
    store::{Store, StoreError},
    tls::{CertificateError, Files, Shown},
    web::{
        self, Addresses, AppState, ControlAnswers, Looks, Parts, Rooms, Sessions, Signer,
        Templates as Pages,
    },
};

use local_token::Tokens;
pub use local_token::file as local_token_file;
pub use reload::Reload;

/// What a background task does.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How often ended rows are looked for.
const PURGE_EVERY: std::time::Duration = std::time::Duration::from_mins(10);

/// A bridge that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Everybody could call it.
    #[error(
        "server.listen is {0}, beyond loopback, and there is no token: anyone could post. Make \
         one with the command 'token', or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// A token of some companies would meet those of others.
    #[error(
        "auth: instance '{0}' is that of a token or group which is limited to companies and may write, \
         and the database has controls or acknowledgements of other companies in it. Give \
         the token an instance of its own (or the group of auth.oidc), and link its companies there"
    )]
    Crowded(Instance),
    /// The configuration names something unusable.
    #[error("{0}")]
    Config(String),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A page cannot be used: a defect.
    #[error("a page of the bridge cannot be used: {0}")]
    Page(#[from] minijinja::Error),
    /// The certificate cannot be shown.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A hook cannot be used.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address of the listener is unknown.
    #[error("the listener has no address: {0}")]
    Listener(#[from] std::io::Error),
}

/// A bridge that ended although nobody told it to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A background task ended: without it the bridge would only seem to work.
    #[error("the background task '{0}' ended; see the log before this")]
    Task(&'static str),
}

/// A bridge that is ready to run.
#[derive(Debug)]
pub struct App {
    listener: TcpListener,
    state: AppState,
    refresher: Refresher,
    gate: Gate,
    client: Client,
    reload: Reload,
    config: Config,
    address: SocketAddr,
    /// How many there can be at once.
    connections: usize,
}

/// The settings of the iTop client, from a checked configuration.
pub fn client_settings(config: &Config) -> Result<itop::Settings, StartError> {
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
    Ok(itop::Settings {
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

impl From<ReplaceError> for StartError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Hook(error) => Self::Hook(error),
            ReplaceError::Store(error) => Self::Store(error),
        }
    }
}

impl App {
    /// Wires everything up; nothing runs before [`App::run`].
    pub async fn build(
        config: Config,
        clock: Clock,
        listener: TcpListener,
    ) -> Result<Self, StartError> {
        let address = listener.local_addr()?;
        refuse_open(address, &config)?;
        let tls = Files::of(&config.server);
        let tls = tls.map(|files| Shown::read(files, clock.clone())).transpose()?;
        let store = Store::open(&config.store.path, clock.clone())?;
        tell_what_is_served(&config, &store);
        let client = Client::new(&client_settings(&config)?)?;
        if let Some(itop::Proxy { address, variable, .. }) = itop::proxy(&client.endpoint()) {
            tracing::info!(proxy = address, variable, "iTop is called through a proxy");
        }
        let templates = templates(&config.ticket)?;
        refuse_crowded(&config, &store).await?;
        let signer = Signer::new(&link_key(&config, &store).await?);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let bridge_url =
            config.server.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
        let itop_url = config.itop.public_url.as_deref().unwrap_or(&config.itop.url);
        let addresses = Addresses::new(&bridge_url, itop_url, signer.clone());

        let gate = Gate::new(clock.clone());
        let catalog = Catalog::new(
            client.clone(),
            &gate,
            &clock,
            config.catalog.clone(),
            config.ticket.clone(),
        );
        let settings = Settings {
            delivery: config.delivery.clone(),
            ticket: config.ticket.clone(),
            links: config.links.clone(),
            templates,
            cmdb: config.cmdb.clone(),
        };
        let delivery = Delivery::new(
            store.clone(),
            catalog.clone(),
            client.clone(),
            gate.clone(),
            clock.clone(),
            settings,
        );
        let (board, refresher) = Board::new(
            store.clone(),
            clock.clone(),
            gate.clone(),
            client.clone(),
            catalog.clone(),
            config.board.clone(),
        );
        let sessions = Sessions::new(&config.server, signer.clone(), clock.clone());
        let tokens = Tokens::of(&config, sessions);
        let answers = ControlAnswers::new(
            store.for_polls(),
            board.clone(),
            delivery.clone(),
            addresses.clone(),
            clock.clone(),
        );
        let federation = federation::wired(&config, &client, &store, (&gate, &delivery), &clock)?;
        let current = Current::new(config.clone());
        let checks = Checks::new(current.clone(), client.clone(), clock.clone());
        let history = History::read(store.clone(), clock.clone(), client.calls().clone()).await?;
        let hooks = Hooks::new(store.clone(), clock.clone(), itop_url, &config.hooks).await?;
        let reload = Reload::new(reload::Parts {
            config: current.clone(),
            address,
            client: client.clone(),
            store: store.clone(),
            tokens: tokens.clone(),
            signer,
            answers: answers.clone(),
            hooks: hooks.clone(),
            federation: federation.clone(),
            tls: tls.clone(),
        });
        let connections =
            server::connections_for(config.server.max_connections, config.itop.max_in_flight);
        let parts = Parts {
            templates: Pages::new(&addresses, &clock)?,
            store: store.for_polls(),
            catalog,
            delivery,
            board,
            clock,
            tokens: tokens.known,
            addresses,
            answers,
            rooms: Rooms::beside(connections),
            config: current,
            checks,
            history,
            hooks,
            federation,
            looks: Looks::default(),
            tls,
        };
        let state = AppState::from(parts);
        Ok(Self { listener, state, refresher, gate, client, reload, config, address, connections })
    }

    /// What can be read again while the bridge runs.
    #[must_use]
    pub fn reload(&self) -> Reload {
        self.reload.clone()
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves and delivers until `stop`. Then it accepts no more connections, lets calls in flight
    /// end within `server.shutdown_grace`, and leaves the rest as rows.
    ///
    /// # Errors
    /// Where the server or a background task ends by itself: the process should end too, so that
    /// whoever watches it starts it again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunError> {
        let Self { listener, state, refresher, gate, client, reload, config, address, connections } =
            self;
        let mut tasks = JoinSet::new();
        let delivery = state.delivery.clone();
        let deliveries_stop = stop.clone();
        tasks.spawn(async move {
            delivery.run(deliveries_stop).await;
            "deliveries"
        });
        let (history, history_gate, history_stop) =
            (state.history.clone(), gate.clone(), stop.clone());
        tasks.spawn(async move {
            history.keep(&history_gate, history_stop).await;
            "history"
        });
        let helpers = stop.clone();
        let mut background = |name: &'static str, work: Work| {
            let stop = helpers.clone();
            tasks.spawn(async move {
                stop.run_until_cancelled(work).await;
                name
            });
        };
        let catalog = state.catalog.clone();
        let class = move || {
            let catalog = catalog.clone();
            async move {
                let model = catalog.ticket_model().await;
                model.map_or(itop::USER_REQUEST, |model| model.class).to_owned()
            }
        };
        let renew = move || reload.secret_files();
        background("gate", Box::pin(gate.keep(client, class, renew, config.delivery.clone())));
        background("board", Box::pin(refresher.run()));
        background("hooks", Box::pin(state.hooks.clone().run()));
        if let Some(federation) = state.federation.clone() {
            background("federation", Box::pin(federation.run()));
        }
        let store = state.store.clone();
        background("writer of the database", Box::pin(async move { store.writer_ended().await }));
        let retention = config.store.retention.duration();
        background("purge", Box::pin(purge(state.store.clone(), state.clock.clone(), retention)));

        if let Some(tls) = state.tls.clone() {
            background("certificate", Box::pin(tls.watch()));
        }
        tracing::info!(%address, tls = state.tls.is_some(), "the bridge listens");
        let routes = web::routes(&state, &config);
        let serving = async {
            let (tls, clock) = (state.tls.clone(), state.clock.clone());
            server::serve(listener, routes, tls, connections, clock, stop.clone()).await;
            Ok(())
        };
        let watching = async {
            while let Some(ended) = tasks.join_next().await {
                // After `stop` every task ends, in any order.
                if !stop.is_cancelled() {
                    return Err(RunError::Task(ended.unwrap_or("one that panicked")));
                }
            }
            Ok(())
        };
        let grace = config.server.shutdown_grace.duration();
        let too_long = async {
            stop.cancelled().await;
            state.clock.sleep(grace).await;
        };
        tokio::select! {
            outcome = async { tokio::try_join!(serving, watching) } => outcome.map(|_| ()),
            () = too_long => {
                tracing::warn!("calls in flight did not end in time; they are looked up at the next start");
                Ok(())
            }
        }
    }
}

/// The templates of tickets.
fn templates(ticket: &config::Ticket) -> Result<Templates, TemplateError> {
    let (title, description) = (ticket.title.as_deref(), ticket.description.as_deref());
    Templates::new(ticket.language, title, description, &ticket.fields)
}

/// What an operator looks for first when something is not as expected: which configuration, which
/// database and how much is in it, which iTop.
fn tell_what_is_served(config: &Config, store: &Store) {
    let path = &config.store.path;
    // It has just been opened.
    let database = path.canonicalize().unwrap_or_else(|_| path.clone());
    let file = config.file.as_deref().map(|file| file.canonicalize().unwrap_or(file.to_owned()));
    let configuration = file.map_or("environment".to_owned(), |file| file.display().to_string());
    tracing::info!(
        configuration,
        database = %database.display(),
        acknowledgements = store.counts(&Visible::all()).total(),
        itop = config.itop.url,
        version = env!("CARGO_PKG_VERSION"),
        "the bridge starts"
    );
    for warning in config.warnings() {
        tracing::warn!(mend = warning.mend, "{}", warning.seen);
    }
}

async fn purge(store: Store, clock: Clock, retention: std::time::Duration) {
    let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    loop {
        clock.sleep(PURGE_EVERY).await;
        if let Err(error) = store.forget_companies(retention).await {
            tracing::error!(%error, "companies of which nothing came for long could not be forgotten");
        }
        if let Err(error) = store.forget_messages(retention).await {
            tracing::error!(%error, "the ids of old signed messages could not be forgotten");
        }
        loop {
            match store.purge_ended(retention).await {
                Ok(0) => break,
                Ok(rows) => tracing::info!(rows, "ended acknowledgements purged"),
                Err(error) => {
                    tracing::error!(%error, "ended acknowledgements could not be purged");
                    break;
                }
            }
        }
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

/// The key of signed links: the configured one, else one that is made once and kept.
async fn link_key(config: &Config, store: &Store) -> Result<Secret, StoreError> {
    match &config.server.link_key {
        Some(key) => Ok(key.clone()),
        None => Ok(Secret::new(store.meta_or_insert("link_key", random_key()).await?)),
    }
}
