//! The command `servicenav-itop-bridge`.

use std::process::ExitCode;

fn main() -> ExitCode {
    servicenav_itop_bridge::cli::main()
}
