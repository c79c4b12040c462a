//! `backup` and `restore`: a copy of the database, and starting from one.

use std::{path::PathBuf, process::ExitCode};

use super::{ConfigFile, print};
use crate::{clock::Clock, store};

/// Where the copy goes.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    #[command(flatten)]
    file: ConfigFile,
    /// The new file; it must not exist
    to: PathBuf,
}

impl Backup {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let database = self.file.load()?.store.path;
        store::backup(&database, &self.to)?;
        print::line(format_args!(
            "{} was copied to {} and checked",
            database.display(),
            self.to.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// Which copy.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    #[command(flatten)]
    file: ConfigFile,
    /// The copy that `backup` made
    from: PathBuf,
}

impl Restore {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let database = self.file.load()?.store.path;
        let kept = store::restore(&self.from, &database, Clock::system().now())?;
        print::line(format_args!(
            "{} was restored from {}",
            database.display(),
            self.from.display()
        ));
        if let Some(kept) = kept {
            print::line(format_args!("what was there is kept as {}", kept.display()));
        }
        print::line(
            "Unfinished acknowledgements, and events that are posted again, are looked for in \
             iTop before anything is created.",
        );
        Ok(ExitCode::SUCCESS)
    }
}
