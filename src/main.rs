//! The command `servicenav-itop-bridge`.

use std::process::ExitCode;

use clap::Parser as _;
use servicenav_itop_bridge::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("servicenav-itop-bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}
