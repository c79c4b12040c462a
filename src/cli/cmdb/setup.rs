//! `cmdb setup`: the data sources in iTop.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::json;

use super::admin::Account;
use crate::{
    cli::{
        ask::{Assent, whether},
        bridge::{Bridge, PATIENCE},
        print,
        progress::Waiting,
        screen::plain,
    },
    cmdb::setup::{Difference, Plan, SetUp, SourcePlan},
    itop::Client,
};

/// Make or mend the data sources in iTop, one a class; with an administrator's login there
#[derive(Debug, clap::Args)]
pub(super) struct Setup {
    #[command(flatten)]
    account: Account,
    /// Only say what differs
    #[arg(long)]
    dry_run: bool,
    /// Without asking
    #[arg(short, long)]
    yes: bool,
    // Behind the others, which would come under its heading.
    #[command(flatten)]
    bridge: Bridge,
}

/// Where the bridge is told of its sources.
const SOURCES: &str = "/api/v1/cmdb/sources";

impl Setup {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.bridge.file().load()?;
        let Some(cmdb) = &config.cmdb else {
            bail!("the configuration has no section [cmdb]: see docs/cmdb.md");
        };
        if !self.dry_run {
            let told = self.bridge.get(SOURCES).await?;
            if told.body["is_on"] != true {
                bail!(
                    "the bridge that runs has no section [cmdb]: start it anew with this configuration"
                );
            }
        }
        let admin = Client::new(&self.account.administrator(&config)?)?;
        let waiting = Waiting::on("looking at iTop");
        let plan = Plan::make(&admin, cmdb).await;
        drop(waiting);
        let plan = plan?;
        for source in &plan.sources {
            print::line(shown(source));
        }
        for warning in &plan.warnings {
            print::line(format_args!("warning: {}", plain(warning)));
        }
        let changes = plan.changes();
        if self.dry_run {
            print::line(format_args!("{} would be made; nothing was.", several(changes, "change")));
            return Ok(ExitCode::SUCCESS);
        }
        if changes > 0
            && !self.yes
            && whether(&format!("Make {}?", several(changes, "change")))? == Assent::No
        {
            print::line("Nothing was changed.");
            return Ok(ExitCode::FAILURE);
        }
        let waiting = Waiting::on("changing iTop");
        let done = plan.apply(&admin, |what| waiting.say(plain(what))).await;
        drop(waiting);
        let done = done.context(
            "not all was done; what was stays, and the same command goes on where this one ended",
        )?;
        self.tell_bridge(&done).await?;
        print::line(format_args!(
            "{} made; the bridge knows {}.",
            several(changes, "change"),
            several(done.len(), "data source"),
        ));
        Ok(ExitCode::SUCCESS)
    }

    async fn tell_bridge(&self, done: &[SetUp]) -> anyhow::Result<()> {
        let item = |source: &SetUp| {
            json!({
                "class": source.class, "source_id": source.source_id, "name": source.name,
                "made_for": source.made_for,
            })
        };
        let items: Vec<_> = done.iter().map(item).collect();
        let call = self.bridge.call(Method::PUT, SOURCES)?.json(&json!({"items": items}));
        call.with(|put| put.timeout(PATIENCE)).send().await.context(
            "the data sources in iTop are as they should be, and the bridge does not know them yet: run \
             this again",
        )?;
        Ok(())
    }
}

/// So many of them, in words.
fn several(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// A source, and what differs of it.
fn shown(source: &SourcePlan) -> String {
    let name = plain(&source.name);
    let mut lines = vec![match &source.id {
        Some(id) if source.differences.is_empty() => format!("{name} (id {id}): as it should be"),
        Some(id) => format!("{name} (id {id}):"),
        None => format!("{name}: it is not there, and would be made"),
    }];
    if source.id.is_none() {
        lines.extend(source.feeds().iter().map(|line| format!("  {line}")));
    }
    let is_told = |difference: &&Difference| **difference != Difference::Missing;
    let told = source.differences.iter().filter(is_told);
    lines.extend(told.map(|difference| format!("  {}", plain(&difference.to_string()))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let shown = [0, 1, 2].map(|number| several(number, "change"));
        assert_eq!(shown, ["0 changes", "1 change", "2 changes"]);
    }
}
