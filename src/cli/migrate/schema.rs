//! `migrate schema`: what the mapping needs of the org, as a package.

use std::{fs, process::ExitCode};

use anyhow::Context as _;

use super::{Place, map::describe, org};
use crate::{
    cli::{
        ConfigFile, print,
        progress::Waiting,
        screen::{plain, readable},
    },
    clock::Clock,
    migrate::{
        folder::Folder,
        mapping::{self, check::lengths},
        schema::{self, PERMISSION_SET, package},
        staging::Staging,
    },
};

/// Have Salesforce examine what the mapping needs of it (fields, objects, a permission set), or deploy it
///
/// Without --deploy nothing is changed. The package is written into the folder, too, for administrators who
/// rather deploy it themselves.
#[derive(Debug, clap::Args)]
pub(super) struct Schema {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    place: Place,
    /// Have Salesforce say what it would refuse; this is what happens without --deploy
    #[arg(long, conflicts_with = "deploy")]
    check_only: bool,
    /// Deploy it
    #[arg(long)]
    deploy: bool,
}

impl Schema {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.file.load()?;
        let folder = Folder::of(&self.place.folder)?;
        let mapping = mapping::read(&folder.file(mapping::FILE))?;
        let section = org::section(&config)?;
        let client = org::client(section, &Clock::system())?;
        let staging = Staging::open(&folder.staging())?;
        let org = describe(&client, &schema::objects(&mapping)).await?;
        let wanted = schema::wanted(&mapping, &org, &lengths(&mapping, &staging).await?);
        if wanted.is_empty() {
            print::line("The org has all that the mapping needs.");
            return Ok(ExitCode::SUCCESS);
        }
        for wanted in &wanted {
            let fields: Vec<_> = wanted.fields.iter().map(|field| field.name.as_str()).collect();
            let new = if wanted.is_new { " (new)" } else { "" };
            print::line(format_args!("{}{new}: {}", wanted.object, fields.join(", ")));
        }
        let zip = package(&mapping, &wanted, &section.api_version);
        let path = folder.file("schema.zip");
        fs::write(&path, &zip).with_context(|| format!("{} cannot be written", path.display()))?;
        let waiting = Waiting::on("Salesforce examines the package");
        let deployed = if self.deploy {
            client.deploy_package(&zip).await
        } else {
            client.try_package(&zip).await
        }?;
        drop(waiting);
        for problem in &deployed.problems {
            print::line(format_args!(
                "refused  {}: {}",
                plain(&problem.full_name),
                plain(&problem.problem)
            ));
        }
        if !deployed.success {
            print::note(format_args!("Salesforce does not take it ({}).", plain(&deployed.status)));
            return Ok(ExitCode::FAILURE);
        }
        if self.deploy {
            print::line(format_args!(
                "It is deployed. Assign the permission set {PERMISSION_SET} to the user of the bridge: until then \
                 that user does not see the fields."
            ));
        } else {
            print::line(format_args!(
                "Salesforce would deploy all of it: {}. Nothing was changed; --deploy does it.",
                readable(&path)
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
