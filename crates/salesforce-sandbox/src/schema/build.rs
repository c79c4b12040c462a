//! Short words for declaring objects and fields.

use serde_json::{Value, json};

use super::{Entry, Field, Kind, Object, OnDelete};

/// An object whose records can be made, changed and deleted, with the fields that all have.
pub(super) fn object(name: &str, prefix: &str, fields: Vec<Field>) -> Object {
    let mut all = vec![Field::new("Id", Kind::Id).length(18).given()];
    all.extend(fields);
    all.extend(system());
    Object {
        name: name.to_owned(),
        label: name.trim_end_matches("__c").replace('_', " "),
        prefix: prefix.to_owned(),
        custom: name.ends_with("__c"),
        createable: true,
        updateable: true,
        deletable: true,
        fields: all,
    }
}

/// Who made and changed a record, and when.
fn system() -> Vec<Field> {
    let by = |name: &str| reference(name, &["User"]).given().audit();
    vec![
        Field::new("IsDeleted", Kind::Boolean).given(),
        Field::new("CreatedDate", Kind::DateTime).given().audit(),
        by("CreatedById"),
        Field::new("LastModifiedDate", Kind::DateTime).given().audit(),
        by("LastModifiedById"),
        Field::new("SystemModstamp", Kind::DateTime).given(),
    ]
}

impl Object {
    /// One that was deployed, with its name: a text, or a number of this format.
    pub(crate) fn deployed(name: &str, label: &str, prefix: &str, number: Option<String>) -> Self {
        let mut own = text("Name", 80);
        own.defaulted_on_create = true;
        if let Some(format) = number {
            own = own.numbered(&format);
        }
        let mut object = object(name, prefix, vec![own, owner(&["User", "Group"])]);
        label.clone_into(&mut object.label);
        object
    }

    /// Nobody makes or changes its records over the API.
    pub(super) fn read_only(mut self) -> Self {
        (self.createable, self.updateable, self.deletable) = (false, false, false);
        self
    }

    /// A record is made, and not deleted by itself.
    pub(super) fn not_deletable(mut self) -> Self {
        self.deletable = false;
        self
    }
}

pub(super) fn text(name: &str, length: u32) -> Field {
    Field::new(name, Kind::String).length(length)
}

pub(super) fn long_text(name: &str, length: u32) -> Field {
    let mut field = Field::new(name, Kind::TextArea).length(length);
    // Long ones are neither filtered nor sorted; short ones are.
    field.filterable = length <= 255;
    field
}

pub(super) fn flag(name: &str) -> Field {
    Field::new(name, Kind::Boolean).default(json!(false))
}

pub(super) fn of(name: &str, kind: Kind) -> Field {
    Field::new(name, kind)
}

fn entry(value: &&str) -> Entry {
    Entry {
        value: value.trim_start_matches(['*', '#']).to_owned(),
        active: true,
        default: value.starts_with('*'),
        closed: value.starts_with('#'),
    }
}

/// Values with `*` before them are the default; those with `#` are closed.
pub(super) fn picklist(name: &str, values: &[&str]) -> Field {
    let mut field = Field::new(name, Kind::Picklist).length(255);
    field.values = values.iter().map(entry).collect();
    if let Some(first) = field.values.iter().find(|entry| entry.default) {
        field.default = Some(json!(first.value));
        field.defaulted_on_create = true;
    }
    field
}

pub(super) fn reference(name: &str, to: &[&str]) -> Field {
    let mut field = Field::new(name, Kind::Reference).length(18);
    field.reference_to = to.iter().map(|name| (*name).to_owned()).collect();
    field.relationship = Some(match name.strip_suffix("__c") {
        Some(stem) => format!("{stem}__r"),
        None => name.trim_end_matches("Id").to_owned(),
    });
    field
}

/// Who has it: the user who makes it, where nothing is said.
pub(super) fn owner(to: &[&str]) -> Field {
    let mut field = reference("OwnerId", to).required();
    field.defaulted_on_create = true;
    field
}

impl Field {
    /// A field that may be written and be empty.
    pub(crate) fn new(name: &str, kind: Kind) -> Self {
        let mut label = String::new();
        for letter in name.trim_end_matches("__c").chars() {
            if letter == '_' || (letter.is_uppercase() && label.ends_with(char::is_lowercase)) {
                label.push(' ');
            }
            if letter != '_' {
                label.push(letter);
            }
        }
        Self {
            name: name.to_owned(),
            label: label.strip_suffix(" Id").map_or(label.clone(), |stem| format!("{stem} ID")),
            kind,
            length: 0,
            nillable: kind != Kind::Boolean,
            createable: true,
            updateable: true,
            defaulted_on_create: kind == Kind::Boolean,
            external_id: false,
            unique: false,
            case_sensitive: false,
            filterable: kind != Kind::Base64,
            custom: name.ends_with("__c"),
            html: false,
            length_in_bytes: false,
            default: None,
            auto_number: None,
            values: Vec::new(),
            restricted: false,
            reference_to: Vec::new(),
            relationship: None,
            children: None,
            on_parent_delete: OnDelete::SetNull,
            audit: false,
        }
    }

    pub(crate) fn length(mut self, length: u32) -> Self {
        self.length = length;
        self
    }

    pub(super) fn label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    pub(super) fn required(mut self) -> Self {
        self.nillable = false;
        self
    }

    /// Salesforce fills it in; nobody writes it.
    pub(super) fn given(mut self) -> Self {
        (self.createable, self.updateable) = (false, false);
        (self.nillable, self.defaulted_on_create) = (false, true);
        self
    }

    /// Computed, and perhaps empty.
    pub(super) fn computed(mut self) -> Self {
        (self.createable, self.updateable) = (false, false);
        self
    }

    /// Written when the record is made, and never after.
    pub(super) fn once(mut self) -> Self {
        self.updateable = false;
        self
    }

    pub(super) fn audit(mut self) -> Self {
        self.audit = true;
        self
    }

    /// A unique external id that heeds case.
    pub(super) fn external_id(mut self) -> Self {
        (self.external_id, self.unique, self.case_sensitive) = (true, true, true);
        self
    }

    /// Other values than before.
    pub(crate) fn set_values(&mut self, values: &[&str], restricted: bool) {
        self.values = values.iter().map(entry).collect();
        self.restricted = restricted;
    }

    pub(super) fn restricted(mut self) -> Self {
        self.restricted = true;
        self
    }

    pub(super) fn default(mut self, value: Value) -> Self {
        self.default = Some(value);
        self.defaulted_on_create = true;
        self
    }

    pub(super) fn numbered(mut self, format: &str) -> Self {
        self.auto_number = Some(format.to_owned());
        self.given()
    }

    pub(super) fn in_bytes(mut self) -> Self {
        self.length_in_bytes = true;
        self
    }

    pub(super) fn cascade(mut self, children: &str) -> Self {
        self.on_parent_delete = OnDelete::Cascade;
        self.children = Some(children.to_owned());
        self
    }

    pub(super) fn restrict(mut self, children: &str) -> Self {
        self.on_parent_delete = OnDelete::Restrict;
        self.children = Some(children.to_owned());
        self
    }

    pub(super) fn children(mut self, children: &str) -> Self {
        self.children = Some(children.to_owned());
        self
    }
}
