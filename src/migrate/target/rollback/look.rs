//! What others have hung on our records.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Event, Rollback};
use crate::{
    migrate::target::TargetError,
    salesforce::{
        Error,
        loading::{Fields, READ_AT_ONCE, quoted},
    },
};

/// How many records one question names whose children are read.
const PARENTS: usize = 200;

/// Tables that the org keeps beside records, and that go with them.
const OF_THE_ORG: [&str; 4] = ["Share", "History", "Feed", "ChangeEvent"];

/// Its rows say which document hangs on what.
const LINK: &str = "ContentDocumentLink";

impl Rollback<'_> {
    /// Which records of a class stay: what no longer has its key, and what others have hung something on.
    pub(super) async fn look(&self, class: &str) -> Result<(), TargetError> {
        let Some((mapping, object)) = self.plan().class(class) else { return Ok(()) };
        let (key, of) = (mapping.key.clone(), class.to_owned());
        let counts = self.staging().ledger(move |ledger| ledger.counts(&of)).await?;
        (self.tell)(&Event::Looks { class: class.to_owned(), rows: counts.created });
        let mut above = 0;
        loop {
            let of = class.to_owned();
            let ours = self
                .staging()
                .ledger(move |ledger| ledger.to_take_back(&of, above, READ_AT_ONCE))
                .await?;
            let Some(last) = ours.last() else { return Ok(()) };
            above = last.id;
            let ids: Vec<_> = ours.iter().map(|record| record.target.clone()).collect();
            let asked = ["Id".to_owned(), key.clone()];
            let read = self
                .patience()
                .ask(class, async || self.client().read_many(object, &ids, &asked).await)
                .await?;
            let (mut gone, mut kept, mut there) = (Vec::new(), Vec::new(), BTreeMap::new());
            for (record, read) in ours.iter().zip(read) {
                match read {
                    None => gone.push(record.id),
                    Some(read) => {
                        let expected = crate::migrate::mapping::key(class, record.id);
                        if read.get(&key).and_then(Value::as_str) == Some(&expected) {
                            there.insert(record.target.clone(), record.id);
                        } else {
                            kept.push((record.id, format!("it no longer has its key {expected}")));
                        }
                    }
                }
            }
            let of = class.to_owned();
            self.staging()
                .ledger(move |ledger| gone.iter().try_for_each(|id| ledger.taken_back(&of, *id)))
                .await?;
            for (parent, reason) in self.foreign_children(object, &there).await? {
                if let Some(id) = there.get(&parent) {
                    kept.push((*id, reason));
                }
            }
            self.keep(class, kept).await?;
            (self.tell)(&Event::Looked { rows: u64::try_from(ours.len()).unwrap_or(0) });
        }
    }

    /// Of our records those on which something of others hangs that would go with them, and what.
    async fn foreign_children(
        &self,
        object: &str,
        ours: &BTreeMap<String, u64>,
    ) -> Result<Vec<(String, String)>, TargetError> {
        let ids: Vec<_> = ours.keys().cloned().collect();
        let mut foreign = Vec::new();
        for (child, field) in self.plan().cascades(object) {
            if OF_THE_ORG.iter().any(|suffix| child.ends_with(suffix)) {
                continue;
            }
            let document = if child == LINK { ", ContentDocumentId" } else { "" };
            for ids in ids.chunks(PARENTS) {
                let named: Vec<_> = ids.iter().map(|id| quoted(id)).collect();
                let query = format!(
                    "SELECT Id, {field}{document} FROM {child} WHERE {field} IN ({})",
                    named.join(",")
                );
                let asked = async || match self.client().records(&query).await {
                    Err(Error::Refused(refusal)) => Ok(Err(refusal.to_string())),
                    answered => answered.map(Ok),
                };
                match self.patience().ask(&child, asked).await? {
                    Ok(children) => {
                        foreign.extend(self.not_ours(&child, &field, children).await?);
                    }
                    Err(reason) => {
                        (self.tell)(&Event::Unseen { object: child.clone(), reason });
                        break;
                    }
                }
            }
        }
        Ok(foreign)
    }

    /// Those of some children that this migration has not made: the parent, and what hangs on it.
    async fn not_ours(
        &self,
        child: &str,
        field: &str,
        children: Vec<Fields>,
    ) -> Result<Vec<(String, String)>, TargetError> {
        let id_of = if child == LINK { "ContentDocumentId" } else { "Id" };
        let named: Vec<_> = children
            .iter()
            .filter_map(|child| {
                let text = |name: &str| child.get(name).and_then(Value::as_str);
                Some((text(id_of)?.to_owned(), text(field)?.to_owned()))
            })
            .collect();
        let child = child.to_owned();
        let foreign = self.staging().ledger(move |ledger| {
            let mut foreign = Vec::new();
            for (id, parent) in named {
                if !ledger.is_ours(&id)? {
                    foreign.push((parent, format!("the {child} {id} of others hangs on it")));
                }
            }
            Ok(foreign)
        });
        Ok(foreign.await?)
    }
}
