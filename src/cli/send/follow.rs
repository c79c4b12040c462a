//! An event stream on standard input: acknowledgements are sent as they are told.

use std::{
    io::{self, BufRead, Read as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{MAX_INPUT, Send, put, set_pairs, told};
use crate::{
    clock::{Clock, Moment},
    config::Period,
    domain::charset::text_of,
    sender::{Engine, Spool, Told},
};

/// How long a stream is silent until what waits is sent.
const QUIET: Duration = Duration::from_secs(10);

impl Send {
    /// Reads a stream of events line by line and sends what is an acknowledgement. What is wrong with one of
    /// them is said and ends nothing; what waits is sent also while nothing comes.
    pub(super) async fn follow(&self, clock: &Clock) -> anyhow::Result<ExitCode> {
        let engine = self.engine.context("name the engine whose stream this is, with --engine")?;
        let time = self.timeout.map_or(Duration::from_secs(3), Period::duration);
        let (tell, mut lines) = mpsc::channel(16);
        // Not one of the runtime's: it would be waited for when all else has ended.
        std::thread::spawn(move || {
            let mut input = io::stdin().lock();
            while let Ok(Some(line)) = next_line(&mut input) {
                if tell.blocking_send(line).is_err() {
                    break;
                }
            }
        });
        loop {
            let until = || clock.moment().later(time);
            let line = tokio::select! {
                line = lines.recv() => line,
                () = clock.sleep(QUIET) => {
                    let spool = Spool::open(&self.spool)?;
                    if !spool.is_empty() {
                        told(spool.flush(&self.bridge()?, clock, until()).await?.as_ref());
                    }
                    continue;
                }
            };
            let Some(line) = line else { return Ok(ExitCode::SUCCESS) };
            if let Err(error) = self.send_line(engine, &line, clock, until()).await {
                eprintln!("servicenav-itop-bridge: {error:#}");
            }
        }
    }

    async fn send_line(
        &self,
        engine: Engine,
        line: &[u8],
        clock: &Clock,
        until: Moment,
    ) -> anyhow::Result<()> {
        let line = text_of(line);
        let mut event = match engine.read_line(&line).map_err(|error| anyhow!(error))? {
            Told::Event(event) => event,
            Told::Nothing(_) => return Ok(()),
        };
        put(&mut event, &set_pairs(&self.set)?)?;
        let event = Value::Object(event).to_string().into_bytes();
        self.keep_and_send(&[event], clock, until).await.map(drop)
    }
}

/// The next line of a stream that says something; `None` at its end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(MAX_INPUT).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(line));
        }
    }
}
