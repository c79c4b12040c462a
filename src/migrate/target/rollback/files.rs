//! Files go first: a document takes its links with it, also those to the records of others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Event, Rollback, delete::is_gone};
use crate::{
    migrate::target::{
        ATTACHMENT, TargetError,
        plan::{VERSION, file_key},
    },
    salesforce::loading::quoted,
};

/// How many files are looked at together.
const AT_ONCE: usize = 100;

/// How ids of users begin: a file always hangs on its owner.
const USER: &str = "005";

impl Rollback<'_> {
    /// Deletes the files that this migration has made and that nobody shares; how many.
    pub(super) async fn files(&self) -> Result<u64, TargetError> {
        let Some(key) = self.plan().file_key.clone() else { return Ok(0) };
        let (_, rows) = self.staging().ledger(|ledger| ledger.count_files(ATTACHMENT)).await?;
        (self.tell)(&Event::Deletes { what: "files".to_owned(), rows });
        let (mut above, mut deleted) = (0, 0);
        loop {
            let there = self
                .staging()
                .ledger(move |ledger| {
                    let files = ledger.contents(ATTACHMENT, above, AT_ONCE)?;
                    let owner_stays = files
                        .iter()
                        .map(|file| ledger.is_kept(&file.owner.0, file.owner.1))
                        .collect::<Result<Vec<_>, _>>()?;
                    Ok((files, owner_stays))
                })
                .await?;
            let (files, owner_stays) = there;
            let Some(last) = files.last() else { return Ok(deleted) };
            above = last.of.id;
            let ours: Vec<_> =
                files.iter().zip(owner_stays).filter(|(file, _)| !file.is_found).collect();
            let shared = self
                .shared(ours.iter().map(|(file, _)| (&*file.document, &*file.of.target)))
                .await?;
            let versions: Vec<_> = ours.iter().map(|(file, _)| file.version.clone()).collect();
            let asked = [key.clone()];
            let read = self
                .patience()
                .ask("files", async || self.client().read_many(VERSION, &versions, &asked).await)
                .await?;
            let (mut gone, mut kept, mut go) = (Vec::new(), Vec::new(), Vec::new());
            for ((file, owner_stays), read) in ours.into_iter().zip(read) {
                let id = file.of.id;
                let stays = |reason: &str| (id, file.of.attribute.clone(), reason.to_owned());
                let expected = file_key(id);
                match read {
                    None => gone.push((id, file.of.attribute.clone())),
                    Some(_) if owner_stays => kept.push(stays("what it hangs on stays")),
                    Some(read) if read.get(&key).and_then(Value::as_str) != Some(&expected) => {
                        kept.push(stays("it no longer has its key"));
                    }
                    Some(_) if shared.contains(&file.document) => {
                        kept.push(stays("it is shared with others"));
                    }
                    Some(_) => go.push(file),
                }
            }
            let documents: Vec<_> = go.iter().map(|file| file.document.clone()).collect();
            let verdicts = self
                .patience()
                .ask("files", async || self.client().delete_many(&documents).await)
                .await?;
            for (file, verdict) in go.into_iter().zip(verdicts) {
                let (id, attribute) = (file.of.id, file.of.attribute.clone());
                match verdict {
                    Ok(_) => {
                        deleted += 1;
                        gone.push((id, attribute));
                    }
                    Err(error) if is_gone(&error) => gone.push((id, attribute)),
                    Err(error) => kept.push((id, attribute, error.to_string())),
                }
            }
            (self.tell)(&Event::Deleted { rows: u64::try_from(gone.len()).unwrap_or(0) });
            for (id, attribute, reason) in &kept {
                let what = format!("{ATTACHMENT}::{id} {attribute}");
                (self.tell)(&Event::Stays { what, reason: reason.clone() });
            }
            self.staging()
                .ledger(move |ledger| {
                    for (id, attribute) in &gone {
                        ledger.drop_content(ATTACHMENT, *id, attribute)?;
                    }
                    for (id, attribute, reason) in &kept {
                        ledger.keep(ATTACHMENT, *id, attribute, reason)?;
                    }
                    Ok(())
                })
                .await?;
        }
    }

    /// The documents that hang on something else than the record that they were made for.
    async fn shared<'f>(
        &self,
        files: impl Iterator<Item = (&'f str, &'f str)>,
    ) -> Result<BTreeSet<String>, TargetError> {
        let files: Vec<_> = files.collect();
        if files.is_empty() {
            return Ok(BTreeSet::new());
        }
        let named: Vec<_> = files.iter().map(|(document, _)| quoted(document)).collect();
        let query = format!(
            "SELECT ContentDocumentId, LinkedEntityId FROM ContentDocumentLink \
             WHERE ContentDocumentId IN ({})",
            named.join(",")
        );
        let links =
            self.patience().ask("files", async || self.client().records(&query).await).await?;
        let shared = links.iter().filter_map(|link| {
            let text = |name: &str| link.get(name).and_then(Value::as_str);
            let (document, entity) = text("ContentDocumentId").zip(text("LinkedEntityId"))?;
            let is_own = entity.starts_with(USER)
                || files.iter().any(|(of, target)| *of == document && *target == entity);
            (!is_own).then(|| document.to_owned())
        });
        Ok(shared.collect())
    }
}
