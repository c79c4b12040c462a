//! What the user of the API may see and do.

use std::collections::{HashMap, HashSet};

/// The rights of the user of the API: object permissions and field-level security. New rights are
/// those of an integration user that may do everything but set audit fields.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a permission of Salesforce")]
pub struct Access {
    /// May write `CreatedDate` and its like when a record is made.
    pub sets_audit_fields: bool,
    /// May deploy metadata.
    pub deploys: bool,
    /// May delete past the Recycle Bin, by bulk jobs.
    pub hard_deletes: bool,
    /// May read `/limits`.
    pub views_setup: bool,
    objects: HashMap<String, ObjectAccess>,
    hidden_fields: HashSet<(String, String)>,
    read_only_fields: HashSet<(String, String)>,
    /// Fields that were deployed: whether a permission set lets them be read, and written.
    deployed: HashMap<(String, String), (bool, bool)>,
}

/// What may be done with the records of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the four object permissions of Salesforce")]
pub struct ObjectAccess {
    /// Whether there is such an object at all for this user.
    pub read: bool,
    /// May make records.
    pub create: bool,
    /// May change records.
    pub update: bool,
    /// May delete records.
    pub delete: bool,
}

impl Access {
    /// The rights of an integration user: everything, audit fields excepted.
    #[must_use]
    pub fn integration() -> Self {
        Self { deploys: true, views_setup: true, ..Self::default() }
    }

    /// What may be done with the records of `object` from now on.
    pub fn set_object(&mut self, object: &str, access: ObjectAccess) {
        self.objects.insert(object.to_owned(), access);
    }

    /// Field-level security: the field is not there for this user.
    pub fn hide_field(&mut self, object: &str, field: &str) {
        self.hidden_fields.insert((object.to_owned(), field.to_owned()));
    }

    /// Field-level security: the field can be read and not written.
    pub fn lock_field(&mut self, object: &str, field: &str) {
        self.read_only_fields.insert((object.to_owned(), field.to_owned()));
    }

    /// The field can be seen and written again.
    pub fn open_field(&mut self, object: &str, field: &str) {
        let key = (object.to_owned(), field.to_owned());
        self.hidden_fields.remove(&key);
        self.read_only_fields.remove(&key);
    }

    /// What permission sets say of deployed fields: nothing, or whether they may be written.
    pub(crate) fn set_deployed(&mut self, fields: Vec<(String, String, Option<bool>)>) {
        let said = |editable: Option<bool>| (editable.is_some(), editable == Some(true));
        let fields = fields.into_iter();
        self.deployed =
            fields.map(|(object, field, editable)| ((object, field), said(editable))).collect();
    }

    pub(crate) fn of(&self, object: &str) -> ObjectAccess {
        let all = ObjectAccess { read: true, create: true, update: true, delete: true };
        self.objects.get(object).copied().unwrap_or(all)
    }

    pub(crate) fn sees(&self, object: &str) -> bool {
        self.of(object).read
    }

    pub(crate) fn sees_field(&self, object: &str, field: &str) -> bool {
        let key = (object.to_owned(), field.to_owned());
        !self.hidden_fields.contains(&key) && self.deployed.get(&key).is_none_or(|(read, _)| *read)
    }

    pub(crate) fn writes_field(&self, object: &str, field: &str) -> bool {
        let key = (object.to_owned(), field.to_owned());
        self.sees_field(object, field)
            && !self.read_only_fields.contains(&key)
            && self.deployed.get(&key).is_none_or(|(_, write)| *write)
    }
}
