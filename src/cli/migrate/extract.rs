//! `migrate extract`: everything that moves, from iTop into the folder.

use std::{
    cell::{self, RefCell},
    process::ExitCode,
};

use anyhow::Context as _;

use super::{Place, is_class};
use crate::{
    app::client_settings,
    cli::{
        ConfigFile,
        cmdb::Account,
        print,
        progress::Steps,
        screen::{Cell, Screen, Table, Tone, plain, readable, span},
    },
    clock::Clock,
    itop::Client,
    migrate::{
        folder::Folder,
        source::{Event, Extraction, Pace},
        staging::{Staging, StepRun, Totals},
    },
};

/// Read everything that moves from iTop into the folder
///
/// It takes the login of an administrator, because no other sees the accounts of agents and the pictures in
/// texts; without --admin-user it reads with the bridge's own, and says what that may not see. What ends early
/// goes on where it was; once all is read, --again looks for what has changed, and for what is gone.
#[derive(Debug, clap::Args)]
pub(super) struct Extract {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    account: Account,
    #[command(flatten)]
    place: Place,
    /// A class of your own that is neither a ticket nor a CI; those are found
    #[arg(long = "class", value_name = "CLASS", value_parser = is_class)]
    classes: Vec<String>,
    /// Requests that iTop gets at once
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    at_once: u8,
    /// Rest after each request as long as it took: for an iTop that people work with meanwhile
    #[arg(long)]
    gentle: bool,
    /// Read what has changed since, and mark what is gone
    #[arg(long)]
    again: bool,
    /// Say what happens as JSON, one event a line
    #[arg(long)]
    json: bool,
}

impl Extract {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.file.load()?;
        let section = config.itop.as_ref();
        let section = section.context("the configuration has no section [itop] to read from")?;
        let own = self.account.admin_user.is_none();
        let settings =
            if own { client_settings(&config)? } else { self.account.administrator(&config)? };
        let client = Client::new(&settings)?;
        let folder = Folder::make(&self.place.folder)?;
        let staging = Staging::open(&folder.staging())?;
        staging.of_source(settings.url.as_str(), &section.time_zone)?;
        if self.again {
            staging.begin_pass().await?;
        }
        let pace =
            Pace { at_once: usize::from(self.at_once), gentle: self.gentle, ..Pace::default() };
        let clock = Clock::system();
        let at = clock.now().to_string();
        let run = staging.ledger(move |ledger| ledger.begin_step(StepRun::EXTRACT, &at)).await?;
        let extraction =
            Extraction { client: &client, staging: &staging, folder: &folder, clock: &clock, pace };
        let has_read = cell::Cell::new(false);
        let ended = if self.json {
            extraction.run(&self.classes, &say_json).await
        } else {
            let bar = Bar::default();
            let show = |event: &Event| {
                has_read.set(true);
                bar.show(event);
            };
            extraction.run(&self.classes, &show).await
        };
        ended?;
        let totals = staging.totals().await?;
        let (at, came_to) = (clock.now().to_string(), came_to(&totals));
        staging.ledger(move |ledger| ledger.end_step(run, &at, &came_to)).await?;
        if self.json {
            return Ok(ExitCode::SUCCESS);
        }
        table(&totals).print(Screen::stdout())?;
        if !has_read.get() {
            print::note(
                "Nothing was read now, all was before: --again reads what has changed since.",
            );
        }
        let (files, bytes, unread) = staging.files().await?;
        if files + unread > 0 {
            let megabytes = bytes.div_ceil(1 << 20);
            print::line(format_args!("{files} files, {megabytes} MB; {unread} cannot be read"));
        }
        if own && totals.iter().any(|(_, totals)| totals.problem.is_some()) {
            print::note(
                "Some classes could not be read with the bridge's own account: --admin-user names an \
                 administrator.",
            );
        }
        print::note(format_args!(
            "All of it lies in {}; it holds personal data until 'migrate forget' removes it.",
            readable(&self.place.folder)
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// What is written down of it.
fn came_to(totals: &[(String, Totals)]) -> String {
    let sum = |of: fn(&Totals) -> u64| totals.iter().map(|(_, totals)| of(totals)).sum::<u64>();
    let (objects, gone) = (sum(|totals| totals.objects), sum(|totals| totals.gone));
    serde_json::json!({"objects": objects, "gone": gone}).to_string()
}

pub(super) fn say_json(event: &Event) {
    if let Ok(text) = serde_json::to_string(event) {
        // Whoever was to read it may be gone; the work goes on.
        let _ = print::json(&text);
    }
}

/// What goes on, on a terminal.
#[derive(Default)]
pub(super) struct Bar(RefCell<Option<Steps>>);

impl Bar {
    pub(super) fn show(&self, event: &Event) {
        let mut bar = self.0.borrow_mut();
        match event {
            Event::Class { class, counted } => {
                let counted = usize::try_from(*counted).unwrap_or(usize::MAX);
                *bar = Some(Steps::many(counted, &plain(class)));
            }
            Event::Files { missing } => *bar = Some(Steps::many(*missing, "files")),
            Event::Rows { rows, .. } => {
                if let Some(bar) = &*bar {
                    bar.add(*rows);
                }
            }
            Event::File { .. } => {
                if let Some(bar) = &*bar {
                    bar.add(1);
                }
            }
            Event::FileSkipped { object, problem } => {
                let note = || print::note(format_args!("{object}: {}", plain(problem)));
                match &*bar {
                    Some(bar) => bar.beside(note),
                    None => note(),
                }
            }
            Event::Read { .. } | Event::Skipped { .. } => *bar = None,
        }
    }
}

fn table(totals: &[(String, Totals)]) -> Table {
    let mut table =
        Table::new(&["class", "objects", "gone", "log entries", "requests", "took", "problem"]);
    for (class, totals) in totals {
        let Totals { objects, gone, entries, ranges, micros, problem } = totals;
        let some = |number: &u64| if *number == 0 { String::new() } else { number.to_string() };
        table.row([
            Cell::new(class),
            Cell::new(&objects.to_string()),
            Cell::new(&some(gone)),
            Cell::new(&some(entries)),
            Cell::new(&some(ranges)),
            Cell::new(&if *ranges == 0 { String::new() } else { span(micros.div_ceil(1_000_000)) }),
            Cell::toned(problem.as_deref().unwrap_or_default(), Some(Tone::Doubtful)),
        ]);
    }
    table
}
