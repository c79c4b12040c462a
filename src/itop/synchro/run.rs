//! Processing what was loaded: what `synchro_exec.php` answers.

use super::{
    Counters, DoorError,
    page::{bare, count},
};
use crate::outgoing::Raw;

/// The counters, in the order in which they are told.
const LABELS: [&str; 14] = [
    "Replicas",
    "Replicas touched since last synchro",
    "Objects deleted",
    "Objects deletion errors",
    "Objects obsoleted",
    "Objects obsolescence errors",
    "Objects created",
    "Objects creation errors",
    "Objects updated",
    "Objects update errors",
    "Objects reconciled (updated)",
    "Objects reconciled (unchanged)",
    "Objects reconciliation errors",
    "Replica disappeared, no action taken",
];

/// Parts of the word for administrators in the languages of iTop: what it says to whom it does not let
/// synchronize is in the language of the account.
const ADMINISTRATORS: [&str; 6] =
    ["admin", "amministrator", "администратор", "yönetici", "rendszergazd", "管理"];

/// Judges the answer to a run of this source.
pub(super) fn read(raw: &Raw, text: &str, source: &str) -> Result<Counters, DoorError> {
    let paragraphs: Vec<&str> = text
        .split("<p>")
        .skip(1)
        .filter_map(|part| part.split_once("</p>"))
        .map(|(said, _)| said.trim())
        .collect();
    // The zeros follow all the same.
    if let Some(error) = paragraphs.iter().find_map(|said| said.strip_prefix("ERROR: ")) {
        return Err(refused(raw, error, source));
    }
    let first = paragraphs.iter().rposition(|said| count(said, LABELS[0]).is_some());
    let told = first.map_or(&[][..], |first| &paragraphs[first..]);
    let counts: Option<Vec<_>> = match told.len() {
        14.. => LABELS.iter().zip(told).map(|(label, said)| count(said, label)).collect(),
        _ => None,
    };
    let counts = counts.and_then(|counts| <[_; 14]>::try_from(counts).ok());
    match counts {
        Some(counts) => Ok(counters(&counts)),
        // An exception is said in its own words, behind what it was working on.
        None => match text.rsplit_once("...</p>") {
            Some((before, after))
                if before.contains("<p>Working on ") && !after.contains("<p>") =>
            {
                Err(DoorError::Refused { message: raw.echo(&bare(after)) })
            }
            _ => Err(DoorError::Unclear {
                reason: format!("the answer has no counters: {}", raw.shown(&raw.body)),
            }),
        },
    }
}

fn refused(raw: &Raw, error: &str, source: &str) -> DoorError {
    let known = error.to_lowercase();
    if error.starts_with("The data source (id=") && error.contains("does not exist") {
        DoorError::NoSource { source_id: source.to_owned() }
    } else if ADMINISTRATORS.iter().any(|word| known.contains(word)) {
        DoorError::NotAllowed { message: raw.echo(error) }
    } else {
        DoorError::Refused { message: raw.echo(error) }
    }
}

fn counters(counts: &[(u64, Option<u64>); 14]) -> Counters {
    let sum = |number: usize| counts[number].0;
    let warnings = |number: usize| counts[number].1.unwrap_or(0);
    Counters {
        replicas: sum(0),
        touched: sum(1),
        deleted: sum(2),
        deletion_errors: sum(3),
        obsoleted: sum(4),
        obsolescence_errors: sum(5),
        created: sum(6),
        created_warnings: warnings(6),
        creation_errors: sum(7),
        updated: sum(8),
        updated_warnings: warnings(8),
        update_errors: sum(9),
        reconciled_updated: sum(10),
        // iTop shows this sum behind the unchanged ones too.
        reconciled_warnings: warnings(10),
        reconciled_unchanged: sum(11),
        reconciliation_errors: sum(12),
        disappeared: sum(13),
    }
}
