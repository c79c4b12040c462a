//! `migrate map`: proposes what becomes of what, and checks what people made of it.

use std::{cell::RefCell, fs, process::ExitCode};

use anyhow::{Context as _, bail};

use super::{Place, org};
use crate::{
    cli::{
        ConfigFile, print,
        progress::Waiting,
        screen::{Cell, Screen, Table, Tone, plain, readable},
    },
    clock::Clock,
    migrate::{
        folder::Folder,
        mapping::{
            self,
            check::{Checked, check},
            propose::{OBJECTS, Proposal},
        },
        schema::{self, Org},
        staging::Staging,
    },
    salesforce::Client,
};

/// Write what could become of what was read, for people to decide; or check what they decided
///
/// An existing mapping.toml is never overwritten. What is not decided is marked in it with `decide`, and
/// --check refuses it; it also tries every row that was read.
#[derive(Debug, clap::Args)]
pub(super) struct Map {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    place: Place,
    /// Write a new proposal beside the mapping, as mapping.new.toml
    #[arg(long, conflicts_with = "check")]
    again: bool,
    /// Check the mapping against the org and against every row
    #[arg(long)]
    check: bool,
    /// Say what the check found as JSON
    #[arg(long, requires = "check")]
    json: bool,
}

impl Map {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.file.load()?;
        let folder = Folder::of(&self.place.folder)?;
        let path = folder.file(mapping::FILE);
        if !self.check && !self.again && path.exists() {
            bail!(
                "{} is there; --check checks it, --again writes a new proposal beside it",
                readable(&path)
            );
        }
        let client = org::client(org::section(&config)?, &Clock::system())?;
        let staging = Staging::open(&folder.staging())?;
        if staging.staged().await?.is_empty() {
            bail!("nothing was read yet: run 'migrate extract' first");
        }
        if self.check {
            let mapping = mapping::read(&path)?;
            let org = describe(&client, &schema::objects(&mapping)).await?;
            let waiting = RefCell::new(Waiting::on("Checking"));
            let say = |class: &str, rows| {
                waiting.borrow().say(format!("Checking {rows} objects of {}", plain(class)));
            };
            let checked = check(&mapping, &org, &staging, &say).await?;
            drop(waiting);
            return self.told(&checked);
        }
        let org = describe(&client, &OBJECTS.map(ToOwned::to_owned)).await?;
        let users = client.active_users().await.ok();
        let case = org.get("Case").and_then(Option::as_ref);
        let created = case.and_then(|case| case.field(mapping::AUDIT_FIELDS[0]));
        let audit = created.is_some_and(|field| field.createable);
        let proposal = Proposal { staging: &staging, org: &org, users: users.as_deref(), audit };
        let text = proposal.text().await?;
        let path = if self.again { folder.file("mapping.new.toml") } else { path };
        fs::write(&path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
        let open = text
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains("decide = "))
            .count();
        print::line(format_args!(
            "{} is written; {open} lines wait for a decision",
            readable(&path)
        ));
        Ok(ExitCode::SUCCESS)
    }

    fn told(&self, checked: &Checked) -> anyhow::Result<ExitCode> {
        let code = if checked.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if self.json {
            print::json(&serde_json::to_string(checked)?)?;
            return Ok(code);
        }
        let mut rows = Table::new(&["class", "object", "rows"]);
        for (class, object, count) in &checked.rows {
            rows.row([Cell::new(class), Cell::new(object), Cell::new(&count.to_string())]);
        }
        rows.print(Screen::stdout())?;
        if !checked.findings.is_empty() {
            print::line("");
            findings(checked).print(Screen::stdout())?;
        }
        if !checked.to_make.is_empty() {
            let count = checked.to_make.len();
            print::note(format_args!(
                "{count} fields and objects are made by 'migrate schema --deploy'."
            ));
        }
        let count = checked.findings.len();
        print::note(match count {
            0 => "All rows can be made records.".to_owned(),
            1 => "1 thing is to be mended in the mapping, in iTop or in the org.".to_owned(),
            _ => format!("{count} things are to be mended in the mapping, in iTop or in the org."),
        });
        Ok(code)
    }
}

fn findings(checked: &Checked) -> Table {
    let mut table = Table::new(&["class", "field", "code", "rows", "why", "such as"]);
    for finding in &checked.findings {
        let ids: Vec<_> = finding.ids.iter().map(ToString::to_string).collect();
        table.row([
            Cell::new(&finding.class),
            Cell::new(&finding.field),
            Cell::toned(finding.code, Some(Tone::Bad)),
            Cell::new(&if finding.rows == 0 { String::new() } else { finding.rows.to_string() }),
            Cell::new(&finding.reason),
            Cell::new(&ids.join(", ")),
        ]);
    }
    table
}

/// Describes objects; `None` for one that the user does not see.
pub(super) async fn describe(client: &Client, objects: &[String]) -> anyhow::Result<Org> {
    let mut org = Org::new();
    for object in objects {
        let described = match client.describe(object).await {
            Ok(described) => Some(described),
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(error.into()),
        };
        org.insert(object.clone(), described);
    }
    Ok(org)
}
