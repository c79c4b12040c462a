//! Comments: each entry of a log is there, on its record, in all its parts.

use serde_json::Value;

use super::{Difference, Event, LogReport, NAMED, Verify, compare::is_equal};
use crate::migrate::{
    mapping::Logs,
    staging::ledger::CommentPart,
    target::{
        CASE, COMMENT, TargetError,
        load::{body_parts, comment_fields},
    },
};

/// How many entries are read together.
const ENTRIES: usize = 500;

/// What is compared of a comment, and of which kind it is.
const FIELDS: [(&str, &str); 4] = [
    ("ParentId", "reference"),
    ("CommentBody", "textarea"),
    ("IsPublished", "boolean"),
    ("CreatedDate", "datetime"),
];

impl Verify<'_> {
    pub(super) async fn log(
        &self,
        logs: &Logs,
        differences: &mut Vec<Difference>,
    ) -> Result<LogReport, TargetError> {
        let (class, log) = (logs.class.clone(), logs.log.clone());
        let counted = self.staging.ledger(move |ledger| {
            let failed = ledger.failed_parts(&class, &format!("{log}:"))?;
            Ok((ledger.count_entries(&class, &log)?, failed))
        });
        let (entries, failed) = counted.await?;
        let mut report = LogReport {
            class: logs.class.clone(),
            log: logs.log.clone(),
            is_public: logs.public,
            entries,
            failed,
            ..LogReport::default()
        };
        if self.plan.class(&logs.class).is_none_or(|(_, object)| object != CASE) {
            report.not_loaded = entries;
            return Ok(report);
        }
        (self.tell)(&Event::Begins { what: format!("{} {}", logs.class, logs.log), rows: entries });
        let chosen = self.chosen(&logs.class).await?;
        let is_audited = self.plan.mapping.class(&logs.class).is_some_and(|class| class.audit);
        let zone = is_audited.then(|| self.plan.zone().clone());
        let asked: Vec<_> = FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mut behind = (0, -1);
        loop {
            let (of, chosen, zone) = (logs.clone(), chosen.clone(), zone.clone());
            let next = self.staging.ledger(move |ledger| {
                let entries = ledger.entries(&of.class, &of.log, behind, ENTRIES)?;
                let (mut sent, mut absent) = (Vec::new(), 0_u64);
                for entry in &entries {
                    if chosen.as_ref().is_some_and(|chosen| !chosen.contains(&entry.id)) {
                        continue;
                    }
                    for (place, body) in body_parts(entry).iter().enumerate() {
                        let part = CommentPart {
                            class: of.class.clone(),
                            id: entry.id,
                            log: of.log.clone(),
                            position: entry.position,
                            part: u64::try_from(place).unwrap_or(u64::MAX),
                        };
                        match ledger.comment(&part)?.flatten() {
                            Some(id) => {
                                let fields = comment_fields(entry, body, &of, zone.as_ref());
                                sent.push((entry.id, id, fields));
                            }
                            None => absent += 1,
                        }
                    }
                }
                let last = entries.last().map(|entry| (entry.id, entry.position));
                Ok((sent, absent, last, entries.len()))
            });
            let (sent, absent, last, entries) = next.await?;
            let Some((id, position)) = last else { break };
            behind = (id, i64::try_from(position).unwrap_or(i64::MAX));
            report.not_loaded += absent;
            for sent in sent.chunks(crate::salesforce::loading::READ_AT_ONCE) {
                let ids: Vec<_> = sent.iter().map(|(_, id, _)| id.clone()).collect();
                let read = self
                    .patience()
                    .ask("comments", async || self.client.read_many(COMMENT, &ids, &asked).await)
                    .await?;
                for ((id, target, sent), read) in sent.iter().zip(read) {
                    report.compared += 1;
                    let differs = match &read {
                        None => Some(Difference::missing(&logs.class, *id, target)),
                        Some(read) => FIELDS.iter().find_map(|(name, kind)| {
                            let sent = sent.get(*name)?;
                            let read = read.get(*name).unwrap_or(&Value::Null);
                            let differs =
                                || Difference::of(&logs.class, *id, target, name, sent, read);
                            (!is_equal(kind, sent, read)).then(differs)
                        }),
                    };
                    if let Some(differs) = differs {
                        report.differing += 1;
                        if differences.len() < NAMED {
                            differences.push(differs);
                        }
                    }
                }
            }
            (self.tell)(&Event::Compared { rows: u64::try_from(entries).unwrap_or(0) });
        }
        // What failed is told as that.
        report.not_loaded = report.not_loaded.saturating_sub(report.failed);
        Ok(report)
    }
}
