//! `cmdb export`: CIs as CSV.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use csv::{QuoteStyle, ReaderBuilder, WriterBuilder};
use serde_json::json;

use super::{admin::Account, doors};
use crate::{
    cli::{
        ConfigFile, print,
        progress::Waiting,
        screen::{Screen, harmless_lines, readable},
    },
    cmdb::model::Model,
    config::{Cmdb, Config},
    itop::{
        Client, Use, oql,
        synchro::{DoorError, Doors},
    },
};

/// Write the CIs of a class as CSV, straight from iTop; with an administrator's login, or cmdb.user
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    account: Account,
    /// The class, such as Server
    #[arg(long)]
    class: String,
    /// The company: its name or key in iTop; without it, all
    #[arg(long)]
    company: Option<String>,
    /// The attributes, by their codes; without it, those that 'cmdb import' takes of this class
    #[arg(long, value_delimiter = ',')]
    fields: Vec<String>,
    /// Where to; without it, standard output
    #[arg(short, long)]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.file.load()?;
        for name in self.fields.iter().chain([&self.class]) {
            let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_code) {
                bail!(
                    "'{}' is not the code of a class or attribute",
                    crate::cli::screen::plain(name)
                );
            }
        }
        let doors = doors(&self.account.administrator_or_own(&config)?)?;
        let waiting = Waiting::on("iTop writes the CSV; 50,000 CIs take half a minute");
        let csv = self.csv(&config, &doors).await;
        drop(waiting);
        let csv = csv?;
        match &self.output {
            Some(file) => std::fs::write(file, &csv)
                .with_context(|| format!("{} cannot be written", readable(file)))?,
            None if Screen::stdout().is_terminal() => {
                print::bytes(harmless_lines(&String::from_utf8_lossy(&csv)).as_bytes())?;
            }
            None => print::bytes(&csv)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn csv(&self, config: &Config, doors: &Doors) -> anyhow::Result<Vec<u8>> {
        let class = &self.class;
        let query = match &self.company {
            None => format!("SELECT {class}"),
            Some(company) => {
                let org = organization(doors.rest(), company).await?;
                format!("SELECT {class} WHERE org_id = {org}")
            }
        };
        let csv = doors.export(&query, &self.fields(config)).await.map_err(mended)?;
        let (csv, rows) = without_empty_keys(&csv).context("iTop's CSV cannot be read")?;
        // REST leaves nothing out.
        let operation = json!({
            "operation": "core/get", "class": class, "key": query, "output_fields": "id",
            "limit": 1, "page": 1,
        });
        let all = doors.rest().call(Use::Read, &operation).await?.found().unwrap_or(rows);
        if all > rows {
            print::note(format_args!(
                "{} of {all} are not in it: iTop leaves out what is obsolete, unless the preferences \
                 of this login show it.",
                all - rows
            ));
        }
        Ok(csv)
    }

    fn fields(&self, config: &Config) -> Vec<String> {
        if !self.fields.is_empty() {
            return self.fields.clone();
        }
        let usual = Cmdb::default();
        let model = Model::of(config.cmdb.as_ref().unwrap_or(&usual), &self.class);
        match model {
            Some(model) => model.fed().iter().map(|fed| fed.code.clone()).collect(),
            None => ["name", "org_id"].map(str::to_owned).into(),
        }
    }
}

/// The key of an organization, by its key or name.
async fn organization(client: &Client, company: &str) -> anyhow::Result<u64> {
    let condition = match company.parse::<u64>() {
        Ok(id) => format!("id = {id}"),
        Err(_) => format!("name = {}", oql::quote(company)),
    };
    let operation = json!({
        "operation": "core/get", "class": "Organization", "output_fields": "id",
        "key": format!("SELECT Organization WHERE {condition}"),
    });
    let answer = client.call(Use::Read, &operation).await?;
    let found: Vec<_> = answer.objects().map(|(_, id, _)| id).collect();
    let shown = crate::cli::screen::plain(company);
    match found.as_slice() {
        [id] => Ok(*id),
        [] => bail!("this login sees no organization '{shown}' in iTop"),
        _ => bail!("iTop has several organizations '{shown}': name one by its key"),
    }
}

/// Leaves a cell empty where iTop writes 0 for a reference to nothing: its own import refuses that 0. Also
/// gives the number of rows.
fn without_empty_keys(csv: &[u8]) -> csv::Result<(Vec<u8>, usize)> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(csv);
    let mut writer =
        WriterBuilder::new().flexible(true).quote_style(QuoteStyle::NonNumeric).from_writer(vec![]);
    let codes = reader.byte_headers()?.clone();
    writer.write_byte_record(&codes)?;
    let mut rows = 0;
    for row in reader.byte_records() {
        let row = row?;
        rows += 1;
        let is_key = |at| codes.get(at).is_some_and(|code: &[u8]| code.ends_with(b"_id"));
        writer.write_record(row.iter().enumerate().map(|(at, cell)| match cell {
            b"0" if is_key(at) => b"",
            cell => cell,
        }))?;
    }
    Ok((writer.into_inner().map_err(csv::IntoInnerError::into_error)?, rows))
}

/// What went wrong at a door, with what to do about it.
pub(super) fn mended(error: DoorError) -> anyhow::Error {
    let mend = error.mend();
    let error = anyhow::Error::from(error);
    match mend {
        Some(mend) => error.context(mend.to_owned()),
        None => error,
    }
}
