//! `send`: what a monitoring engine calls for an acknowledgement.

mod follow;

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Map, Value};

use super::token;
use crate::{
    clock::{Clock, Moment},
    config::Period,
    domain::dotted,
    sender::{Answered, Bridge, Engine, Flushed, Spool, Told, Values},
};

/// How long a flush may take unless it is told otherwise: it is called by a timer.
const FLUSH: Duration = Duration::from_secs(50);

/// The longest text on standard input, in bytes: the largest list that the bridge takes.
const MAX_INPUT: u64 = 8 << 20;

/// Send acknowledgements of a monitoring engine to a bridge. An event is kept on the disk first: while the
/// bridge is away it waits, and each later call sends it.
#[derive(Debug, clap::Args)]
pub(super) struct Send {
    /// Whose macros the values are; without it, an event as JSON is read from standard input
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Only send what waits; for a timer
    #[arg(long, conflicts_with_all = ["engine", "set", "values", "print"])]
    flush: bool,
    /// Read Icinga's event stream (/v1/events) from standard input, until it ends
    #[arg(long, requires = "engine", conflicts_with_all = ["flush", "values", "print"])]
    stream: bool,
    /// The address of the bridge, with https:// or http://
    #[arg(long, env = "BRIDGE_URL", value_name = "URL")]
    url: String,
    /// A file with an API token of the scope ingest
    #[arg(long, env = "BRIDGE_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<OsString>,
    /// A file with the secret by which events are signed (Standard Webhooks), beside a token or instead
    #[arg(long, env = "BRIDGE_SIGNING_SECRET_FILE", value_name = "FILE")]
    signing_secret_file: Option<OsString>,
    /// Where events wait
    #[arg(
        long,
        env = "BRIDGE_SPOOL",
        value_name = "FOLDER",
        default_value = "/var/spool/servicenav-itop-bridge"
    )]
    spool: PathBuf,
    /// How long all of it may take; 3s, for --flush 50s
    #[arg(long, value_name = "TIME")]
    timeout: Option<Period>,
    /// The exit code if the event is neither sent nor kept
    #[arg(long, value_name = "CODE", default_value_t = 1)]
    failure_code: u8,
    /// A member of the event that the engine does not know, such as company.name=Demo
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<OsString>,
    /// Print the event; nothing is sent or kept
    #[arg(long)]
    print: bool,
    /// Macros by their names, such as HOSTNAME='$HOSTNAME$'; also from the environment
    #[arg(value_name = "NAME=VALUE")]
    values: Vec<OsString>,
}

impl Send {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let clock = Clock::system();
        let usual = if self.flush { FLUSH } else { Duration::from_secs(3) };
        let until = clock.moment().later(self.timeout.map_or(usual, Period::duration));
        if self.flush {
            let spool = Spool::open(&self.spool)?;
            return Ok(told(spool.flush(&self.bridge()?, &clock, until).await?.as_ref()));
        }
        if self.stream {
            return self.follow(&clock).await;
        }
        match self.deliver(&clock, until).await {
            Ok(code) => Ok(code),
            Err(error) => {
                eprintln!("servicenav-itop-bridge: {error:#}");
                Ok(ExitCode::from(self.failure_code))
            }
        }
    }

    async fn deliver(&self, clock: &Clock, until: Moment) -> anyhow::Result<ExitCode> {
        let events = match self.events(clock)? {
            Events::Nothing(why) => {
                println!("nothing to send: {why}");
                return Ok(ExitCode::SUCCESS);
            }
            Events::Are(events) => events,
        };
        if self.print {
            for event in events {
                println!("{}", String::from_utf8_lossy(&event));
            }
            return Ok(ExitCode::SUCCESS);
        }
        self.keep_and_send(&events, clock, until).await
    }

    async fn keep_and_send(
        &self,
        events: &[Vec<u8>],
        clock: &Clock,
        until: Moment,
    ) -> anyhow::Result<ExitCode> {
        let kept = Spool::open(&self.spool).and_then(|spool| {
            let numbers = events.iter().map(|event| spool.keep(event));
            let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
            Ok((spool, numbers))
        });
        let bridge = self.bridge();
        match kept {
            Ok((spool, numbers)) => {
                let flushed = match bridge {
                    Ok(bridge) => spool.flush(&bridge, clock, until).await?,
                    Err(error) => {
                        let why = Some(format!("{error:#}"));
                        Some(Flushed { left: numbers.len(), why, ..Flushed::default() })
                    }
                };
                told(flushed.as_ref());
                if numbers.iter().any(|number| spool.has(*number)) {
                    println!("kept in {}; it is sent with the next one", self.spool.display());
                }
                Ok(ExitCode::SUCCESS)
            }
            // Without a spool there is this one chance.
            Err(why) => {
                eprintln!("servicenav-itop-bridge: {why}");
                directly(&bridge?, events, clock, until).await
            }
        }
    }

    fn events(&self, clock: &Clock) -> anyhow::Result<Events> {
        let set = set_pairs(&self.set)?;
        let Some(engine) = self.engine else {
            if !self.values.is_empty() {
                bail!("name the engine whose macros these are, with --engine");
            }
            return input(&set);
        };
        let mut values = Values::default();
        values.add_environment(engine.prefix(), std::env::vars_os());
        for pair in &self.values {
            let (name, value) = pair_of(pair)?;
            values.set(&name, &value);
        }
        let mut event = match engine.read(&values, clock.now()).map_err(|error| anyhow!(error))? {
            Told::Event(event) => event,
            Told::Nothing(why) => return Ok(Events::Nothing(why)),
        };
        put(&mut event, &set)?;
        Ok(Events::Are(vec![Value::Object(event).to_string().into_bytes()]))
    }

    fn bridge(&self) -> anyhow::Result<Bridge> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let token = token::from_file(self.token_file.as_deref())?;
        let bridge = Bridge::new(&self.url, token).map_err(|error| anyhow!(error))?;
        match token::from_file(self.signing_secret_file.as_deref())? {
            Some(secrets) => bridge.signing(&secrets).map_err(|error| anyhow!(error)),
            None => Ok(bridge),
        }
    }
}

enum Events {
    Are(Vec<Vec<u8>>),
    Nothing(String),
}

/// Events as JSON: one, or a list. What is no JSON is sent as it is: the bridge keeps what it refuses, where
/// people see it.
fn input(set: &[(String, String)]) -> anyhow::Result<Events> {
    let mut input = Vec::new();
    io::stdin().take(MAX_INPUT + 1).read_to_end(&mut input).context("standard input")?;
    if input.len() as u64 > MAX_INPUT {
        bail!("standard input is longer than {MAX_INPUT} bytes");
    }
    if input.trim_ascii().is_empty() {
        bail!("standard input is empty: give an event as JSON, or name an engine with --engine");
    }
    let events = match serde_json::from_slice(&input) {
        Ok(Value::Array(events)) => events,
        Ok(event) => vec![event],
        Err(_) => return Ok(Events::Are(vec![input])),
    };
    let with = |mut event: Value| {
        if let Some(event) = event.as_object_mut() {
            put(event, set)?;
        }
        Ok(event.to_string().into_bytes())
    };
    Ok(Events::Are(events.into_iter().map(with).collect::<anyhow::Result<_>>()?))
}

/// What `--set` names.
pub(super) fn set_pairs(set: &[OsString]) -> anyhow::Result<Vec<(String, String)>> {
    let pair = |pair: &OsString| pair_of(pair).map(|(name, value)| (name, text(&value)));
    set.iter().map(pair).collect()
}

/// Sets members of an event.
pub(super) fn put(event: &mut Map<String, Value>, set: &[(String, String)]) -> anyhow::Result<()> {
    for (name, value) in set {
        dotted::set(event, name, value.as_str().into())?;
    }
    Ok(())
}

/// Name and value of an argument.
fn pair_of(argument: &OsStr) -> anyhow::Result<(String, OsString)> {
    use std::os::unix::ffi::OsStrExt as _;

    let bytes = argument.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b'=');
    let name = at.and_then(|at| str::from_utf8(&bytes[..at]).ok()).filter(|name| !name.is_empty());
    match (name, at) {
        (Some(name), Some(at)) => {
            Ok((name.to_owned(), OsStr::from_bytes(&bytes[at + 1..]).to_owned()))
        }
        _ => bail!("'{}' is not NAME=VALUE", argument.to_string_lossy()),
    }
}

fn text(value: &OsStr) -> String {
    crate::domain::charset::text_of(value.as_encoded_bytes())
}

/// Says what came of it; failure where something waits.
fn told(flushed: Option<&Flushed>) -> ExitCode {
    let Some(flushed) = flushed else {
        println!("another process sends what waits");
        return ExitCode::SUCCESS;
    };
    for line in &flushed.done {
        println!("{line}");
    }
    if flushed.left == 0 {
        return ExitCode::SUCCESS;
    }
    let why = flushed.why.as_deref().unwrap_or("there was no more time");
    eprintln!("servicenav-itop-bridge: {} wait: {why}", flushed.left);
    ExitCode::FAILURE
}

/// Sends events that cannot be kept, each until it is taken or the time is over.
async fn directly(
    bridge: &Bridge,
    events: &[Vec<u8>],
    clock: &Clock,
    until: Moment,
) -> anyhow::Result<ExitCode> {
    const PAUSE: Duration = Duration::from_millis(300);
    for event in events {
        loop {
            match bridge.post(event, until.since(clock.moment()), clock.now()).await {
                Answered::Taken(said) => {
                    println!("{said}");
                    break;
                }
                Answered::Refused(said) => bail!("refused: {said}"),
                Answered::Held(said) | Answered::Away(said) => {
                    if until.since(clock.moment()) <= PAUSE {
                        bail!("{said}");
                    }
                    clock.sleep(PAUSE).await;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
