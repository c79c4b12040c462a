//! The line that a further acknowledgement leaves in the log of a ticket.

use jiff::{civil::DateTime, tz::TimeZone};

use super::{Labels, Language, civil};
use crate::domain::{
    acknowledgement::{Acknowledgement, ControlState},
    notice::Notice,
    priority::Priority,
    text::{cut_chars, entities_apart, one_line},
};

/// How much of a comment a line has, in characters.
const COMMENT_CHARS: usize = 500;

/// How much of the control's output a line has, in characters.
const OUTPUT_CHARS: usize = 1_000;

/// That a control is in a worse state than the one for which its ticket was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worse {
    /// Its state now.
    pub state: ControlState,
    /// Since when, in iTop's zone.
    pub since: DateTime,
    /// The priority that a new ticket would have.
    pub priority_now: Priority,
    /// The priority that its ticket has, if that is known.
    pub priority_then: Option<Priority>,
}

impl Worse {
    /// What an event tells of its control; `priority_then` is the one of the ticket that there is,
    /// and `zone` is iTop's.
    #[must_use]
    pub fn of(
        event: &Acknowledgement,
        priority_now: Priority,
        priority_then: Option<Priority>,
        zone: &TimeZone,
    ) -> Self {
        let since = civil(event.state_since(), zone);
        Self { state: event.control.state, since, priority_now, priority_then }
    }
}

/// What people read in the log of a ticket that is there already: one line, comment, and what has
/// changed of the control since its ticket was written to; where it has become worse, its output too.
/// Nothing in it can be taken for a marker.
#[must_use]
pub fn line(event: &Acknowledgement, language: Language, changes: &[Notice]) -> String {
    let product = event.product();
    let labels = Labels::new(language, product);
    let Labels { colon, acknowledged_again_by, without_comment, output, .. } = &labels;
    let author = one_line(event.author());
    let comment = one_line(event.acknowledgement.comment.as_deref().unwrap_or_default());
    let comment = match cut_chars(&comment, COMMENT_CHARS) {
        none if none.is_empty() => format!(", {without_comment}"),
        comment => format!("{colon} {comment}"),
    };
    let mut parts = vec![format!("{product}{colon} {acknowledged_again_by} {author}{comment}")];
    for change in changes {
        parts.push(format!("– {}", change.say(language)));
    }
    if changes.iter().any(|change| matches!(change, Notice::Worse(_))) {
        let text = one_line(event.control.output.as_deref().unwrap_or_default());
        if !text.is_empty() {
            parts.push(format!("{output}{colon} {}", cut_chars(&text, OUTPUT_CHARS)));
        }
    }
    without_brackets(&entities_apart(&parts.join(" ")))
}

/// Square brackets become round ones, so that nobody can write another's marker: those, too, that
/// iTop's database takes for square brackets when it compares (`utf8mb4_unicode_ci`).
fn without_brackets(line: &str) -> String {
    let round = |c| match c {
        '[' | '\u{ff3b}' | '\u{fe47}' => '(',
        ']' | '\u{ff3d}' | '\u{fe48}' => ')',
        other => other,
    };
    line.chars().map(round).collect()
}
