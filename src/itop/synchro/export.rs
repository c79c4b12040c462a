//! `export-v2.php`: objects as CSV.

use super::{DoorError, page::bare};
use crate::itop::answer::Raw;

/// Judges the answer to an export: a wrong password is answered 200 with the page that asks for one, and
/// a wrong query 200 with a page that says so.
pub(super) fn read(raw: Raw, text: &str) -> Result<Vec<u8>, DoorError> {
    if raw.content_type.starts_with("text/csv") {
        return Ok(raw.body);
    }
    if text.contains("name=\"auth_pwd\"") {
        let message = "the page that asks for a login came".to_owned();
        return Err(DoorError::NoLogin { message });
    }
    let said = text.rsplit_once("ibo-page-container").map_or(text, |(_, said)| said);
    let said = said.split_once('>').map_or(said, |(_, said)| said);
    Err(DoorError::Refused { message: raw.echo(&bare(said)) })
}
