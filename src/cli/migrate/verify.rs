//! `migrate verify`: the report that a customer can sign.

use std::{cell::RefCell, process::ExitCode};

use anyhow::Context as _;

use super::{Place, load::waits, org::Org};
use crate::{
    cli::{
        ConfigFile, print,
        progress::Steps,
        screen::{Cell, Screen, Table, Tone, plain, readable},
    },
    migrate::target::verify::{Event, Report, Sample, Verify as Verifying},
};

/// The name of the report in the folder, without its ending.
const FILE: &str = "verify";

/// Hold what stands in the org against what was read, and write a report: a page and the same as JSON
///
/// Each row is accounted for: made, found, left out, or failed with its reason. Records are read back and compared
/// field by field, comments by their texts, files by their checksums. Nothing is changed. It ends with 0 where
/// nothing differs.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    place: Place,
    /// Compare so many records of each class, chosen by --seed, and not all
    #[arg(long, value_name = "NUMBER")]
    sample: Option<usize>,
    /// The same number chooses the same records
    #[arg(long, default_value_t = 1, requires = "sample")]
    seed: u64,
    /// Where the requests of the day are nearly used up, wait and go on by itself
    #[arg(long)]
    wait: bool,
    /// Print the report as JSON, too
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let org = Org::open(&self.file.load()?, &self.place.folder).await?;
        let bar = RefCell::new(None);
        let tell = |event: &Event| match event {
            Event::Begins { what, rows } => {
                let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
                *bar.borrow_mut() = Some(Steps::many(rows, &plain(what)));
            }
            Event::Compared { rows } => {
                if let Some(bar) = &*bar.borrow() {
                    Steps::add(bar, *rows);
                }
            }
            Event::Waits(waiting) => print::note(waits(waiting)),
        };
        let verify = Verifying {
            client: &org.client,
            staging: &org.staging,
            folder: &org.folder,
            clock: &org.clock,
            plan: &org.plan,
            sample: Sample { records: self.sample, seed: self.seed },
            waits: self.wait,
            tell: &tell,
        };
        let report = verify.run().await?;
        drop(bar.take());
        let json = serde_json::to_string_pretty(&report)?;
        for (ending, text) in [("json", &json), ("html", &report.page()?)] {
            let path = org.folder.file(&format!("{FILE}.{ending}"));
            std::fs::write(&path, text)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        if self.json {
            print::json(&serde_json::to_string(&report)?)?;
        } else {
            table(&report).print(Screen::stdout())?;
            for difference in report.differences.iter().take(10) {
                print::note(format_args!(
                    "{} {}: {} is expected, {} is there",
                    plain(&difference.of),
                    plain(&difference.field),
                    plain(&difference.expected),
                    plain(&difference.found)
                ));
            }
            let page = self.place.folder.join(format!("{FILE}.html"));
            let ended =
                if report.is_sound { "nothing differs" } else { "not all is as it was to be" };
            print::line(format_args!("{ended}; {}", readable(&page)));
        }
        Ok(if report.is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn table(report: &Report) -> Table {
    let mut table = Table::new(&[
        "class",
        "in iTop",
        "left out",
        "made",
        "there before",
        "failed",
        "not loaded",
        "compared",
        "differing",
    ]);
    let some = |number: u64| if number == 0 { String::new() } else { number.to_string() };
    let doubtful = |number: u64| Cell::toned(&some(number), Some(Tone::Doubtful));
    for class in &report.classes {
        table.row([
            Cell::new(&class.class),
            Cell::new(&class.objects.to_string()),
            Cell::new(&some(class.left_out)),
            Cell::new(&class.created.to_string()),
            Cell::new(&some(class.found)),
            doubtful(class.failed + class.incomplete),
            doubtful(class.not_loaded),
            Cell::new(&class.compared.to_string()),
            doubtful(class.differing),
        ]);
    }
    table
}
