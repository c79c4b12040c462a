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
    sync::Arc,
    time::Duration,
};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    tls::Shown,
    web::{Logged, Peer},
};
use connections::Connections;
pub use descriptors::{connections_for, raise_limit};

/// How long after a failed accept the next one is tried: what fails it, such as files that are all
/// in use, does not pass at once.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves connections, `most` at once, by TLS where there is a certificate, until `stop`; then accepts no more, lets the calls in flight
/// end, and returns when the last connection is closed.
pub async fn serve(
    listener: TcpListener,
    routes: Logged,
    tls: Option<Shown>,
    most: usize,
    clock: Clock,
    stop: CancellationToken,
) {
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
