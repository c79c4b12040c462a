//! What a delta came to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{super::TargetError, Delta, Left};

/// What became of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassChanges {
    /// Its code.
    pub class: String,
    /// What its objects became.
    pub object: String,
    /// Records that are new in the org.
    pub new: u64,
    /// Records that were changed there.
    pub changed: u64,
    /// Fields that stay as they are, although iTop has another value.
    pub left: u64,
    /// Objects that did not go.
    pub failed: u64,
    /// Records whose objects iTop no longer has.
    pub deleted: u64,
}

/// A record, or a document, whose object iTop no longer has. It stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// The object, such as `Incident::200001`.
    pub of: String,
    /// What stands in the org.
    pub record: String,
}

/// What a delta came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// The classes.
    pub classes: Vec<ClassChanges>,
    /// Comments that are new.
    pub comments: u64,
    /// Files that are new.
    pub files: u64,
    /// What stays as it is, although iTop has another value.
    pub left: Vec<Left>,
    /// What stands in the org although iTop no longer has it.
    pub deleted: Vec<Deleted>,
    #[serde(skip)]
    created: BTreeMap<String, u64>,
    #[serde(skip)]
    parts: (u64, u64),
}

impl ClassChanges {
    pub(super) fn of(class: &str, object: &str) -> Self {
        let (class, object) = (class.to_owned(), object.to_owned());
        Self { class, object, ..Self::default() }
    }
}

impl Changes {
    /// What there was before.
    pub(super) async fn before(delta: &Delta<'_>) -> Result<Self, TargetError> {
        let order = delta.plan().order.clone();
        let (created, parts) = delta
            .staging()
            .ledger(move |ledger| {
                let mut created = BTreeMap::new();
                for class in order {
                    let counts = ledger.counts(&class)?;
                    created.insert(class, counts.created + counts.found);
                }
                Ok((created, ledger.parts_there()?))
            })
            .await?;
        Ok(Self { created, parts, ..Self::default() })
    }

    /// What there is now.
    pub(super) async fn finish(&mut self, delta: &Delta<'_>) -> Result<(), TargetError> {
        let order = delta.plan().order.clone();
        let (counts, deleted, files, parts) = delta
            .staging()
            .ledger(move |ledger| {
                let (mut counts, mut deleted) = (Vec::new(), Vec::new());
                for class in order {
                    counts.push(ledger.counts(&class)?);
                    deleted.push(ledger.deleted(&class)?);
                }
                Ok((counts, deleted, ledger.deleted_files()?, ledger.parts_there()?))
            })
            .await?;
        for ((class, counts), deleted) in self.classes.iter_mut().zip(counts).zip(deleted) {
            let before = self.created.get(&class.class).copied().unwrap_or_default();
            class.new = (counts.created + counts.found).saturating_sub(before);
            class.failed = counts.failed + counts.incomplete;
            class.deleted = u64::try_from(deleted.len()).unwrap_or(u64::MAX);
            let left = self.left.iter().filter(|left| left.class == class.class);
            class.left = u64::try_from(left.count()).unwrap_or(u64::MAX);
            let of = |id: u64| format!("{}::{id}", class.class);
            let deleted = deleted.into_iter().map(|(id, record)| Deleted { of: of(id), record });
            self.deleted.extend(deleted);
        }
        let files = files.into_iter().map(|(class, id, record)| {
            let of = format!("{class}::{id}");
            Deleted { of, record }
        });
        self.deleted.extend(files);
        self.comments = parts.0.saturating_sub(self.parts.0);
        self.files = parts.1.saturating_sub(self.parts.1);
        Ok(())
    }
}
