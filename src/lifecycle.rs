//! Signals (when to stop, at the first in good order, at the second at once; when to read the
//! configuration again), and what is not to be stopped half-way.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// The exit status of a process that a second signal ended.
const ENDED_AT_ONCE: i32 = 130;

/// A token that SIGINT or SIGTERM cancels. A second signal ends the process: every state that the
/// database has been left in is one from which the next start goes on.
pub fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        for last in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if last {
                tracing::warn!("told twice to stop: ending at once");
                std::process::exit(ENDED_AT_ONCE);
            }
            tracing::info!("told to stop: finishing what is in flight");
            token.cancel();
        }
    });
    Ok(stop)
}

/// SIGHUP, which would otherwise end the process: each means that the configuration is to be read
/// again.
pub fn reload_signal() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Starts something that runs to its end even if whoever waits for it goes: a future that is dropped
/// ends between two of its steps.
///
/// It is boxed, and what waits for it is small: each layer between a request and its handler would move
/// it along.
///
/// # Panics
/// Where the work does.
pub fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send {
    let started = tokio::spawn(Box::pin(work).in_current_span());
    async {
        match started.await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and with it whoever waits.
                Err(_) => std::future::pending().await,
            },
        }
    }
}
