//! What was learned: answers to questions, and errors that are known.

use rusqlite::{Connection, params};

use super::{
    Companies, Dice,
    words::{BROKEN, DESCRIBED, PLACES, SAID, WISHES},
};
use crate::{Flavour, sanitize};

/// The categories of questions: what is in work stands in the last one.
const CATEGORIES: [&str; 3] = ["Workplace", "Réseau", "In work"];

pub(super) fn fill(
    db: &Connection,
    dice: &mut Dice,
    tickets: u32,
    companies: &Companies,
) -> rusqlite::Result<()> {
    for name in CATEGORIES {
        db.execute("INSERT INTO base_faq_category (name) VALUES (?1)", [name])?;
    }
    for number in 0..(tickets / 100).max(12) {
        db.prepare_cached(
            "INSERT INTO base_faq (title, summary, description, category_id, error_code, key_words)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            format!("{} {} ?", dice.one(WISHES), dice.one(PLACES)),
            dice.one(SAID),
            sanitize::clean(Flavour::Grown, dice.one::<&str>(DESCRIBED)),
            number % 3 + 1,
            format!("E{number:03}"),
            "how, où, wie",
        ])?;
        db.prepare_cached(
            "INSERT INTO base_known_error (name, org_id, symptom, root_cause, workaround, solution, error_code)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            format!("{} {}", dice.one(BROKEN), dice.one(PLACES)),
            dice.one(&companies.all).id,
            dice.one(SAID),
            "A defect of the supplier's",
            dice.one(SAID),
            dice.one(SAID),
            format!("K{number:03}"),
        ])?;
    }
    Ok(())
}
