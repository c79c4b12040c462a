//! Text compared without its case, as Salesforce compares it.

use rusqlite::{Connection, functions::FunctionFlags};

/// The name of the collation and of the function.
pub(super) const NAME: &str = "FOLD";

/// The text without its case.
pub(crate) fn fold(text: &str) -> String {
    text.to_lowercase()
}

pub(super) fn register(db: &Connection) -> rusqlite::Result<()> {
    db.create_collation(NAME, |left, right| {
        if left.is_ascii() && right.is_ascii() {
            let lower = |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
            let (left, right): (Vec<u8>, Vec<u8>) = (lower(left), lower(right));
            return left.cmp(&right);
        }
        fold(left).cmp(&fold(right))
    })?;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function(NAME, 1, flags, |context| {
        Ok(context.get::<Option<String>>(0)?.map(|text| fold(&text)))
    })
}
