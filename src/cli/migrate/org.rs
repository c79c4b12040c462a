//! What the steps share that speak to the org.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use reqwest::Url;

use crate::{
    clock::Clock,
    config::{Config, SalesforceSection},
    migrate::{
        folder::Folder,
        mapping::{self, FILE},
        staging::Staging,
        target::{Plan, expect_org},
    },
    salesforce::Client,
};

/// How long a call may take at least: the customer's triggers and flows run on 200 records in it, and Salesforce
/// itself ends one after ten minutes.
const LONGEST_CALL: Duration = Duration::from_mins(5);

/// A folder, and the org into which it goes.
pub(super) struct Org {
    pub(super) client: Client,
    pub(super) folder: Folder,
    pub(super) staging: Staging,
    pub(super) plan: Arc<Plan>,
    pub(super) clock: Clock,
}

/// What the configuration says of the org.
pub(super) fn section(config: &Config) -> anyhow::Result<&SalesforceSection> {
    config.salesforce.as_ref().context("the configuration has no section [salesforce]")
}

/// The way to the org, which gives calls the time that they take on many records.
pub(super) fn client(section: &SalesforceSection, clock: &Clock) -> anyhow::Result<Client> {
    let mut settings = section.settings()?;
    settings.timeout = settings.timeout.max(LONGEST_CALL);
    settings.create_timeout = settings.create_timeout.max(LONGEST_CALL);
    Ok(Client::new(&settings, clock.clone())?)
}

impl Org {
    pub(super) async fn open(config: &Config, folder: &Path) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let client = client(section(config)?, &clock)?;
        let folder = Folder::of(folder)?;
        let mapping = mapping::read(&folder.file(FILE))?;
        let staging = Staging::open(&folder.staging())?;
        let url: Url = mapping.source.url.parse().context("mapping.toml: source.url")?;
        staging.of_source(url.as_str(), &mapping.source.zone)?;
        expect_org(&client, &staging).await?;
        let plan = Plan::read(&client, mapping).await?;
        Ok(Self { client, folder, staging, plan, clock })
    }
}
