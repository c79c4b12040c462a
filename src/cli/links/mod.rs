//! `links`: take company links from a table and write them into one, by the API of a running bridge.

pub(super) mod show;

use std::{
    ffi::OsString,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder, header};
use serde_json::Value;

use super::{ConfigFile, print, token};
use show::{problem, readable, report};

/// How long the bridge may take to let somebody in; checking many links against iTop takes as long as it
/// takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Company links as a table.
#[derive(Debug, clap::Args)]
pub(super) struct Links {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take the links of a table over, all of them or none
    Import(Import),
    /// Write all links into a table, with a line for each company that has none
    Export(Export),
}

#[derive(Debug, clap::Args)]
struct Import {
    #[command(flatten)]
    bridge: Bridge,
    /// The table (CSV), as 'links export' writes it; - for standard input
    file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// The instance of lines that name none
    #[arg(long)]
    instance: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    bridge: Bridge,
    /// Where to; without it, standard output
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// What stands between cells
    #[arg(long, value_enum, default_value_t)]
    separator: Separator,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Separator {
    /// As most programs expect it
    #[default]
    Comma,
    /// As spreadsheets expect it in French
    Semicolon,
}

/// Which bridge, and who calls.
#[derive(Debug, clap::Args)]
struct Bridge {
    #[command(flatten)]
    config: ConfigFile,
    /// The address of the bridge; without it, where the configuration says that it listens
    #[arg(long)]
    url: Option<String>,
    /// A file with an API token (import needs the scope admin, export the scope read)
    #[arg(long, env = "BRIDGE_TOKEN_FILE")]
    token_file: Option<OsString>,
}

impl Bridge {
    /// A request to it.
    fn request(&self, method: reqwest::Method, call: &str) -> anyhow::Result<RequestBuilder> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().connect_timeout(PATIENCE);
        let (client, url) = if let Some(url) = &self.url {
            (client, url.trim_end_matches('/').to_owned())
        } else {
            let mut address = self.config.load()?.server.listen;
            if address.ip().is_unspecified() {
                address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
            }
            // The bridge that is asked is this machine's: a proxy would ask another one.
            (client.no_proxy(), format!("http://{address}"))
        };
        let mut request = client.build()?.request(method, format!("{url}{call}"));
        if let Some(token) = token::from_file(self.token_file.as_deref())? {
            request = request.bearer_auth(token.expose());
        }
        Ok(request)
    }
}

impl Links {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Import(import) => import.run().await,
            Command::Export(export) => export.run().await,
        }
    }
}

impl Import {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let name = readable(&self.file);
        let table = if self.file == Path::new("-") {
            let mut table = Vec::new();
            std::io::stdin().read_to_end(&mut table).map(|_| table)
        } else {
            std::fs::read(&self.file)
        };
        let table = table.with_context(|| format!("{name} cannot be read"))?;
        let mut call = format!("/api/v1/links?dry_run={}", self.dry_run);
        if let Some(instance) = &self.instance {
            call.push_str("&instance=");
            call.extend(utf8_percent_encode(instance, NON_ALPHANUMERIC));
        }
        let request = self.bridge.request(reqwest::Method::PUT, &call)?;
        let request = request.header(header::CONTENT_TYPE, "text/csv").body(table);
        let answer = request.send().await.context("the bridge does not answer")?;
        let status = answer.status();
        let body: Value = serde_json::from_str(&answer.text().await?).unwrap_or_default();
        if !status.is_success() {
            let (errors, said) = problem(&name, &body);
            eprint!("{errors}");
            bail!("{}", said.unwrap_or_else(|| format!("the bridge answers {status}")));
        }
        let (shown, errors) = report(&name, &body);
        print::bytes(shown.as_bytes())?;
        eprint!("{errors}");
        Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Export {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let separator = match self.separator {
            Separator::Comma => "comma",
            Separator::Semicolon => "semicolon",
        };
        let call = format!("/api/v1/links.csv?separator={separator}");
        let answer = self.bridge.request(reqwest::Method::GET, &call)?.send().await;
        let answer = answer.context("the bridge does not answer")?;
        let status = answer.status();
        let table = answer.bytes().await?;
        if !status.is_success() {
            let body: Value = serde_json::from_slice(&table).unwrap_or_default();
            let said = problem("", &body).1;
            bail!("{}", said.unwrap_or_else(|| format!("the bridge answers {status}")));
        }
        match &self.output {
            Some(file) => std::fs::write(file, &table)
                .with_context(|| format!("{} cannot be written", readable(file)))?,
            None => print::bytes(&table)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
