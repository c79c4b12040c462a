//! `migrate rollback`: what was made goes, and nothing else does.

use std::{cell::RefCell, process::ExitCode, time::Duration};

use super::{Place, load::waits, org::Org};
use crate::{
    cli::{
        ConfigFile,
        ask::{Assent, whether},
        print,
        progress::Steps,
        screen::plain,
    },
    migrate::target::{
        load::{How, Load, SETTLED_AFTER},
        rollback::{Event, Rollback as TakingBack},
    },
};

/// Delete from the org what this migration has made, and nothing else
///
/// A record goes if this migration made it and it still has its key. What others have hung something on stays, with
/// all that it refers to, and is listed; so do files that are shared. What was there before was never changed. Deleted
/// records lie in the org's Recycle Bin for 15 days.
#[derive(Debug, clap::Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    place: Place,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Where the requests of the day are nearly used up, wait and go on by itself
    #[arg(long)]
    wait: bool,
    /// How many seconds what was sent is given to arrive after its answer got lost, before it is looked for
    #[arg(long, value_name = "SECONDS", default_value_t = SETTLED_AFTER.as_secs())]
    settled_after: u64,
    /// Say what happens as JSON, one event a line
    #[arg(long)]
    json: bool,
}

impl Rollback {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let org = Org::open(&self.file.load()?, &self.place.folder).await?;
        let mut made = 0;
        for class in org.plan.order.clone() {
            made += org.staging.ledger(move |ledger| ledger.counts(&class)).await?.created;
        }
        let question =
            format!("Delete {made} records, with their comments and files, from the org?");
        if !self.yes && whether(&question)? == Assent::No {
            return Ok(ExitCode::FAILURE);
        }
        let bar = RefCell::new(None);
        let tell = |event: &Event| {
            if self.json {
                if let Ok(text) = serde_json::to_string(event) {
                    // Whoever was to read it may be gone; the work goes on.
                    let _ = print::json(&text);
                }
                return;
            }
            let begin = |rows: u64, what: String| {
                let rows = usize::try_from(rows).unwrap_or(usize::MAX);
                *bar.borrow_mut() = Some(Steps::many(rows, &what));
            };
            let note = |text: String| match &*bar.borrow() {
                Some(bar) => Steps::beside(bar, || print::note(text)),
                None => print::note(text),
            };
            match event {
                Event::Looks { class, rows } => {
                    begin(*rows, format!("looking at {}", plain(class)));
                }
                Event::Deletes { what, rows } => begin(*rows, format!("deleting {}", plain(what))),
                Event::Looked { rows } | Event::Deleted { rows } => {
                    if let Some(bar) = &*bar.borrow() {
                        Steps::add(bar, *rows);
                    }
                }
                Event::Stays { what, reason } => {
                    note(format!("stays: {}: {}", plain(what), plain(reason)));
                }
                Event::Unseen { object, reason } => {
                    note(format!("{} cannot be looked at: {}", plain(object), plain(reason)));
                }
                Event::Waits(waiting) => note(waits(waiting)),
            }
        };
        let how = How {
            waits: self.wait,
            settled_after: Duration::from_secs(self.settled_after),
            ..How::default()
        };
        let load = Load {
            client: &org.client,
            staging: &org.staging,
            folder: &org.folder,
            clock: &org.clock,
            plan: &org.plan,
            how,
            tell: &|_| {},
        };
        let ended = TakingBack { load, tell: &tell }.run().await?;
        drop(bar.take());
        if !self.json {
            print::line(format_args!("{} records and files are gone", ended.deleted));
        }
        if ended.kept.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        print::note(format_args!(
            "{} stay, because of what others have hung on them; see above.",
            ended.kept.len()
        ));
        Ok(ExitCode::FAILURE)
    }
}
