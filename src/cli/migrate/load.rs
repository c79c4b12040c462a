//! `migrate load`: what was read becomes records.

use std::{
    cell::{Cell as Counter, RefCell},
    process::ExitCode,
    time::Duration,
};

use super::{Place, org::Org};
use crate::{
    cli::{
        ConfigFile, print,
        progress::Steps,
        screen::{Cell, Screen, Table, Tone, plain},
    },
    migrate::target::{
        Waiting,
        load::{BULK_FROM, Event, How, Load as Loading, SETTLED_AFTER},
    },
};

/// How many failures are told while they happen; `migrate verify` names all.
const TOLD: u64 = 20;

/// Make records of what was read: accounts, contacts, CIs, cases, comments, files
///
/// It begins with one closed Case whose contact is a person of yours (--trial), so that nobody's customers get an
/// e-mail of each old ticket; when none went out, --silent-confirmed goes on. It can be stopped at any moment and
/// goes on where it was; what is there already is found and not changed.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Load {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    place: Place,
    /// Make one closed Case and a comment on it, with the contact of --contact, and end
    #[arg(long, requires = "contact", conflicts_with = "silent_confirmed")]
    trial: bool,
    /// The e-mail address of a Contact of your own, for the trial
    #[arg(long, value_name = "ADDRESS", requires = "trial")]
    contact: Option<String>,
    /// No e-mail went out at the trial: take it back and load
    #[arg(long)]
    silent_confirmed: bool,
    /// Only the first few of each class, with what they refer to
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Where the requests of the day are nearly used up, wait and go on by itself
    #[arg(long)]
    wait: bool,
    /// From how many rows of a class on they go as a bulk job
    #[arg(long, value_name = "ROWS", default_value_t = BULK_FROM)]
    bulk_from: u64,
    /// How many seconds what was sent is given to arrive after its answer got lost, before it is looked for
    #[arg(long, value_name = "SECONDS", default_value_t = SETTLED_AFTER.as_secs())]
    settled_after: u64,
    /// Say what happens as JSON, one event a line
    #[arg(long)]
    json: bool,
}

impl Load {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let org = Org::open(&self.file.load()?, &self.place.folder).await?;
        let bar = Bar::default();
        let tell = |event: &Event| {
            if self.json { say_json(event) } else { bar.show(event) }
        };
        let how = How {
            limit: self.limit,
            waits: self.wait,
            bulk_from: self.bulk_from,
            settled_after: Duration::from_secs(self.settled_after),
        };
        let load = Loading {
            client: &org.client,
            staging: &org.staging,
            folder: &org.folder,
            clock: &org.clock,
            plan: &org.plan,
            how,
            tell: &tell,
        };
        if let Some(contact) = self.contact.as_deref().filter(|_| self.trial) {
            let trial = load.trial(contact).await?;
            if self.json {
                print::json(&serde_json::to_string(&trial)?)?;
            } else {
                print::line(format_args!(
                    "The Case {} is there, closed, with the contact {} and a public comment.",
                    plain(&trial.number),
                    plain(&trial.contact)
                ));
                print::note(
                    "Wait a quarter of an hour, look into that mailbox, and ask whoever watches the org. If no \
                     e-mail went out: migrate load --silent-confirmed",
                );
            }
            return Ok(ExitCode::SUCCESS);
        }
        if self.silent_confirmed {
            load.confirm_silence().await?;
        }
        load.run().await?;
        drop(bar.0.take());
        if self.json {
            return Ok(ExitCode::SUCCESS);
        }
        let failed = summary(&org).await?;
        if failed > 0 {
            print::note(
                "What did not go is tried again by another load; 'migrate verify' names each row.",
            );
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Prints what became of each class, and says how many rows did not go.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of a type with a lifetime fits only that lifetime; work on the ledger fits all"
)]
async fn summary(org: &Org) -> anyhow::Result<u64> {
    let mut table = Table::new(&["class", "becomes", "objects", "made", "there before", "failed"]);
    let mut all = 0;
    for class in &org.plan.order {
        let (of, object) = (class.clone(), org.plan.class(class).map(|(_, object)| object));
        let counts = org.staging.ledger(move |ledger| ledger.counts(&of)).await?;
        let failed = counts.failed + counts.incomplete;
        all += failed;
        let some = |number: u64| if number == 0 { String::new() } else { number.to_string() };
        table.row([
            Cell::new(class),
            Cell::new(object.unwrap_or_default()),
            Cell::new(&counts.objects.to_string()),
            Cell::new(&counts.created.to_string()),
            Cell::new(&some(counts.found)),
            Cell::toned(&some(failed), Some(Tone::Doubtful)),
        ]);
    }
    table.print(Screen::stdout())?;
    let parts = org.staging.ledger(|ledger| ledger.failed_elsewhere()).await?;
    if parts > 0 {
        print::line(format_args!("{parts} comments and files did not go"));
    }
    Ok(all + parts)
}

pub(super) fn say_json(event: &Event) {
    if let Ok(text) = serde_json::to_string(event) {
        // Whoever was to read it may be gone; the work goes on.
        let _ = print::json(&text);
    }
}

/// What goes on, on a terminal.
#[derive(Default)]
pub(super) struct Bar(RefCell<Option<Steps>>, Counter<u64>);

impl Bar {
    pub(super) fn show(&self, event: &Event) {
        match event {
            Event::Class { class, object, rows, pass } => {
                let later = if *pass == 1 { "" } else { ", references" };
                self.begin(*rows, &format!("{} → {}{later}", plain(class), plain(object)));
            }
            Event::Comments { class, log, entries } => {
                self.begin(*entries, &format!("{} {}", plain(class), plain(log)));
            }
            Event::Files { missing } => self.begin(*missing, "files"),
            Event::Rows { done, failed, .. } => self.add(done + failed),
            Event::Commented { entries, .. } => self.add(*entries),
            Event::File { .. } => self.add(1),
            Event::Job { job, rows, .. } => {
                self.note(&format!("bulk job {}: {rows} rows", plain(job)));
            }
            Event::Published { class, articles } => {
                self.note(&format!("{}: {articles} articles are published", plain(class)));
            }
            Event::Failed { what, code, reason } => {
                let told = self.1.get() + 1;
                self.1.set(told);
                if told <= TOLD {
                    self.note(&format!("{}: {}: {}", plain(what), plain(code), plain(reason)));
                } else if told == TOLD + 1 {
                    self.note("more did not go; 'migrate verify' names each");
                }
            }
            Event::Waits(waiting) => self.note(&waits(waiting)),
            Event::Ended { .. } => {}
        }
    }

    fn begin(&self, rows: u64, what: &str) {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        *self.0.borrow_mut() = (rows > 0).then(|| Steps::many(rows, what));
    }

    fn add(&self, rows: u64) {
        if let Some(bar) = &*self.0.borrow() {
            bar.add(rows);
        }
    }

    fn note(&self, text: &str) {
        match &*self.0.borrow() {
            Some(bar) => bar.beside(|| print::note(text)),
            None => print::note(text),
        }
    }
}

/// For what is waited, in words.
pub(super) fn waits(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Limit { used, most, until } => format!(
            "{used} of {most} requests of these 24 hours are used: it looks again at {until} and goes on when \
             there are some"
        ),
        Waiting::LostAnswer { seconds } => format!(
            "the answer to some comments got lost: in {seconds} s it is looked which of them are there"
        ),
    }
}
