//! What the worker of the federation asks of the equipment, and how far it has brought each.
//!
//! Before a chunk is loaded its rows are marked as given to iTop ([`Store::begin_equipment`]); what was read
//! back ends that ([`Store::settle_equipment`]). Whatever happens in between, the same rows wait still, and are
//! loaded again.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{
    Store, StoreError, as_json,
    equipment::{COLUMNS, row},
};
use crate::domain::{
    equipment::{EquipmentKey, EquipmentRow, Held, Problem},
    keys::{Instance, PartyKey},
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
    /// Its CI is retired, if it has one; with the hash of what was read back.
    Retired {
        /// Class and key of the CI, if it was seen.
        ci: Option<(String, String)>,
        /// Of what was sent; `None` where nothing was.
        sent_hash: Option<Vec<u8>>,
    },
    /// It has left its class, and goes on as a new one.
    Left,
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

/// A row that is about to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquipmentLoad {
    /// Which.
    pub key: EquipmentKey,
    /// What is wanted.
    pub wanted_hash: Vec<u8>,
    /// Whether it is listed.
    pub listed: bool,
    /// The organization.
    pub org_id: String,
    /// Under what a CI is made for it, if one is.
    pub begun: Option<String>,
    /// Whether its CI is retired by it: until it has come back, it is not said to be synchronized.
    pub retires: bool,
}

/// A CI that a row has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedCi {
    /// Its organization, as iTop numbers it.
    pub org_id: String,
    /// Its class.
    pub class: String,
    /// Its key.
    pub id: String,
}

const DUE: &str = "held IS NULL AND (state = 'new' OR state = 'changed' OR state = 'retiring')";

impl Store {
    /// The rows that wait for their turn and that nothing keeps back, those first that have waited longest,
    /// from behind one of them.
    pub async fn equipment_due(
        &self,
        after: Option<(Timestamp, EquipmentKey)>,
        limit: usize,
    ) -> Result<Vec<EquipmentRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (since, place) = match after {
            None => (i64::MIN, Default::default()),
            Some((since, EquipmentKey { instance, company, id })) => {
                let place = [instance.to_string(), company.to_string(), id.to_string()];
                (since.as_millisecond(), place)
            }
        };
        self.read(move |db| {
            let [instance, company, id] = place;
            db.prepare_cached(&due_sql())?
                .query_map(params![since, instance, company, id, limit], row)?
                .collect()
        })
        .await
    }

    /// These rows are about to be given to iTop, as rows of this class: tells for each whether it still is
    /// what was looked at. Those that are not are not to be loaded.
    pub async fn begin_equipment(
        &self,
        class: &str,
        loads: Vec<EquipmentLoad>,
    ) -> Result<Vec<bool>, StoreError> {
        let class = class.to_owned();
        self.write(move |db| {
            let mut update = db.prepare_cached(&format!(
                "UPDATE equipment SET class = :class, org_id = :org, sent_hash = NULL,
                     begun = coalesce(:begun, begun),
                     synchronized_at = CASE WHEN :retires THEN NULL ELSE synchronized_at END
                 WHERE instance = :instance AND company_key = :company AND equipment_id = :id
                   AND wanted_hash = :hash AND listed = :listed AND {DUE}"
            ))?;
            loads
                .iter()
                .map(|load| {
                    let EquipmentKey { instance, company, id } = &load.key;
                    let rows = update.execute(named_params! {
                        ":class": class,
                        ":org": load.org_id,
                        ":begun": load.begun,
                        ":retires": load.retires,
                        ":instance": instance.as_str(),
                        ":company": company.to_string(),
                        ":id": id.as_str(),
                        ":hash": load.wanted_hash,
                        ":listed": load.listed,
                    })?;
                    Ok(rows == 1)
                })
                .collect()
        })
        .await
    }

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

    /// How many rows of a class were given to iTop and never read back as they were sent.
    pub async fn unproven_equipment(&self, class: &str) -> Result<u64, StoreError> {
        let class = class.to_owned();
        self.read(move |db| db.prepare_cached(UNPROVEN)?.query_row([class], |row| row.get(0))).await
    }

    /// Which rows have these CIs, by their keys.
    pub async fn equipment_with_cis(
        &self,
        ids: &[String],
    ) -> Result<Vec<(EquipmentKey, String, String)>, StoreError> {
        let ids = as_json(ids);
        self.read(move |db| {
            db.prepare_cached(WITH_CIS)?
                .query_map([ids], |row| Ok((key(row)?, row.get(3)?, row.get(4)?)))?
                .collect()
        })
        .await
    }

    /// The CI of an equipment, if it has one: what it was synchronized with.
    pub async fn federated_ci(
        &self,
        instance: &Instance,
        company: &PartyKey,
        id: &str,
    ) -> Result<Option<FederatedCi>, StoreError> {
        let (instance, company, id) = (instance.to_string(), company.to_string(), id.to_owned());
        self.read(move |db| {
            db.prepare_cached(
                "SELECT org_id, ci_class, ci_id FROM equipment
                 WHERE instance = ?1 AND company_key = ?2 AND equipment_id = ?3
                   AND ci_id IS NOT NULL AND org_id IS NOT NULL",
            )?
            .query_row([instance, company, id], |row| {
                Ok(FederatedCi { org_id: row.get(0)?, class: row.get(1)?, id: row.get(2)? })
            })
            .optional()
        })
        .await
    }

    /// How many rows are held for each reason.
    pub async fn equipment_by_hold(&self) -> Result<Vec<(Held, u64)>, StoreError> {
        let counted = self.read(|db| {
            db.prepare_cached(
                "SELECT held, count(*) FROM equipment INDEXED BY equipment_held
                 WHERE held IS NOT NULL GROUP BY held",
            )?
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<Vec<_>>>()
        });
        Ok(counted
            .await?
            .into_iter()
            .filter_map(|(word, n)| Some((Held::parse(&word)?, n)))
            .collect())
    }
}

const UNPROVEN: &str = "SELECT count(*) FROM equipment INDEXED BY equipment_unproven
     WHERE class = ?1 AND class IS NOT NULL AND sent_hash IS NULL";

const WITH_CIS: &str = "SELECT instance, company_key, equipment_id, ci_class, ci_id
     FROM equipment INDEXED BY equipment_ci
     WHERE ci_id IN (SELECT value FROM json_each(?1)) AND ci_id IS NOT NULL";

fn due_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM equipment INDEXED BY equipment_waiting
         WHERE {DUE} AND problem_code IS NULL
           AND (changed_at, instance, company_key, equipment_id) > (?1, ?2, ?3, ?4)
         ORDER BY changed_at, instance, company_key, equipment_id LIMIT ?5"
    )
}

/// The row is still what was looked at: what is told of it holds of that alone. What is true of iTop is kept in
/// any case.
const SAME: &str = "(wanted_hash = :hash AND listed = :listed AND held IS NULL
    AND (state = 'new' OR state = 'changed' OR state = 'retiring'))";

fn settle(db: &Connection, outcome: &SettledEquipment, now: i64) -> rusqlite::Result<()> {
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
        Became::Retired { ci: its, sent_hash } => {
            (ci, sent) = (its.as_ref(), sent_hash.as_ref());
            format!(
                "{problem}, {}, sent_hash = coalesce(:sent, sent_hash), allowed = NULL,
                 ci_class = coalesce(:ci_class, ci_class), ci_id = coalesce(:ci_id, ci_id)",
                state("retired")
            )
        }
        Became::Left => format!(
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
    let sql = format!(
        "UPDATE equipment SET {assigned}
         WHERE instance = :instance AND company_key = :company AND equipment_id = :id"
    );
    let company = company.to_string();
    let all: [(&str, &dyn rusqlite::ToSql); 13] = [
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
    let named: Vec<_> = all.into_iter().filter(|(name, _)| mentions(&sql, name)).collect();
    db.prepare_cached(&sql)?.execute(named.as_slice())?;
    Ok(())
}

/// Whether a statement has this parameter.
fn mentions(sql: &str, name: &str) -> bool {
    sql.match_indices(name).any(|(at, _)| {
        let next = sql[at + name.len()..].chars().next();
        !next.is_some_and(|next| next.is_alphanumeric() || next == '_')
    })
}

fn key(row: &Row<'_>) -> rusqlite::Result<EquipmentKey> {
    Ok(EquipmentKey { instance: parsed(row, 0)?, company: parsed(row, 1)?, id: parsed(row, 2)? })
}

/// A text that was checked before it was stored.
pub(super) fn parsed<T: std::str::FromStr>(row: &Row<'_>, at: usize) -> rusqlite::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get::<_, String>(at)?.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::types::Value;

    use super::*;
    use crate::{
        clock::Clock,
        domain::equipment::{Equipment, EquipmentState},
        store::{inbox_query::tests::plan, migrate::tests::empty},
    };

    #[test]
    fn whatever_the_worker_asks_has_an_index() {
        let db = empty();
        let text = || Value::from("x".to_owned());
        let due = plan(&db, &due_sql(), vec![0.into(), text(), text(), text(), 5.into()]);
        assert!(
            due.contains("SEARCH equipment USING INDEX equipment_waiting (problem_code=?"),
            "{due}"
        );
        assert!(!due.contains("TEMP B-TREE"), "{due}");
        let unproven = plan(&db, UNPROVEN, vec![text()]);
        assert!(unproven.contains("equipment_unproven (class=?"), "{unproven}");
        let with_cis = plan(&db, WITH_CIS, vec![Value::from("[]".to_owned())]);
        assert!(with_cis.contains("equipment_ci (ci_id=?"), "{with_cis}");
    }

    #[tokio::test]
    async fn what_a_list_says_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        let insert = |db: &Connection| {
            for id in ["1", "2"] {
                let wanted = Equipment::named(format!("srv-{id}"));
                db.execute(
                    "INSERT INTO equipment (instance, company_key, equipment_id, wanted, wanted_hash,
                         words, state, listed, changed_at)
                     VALUES ('default', 'id:42', ?1, ?2, ?3, '', 'new', 1, 5)",
                    params![id, wanted.json(), wanted.hash()],
                )?;
            }
            Ok(())
        };
        store.write(insert).await.unwrap();
        let due = store.equipment_due(None, 10).await.unwrap();
        assert_eq!(due.len(), 2);
        let behind = (due[0].changed_at, due[0].key.clone());
        assert_eq!(store.equipment_due(Some(behind), 10).await.unwrap(), due[1..]);
        let load = |row: &EquipmentRow| EquipmentLoad {
            key: row.key.clone(),
            wanted_hash: row.wanted_hash.clone(),
            listed: true,
            org_id: "3".to_owned(),
            begun: None,
            retires: false,
        };
        // The second one is another by the time it is begun; the first by the time it is settled.
        let change = |id: &'static str| {
            let wanted = Equipment::named("renamed");
            store.write(move |db| {
                db.execute(
                    "UPDATE equipment SET wanted = ?2, wanted_hash = ?3, state = 'changed'
                     WHERE equipment_id = ?1",
                    params![id, wanted.json(), wanted.hash()],
                )
            })
        };
        change("2").await.unwrap();
        let begun = store.begin_equipment("Server", due.iter().map(load).collect()).await.unwrap();
        assert_eq!(begun, [true, false]);
        assert_eq!(store.unproven_equipment("Server").await.unwrap(), 1);
        change("1").await.unwrap();
        let settled = SettledEquipment {
            key: due[0].key.clone(),
            wanted_hash: due[0].wanted_hash.clone(),
            listed: true,
            became: Became::Synchronized {
                ci: ("Server".to_owned(), "7".to_owned()),
                sent_hash: vec![1],
                left_out: None,
            },
        };
        store.settle_equipment(vec![settled.clone()]).await.unwrap();
        let due = store.equipment_due(None, 10).await.unwrap();
        let first = due.iter().find(|row| row.key == settled.key).unwrap();
        assert_eq!(first.state, EquipmentState::Changed);
        assert_eq!(first.ci, Some(("Server".to_owned(), "7".to_owned())));
        let key = &first.key;
        let ci = store.federated_ci(&key.instance, &key.company, "1").await.unwrap().unwrap();
        assert_eq!((&*ci.org_id, &*ci.id), ("3", "7"));
        let owners = store.equipment_with_cis(&["7".to_owned(), "8".to_owned()]).await.unwrap();
        assert_eq!(owners.len(), 1);
        // As it is now, it is.
        let settled = SettledEquipment { wanted_hash: first.wanted_hash.clone(), ..settled };
        store.settle_equipment(vec![settled]).await.unwrap();
        assert_eq!(store.equipment_due(None, 10).await.unwrap().len(), 1);
        assert_eq!(store.unproven_equipment("Server").await.unwrap(), 0);
    }
}
