//! `migrate delta`: what has changed in iTop since.

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;

use super::{Place, extract, is_class, load, org::Org};
use crate::{
    app::client_settings,
    cli::{
        ConfigFile,
        cmdb::Account,
        print,
        progress::Steps,
        screen::{Cell, Screen, Table, Tone, plain},
    },
    config::Config,
    itop::Client,
    migrate::{
        source::{Extraction, Pace},
        target::{
            delta::{Changes, Delta as Bringing, Event},
            load::{BULK_FROM, How as HowToLoad, Load as Loading, SETTLED_AFTER},
        },
    },
};

/// The report in the folder.
const FILE: &str = "delta.json";

/// Under this name it is written down which pass of reading iTop is a delta that has not come to its end.
const OPEN: &str = "delta";

/// How many of what is left are told; the report has all.
const TOLD: usize = 20;

/// Bring what has changed in iTop since it was read: new rows, other values, new comments and files
///
/// What a load has made and iTop has other values for is changed, field by field, unless somebody has changed that
/// field in Salesforce since: that is named and stays. What iTop no longer has is named, too. It can be stopped at any
/// moment and goes on where it was; the report is delta.json in the folder.
#[derive(Debug, clap::Args)]
pub(super) struct Delta {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    how: How,
    /// Say what happens as JSON, one event a line
    #[arg(long)]
    json: bool,
}

/// How it is read and brought.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    #[command(flatten)]
    account: Account,
    /// A class of your own that was not read before
    #[arg(long = "class", value_name = "CLASS", value_parser = is_class)]
    classes: Vec<String>,
    /// Requests that iTop gets at once
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    at_once: u8,
    /// Rest after each request as long as it took: for an iTop that people work with meanwhile
    #[arg(long)]
    gentle: bool,
    /// Where the requests of the day are nearly used up, wait and go on by itself
    #[arg(long)]
    wait: bool,
    /// From how many rows of a class on they go as a bulk job
    #[arg(long, value_name = "ROWS", default_value_t = BULK_FROM)]
    bulk_from: u64,
    /// How many seconds what was sent is given to arrive after its answer got lost, before it is looked for
    #[arg(long, value_name = "SECONDS", default_value_t = SETTLED_AFTER.as_secs())]
    settled_after: u64,
}

impl Delta {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.file.load()?;
        let org = Org::open(&config, &self.place.folder).await?;
        let changes = self.how.bring(&org, &config, Since::LastRun, self.json).await?;
        if !self.json {
            tell(&changes)?;
        }
        let failed: u64 = changes.classes.iter().map(|class| class.failed).sum();
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What counts as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// What a run that was broken off has read.
    LastRun,
    /// Nothing that was read before now.
    Now,
}

impl How {
    /// Reads what has changed, and brings it.
    pub(super) async fn bring(
        &self,
        org: &Org,
        config: &Config,
        since: Since,
        json: bool,
    ) -> anyhow::Result<Changes> {
        self.read(org, config, since, json).await?;
        let bar = load::Bar::default();
        let tell_load = |event: &_| if json { load::say_json(event) } else { bar.show(event) };
        let load = Loading {
            client: &org.client,
            staging: &org.staging,
            folder: &org.folder,
            clock: &org.clock,
            plan: &org.plan,
            how: HowToLoad {
                limit: None,
                waits: self.wait,
                bulk_from: self.bulk_from,
                settled_after: Duration::from_secs(self.settled_after),
            },
            tell: &tell_load,
        };
        let looked_at = std::cell::RefCell::new(None);
        let tell = |event: &Event| {
            if json {
                say_json(event);
                return;
            }
            match event {
                Event::Changes { class, rows } => {
                    let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
                    let bar = (rows > 0)
                        .then(|| Steps::many(rows, &format!("{}, changes", plain(class))));
                    *looked_at.borrow_mut() = bar;
                }
                Event::LookedAt { rows, .. } => {
                    if let Some(bar) = &*looked_at.borrow() {
                        Steps::add(bar, *rows);
                    }
                }
                Event::Left(_) => {}
                Event::Waits(waiting) => print::note(load::waits(waiting)),
            }
        };
        let changes = Bringing { load: &load, tell: &tell }.run().await?;
        drop((bar, looked_at.take()));
        org.staging.ledger(|ledger| ledger.forget(OPEN)).await?;
        let path = org.folder.file(FILE);
        std::fs::write(&path, serde_json::to_string_pretty(&changes)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(changes)
    }

    async fn read(
        &self,
        org: &Org,
        config: &Config,
        since: Since,
        json: bool,
    ) -> anyhow::Result<()> {
        config.itop.as_ref().context("the configuration has no section [itop] to read from")?;
        let own = self.account.admin_user.is_none();
        let settings =
            if own { client_settings(config)? } else { self.account.administrator(config)? };
        let client = Client::new(&settings)?;
        let staging = &org.staging;
        let pass = staging.pass().await?.to_string();
        let open = staging.ledger(|ledger| ledger.about(OPEN)).await?;
        if since == Since::Now || open != Some(pass) {
            let pass = staging.begin_pass().await?;
            staging.ledger(move |ledger| ledger.note(OPEN, &pass.to_string())).await?;
        }
        // Those that were named when they were first read are read again.
        let mut classes = self.classes.clone();
        classes.extend(staging.totals().await?.into_iter().map(|(class, _)| class));
        let pace =
            Pace { at_once: usize::from(self.at_once), gentle: self.gentle, ..Pace::default() };
        let (folder, clock) = (&org.folder, &org.clock);
        let extraction = Extraction { client: &client, staging, folder, clock, pace };
        if json {
            extraction.run(&classes, &extract::say_json).await?;
        } else {
            let bar = extract::Bar::default();
            extraction.run(&classes, &|event| bar.show(event)).await?;
        }
        Ok(())
    }
}

/// Prints what it came to.
pub(super) fn tell(changes: &Changes) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        "class",
        "becomes",
        "new",
        "changed",
        "left as it is",
        "failed",
        "gone in iTop",
    ]);
    let some = |number: u64| if number == 0 { String::new() } else { number.to_string() };
    let doubtful = |number: u64| Cell::toned(&some(number), Some(Tone::Doubtful));
    for class in &changes.classes {
        table.row([
            Cell::new(&class.class),
            Cell::new(&class.object),
            Cell::new(&some(class.new)),
            Cell::new(&some(class.changed)),
            doubtful(class.left),
            doubtful(class.failed),
            doubtful(class.deleted),
        ]);
    }
    table.print(Screen::stdout())?;
    print::line(format_args!("{} comments and {} files are new", changes.comments, changes.files));
    for left in changes.left.iter().take(TOLD) {
        let of = format!("{}::{} {}", left.class, left.id, left.field);
        // Some reasons begin with the field, for whoever reads them without it.
        let reason = left.reason.strip_prefix(&format!("{}: ", left.field)).unwrap_or(&left.reason);
        print::note(format_args!("{}: {}", plain(of.trim()), plain(reason)));
    }
    if changes.left.len() > TOLD {
        print::note(format_args!(
            "{} more; {FILE} in the folder has all",
            changes.left.len() - TOLD
        ));
    }
    Ok(())
}

fn say_json(event: &Event) {
    if let Ok(text) = serde_json::to_string(event) {
        // Whoever was to read it may be gone; the work goes on.
        let _ = print::json(&text);
    }
}
