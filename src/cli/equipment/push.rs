//! `equipment push`: a list from a file.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use futures_util::stream;
use reqwest::{Body, Method, header};

use super::{EQUIPMENT, shown};
use crate::{
    cli::{
        bridge::{Bridge, BridgeError, Call, Query},
        print,
        progress::{Bytes, Counter},
        screen::{Screen, readable},
    },
    domain::equipment::list::Format,
};

/// How much of a file is sent at once, in bytes.
const PIECE: usize = 64 * 1024;

/// Send all equipment of a company: what is not in the file is retired; needs the scope operate
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command")]
pub(super) struct Push {
    /// A table (CSV) with a first line that names its columns, a JSON array, or a JSON object a line; - for
    /// standard input
    file: PathBuf,
    /// The company: its id in ServiceNav, or name:NAME; without it, that of a token of one company
    #[arg(long)]
    company: Option<String>,
    /// Of which ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// These are some rows of it: the others stay as they are
    #[arg(long)]
    partial: bool,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Take an empty list too
    #[arg(long)]
    force: bool,
    /// Only if it changes what a dry run has said that had this digest
    #[arg(long, value_name = "DIGEST", conflicts_with = "dry_run")]
    digest: Option<String>,
    /// In what form it is; without it, as the name of the file or its beginning says
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bridge: Bridge,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Csv,
    Json,
    Ndjson,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Csv => Self::Csv,
            Form::Json => Self::Json,
            Form::Ndjson => Self::Lines,
        }
    }
}

impl Push {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let name = readable(&self.file);
        let unreadable = || format!("{name} cannot be read");
        let (mut from, length): (Box<dyn Read + Send>, _) = if self.file == Path::new("-") {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(&self.file).with_context(unreadable)?;
            let length = file.metadata().ok().map(|about| about.len());
            (Box::new(file), length)
        };
        let first = piece(&mut from).with_context(unreadable)?;
        let named = self.format.map(Format::from).or_else(|| of_name(&self.file));
        let format = named.unwrap_or_else(|| of_beginning(&first));
        let bar = Bytes::of(length, "sending");
        let sent = bar.counter();
        let pieces = stream::iter(Pieces { first: Some(first), from, sent });
        let call = self.call()?.with(|request| {
            let request = request.header(header::CONTENT_TYPE, format.content_type());
            request.body(Body::wrap_stream(pieces))
        });
        let answer = call.send().await;
        drop(bar);
        let answer = match answer {
            Ok(answer) => answer,
            Err(BridgeError::Refused { said, body, .. }) => {
                if self.json {
                    print::json(&body.to_string())?;
                }
                eprint!("{}", shown::errors(&name, &body));
                return Err(anyhow!(said));
            }
            Err(error) => return Err(error.into()),
        };
        if self.json {
            print::json(&answer.text)?;
        } else if self.dry_run {
            shown::preview(&answer.body, Screen::stdout())?;
        } else {
            print::line(shown::taken(&answer.body));
        }
        for warning in shown::warnings(&answer.body) {
            print::note(warning);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn call(&self) -> anyhow::Result<Call> {
        let yes = |is: bool| is.then_some(true);
        let query = Query::default()
            .with("company", self.company.as_ref())
            .with("instance", self.instance.as_ref());
        let (method, path) = if self.dry_run {
            let query = query.with("partial", yes(self.partial)).with("force", yes(self.force));
            (Method::POST, query.of(&format!("{EQUIPMENT}/preview")))
        } else if self.partial {
            (Method::PATCH, query.with("digest", self.digest.as_ref()).of(EQUIPMENT))
        } else {
            let query = query.with("force", yes(self.force));
            (Method::PUT, query.with("digest", self.digest.as_ref()).of(EQUIPMENT))
        };
        self.bridge.call(method, &path)
    }
}

/// What the name of a file says of its form.
fn of_name(file: &Path) -> Option<Format> {
    let ending = file.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "csv" | "tsv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "ndjson" | "jsonl" => Some(Format::Lines),
        _ => None,
    }
}

/// What the beginning of a file says of its form.
fn of_beginning(first: &[u8]) -> Format {
    let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    match first.iter().find(|byte| !byte.is_ascii_whitespace()) {
        // Objects one after another are lines, too.
        Some(b'[' | b'{') => Format::Json,
        _ => Format::Csv,
    }
}

/// Up to so much of what comes; less only at its end.
fn piece(from: &mut (impl Read + ?Sized)) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE);
    from.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// A file, piece by piece.
struct Pieces {
    first: Option<Vec<u8>>,
    from: Box<dyn Read + Send>,
    sent: Counter,
}

impl Iterator for Pieces {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = match self.first.take() {
            Some(first) => Ok(first),
            None => piece(&mut *self.from),
        };
        match piece {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => {
                self.sent.add(piece.len());
                Some(Ok(piece))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_that_of_the_name_or_of_the_beginning() {
        for (name, expected) in [
            ("park.CSV", Some(Format::Csv)),
            ("park.json", Some(Format::Json)),
            ("park.jsonl", Some(Format::Lines)),
            ("park", None),
            ("-", None),
        ] {
            assert_eq!(of_name(Path::new(name)), expected, "{name}");
        }
        for (begin, expected) in [
            (&b" \n[{"[..], Format::Json),
            (b"\xef\xbb\xbf{\"id\"", Format::Json),
            (b"id;name", Format::Csv),
            (b"\xff\xfei\0", Format::Csv),
            (b"", Format::Csv),
        ] {
            assert_eq!(of_beginning(begin), expected, "{begin:?}");
        }
    }
}
