//! What became of equipment that the worker of the federation has looked at.

use crate::{
    domain::equipment::{EquipmentKey, Held, PROBLEM_CODES, Problem},
    store::{
        StoreError, Term,
        db::{self, Connection},
        meta,
    },
};

/// What became of a row, if it is still the one that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledEquipment {
    /// Which.
    pub key: EquipmentKey,
    /// What was wanted then.
    pub wanted_hash: Vec<u8>,
    /// Whether it was listed then.
    pub listed: bool,
    /// What became of it.
    pub became: Became,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// Its CI is as it was sent: it was read back.
    Synchronized {
        /// Class and key of the CI.
        ci: (String, String),
        /// Of what was sent.
        sent_hash: Vec<u8>,
        /// What was left out.
        left_out: Option<Problem>,
    },
    /// Its CI was seen, and is still to be brought back into use.
    Seen {
        /// Class and key of the CI.
        ci: (String, String),
    },
    /// Its CI is retired, if it has one; with the hash of what was read back.
    Retired {
        /// Class and key of the CI, if it was seen.
        ci: Option<(String, String)>,
        /// Of what was sent; `None` where nothing was.
        sent_hash: Option<Vec<u8>>,
    },
    /// It has left its class, and goes on as a new one.
    Left {
        /// The class, where its CI was never seen there: iTop may go on trying to make it.
        lost: Option<String>,
    },
    /// iTop has refused it.
    Failed(Problem),
    /// It waits until something is mended.
    Waits(Problem),
    /// A person is asked first.
    Asks {
        /// What about.
        held: Held,
        /// What exactly.
        held_for: String,
        /// The same for people.
        problem: Problem,
    },
}

impl Term {
    /// What became of rows. What a list has changed meanwhile stays as the list says, and waits.
    pub async fn settle_equipment(
        &self,
        outcomes: Vec<SettledEquipment>,
    ) -> Result<(), StoreError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let now = self.now_millis();
        self.write(move |db| outcomes.iter().try_for_each(|outcome| settle(db, outcome, now))).await
    }
}

/// The row is still what was looked at: what is told of it holds of that alone. What is true of iTop is kept in
/// any case.
const SAME: &str = "(wanted_hash = :hash AND listed = :listed AND held IS NULL
    AND (state = 'new' OR state = 'changed' OR state = 'retiring'))";

fn settle(db: &Connection, outcome: &SettledEquipment, now: i64) -> db::Result<()> {
    let SettledEquipment {
        key: EquipmentKey { instance, company, id },
        wanted_hash,
        listed,
        became,
    } = outcome;
    let state = |word: &str| format!("state = CASE WHEN {SAME} THEN '{word}' ELSE state END");
    let problem = format!(
        "problem_code = CASE WHEN {SAME} THEN :code ELSE problem_code END,
         problem = CASE WHEN {SAME} THEN :problem ELSE problem END"
    );
    let (mut ci, mut sent, mut held, mut told) = (None, None, None, None);
    let assigned = match became {
        Became::Synchronized { ci: its, sent_hash, left_out } => {
            (ci, sent, told) = (Some(its), Some(sent_hash), left_out.as_ref());
            format!(
                "{problem}, {}, ci_class = :ci_class, ci_id = :ci_id, sent_hash = :sent,
                 synchronized_at = :now, allowed = NULL, begun = NULL",
                state("synchronized")
            )
        }
        Became::Seen { ci: its } => {
            ci = Some(its);
            "ci_class = :ci_class, ci_id = :ci_id, begun = NULL".to_owned()
        }
        Became::Retired { ci: its, sent_hash } => {
            (ci, sent) = (its.as_ref(), sent_hash.as_ref());
            format!(
                "{problem}, {}, sent_hash = coalesce(:sent, sent_hash), allowed = NULL,
                 ci_class = coalesce(:ci_class, ci_class), ci_id = coalesce(:ci_id, ci_id),
                 begun = CASE WHEN :ci_id IS NULL THEN begun END",
                state("retired")
            )
        }
        Became::Left { .. } => format!(
            "{problem}, state = CASE WHEN NOT {SAME} THEN state WHEN listed THEN 'new' ELSE 'retired' END,
             class = NULL, sent_hash = NULL, org_id = NULL, ci_class = NULL, ci_id = NULL, allowed = NULL, begun = NULL"
        ),
        Became::Failed(why) => {
            told = Some(why);
            format!("{problem}, {}", state("failed"))
        }
        Became::Waits(why) => {
            told = Some(why);
            problem
        }
        Became::Asks { held: about, held_for, problem: why } => {
            (held, told) = (Some((about, held_for)), Some(why));
            format!(
                "{problem}, held_for = CASE WHEN {SAME} THEN :held_for ELSE held_for END,
                 held = CASE WHEN {SAME} THEN :held ELSE held END"
            )
        }
    };
    debug_assert!(told.is_none_or(|told| PROBLEM_CODES.contains(&&*told.code)), "{told:?}");
    let sql = format!(
        "UPDATE equipment SET {assigned}
         WHERE instance = :instance AND company_key = :company AND equipment_id = :id"
    );
    let company = company.to_string();
    let all: [(&str, &dyn db::ToSql); 13] = [
        (":instance", &instance.as_str()),
        (":company", &company),
        (":id", &id.as_str()),
        (":hash", wanted_hash),
        (":listed", listed),
        (":code", &told.map(|told| &told.code)),
        (":problem", &told.map(|told| &told.message)),
        (":ci_class", &ci.map(|ci| &ci.0)),
        (":ci_id", &ci.map(|ci| &ci.1)),
        (":sent", &sent),
        (":now", &now),
        (":held", &held.map(|(held, _)| held.as_str())),
        (":held_for", &held.map(|(_, held_for)| held_for)),
    ];
    db.prepare_cached(&sql)?.execute_with_some_of(&all)?;
    if let Became::Left { lost: Some(class) } = became {
        let lost = lost(db, class)? + 1;
        meta::set(db, &lost_name(class), &lost.to_string())?;
    }
    Ok(())
}

fn lost_name(class: &str) -> String {
    format!("equipment_lost:{class}")
}

/// How many rows have left a class unseen.
pub(super) fn lost(db: &Connection, class: &str) -> db::Result<u64> {
    Ok(meta::get(db, &lost_name(class))?.and_then(|lost| lost.parse().ok()).unwrap_or(0))
}
