//! `serve`: run the bridge.

use std::process::ExitCode;

use super::{ConfigFile, listen};
use crate::{
    app::{App, Reload},
    clock::Clock,
    lifecycle, server,
    telemetry::{self, Filter},
};

pub(super) async fn serve(file: &ConfigFile) -> anyhow::Result<ExitCode> {
    let config = file.load()?;
    let filter = telemetry::start(&config.log)?;
    server::raise_limit();
    let stop = lifecycle::stop_on_signal()?;
    let mut reload_signal = lifecycle::reload_signal()?;
    let listener = listen(config.server.listen, "server.listen").await?;
    let app = App::build(config, Clock::system(), listener).await?;
    let reload = app.reload();
    let reloading = async {
        while reload_signal.recv().await.is_some() {
            read_again(file, &reload, &filter).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = app.run(stop) => ended?,
        () = reloading => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes over what can be changed while the bridge runs; a configuration that cannot be used changes
/// nothing.
async fn read_again(file: &ConfigFile, reload: &Reload, filter: &Filter) {
    let taken = async {
        let read = file.load()?;
        let needs_restart = reload.configuration(&read).await?;
        filter.set(&read.log.filter)?;
        anyhow::Ok(needs_restart)
    };
    match taken.await {
        Ok(false) => {
            tracing::info!("tokens, hooks, secrets, certificate and log filter were read again");
        }
        Ok(true) => tracing::warn!(
            "tokens, hooks, secrets, certificate and log filter were read again; what else was changed in the \
             configuration needs a restart"
        ),
        Err(error) => tracing::error!(
            "the configuration was not read again, and the bridge goes on with the one that it \
             has: {error:#}"
        ),
    }
}
