//! What commands say on standard output.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write as _},
};

use super::screen::harmless_json;

/// Prints a line. Whoever was to read it may be gone, as in `check | head -1`: nobody misses it then, and
/// the command does the rest of its work and ends as it would.
pub(super) fn line(line: impl Display) {
    if let Err(error) = bytes(format!("{line}\n").as_bytes()) {
        eprintln!("servicenav-itop-bridge: standard output cannot be written: {error}");
    }
}

/// Prints these bytes as they are.
///
/// # Errors
/// When they cannot be written, but for want of somebody who reads them.
pub(super) fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

/// Prints an answer of the API for a program, as a line.
///
/// # Errors
/// As [`bytes`].
pub(super) fn json(answer: &str) -> io::Result<()> {
    bytes(format!("{}\n", harmless_json(answer.trim_end())).as_bytes())
}

/// Says something beside the output, for people; nobody may be there any more.
pub(super) fn note(note: impl Display) {
    let _ = writeln!(io::stderr(), "{note}");
}
