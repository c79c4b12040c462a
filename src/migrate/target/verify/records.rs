//! Records, field by field.

use std::{collections::HashSet, sync::Arc};

use serde_json::Value;

use super::{ClassReport, Difference, Event, NAMED, Verify, compare::is_equal};
use crate::{
    migrate::{
        mapping::{ClassMapping, is_article, is_published, is_taken},
        staging::ledger::PUBLISH,
        target::{
            TargetError,
            load::{DRAFT, ONLINE, STATUS},
            plan::of_class,
        },
    },
    salesforce::loading::{Fields, READ_AT_ONCE},
};

/// Fields that the org sets anew when a record is changed.
const OF_THE_LAST_CHANGE: [&str; 2] = ["LastModifiedDate", "LastModifiedById"];

impl Verify<'_> {
    pub(super) async fn class(
        &self,
        class: &str,
        differences: &mut Vec<Difference>,
    ) -> Result<ClassReport, TargetError> {
        let Some((mapping, object)) = self.plan.class(class) else {
            return Ok(ClassReport::default());
        };
        let mut report = self.counts(class, mapping, object).await?;
        let chosen = self.chosen(class).await?;
        let rows = chosen
            .as_ref()
            .map_or(report.created, |chosen| u64::try_from(chosen.len()).unwrap_or(u64::MAX));
        (self.tell)(&Event::Begins { what: class.to_owned(), rows });
        let mut fields = self.plan.fields(class);
        fields.push("Id".to_owned());
        let is_article = is_article(object);
        if is_article {
            fields.push(STATUS.to_owned());
        }
        let later: Vec<_> = mapping.rules().filter(|(_, rule)| rule.later).collect();
        let mut above = 0;
        loop {
            let of = class.to_owned();
            let sent =
                self.staging.ledger(move |ledger| ledger.sent(&of, above, READ_AT_ONCE)).await?;
            let Some((last, ..)) = sent.last() else { return Ok(report) };
            above = *last;
            let sent: Vec<_> = sent
                .into_iter()
                .filter(|(id, ..)| chosen.as_ref().is_none_or(|chosen| chosen.contains(id)))
                .collect();
            let ids: Vec<_> = sent.iter().map(|(_, target, _)| target.clone()).collect();
            let read = self
                .patience()
                .ask(class, async || self.client.read_many(object, &ids, &fields).await)
                .await?;
            let ids = sent.iter().map(|(id, ..)| *id).collect();
            let public = if is_article { self.public(class, ids).await? } else { HashSet::new() };
            for ((id, target, sent), read) in sent.iter().zip(read) {
                let mut sent: Fields = serde_json::from_str(sent).unwrap_or_default();
                if is_article {
                    let status = if public.contains(id) { ONLINE } else { DRAFT };
                    sent.insert(STATUS.to_owned(), Value::from(status));
                }
                let was_changed = later.iter().any(|(name, _)| sent.contains_key(*name));
                let found = match read {
                    None => vec![Difference::missing(class, *id, target)],
                    Some(read) => {
                        let counts = |field: &&String| {
                            !was_changed || !OF_THE_LAST_CHANGE.contains(&field.as_str())
                        };
                        let compared = fields.iter().filter(counts);
                        let differs = compared.filter(|field| *field != "Id").filter_map(|field| {
                            let (sent, read) = (value(&sent, field), value(&read, field));
                            // What was not sent the org may have filled in.
                            if sent.is_null() {
                                return None;
                            }
                            let kind = self.plan.kind(object, field);
                            (!is_equal(kind, sent, read))
                                .then(|| Difference::of(class, *id, target, field, sent, read))
                        });
                        differs.collect()
                    }
                };
                report.compared += 1;
                if !found.is_empty() {
                    report.differing += 1;
                }
                let room = NAMED.saturating_sub(differences.len());
                differences.extend(found.into_iter().take(room));
            }
            (self.tell)(&Event::Compared { rows: u64::try_from(sent.len()).unwrap_or(0) });
        }
    }

    /// Those of some objects whose articles are to be public; one that could not be published failed.
    async fn public(&self, class: &str, ids: Vec<u64>) -> Result<HashSet<u64>, TargetError> {
        let (of, plan) = (class.to_owned(), Arc::clone(self.plan));
        let public = self.staging.ledger(move |ledger| {
            let Some((mapping, _)) = plan.class(&of) else { return Ok(HashSet::new()) };
            let mut public = HashSet::new();
            for id in ids {
                let object = ledger.object(&of, id)?;
                let is_public = object.is_some_and(|object| is_published(mapping, &object));
                if is_public && !ledger.is_failing(&of, id, PUBLISH)? {
                    public.insert(id);
                }
            }
            Ok(public)
        });
        Ok(public.await?)
    }

    /// What there is of a class on both sides.
    async fn counts(
        &self,
        class: &str,
        mapping: &ClassMapping,
        object: &str,
    ) -> Result<ClassReport, TargetError> {
        let of = class.to_owned();
        let counts = self.staging.ledger(move |ledger| ledger.counts(&of)).await?;
        let mut left_out = 0;
        if !mapping.only.is_empty() {
            let (mut above, owned) = (0, mapping.clone());
            loop {
                let of = owned.clone();
                let looked = self.staging.ledger(move |ledger| {
                    let objects = ledger.objects(&of.class, above, READ_AT_ONCE)?;
                    let out = objects.iter().filter(|object| !is_taken(&of, object)).count();
                    Ok((objects.last().map(|object| object.id), out))
                });
                let (Some(last), out) = looked.await? else { break };
                above = last;
                left_out += u64::try_from(out).unwrap_or(0);
            }
        }
        let query = format!("SELECT COUNT() FROM {object} WHERE {}", of_class(&mapping.key, class));
        let in_org = self.patience().ask(class, async || self.client.count(&query).await).await?;
        let accounted = left_out + counts.created + counts.found + counts.failed;
        Ok(ClassReport {
            class: class.to_owned(),
            object: object.to_owned(),
            objects: counts.objects,
            left_out,
            created: counts.created,
            found: counts.found,
            failed: counts.failed,
            incomplete: counts.incomplete,
            not_loaded: counts.objects.saturating_sub(accounted),
            in_org,
            ..ClassReport::default()
        })
    }
}

fn value<'f>(fields: &'f Fields, name: &str) -> &'f Value {
    fields.get(name).unwrap_or(&Value::Null)
}
