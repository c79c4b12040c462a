//! How the report is shown: each line as it is known.

use std::process::ExitCode;

use serde_json::json;

use crate::{
    check::{Told, Verdict},
    cli::{print, progress::Waiting},
};

/// Standard output, and on a terminal a line that says what is being asked.
pub(super) struct Output {
    json: bool,
    progress: Option<Waiting>,
    warnings: usize,
    failures: usize,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let progress = (!json).then(|| Waiting::on("the configuration"));
        Self { json, progress, warnings: 0, failures: 0 }
    }

    pub(super) fn take(&mut self, told: Told) {
        match told {
            Told::Examining(what) => {
                if let Some(progress) = &self.progress {
                    progress.say(what);
                }
            }
            Told::Found(finding) => {
                match finding.verdict {
                    Verdict::Ok => {}
                    Verdict::Warning => self.warnings += 1,
                    Verdict::Failure => self.failures += 1,
                }
                match &self.progress {
                    Some(progress) => progress.beside(|| print::line(&finding)),
                    None => print::line(json!(finding)),
                }
            }
        }
    }

    /// The last line, and how the command ends.
    pub(super) fn end(self) -> ExitCode {
        let Self { json, progress, warnings, failures } = self;
        drop(progress);
        if json {
            print::line(json!({"warnings": warnings, "failures": failures}));
        } else {
            print::line(format_args!("\n{warnings} warnings, {failures} failures"));
        }
        if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
