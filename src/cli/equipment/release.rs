//! `equipment release` and `resume`: CIs go back to the users of iTop, and a halted source goes on.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::{
    cli::{
        ask::{self, Assent},
        bridge::Bridge,
        cmdb::Account,
        print,
        progress::Waiting,
        screen::plain,
    },
    cmdb::{may_unlock, unlock},
    itop::Client,
};

/// Give CIs back to the users of iTop, who may change them then; with an administrator's login there
#[derive(Debug, clap::Args)]
pub(super) struct Release {
    #[command(flatten)]
    bridge: Bridge,
    #[command(flatten)]
    account: Account,
    /// Only of this equipment, by its ids
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Of a company: its id in ServiceNav, or name:NAME
    #[arg(long)]
    company: String,
    /// Of which ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// Without asking
    #[arg(short, long)]
    yes: bool,
}

/// Let a halted data source go on, when somebody has looked why it is; needs the scope operate
#[derive(Debug, clap::Args)]
pub(super) struct Resume {
    #[command(flatten)]
    bridge: Bridge,
    /// The class of its CIs in iTop
    class: String,
}

impl Release {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.bridge.file().load()?;
        let sources = self.sources().await?;
        let admin = Client::new(&self.account.administrator(&config)?)?;
        may_unlock(&admin).await.context(
            "this login may not give CIs back: it needs the profiles \"Administrator\" and \"REST Services \
             User\"",
        )?;
        let what = match self.ids.len() {
            0 => "all equipment".to_owned(),
            number => format!("{number} pieces of equipment"),
        };
        let question = format!(
            "Give the CIs of {what} of {} back to the users of iTop? Nothing is loaded into them any more.",
            plain(&self.company)
        );
        if !self.yes && ask::whether(&question)? == Assent::No {
            print::line("Nothing was done.");
            return Ok(ExitCode::FAILURE);
        }
        let waiting = Waiting::on("giving CIs back");
        let (mut noted, mut unlocked, mut after) = (0, 0, None::<String>);
        loop {
            let ids = (!self.ids.is_empty()).then_some(&self.ids);
            let body = json!({
                "company": self.company, "instance": self.instance, "ids": ids, "after": after,
            });
            let answer = self.bridge.post("/api/v1/cmdb/release", &body).await?.body;
            let mut classes = BTreeMap::<String, Vec<String>>::new();
            for item in answer["items"].as_array().into_iter().flatten() {
                let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
                classes.entry(text("class")).or_default().push(text("ci"));
                noted += 1;
            }
            for (class, cis) in classes {
                let Some(source) = sources.get(&class) else {
                    bail!("the bridge knows no data source of {class}: run 'cmdb setup'");
                };
                unlocked += unlock(&admin, source, &class, &cis).await.context(
                    "not all was unlocked; nothing more is loaded into these CIs, and the same command goes \
                     on where this one ended",
                )?;
            }
            match answer["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => break,
            }
        }
        drop(waiting);
        print::line(format_args!(
            "{noted} CIs given back, {unlocked} of them were locked until now."
        ));
        Ok(ExitCode::SUCCESS)
    }

    /// The data sources, by the class of their CIs.
    async fn sources(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let answer = self.bridge.get("/api/v1/cmdb/sources").await?.body;
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        let source = |item: &Value| {
            Some((item["class"].as_str()?.to_owned(), item["source_id"].as_str()?.to_owned()))
        };
        Ok(items.iter().filter_map(source).collect())
    }
}

impl Resume {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let body = json!({"class": self.class});
        let answer = self.bridge.post("/api/v1/cmdb/resume", &body).await?;
        let class = plain(&self.class);
        if answer.body["was_halted"] == true {
            print::line(format_args!("The data source of {class} goes on."));
            return Ok(ExitCode::SUCCESS);
        }
        print::line(format_args!("The data source of {class} was not halted."));
        Ok(ExitCode::FAILURE)
    }
}
