//! What the worker of the federation asks of the equipment, and which rows it gives to iTop.
//!
//! Before a chunk is loaded its rows are marked as given to iTop ([`Store::begin_equipment`]); what was read
//! back ends that ([`Store::settle_equipment`]). Whatever happens in between, the same rows wait still, and are
//! loaded again.

use super::{key, settle::lost};
use crate::{
    domain::{
        equipment::{EquipmentKey, Held},
        keys::{Instance, PartyKey},
    },
    store::{
        Store, StoreError, Term, as_json,
        db::{self, OptionalExtension as _, named_params},
    },
};

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

pub(super) const DUE: &str =
    "held IS NULL AND (state = 'new' OR state = 'changed' OR state = 'retiring')";

impl Term {
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
}

impl Store {
    /// How many rows of a class were given to iTop and never read back as they were sent.
    pub async fn unproven_equipment(&self, class: &str) -> Result<u64, StoreError> {
        let class = class.to_owned();
        self.read(move |db| {
            let rows: u64 = db.prepare_cached(UNPROVEN)?.query_row([&class], |row| row.get(0))?;
            Ok(rows + lost(db, &class)?)
        })
        .await
    }

    /// Whether any row was given to iTop and never read back as it was sent.
    pub async fn is_equipment_begun(&self) -> Result<bool, StoreError> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM equipment INDEXED BY equipment_unproven
                     WHERE class IS NOT NULL AND sent_hash IS NULL)",
            )?
            .query_row([], |row| row.get(0))
        })
        .await
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
            .collect::<db::Result<Vec<_>>>()
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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::{
        clock::Clock,
        domain::equipment::{Equipment, EquipmentRow, EquipmentState},
        store::{
            Became, SettledEquipment,
            db::{Connection, Value, params},
            inbox_query::tests::plan,
            migrate::tests::empty,
        },
    };

    #[test]
    fn whatever_the_worker_asks_has_an_index() {
        let db = empty();
        let text = || Value::from("x".to_owned());
        let unproven = plan(&db, UNPROVEN, vec![text()]);
        assert!(unproven.contains("equipment_unproven (class=?"), "{unproven}");
        let with_cis = plan(&db, WITH_CIS, vec![Value::from("[]".to_owned())]);
        assert!(with_cis.contains("equipment_ci (ci_id=?"), "{with_cis}");
    }

    #[tokio::test]
    async fn what_a_list_says_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        let term = store.lead().await;
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
        let queue = store.equipment_queues().await.unwrap().remove(0);
        let waiting = async || store.equipment_due(&queue, None, 10).await.unwrap();
        let due = waiting().await;
        assert_eq!(due.len(), 2);
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
        let begun = term.begin_equipment("Server", due.iter().map(load).collect()).await.unwrap();
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
        term.settle_equipment(vec![settled.clone()]).await.unwrap();
        let due = waiting().await;
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
        term.settle_equipment(vec![settled]).await.unwrap();
        assert_eq!(waiting().await.len(), 1);
        assert_eq!(store.unproven_equipment("Server").await.unwrap(), 0);
    }
}
