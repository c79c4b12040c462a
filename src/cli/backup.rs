//! `backup` and `restore`: a copy of the database, and starting from one.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{ConfigFile, print, progress::Growing};
use crate::{clock::Clock, config::Config, store};

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
        let database = file_of(self.file.load()?)?;
        let copying = watch(&database, self.to.clone());
        store::backup(&database, &self.to)?;
        drop(copying);
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
        let database = file_of(self.file.load()?)?;
        let copying = watch(&self.from, store::restoring(&database));
        let kept = store::restore(&self.from, &database, Clock::system().now())?;
        drop(copying);
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

/// The file of the database; a server has programs of its own for copies.
fn file_of(config: Config) -> anyhow::Result<PathBuf> {
    if config.store.url.is_some() {
        anyhow::bail!("the database is one of PostgreSQL (store.url): copy it with pg_dump");
    }
    Ok(config.store.path)
}

/// Shows how far a copy has come.
fn watch(from: &Path, to: PathBuf) -> Growing {
    let bytes = std::fs::metadata(from).map_or(0, |from| from.len());
    Growing::watch(to, bytes, "copying", "checking the copy")
}
