//! Whose equipment waits for its turn: each company has a queue of its own, so that a long list of one does not
//! keep the others waiting.
//!
//! What one list has changed waits since one moment. So there are few moments, however many rows there are, and
//! the index of what waits is read moment by moment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{COLUMNS, parsed, row, turns::DUE};
use crate::{
    domain::{
        equipment::EquipmentRow,
        keys::{EquipmentId, Instance, PartyKey},
    },
    store::{
        Store, StoreError,
        db::{self, Connection, OptionalExtension as _, params},
    },
};

/// Moments that are looked at together, the earliest.
const MOMENTS: usize = 2_000;

/// What waits of one company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquipmentQueue {
    /// Which.
    pub company: (Instance, PartyKey),
    /// Since when rows of it wait, the earliest first.
    since: Vec<i64>,
}

impl Store {
    /// The companies of which rows wait that nothing keeps back, in their order.
    pub async fn equipment_queues(&self) -> Result<Vec<EquipmentQueue>, StoreError> {
        self.read(|db| queues(db, MOMENTS)).await
    }

    /// The rows of a company that wait for their turn and that nothing keeps back, those first that have waited
    /// longest, from behind one of them.
    pub async fn equipment_due(
        &self,
        queue: &EquipmentQueue,
        after: Option<(Timestamp, EquipmentId)>,
        limit: usize,
    ) -> Result<Vec<EquipmentRow>, StoreError> {
        let (instance, company) = &queue.company;
        let (instance, company) = (instance.to_string(), company.to_string());
        let (moment, id) = match after {
            None => (i64::MIN, String::new()),
            Some((since, id)) => (since.as_millisecond(), id.to_string()),
        };
        let since: Vec<_> = queue.since.iter().copied().filter(|since| *since >= moment).collect();
        self.read(move |db| {
            let mut select = db.prepare_cached(&due_sql())?;
            let mut due = Vec::new();
            for since in since {
                let behind = if since == moment { id.as_str() } else { "" };
                let left = i64::try_from(limit - due.len()).unwrap_or(i64::MAX);
                let found =
                    select.query_map(params![since, instance, company, behind, left], row)?;
                for row in found {
                    due.push(row?);
                }
                if due.len() == limit {
                    break;
                }
            }
            Ok(due)
        })
        .await
    }
}

fn queues(db: &Connection, most: usize) -> db::Result<Vec<EquipmentQueue>> {
    let snapshot = db.snapshot()?;
    let mut next = snapshot.prepare_cached(&next_sql())?;
    let mut place = (i64::MIN, String::new(), String::new());
    let mut queues = BTreeMap::<_, Vec<i64>>::new();
    for _ in 0..most {
        let found = next.query_row(params![place.0, place.1, place.2], |row| {
            let company: (Instance, PartyKey) = (parsed(row, 1)?, parsed(row, 2)?);
            Ok((company, (row.get(0)?, row.get(1)?, row.get(2)?)))
        });
        let Some((company, behind)) = found.optional()? else { break };
        place = behind;
        queues.entry(company).or_default().push(place.0);
    }
    Ok(queues.into_iter().map(|(company, since)| EquipmentQueue { company, since }).collect())
}

/// The next moment since which rows of a company wait.
fn next_sql() -> String {
    format!(
        "SELECT changed_at, instance, company_key FROM equipment INDEXED BY equipment_waiting
         WHERE {DUE} AND problem_code IS NULL AND (changed_at, instance, company_key) > (?1, ?2, ?3)
         ORDER BY changed_at, instance, company_key LIMIT 1"
    )
}

fn due_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM equipment INDEXED BY equipment_waiting
         WHERE {DUE} AND problem_code IS NULL AND changed_at = ?1 AND instance = ?2
           AND company_key = ?3 AND equipment_id > ?4
         ORDER BY equipment_id LIMIT ?5"
    )
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::{
        clock::Clock,
        domain::equipment::Equipment,
        store::{db::Value, inbox_query::tests::plan, migrate::tests::empty, time},
    };

    #[test]
    fn whose_turn_it_is_is_found_without_a_look_at_all_that_wait() {
        let db = empty();
        let text = || Value::from("x".to_owned());
        let next = plan(&db, &next_sql(), vec![0.into(), text(), text()]);
        let skips =
            "equipment_waiting (problem_code=? AND (changed_at,instance,company_key)>(?,?,?))";
        assert!(next.contains(skips), "{next}");
        let due = plan(&db, &due_sql(), vec![0.into(), text(), text(), text(), 5.into()]);
        let seeks = "equipment_waiting (problem_code=? AND changed_at=? AND instance=? AND company_key=? \
                     AND equipment_id>?)";
        assert!(due.contains(seeks), "{due}");
        for plan in [next, due] {
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }

    #[tokio::test]
    async fn each_company_has_its_rows_in_the_order_in_which_they_wait() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        let rows = [("id:1", "a", 5), ("id:1", "b", 5), ("id:2", "a", 5), ("id:1", "c", 3)];
        let insert = move |db: &Connection| {
            for (company, id, changed_at) in rows {
                let wanted = Equipment::named("srv");
                db.execute(
                    "INSERT INTO equipment (instance, company_key, equipment_id, wanted, wanted_hash,
                         words, state, listed, changed_at)
                     VALUES ('default', ?1, ?2, ?3, ?4, '', 'new', 1, ?5)",
                    params![company, id, wanted.json(), wanted.hash(), changed_at],
                )?;
            }
            // These do not wait.
            db.execute_batch(
                "UPDATE equipment SET held = 'adopt' WHERE company_key = 'id:1' AND equipment_id = 'b';
                 INSERT INTO equipment SELECT instance, 'id:3', equipment_id, wanted, wanted_hash, words,
                     state, listed, held, held_for, allowed, class, sent_hash, org_id, ci_class, ci_id,
                     'x', problem, changed_at, synchronized_at, begun
                 FROM equipment WHERE company_key = 'id:2'",
            )
        };
        store.write(insert).await.unwrap();
        let queues = store.equipment_queues().await.unwrap();
        let shown: Vec<_> =
            queues.iter().map(|queue| (queue.company.1.to_string(), queue.since.clone())).collect();
        assert_eq!(shown, [("id:1".to_owned(), vec![3, 5]), ("id:2".to_owned(), vec![5])]);
        let due = async |after: Option<(i64, &str)>, limit: usize| {
            let after = after.map(|(since, id)| (time(since), id.parse().unwrap()));
            let due = store.equipment_due(&queues[0], after, limit).await.unwrap();
            due.into_iter().map(|row| row.key.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(due(None, 9).await, ["c", "a"]);
        assert_eq!(due(None, 1).await, ["c"]);
        assert_eq!(due(Some((3, "c")), 9).await, ["a"]);
        assert!(due(Some((5, "a")), 9).await.is_empty());
    }
}
