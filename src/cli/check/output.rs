//! How the report is shown: each line as it is known.

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use serde_json::json;

use crate::{
    check::{Told, Verdict},
    cli::print,
};

/// Standard output, and on a terminal a line that says what is being asked.
pub(super) struct Output {
    json: bool,
    shows_progress: bool,
    warnings: usize,
    failures: usize,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let shows_progress = !json && std::io::stderr().is_terminal();
        Self { json, shows_progress, warnings: 0, failures: 0 }
    }

    pub(super) fn take(&mut self, told: Told) {
        match told {
            Told::Examining(what) => self.progress(&format!("         {what} …")),
            Told::Found(finding) => {
                match finding.verdict {
                    Verdict::Ok => {}
                    Verdict::Warning => self.warnings += 1,
                    Verdict::Failure => self.failures += 1,
                }
                self.progress("");
                if self.json {
                    print::line(json!(finding));
                } else {
                    print::line(&finding);
                }
            }
        }
    }

    /// The last line, and how the command ends.
    pub(super) fn end(mut self) -> ExitCode {
        self.progress("");
        let Self { json, warnings, failures, .. } = self;
        if json {
            print::line(json!({"warnings": warnings, "failures": failures}));
        } else {
            print::line(format_args!("\n{warnings} warnings, {failures} failures"));
        }
        if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Replaces the line that says what is being asked.
    fn progress(&mut self, line: &str) {
        if self.shows_progress {
            let mut terminal = std::io::stderr().lock();
            // A terminal that is gone has nobody who misses the line.
            let _ = write!(terminal, "\r\x1b[2K{line}");
            let _ = terminal.flush();
        }
    }
}
