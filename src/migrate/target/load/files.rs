//! Attachments become files on the records that they hang on, each known again by its key.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Event, Load, records::told};
use crate::{
    domain::text::cut_chars,
    migrate::{
        staging::ledger::{How, Pending},
        target::{
            ATTACHMENT, TargetError,
            plan::{VERSION, file_key},
        },
    },
    salesforce::{Error, loading::Fields},
};

/// How many files are looked up together.
const AT_ONCE: usize = 200;

/// How often a file is sent.
const TRIES: u32 = 5;

impl Load<'_> {
    /// The files that are not there.
    pub(super) async fn files(&self, run: i64) -> Result<(), TargetError> {
        let Some(key) = self.plan.file_key.clone() else { return Ok(()) };
        let (_, missing) = self.staging.ledger(|ledger| ledger.count_files(ATTACHMENT)).await?;
        (self.tell)(&Event::Files { missing });
        let mut above = 0;
        loop {
            let pending = self
                .staging
                .ledger(move |ledger| ledger.pending_files(ATTACHMENT, above, run, AT_ONCE))
                .await?;
            let Some(last) = pending.last() else { return Ok(()) };
            above = last.id;
            for file in &pending {
                self.file(file, &key, run).await?;
            }
        }
    }

    async fn file(&self, file: &Pending, key: &str, run: i64) -> Result<(), TargetError> {
        let begun = file.clone();
        let mut doubt =
            self.staging.ledger(move |ledger| ledger.begin_content(ATTACHMENT, &begun)).await?;
        if doubt && self.found(file, key, How::Created).await? {
            return Ok(());
        }
        let path = self.folder.files().join(&file.sha256[..2]).join(&file.sha256);
        let contents = contents(path).await?;
        let fields = fields(file, key);
        let mut tried = 1;
        loop {
            self.patience().gate().await?;
            match self.client.upload(&fields, &contents).await {
                Ok(_) => {
                    if self.found(file, key, How::Created).await? {
                        return Ok(());
                    }
                }
                Err(Error::DuplicateValue) => {
                    let how = if doubt { How::Created } else { How::Found };
                    if self.found(file, key, how).await? {
                        return Ok(());
                    }
                }
                Err(error) if !error.had_no_effect() => {
                    doubt = true;
                    if self.found(file, key, How::Created).await? {
                        return Ok(());
                    }
                    self.patience().after("files", error, tried).await?;
                }
                Err(Error::Refused(refusal)) => {
                    return self.refused(file, &Error::Refused(refusal), run).await;
                }
                Err(error @ Error::Busy { .. }) if tried >= TRIES => {
                    return self.refused(file, &error, run).await;
                }
                Err(error) => self.patience().after("files", error, tried).await?,
            }
            if tried >= TRIES {
                let error = Error::NoClearAnswer {
                    reason: "the file was sent and is not found by its key".to_owned(),
                };
                return self.refused(file, &error, run).await;
            }
            tried += 1;
        }
    }

    /// Whether a file is there by its key; it is written down then.
    async fn found(&self, file: &Pending, key: &str, how: How) -> Result<bool, TargetError> {
        let query = format!(
            "SELECT Id, ContentDocumentId FROM {VERSION} WHERE {key} = '{}'",
            file_key(file.id)
        );
        let found =
            self.patience().ask("files", async || self.client.records(&query).await).await?;
        let text = |name: &str| found.first()?.get(name)?.as_str().map(ToOwned::to_owned);
        let Some((version, document)) = text("Id").zip(text("ContentDocumentId")) else {
            return Ok(false);
        };
        let there = file.clone();
        self.staging
            .ledger(move |ledger| {
                ledger.has_content(ATTACHMENT, &there, how, (&version, &document))
            })
            .await?;
        (self.tell)(&Event::File { bytes: file.bytes });
        Ok(true)
    }

    async fn refused(&self, file: &Pending, error: &Error, run: i64) -> Result<(), TargetError> {
        let (code, reason) = told(error);
        self.tell_failed(&format!("{ATTACHMENT}::{} {}", file.id, file.name), &code, &reason);
        let (Pending { id, attribute, .. }, at) = (file.clone(), self.now());
        self.staging
            .ledger(move |ledger| {
                ledger.drop_content(ATTACHMENT, id, &attribute)?;
                ledger.fail((ATTACHMENT, id, &attribute), (&code, &reason), run, &at)
            })
            .await?;
        Ok(())
    }
}

/// The contents of a file of the folder.
pub(in crate::migrate::target) async fn contents(path: PathBuf) -> Result<Vec<u8>, TargetError> {
    let read = path.clone();
    let read = tokio::task::spawn_blocking(move || std::fs::read(read)).await;
    let read = read.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    read.map_err(|error| TargetError::File { path, error })
}

/// What is said of a file.
fn fields(file: &Pending, key: &str) -> Fields {
    let name = file.name.trim();
    let name = if name.is_empty() { "attachment" } else { name };
    let mut fields = Fields::new();
    let mut set = |field: &str, value: Value| fields.insert(field.to_owned(), value);
    set("Title", json!(cut_chars(name, 255)));
    set("PathOnClient", json!(ending(name, 500)));
    set("FirstPublishLocationId", json!(file.target));
    set(key, json!(file_key(file.id)));
    fields
}

/// The end of a name, which holds what kind of file it is.
fn ending(name: &str, most: usize) -> String {
    let length = name.chars().count();
    name.chars().skip(length.saturating_sub(most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_name_and_kind() {
        let file = Pending {
            id: 12,
            attribute: "contents".to_owned(),
            name: format!("{}.pdf", "é".repeat(600)),
            bytes: 1,
            sha256: String::new(),
            target: "500".to_owned(),
        };
        let fields = fields(&file, "K__c");
        assert_eq!(fields["K__c"], "Attachment::12");
        let path = fields["PathOnClient"].as_str().unwrap();
        assert!(path.ends_with("é.pdf") && path.chars().count() == 500);
        assert_eq!(fields["Title"].as_str().unwrap().chars().count(), 255);
    }
}
