//! Files, by their checksums and sizes, and on the records on which they hung.

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::{Difference, Event, FileReport, NAMED, Verify, compare::is_equal};
use crate::{
    domain::hex::hex,
    migrate::target::{ATTACHMENT, TargetError, load::contents, plan::VERSION},
};

/// How many files are read together.
const AT_ONCE: usize = 200;

impl Verify<'_> {
    pub(super) async fn files(
        &self,
        differences: &mut Vec<Difference>,
    ) -> Result<FileReport, TargetError> {
        let (files, on_records) =
            self.staging.ledger(|ledger| ledger.count_files(ATTACHMENT)).await?;
        let failed = self.staging.ledger(|ledger| ledger.failed_parts(ATTACHMENT, "")).await?;
        (self.tell)(&Event::Begins { what: "files".to_owned(), rows: on_records });
        let mut report = FileReport { files, on_records, failed, ..FileReport::default() };
        let asked = ["Checksum", "ContentSize", "FirstPublishLocationId"].map(str::to_owned);
        let mut above = 0;
        loop {
            let there = self
                .staging
                .ledger(move |ledger| ledger.contents(ATTACHMENT, above, AT_ONCE))
                .await?;
            let Some(last) = there.last() else { break };
            above = last.of.id;
            let ids: Vec<_> = there.iter().map(|file| file.version.clone()).collect();
            let read = self
                .patience()
                .ask("files", async || self.client.read_many(VERSION, &ids, &asked).await)
                .await?;
            for (file, read) in there.iter().zip(read) {
                report.compared += 1;
                report.bytes += file.of.bytes;
                let id = file.of.id;
                let differs = match read {
                    None => Some(Difference::missing(ATTACHMENT, id, &file.version)),
                    Some(read) => {
                        let path =
                            self.folder.files().join(&file.of.sha256[..2]).join(&file.of.sha256);
                        let bytes = contents(path).await?;
                        let expected = [
                            ("Checksum", "string", json!(hex(&Md5::digest(&bytes)))),
                            ("ContentSize", "int", json!(bytes.len())),
                            ("FirstPublishLocationId", "reference", json!(file.of.target)),
                        ];
                        expected.into_iter().find_map(|(name, kind, expected)| {
                            let read = read.get(name).unwrap_or(&Value::Null);
                            let differs = || {
                                Difference::of(ATTACHMENT, id, &file.version, name, &expected, read)
                            };
                            (!is_equal(kind, &expected, read)).then(differs)
                        })
                    }
                };
                if let Some(differs) = differs {
                    report.differing += 1;
                    if differences.len() < NAMED {
                        differences.push(differs);
                    }
                }
            }
            (self.tell)(&Event::Compared { rows: u64::try_from(there.len()).unwrap_or(0) });
        }
        report.not_loaded = on_records.saturating_sub(report.compared + failed);
        Ok(report)
    }
}
