//! Files: a version makes its document, and the links to what it hangs on.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::{Body, Work};
use crate::{refusal::Refusal, schema::Object, store::Record};

impl Work<'_> {
    /// Before a version is stored: what is computed of its bytes, and its document.
    pub(super) fn new_version(&self, values: &mut Body) -> Result<(), Refusal> {
        let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
        let missing: Vec<&str> = ["PathOnClient", "VersionData"]
            .into_iter()
            .filter(|name| text(name).is_empty() && !values.contains_key(*name))
            .collect();
        if !missing.is_empty() {
            let message = format!("Required fields are missing: [{}]", missing.join(", "));
            return Err(Refusal::bad("REQUIRED_FIELD_MISSING", message).on(&missing));
        }
        let bytes = STANDARD.decode(text("VersionData")).unwrap_or_default();
        let path = text("PathOnClient").to_owned();
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let title = match text("Title") {
            "" => stem.to_owned(),
            title => title.to_owned(),
        };
        let kind = extension.to_uppercase();
        let sum = Md5::digest(&bytes).iter().fold(String::new(), |mut sum, byte| {
            let _ = write!(sum, "{byte:02x}");
            sum
        });
        let document = text("ContentDocumentId").to_owned();
        for (name, value) in [
            ("Title", json!(title)),
            ("FileExtension", json!(extension)),
            ("FileType", json!(if kind.is_empty() { "UNKNOWN" } else { &kind })),
            ("ContentSize", json!(bytes.len())),
            ("Checksum", json!(sum)),
            ("IsLatest", json!(true)),
        ] {
            values.insert(name.to_owned(), value);
        }
        if values.get("ContentModifiedDate").is_none_or(Value::is_null) {
            values.insert("ContentModifiedDate".to_owned(), json!(self.now));
        }
        if document.is_empty() {
            let object = self.own("ContentDocument")?;
            let mut body = Body::new();
            for (name, value) in [
                ("Title", json!(title)),
                ("FileExtension", json!(extension)),
                ("ContentSize", json!(bytes.len())),
                ("OwnerId", values.get("OwnerId").cloned().unwrap_or(json!(self.user))),
            ] {
                body.insert(name.to_owned(), value);
            }
            let id = self.insert(object, body)?;
            values.insert("ContentDocumentId".to_owned(), json!(id));
        }
        Ok(())
    }

    /// After a version is stored: it is the latest one, and its document hangs where it was said.
    pub(super) fn stored_version(&self, id: &str, record: &Record) -> Result<(), Refusal> {
        let (versions, documents) = (self.own("ContentVersion")?, self.own("ContentDocument")?);
        let document = record["ContentDocumentId"].as_str().unwrap_or_default();
        let Some(field) = versions.field("ContentDocumentId") else { return Ok(()) };
        let all =
            self.state.ids_by(versions, field, &json!(document), crate::store::HELD, 1_000)?;
        let first = all.len() == 1;
        for other in all.iter().filter(|other| *other != id) {
            self.state.change(versions, other, &member("IsLatest", json!(false)))?;
        }
        let mut latest = member("LatestPublishedVersionId", json!(id));
        for name in ["Title", "ContentSize", "FileExtension"] {
            latest.insert(name.to_owned(), record[name].clone());
        }
        self.state.change(documents, document, &latest)?;
        if !first {
            return Ok(());
        }
        let owner = record["OwnerId"].clone();
        let parent = record["FirstPublishLocationId"].clone();
        for (entity, share) in [(owner, "I"), (parent, "V")] {
            if entity.is_null() {
                continue;
            }
            let mut link = member("LinkedEntityId", entity);
            link.insert("ContentDocumentId".to_owned(), json!(document));
            link.insert("ShareType".to_owned(), json!(share));
            self.insert(self.own("ContentDocumentLink")?, link)?;
        }
        Ok(())
    }

    /// An object, whoever asks.
    fn own(&self, name: &str) -> Result<&Object, Refusal> {
        self.state.schema.object(name).ok_or_else(Refusal::not_found)
    }
}

fn member(name: &str, value: Value) -> Body {
    let mut body = Body::new();
    body.insert(name.to_owned(), value);
    body
}
