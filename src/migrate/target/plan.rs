//! Everything by which rows are made and compared, read once at the beginning.

mod check;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    ATTACHMENT,
    order::in_order,
    resolve::{Resolver, Users},
};
use crate::{
    itop::ItopZone,
    migrate::{
        mapping::{
            Around, ClassMapping, Form, Mapping, RowProblem, Turn, apply, examine as examined,
            is_taken,
        },
        staging::{
            Object,
            ledger::{Ledger, Made},
        },
    },
    salesforce::{Client, Described, loading::Fields},
};
pub use check::PlanError;

/// The object of files.
pub(super) const VERSION: &str = "ContentVersion";

/// Everything by which rows are made and compared.
#[derive(Debug)]
pub struct Plan {
    /// What becomes of what.
    pub mapping: Mapping,
    /// The classes that are moved, in their order.
    pub order: Vec<String>,
    described: BTreeMap<String, Described>,
    zone: ItopZone,
    users: Users,
    /// The field of files by which they are known again.
    pub file_key: Option<String>,
}

impl Plan {
    /// Reads the org, and holds the mapping to it.
    ///
    /// # Errors
    /// When something of the mapping is not decided, or not there.
    pub async fn read(client: &Client, mapping: Mapping) -> Result<Arc<Self>, PlanError> {
        let undecided = check::undecided(&mapping);
        if !undecided.is_empty() {
            return Err(PlanError::Undecided(undecided));
        }
        let order = in_order(&mapping)?.iter().map(|class| class.class.clone()).collect();
        let mut described = BTreeMap::new();
        for (class, object) in mapping.moved() {
            if !described.contains_key(object) {
                described.insert(object.to_owned(), client.describe(object).await?);
            }
            check::class(class, object, &described[object])?;
        }
        let mut file_key = None;
        if mapping.files.attachments {
            let versions = client.describe(VERSION).await?;
            let mut keys = mapping.moved().map(|(class, _)| &class.key);
            let field = keys.next().cloned().unwrap_or_default();
            check::key(VERSION, &field, &versions)?;
            file_key = Some(field);
        }
        let zone = ItopZone::named(&mapping.source.zone);
        let zone = zone.map_err(|error| PlanError::Zone(error.to_string()))?;
        let users = Users::read(client, &mapping.people).await?;
        Ok(Arc::new(Self { mapping, order, described, zone, users, file_key }))
    }

    /// The class, which is one of the order, and its object.
    #[must_use]
    pub fn class(&self, class: &str) -> Option<(&ClassMapping, &str)> {
        let class = self.mapping.class(class)?;
        Some((class, class.target()?))
    }

    /// The zone in which iTop writes.
    #[must_use]
    pub fn zone(&self) -> &ItopZone {
        &self.zone
    }

    /// The fields of a class's records that hold ids of other records.
    #[must_use]
    pub fn references(&self, class: &str) -> Vec<String> {
        let rules = self.mapping.class(class).map(ClassMapping::rules);
        let rules = rules.into_iter().flatten();
        rules
            .filter(|(_, rule)| !rule.refers_to().is_empty())
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// All fields that records of a class are made with.
    #[must_use]
    pub fn fields(&self, class: &str) -> Vec<String> {
        let Some((mapping, _)) = self.class(class) else { return Vec::new() };
        let mut fields = vec![mapping.key.clone()];
        if mapping.record_type.is_some() {
            fields.push("RecordTypeId".to_owned());
        }
        fields.extend(mapping.rules().map(|(name, _)| name.to_owned()));
        fields
    }

    /// The kind of a field, such as `picklist`.
    #[must_use]
    pub fn kind(&self, object: &str, field: &str) -> &str {
        let field = self.described.get(object).and_then(|described| described.field(field));
        field.map_or("", |field| field.kind.as_str())
    }

    /// The children that go with a record of an object: of which object, by which field.
    #[must_use]
    pub fn cascades(&self, object: &str) -> Vec<(String, String)> {
        let children = self.described.get(object).into_iter().flat_map(|of| &of.children);
        let cascades = children.filter(|child| child.cascade_delete);
        cascades.map(|child| (child.object.clone(), child.field.clone())).collect()
    }

    /// What an object is made, in a first turn or a later one: a key and fields; nothing where the mapping leaves it
    /// out.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn made(
        &self,
        ledger: &Ledger<'_>,
        object: &Object,
        turn: Turn,
    ) -> Result<Option<(String, Fields)>, RowProblem> {
        let Some((class, target)) = self.class(&object.class) else { return Ok(None) };
        if !is_taken(class, object) {
            return Ok(None);
        }
        let resolve = Resolver { ledger, users: &self.users };
        let around =
            Around { zone: &self.zone, described: &self.described[target], resolve: &resolve };
        let record = apply(class, object, turn, &around)?;
        Ok(Some((record.key, record.fields)))
    }

    /// What an object is made, without what is wrong with it.
    #[must_use]
    pub fn as_far_as_it_goes(&self, ledger: &Ledger<'_>, object: &Object, turn: Turn) -> Fields {
        self.examined(ledger, object, turn).0
    }

    /// What an object is made, and what is wrong with it; whether or not the mapping takes it.
    #[must_use]
    pub fn examined(
        &self,
        ledger: &Ledger<'_>,
        object: &Object,
        turn: Turn,
    ) -> (Fields, Vec<RowProblem>) {
        let Some((class, target)) = self.class(&object.class) else {
            return (Fields::new(), Vec::new());
        };
        let resolve = Resolver { ledger, users: &self.users };
        let around =
            Around { zone: &self.zone, described: &self.described[target], resolve: &resolve };
        let (record, problems) = examined(class, object, turn, &around);
        (record.fields, problems)
    }

    /// A row of the first pass.
    #[must_use]
    pub fn new_row(&self, ledger: &Ledger<'_>, object: &Object) -> Made {
        match self.made(ledger, object, Turn::First) {
            Ok(Some((key, fields))) => {
                let parent = self.parent(&object.class, &fields);
                Made::Row { key, parent, fields }
            }
            Ok(None) => Made::Nothing,
            Err(problem) => Made::Problem(problem.code.to_string(), problem.to_string()),
        }
    }

    /// A row of the second pass: a change of the record `target`.
    #[must_use]
    pub fn later_row(
        &self,
        ledger: &Ledger<'_>,
        object: &Object,
        target: &str,
        is_limited: bool,
    ) -> Made {
        match self.made(ledger, object, Turn::Later) {
            Ok(Some((_, mut fields))) if !fields.is_empty() => {
                let parent = self.parent(&object.class, &fields);
                fields.insert("Id".to_owned(), Value::from(target));
                Made::Row { key: target.to_owned(), parent, fields }
            }
            Ok(_) => Made::Nothing,
            // What it refers to is not among the first few.
            Err(_) if is_limited => Made::NotYet,
            Err(problem) => Made::Problem(problem.code.to_string(), problem.to_string()),
        }
    }

    /// The record that many others refer to as well: a change of one of them locks it.
    fn parent(&self, class: &str, fields: &Fields) -> String {
        const FIRST: [&str; 3] = ["AccountId", "ContactId", "ParentId"];
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let known = FIRST.iter().find_map(|name| text(name));
        let any = || self.references(class).iter().find_map(|name| text(name));
        known.or_else(any).unwrap_or_default()
    }

    /// What the objects of a class refer to in the first pass: class and id.
    #[must_use]
    pub fn referred(&self, object: &Object) -> Vec<(String, u64)> {
        let Some((class, _)) = self.class(&object.class) else { return Vec::new() };
        let rules = class.rules().filter(|(_, rule)| !rule.later);
        let mut referred = Vec::new();
        for (_, rule) in rules {
            let Form::Reference { from, refers_to } = &rule.form else { continue };
            let id = match object.fields.get(from) {
                Some(Value::String(text)) => text.parse().ok(),
                Some(Value::Number(number)) => number.as_u64(),
                _ => None,
            };
            let Some(id) = id.filter(|id| *id > 0) else { continue };
            referred.extend(refers_to.iter().map(|class| (class.clone(), id)));
        }
        referred
    }
}

/// The key of a file.
pub(super) fn file_key(id: u64) -> String {
    crate::migrate::mapping::key(ATTACHMENT, id)
}

/// How the keys of a class begin.
pub(super) fn prefix(class: &str) -> String {
    format!("{class}::")
}

/// The condition that holds for the records of a class. Its code has letters, digits and `_` alone.
pub(super) fn of_class(field: &str, class: &str) -> String {
    format!("{field} LIKE '{}%'", prefix(class).replace('_', "\\_"))
}
