//! `serve`: run the bridge.

use std::process::ExitCode;

use super::{ConfigFile, listen};
use crate::{app::App, clock::Clock, lifecycle, server, telemetry};

pub(super) async fn serve(file: &ConfigFile) -> anyhow::Result<ExitCode> {
    let config = file.load()?;
    telemetry::start(&config.log)?;
    server::raise_limit();
    let stop = lifecycle::stop_on_signal()?;
    let listener = listen(config.server.listen, "server.listen").await?;
    let app = App::build(config, Clock::system(), listener).await?;
    app.run(stop).await?;
    Ok(ExitCode::SUCCESS)
}
