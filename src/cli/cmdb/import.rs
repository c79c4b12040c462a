//! `cmdb import`: CIs from CSV, at once.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};

use super::{admin::Account, doors, export::mended, file::Rows};
use crate::{
    cli::{
        ConfigFile,
        ask::{Assent, whether},
        print,
        progress::Steps,
        screen::{plain, readable},
    },
    itop::synchro::{Doors, Import as Asked, ImportedRow, Outcome},
};

/// Rows that are imported in one request: iTop does some sixty a second.
const AT_ONCE: usize = 200;

/// The most bytes of a request.
const MOST_BYTES: usize = 1 << 20;

/// Make and change CIs from CSV, straight in iTop; with an administrator's login, or cmdb.user
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    account: Account,
    /// The CSV; its first line names attributes by their codes, such as name and org_id->name
    file: PathBuf,
    /// The class, such as Server
    #[arg(long)]
    class: String,
    /// By which attributes a CI is found that is there already, such as name and `org_id`
    #[arg(long, value_delimiter = ',', required = true)]
    keys: Vec<String>,
    /// Only say what would happen
    #[arg(long)]
    simulate: bool,
    /// Without asking
    #[arg(short, long)]
    yes: bool,
}

/// How many rows became what.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    created: u64,
    updated: u64,
    unchanged: u64,
    issues: u64,
    warnings: u64,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.config.load()?;
        let rows = Rows::read(&self.file)?;
        self.check(&rows)?;
        let doors = doors(&self.account.administrator_or_own(&config)?)?;
        let told = told(&self.file);
        let would = self.pass(&doors, &rows, &told, true).await?;
        print::line(format_args!("{} rows would make: {}", rows.len(), would.shown()));
        if self.simulate {
            print::line(format_args!("Nothing was changed; {} has each row.", readable(&told)));
            return Ok(would.code());
        }
        if would.created + would.updated == 0 {
            print::line(format_args!(
                "There is nothing to change; {} has each row.",
                readable(&told)
            ));
            return Ok(would.code());
        }
        let question = format!("Make and change {} CIs?", would.created + would.updated);
        if !self.yes && whether(&question)? == Assent::No {
            print::line("Nothing was changed.");
            return Ok(ExitCode::FAILURE);
        }
        let done = self.pass(&doors, &rows, &told, false).await.with_context(|| {
            format!(
                "{} has what became of each row until then; the same file again does no harm",
                readable(&told)
            )
        })?;
        print::line(format_args!("{} rows: {}", rows.len(), done.shown()));
        print::line(format_args!("{} has what became of each row.", readable(&told)));
        Ok(done.code())
    }

    /// What iTop would refuse for all rows, or take for something else.
    fn check(&self, rows: &Rows) -> anyhow::Result<()> {
        for key in &self.keys {
            let is_of = |column: &String| column == key || column.split("->").next() == Some(key);
            if !rows.header.iter().any(is_of) {
                bail!("--keys: the file has no column '{}'", plain(key));
            }
        }
        let names_org = self.keys.iter().any(|key| key.split("->").next() == Some("org_id"));
        let has_org = rows.header.iter().any(|column| column.split("->").next() == Some("org_id"));
        if has_org && !names_org {
            print::note(
                "--keys names no org_id: a CI of another company that agrees in all keys would be changed.",
            );
        }
        Ok(())
    }

    /// Sends all rows, in chunks, and writes what became of each.
    async fn pass(
        &self,
        doors: &Doors,
        rows: &Rows,
        told: &Path,
        simulate: bool,
    ) -> anyhow::Result<Sums> {
        let mut file = Told::create(told)?;
        let mut sums = Sums::default();
        let steps = Steps::of(rows.len(), if simulate { "simulating" } else { "importing" });
        for chunk in rows.chunks(AT_ONCE, MOST_BYTES) {
            let csv = rows.csv(chunk.clone());
            let asked = Asked { class: &self.class, csv: &csv, keys: &self.keys, simulate };
            let answer = doors.import(&asked).await.map_err(mended).with_context(|| {
                let (first, last) = (rows.line(chunk.start), rows.line(chunk.end - 1));
                format!("the rows of lines {first} to {last} were not answered for")
            })?;
            let lines = chunk.clone().map(|row| rows.line(row));
            for (line, row) in lines.zip(&answer.rows) {
                file.row(line, row)?;
            }
            sums.created += answer.created;
            sums.updated += answer.updated;
            sums.unchanged += answer.unchanged;
            sums.issues += answer.issues;
            sums.warnings += answer.warnings;
            steps.done(chunk.end);
        }
        Ok(sums)
    }
}

impl Sums {
    fn shown(&self) -> String {
        let Self { created, updated, unchanged, issues, warnings } = self;
        let warned = match warnings {
            0 => String::new(),
            warnings => format!(", {warnings} values of them"),
        };
        format!(
            "{created} new, {updated} changed, {unchanged} unchanged, {issues} left out{warned}"
        )
    }

    fn code(self) -> ExitCode {
        if self.issues == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Where stands what became of each row: beside the file.
fn told(file: &Path) -> PathBuf {
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(".result.csv");
    file.with_file_name(name)
}

/// A file that says what became of each row.
struct Told(csv::Writer<File>);

impl Told {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let named = || format!("{} cannot be written", readable(path));
        let mut file = File::create(path).with_context(named)?;
        // Spreadsheets take what has no mark for an older alphabet.
        file.write_all("\u{feff}".as_bytes()).with_context(named)?;
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(["line", "result", "class", "id", "said"])?;
        writer.flush().with_context(named)?;
        Ok(Self(writer))
    }

    fn row(&mut self, line: u64, row: &ImportedRow) -> anyhow::Result<()> {
        let result = match row.outcome {
            Outcome::Created => "created",
            Outcome::Updated => "changed",
            Outcome::Unchanged => "unchanged",
            Outcome::Issue => "left out",
            Outcome::Said => "",
        };
        self.0.write_record([&line.to_string(), result, &row.class, &row.id, &plain(&row.said)])?;
        self.0.flush()?;
        Ok(())
    }
}
