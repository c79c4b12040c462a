//! `salesforce package`: the fields, object and permission set, as a zip for the administrator.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;

use super::super::ConfigFile;
use crate::{
    clock::Clock,
    salesforce::{Client, Error, PERMISSION_SET, package},
};

/// Write the zip with the external id field, the object `CI__c` and the permission set, as they are
/// configured, or have Salesforce examine it without deploying it
#[derive(Debug, clap::Args)]
pub(super) struct Package {
    #[command(flatten)]
    file: ConfigFile,
    /// Where to write it
    #[arg(short, long, default_value = "servicenav-bridge-salesforce.zip")]
    out: PathBuf,
    /// Have Salesforce say what it would refuse; nothing is written or changed
    #[arg(long, conflicts_with = "out")]
    check_only: bool,
}

impl Package {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.file.load()?;
        let section = config.salesforce.as_ref();
        let section = section.context("the configuration has no section [salesforce]")?;
        let zip = package(&section.mapping(), &section.api_version);
        if self.check_only {
            let client = Client::new(&section.settings()?, Clock::system())?;
            return check(&client, &zip).await;
        }
        std::fs::write(&self.out, &zip)
            .with_context(|| format!("{} cannot be written", self.out.display()))?;
        println!(
            "{} is written. Deploy it (Workbench, sf project deploy, an IDE), then assign the permission \
             set {PERMISSION_SET} to the user of the bridge: until then that user does not see the fields.",
            self.out.display()
        );
        Ok(ExitCode::SUCCESS)
    }
}

async fn check(client: &Client, zip: &[u8]) -> anyhow::Result<ExitCode> {
    let deployed = client.try_package(zip).await.map_err(|error| {
        let mend = match &error {
            Error::NotAllowed { .. } | Error::Refused(_) => {
                "\n-> The user of the bridge needs \"Modify Metadata Through Metadata API Functions\" for \
                 this alone; better let the administrator deploy the zip."
            }
            error => error.mend().map_or("", |_| "\n-> See the command 'check'."),
        };
        anyhow::anyhow!("{error}{mend}")
    })?;
    for problem in &deployed.problems {
        println!("refused  {}: {}", problem.full_name, problem.problem);
    }
    if deployed.success {
        println!("Salesforce would deploy all of it.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("Salesforce would not deploy it ({}).", deployed.status);
    Ok(ExitCode::FAILURE)
}
