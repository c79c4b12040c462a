//! `migrate forget`: nothing personal is left behind.

use std::process::ExitCode;

use super::Place;
use crate::{
    cli::{
        ask::{Assent, whether},
        print,
        screen::readable,
    },
    migrate::folder::Folder,
};

/// Remove the folder of a migration, with all that was read
#[derive(Debug, clap::Args)]
pub(super) struct Forget {
    #[command(flatten)]
    place: Place,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Forget {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let folder = Folder::of(&self.place.folder)?;
        let shown = readable(&self.place.folder);
        let question = format!("Remove {shown} with all that was read from iTop?");
        if !self.yes && whether(&question)? == Assent::No {
            return Ok(ExitCode::FAILURE);
        }
        folder.forget()?;
        print::line(format_args!("{shown} is removed"));
        Ok(ExitCode::SUCCESS)
    }
}
