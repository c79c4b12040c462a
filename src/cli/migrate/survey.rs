//! `migrate survey`: what is there, and what a move asks, before anything is moved.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, bail};

use super::{Place, is_class, org};
use crate::{
    app::client_settings,
    cli::{
        ConfigFile,
        cmdb::Account,
        print,
        progress::Waiting,
        screen::{Cell, Screen, Table, Tone, plain, readable},
    },
    clock::Clock,
    itop::Client,
    migrate::{
        folder::Folder,
        report,
        source::Asking,
        survey::{FILE, Stage, Survey as Found, estimate, survey_itop, survey_org},
    },
};

/// Look at iTop and at the org, and write what a move asks: a page and the same as JSON
///
/// Nothing is changed in either. With the login of an administrator it sees versions, modules, accounts and
/// classes of your own; without the section [salesforce] it looks at iTop alone.
#[derive(Debug, clap::Args)]
pub(super) struct Survey {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    account: Account,
    #[command(flatten)]
    place: Place,
    /// A class of your own that is neither a ticket nor a CI; an administrator's login finds most
    #[arg(long = "class", value_name = "CLASS", value_parser = is_class)]
    classes: Vec<String>,
    /// Take an alpha, beta or release candidate of iTop as a source all the same
    #[arg(long)]
    force: bool,
    /// Print the survey as JSON, too
    #[arg(long)]
    json: bool,
}

impl Survey {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.file.load()?;
        let section = config.itop.as_ref();
        let section = section.context("the configuration has no section [itop] to look at")?;
        let settings = match self.account.admin_user {
            None => client_settings(&config)?,
            Some(_) => self.account.administrator(&config)?,
        };
        let client = Client::new(&settings)?;
        let clock = Clock::system();
        let folder = Folder::make(&self.place.folder)?;
        let asking = Asking { client: &client, clock: &clock };
        let mut missing = Vec::new();
        let waiting = Waiting::on("Looking at iTop");
        let about = (settings.url.as_str(), section.time_zone.as_str());
        let say = |system: &str| {
            let system = system.to_owned();
            let waiting = &waiting;
            move |what: &str| waiting.say(format!("Looking at {system}: {}", plain(what)))
        };
        let itop = survey_itop(asking, about, &self.classes, &mut missing, &say("iTop")).await?;
        let unfinished = itop.version.as_ref().filter(|version| version.stage == Stage::Unfinished);
        if let Some(version) = unfinished.filter(|_| !self.force) {
            bail!(
                "iTop {} is no release: what its data looks like was never promised. Bring it to a release \
                 first, or say --force.",
                plain(&version.text)
            );
        }
        let org = match &config.salesforce {
            None => {
                let absent = "The org: the configuration has no section [salesforce].";
                missing.push(absent.to_owned());
                None
            }
            Some(section) => {
                let client = org::client(section, &clock)?;
                let say = say("Salesforce");
                Some(survey_org(&client, &section.login_url, &mut missing, &say).await?)
            }
        };
        let estimate = estimate(&itop, org.as_ref());
        let program = env!("CARGO_PKG_VERSION");
        let made_at = clock.now();
        let found = Found { made_at, program, itop, salesforce: org, estimate, missing };
        drop(waiting);
        let json = serde_json::to_string_pretty(&found)?;
        for (ending, text) in [("json", &json), ("html", &found.page()?)] {
            let path = folder.file(&format!("{FILE}.{ending}"));
            fs::write(&path, text)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        if self.json {
            print::json(&json)?;
            return Ok(ExitCode::SUCCESS);
        }
        table(&found).print(Screen::stdout())?;
        for sentence in &found.missing {
            print::note(format_args!("not seen: {}", plain(sentence)));
        }
        let days = found.estimate.days.map(|days| match days {
            1 => ", on one day".to_owned(),
            days => format!(", on {days} days"),
        });
        let days = days.unwrap_or_default();
        print::line(format_args!(
            "about {} calls and {} to load{days}; {}",
            report::count(found.estimate.calls),
            report::span(found.estimate.seconds),
            readable(&self.place.folder.join(format!("{FILE}.html"))),
        ));
        Ok(ExitCode::SUCCESS)
    }
}

fn table(found: &Found) -> Table {
    let mut table = Table::new(&["class", "objects", "size", "of your own"]);
    for class in found.itop.classes.iter().filter(|class| class.objects > 0) {
        let own = if class.is_custom {
            "the class".to_owned()
        } else {
            class.custom_attributes.join(", ")
        };
        table.row([
            Cell::new(&class.class),
            Cell::new(&class.objects.to_string()),
            Cell::new(&report::bytes(class.bytes)),
            Cell::toned(&own, Some(Tone::Doubtful)),
        ]);
    }
    table
}
