//! The front: which connections there are, and for how long.
//!
//! The accept loop is our own so that nothing that stands before the routes can stop the bridge: HTTP/1
//! alone, a place for each connection below the limit of open files, and a limit of time for each of
//! its states (`connections`). A sender that closes after its request has still sent it: what it
//! brought is handled to the end.

mod connection;
mod connections;
mod descriptors;

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    config::Config,
    tls::{CertificateError, Files, Shown},
    web::{Logged, Peer},
};
use connections::Connections;
use descriptors::connections_for;
pub use descriptors::raise_limit;

/// How long after a failed accept the next one is tried: what fails it, such as files that are all
/// in use, does not pass at once.
const PAUSE: Duration = Duration::from_secs(1);

/// Where a bridge listens, what it shows there, and how many connections it has room for.
#[derive(Debug)]
pub struct Front {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Shown>,
    most: usize,
    clock: Clock,
}

/// A front that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// The address of the listener is unknown.
    #[error("the listener has no address: {0}")]
    Listener(#[from] io::Error),
    /// The certificate cannot be shown.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl Front {
    /// The front of a configuration: by TLS where that names a certificate, with as many connections at once as it
    /// wants and the open files allow beside the calls to the ticket systems.
    pub fn new(listener: TcpListener, config: &Config, clock: &Clock) -> Result<Self, FrontError> {
        let address = listener.local_addr()?;
        let tls = Files::of(&config.server).map(|files| Shown::read(files, clock.clone()));
        let most = connections_for(config.server.max_connections, config.max_in_flight());
        Ok(Self { listener, address, tls: tls.transpose()?, most, clock: clock.clone() })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it is reached by whoever is on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate that it shows, if it speaks TLS.
    #[must_use]
    pub fn tls(&self) -> Option<&Shown> {
        self.tls.as_ref()
    }

    /// How many connections there can be at once.
    #[must_use]
    pub fn most_connections(&self) -> usize {
        self.most
    }

    /// Serves connections until `stop`; then accepts no more, lets the calls in flight end, and returns
    /// when the last connection is closed.
    pub async fn serve(self, routes: Logged, stop: CancellationToken) {
        let Self { listener, address, tls, most, clock } = self;
        tracing::info!(%address, tls = tls.is_some(), "the bridge listens");
        let connections = Arc::new(Connections::new(most, clock.clone()));
        let tasks = TaskTracker::new();
        let accepting = async {
            loop {
                let (stream, peer) = accept(&listener, &clock).await;
                let place = connections.place().await;
                // One that was exchanged is shown from the next connection on.
                let tls = tls.as_ref().map(Shown::acceptor);
                tasks.spawn(connection::serve(stream, peer, tls, routes.clone(), place));
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = accepting => {}
            () = connections.watch() => {}
        }
        drop(listener);
        connections.finish();
        tasks.close();
        tokio::select! {
            () = tasks.wait() => {}
            () = connections.watch() => {}
        }
    }
}

/// The next connection, and the address that it comes from, whatever fails meanwhile.
async fn accept(listener: &TcpListener, clock: &Clock) -> (TcpStream, Peer) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A failure here costs speed alone.
                let _ = stream.set_nodelay(true);
                return (stream, Peer(peer.ip()));
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted; trying again");
                clock.sleep(PAUSE).await;
            }
        }
    }
}

/// Whether a connection was gone again before it was accepted.
fn is_of_the_peer(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
