//! The contents of attachments, one at a time: five files of 26 MB in one answer would be 35 MB of JSON.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::extract::{Event, ExtractError, Extraction};
use crate::{
    domain::hex::hex,
    itop::Use,
    migrate::staging::{Missing, TakenFile},
};

/// A file could not be kept. Those before it are.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {error}; make room, then run it again to go on")]
pub struct FileError {
    path: PathBuf,
    error: io::Error,
}

impl Extraction<'_> {
    /// Reads the contents of the files that are not here yet.
    pub(super) async fn read_files(&self, tell: &impl Fn(&Event)) -> Result<(), ExtractError> {
        let missing = self.staging.missing_files().await?;
        if missing.is_empty() {
            return Ok(());
        }
        tell(&Event::Files { missing: missing.len() });
        for file in missing {
            let taken = self.read_file(&file).await?;
            match &taken {
                Ok(TakenFile { bytes, .. }) => tell(&Event::File { bytes: *bytes }),
                Err(problem) => tell(&Event::FileSkipped {
                    object: format!("{}::{}", file.class, file.id),
                    problem: problem.clone(),
                }),
            }
            self.staging.keep_contents(file, taken).await?;
        }
        Ok(())
    }

    async fn read_file(&self, file: &Missing) -> Result<Result<TakenFile, String>, ExtractError> {
        let Missing { class, id, attribute } = file;
        let operation = json!({
            "operation": "core/get", "class": class, "key": id, "output_fields": attribute,
        });
        let answer = match self.asking().ask(class, Use::List, &operation).await? {
            Ok(answer) => answer,
            Err(problem) => return Ok(Err(problem)),
        };
        let document = answer.objects().next().and_then(|(.., fields)| fields.get(attribute));
        let Some(document) = document else {
            return Ok(Err("it is no longer there".to_owned()));
        };
        let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
        let Ok(contents) = BASE64_STANDARD.decode(text("data")) else {
            return Ok(Err("its contents are no base64".to_owned()));
        };
        let sha256 = hex(&Sha256::digest(&contents));
        let bytes = u64::try_from(contents.len()).unwrap_or(u64::MAX);
        let folder = self.folder.files().join(&sha256[..2]);
        let path = folder.join(&sha256);
        let written = path.clone();
        let kept = tokio::task::spawn_blocking(move || {
            if written.exists() {
                return Ok(());
            }
            fs::create_dir_all(&folder)?;
            // Whole or not at all under its name.
            let mut whole = tempfile::NamedTempFile::new_in(&folder)?;
            whole.write_all(&contents)?;
            whole.as_file().sync_all()?;
            whole.persist(&written).map_err(|error| error.error)?;
            Ok(())
        });
        let kept = kept.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        kept.map_err(|error| FileError { path, error })?;
        let (name, mimetype) = (text("filename").to_owned(), text("mimetype").to_owned());
        Ok(Ok(TakenFile { name, mimetype, bytes, sha256 }))
    }
}
