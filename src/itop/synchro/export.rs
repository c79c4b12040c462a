//! `export-v2.php`: objects as CSV.

use super::{DoorError, page::bare};
use crate::outgoing::Raw;

/// Judges the answer to an export: a wrong password is answered 200 with the page that asks for one, and
/// a wrong query 200 with a page that says so.
pub(super) fn read(raw: Raw, text: &str) -> Result<Vec<u8>, DoorError> {
    if raw.content_type().starts_with("text/csv") {
        return Ok(raw.body);
    }
    if text.contains("name=\"auth_pwd\"") {
        let message = "the page that asks for a login came".to_owned();
        return Err(DoorError::NoLogin { message });
    }
    let page = text.rsplit_once("ibo-page-container").map(|(_, page)| page);
    let said = page.and_then(|page| Some(page.split_once('>')?.1)).unwrap_or(text);
    // A program for the browser stands behind the words.
    let said = said.split_once("<script").map_or(said, |(said, _)| said);
    Err(DoorError::Refused { message: raw.echo(&unescaped(&bare(said))) })
}

/// A text of a page as it is read there. iTop escapes a part of it twice.
fn unescaped(text: &str) -> String {
    let signs = [
        ("&amp;", "&"),
        ("&amp;", "&"),
        ("&#039;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ];
    signs.iter().fold(text.to_owned(), |text, (escaped, sign)| text.replace(escaped, sign))
}
