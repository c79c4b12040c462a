//! The command `servicenav-itop-bridge`.

use std::process::ExitCode;

use servicenav_itop_bridge::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    // Whatever it writes, database and backups above all, is for its own user.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    match Box::pin(Cli::of_this_process().run()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("servicenav-itop-bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}
