//! What all pages beside REST have in common: they answer in words, and most of what goes wrong has the
//! status 200 too.

use super::DoorError;
use crate::{
    itop::{ItopError, answer},
    outgoing::Raw,
};

/// What iTop says instead of anything else to whom it does not let in. These words are no part of any
/// dictionary: they are the same in each language.
const NO_LOGIN: [&str; 5] = [
    "Invalid login",
    "Portal user is not allowed",
    "This user is not authorized to use the web services",
    "Missing parameter 'auth_",
    "Unknown authentication error",
];

/// What PHP says when its memory is used up, in a page of status 500.
const NO_MEMORY: &str = "Allowed memory size";

/// The text of an answer of status 200 that lets the account in.
pub(super) fn text(answer: Result<Raw, ItopError>) -> Result<(Raw, String), DoorError> {
    let raw = answer.map_err(of_the_way)?;
    if raw.status == 500 && String::from_utf8_lossy(&raw.body).contains(NO_MEMORY) {
        return Err(DoorError::NoMemory { message: raw.shown(&raw.body) });
    }
    answer::of_a_page(&raw).map_err(of_the_way)?;
    // Before anything of iTop something else may have printed a byte order mark.
    let text = String::from_utf8_lossy(&raw.body).trim_start_matches('\u{feff}').to_owned();
    let said = bare(&text);
    if NO_LOGIN.iter().any(|words| said.starts_with(words)) {
        return Err(DoorError::NoLogin { message: raw.echo(&said) });
    }
    Ok((raw, text))
}

/// What an answer that is none of iTop's page means here.
fn of_the_way(error: ItopError) -> DoorError {
    match error {
        ItopError::Unreachable { .. }
        | ItopError::NoConnectionLeft { .. }
        | ItopError::TooLate
        | ItopError::Maintenance { .. }
        | ItopError::NotItop { .. }
        | ItopError::TurnedAway { .. } => DoorError::Away(error),
        ItopError::BadCredentials => DoorError::NoLogin { message: "Invalid login".to_owned() },
        ItopError::ProfileMissing { message } => DoorError::NoLogin { message },
        ItopError::Refused { message, .. } | ItopError::NotAllowed { message } => {
            DoorError::Refused { message }
        }
        ItopError::NoClearAnswer { reason } => DoorError::Unclear { reason },
    }
}

/// A text without the elements of HTML, and without what stands around it.
pub(super) fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        bare.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    bare.trim().to_owned()
}

/// The number behind a label: `Objects created: 3 (0 warnings)` gives 3 and 0.
pub(super) fn count(line: &str, label: &str) -> Option<(u64, Option<u64>)> {
    let rest = line.strip_prefix(label)?.strip_prefix(": ")?.trim();
    match rest.split_once(' ') {
        None => Some((rest.parse().ok()?, None)),
        Some((count, warnings)) => {
            let warnings = warnings.strip_prefix('(')?.strip_suffix(" warnings)")?;
            Some((count.parse().ok()?, Some(warnings.parse().ok()?)))
        }
    }
}
