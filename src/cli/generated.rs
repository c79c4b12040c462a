//! `completions` and `man`: what is made of the command line itself, for shells and packages.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, print, screen::readable};

/// What the program is called.
const NAME: &str = "servicenav-itop-bridge";

/// The same for bash: of a program whose name has hyphens its completions know no commands of commands
/// (clap-rs/clap, issue 6421).
const WITHOUT_HYPHENS: &str = "servicenav_itop_bridge";

/// What stands below the options.
const MORE: &str = "\
In bash: source <(servicenav-itop-bridge completions bash). Packages bring them along.";

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub(super) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        if self.shell == Shell::Bash {
            let mut command = Cli::command().name(WITHOUT_HYPHENS);
            clap_complete::generate(self.shell, &mut command, WITHOUT_HYPHENS, &mut script);
            // Each line that says for which command the function is ends with its name.
            let told = String::from_utf8(script)?;
            script =
                told.replace(&format!(" {WITHOUT_HYPHENS}\n"), &format!(" {NAME}\n")).into_bytes();
        } else {
            clap_complete::generate(self.shell, &mut Cli::command(), NAME, &mut script);
        }
        print::bytes(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Write the pages of the manual; for packages
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// Where to
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let folder = &self.folder;
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            clap_mangen::generate_to(Cli::command(), folder)?;
            for page in std::fs::read_dir(folder)? {
                // They are no secret, whatever the program writes otherwise.
                std::fs::set_permissions(page?.path(), Permissions::from_mode(0o644))?;
            }
            Ok(())
        };
        write().with_context(|| format!("{} cannot be written", readable(folder)))?;
        Ok(ExitCode::SUCCESS)
    }
}
