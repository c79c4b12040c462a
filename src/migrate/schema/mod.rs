//! What a mapping needs that the org does not have: key fields, fields and objects of one's own. People deploy
//! it before anything is loaded.

mod package;

use std::collections::BTreeMap;

use crate::{
    migrate::mapping::{As, ClassMapping, FieldRule, Form, Mapping, Words},
    salesforce::{Described, Field},
};

pub use package::{PERMISSION_SET, package};

/// How names of what is one's own end.
const OWN: &str = "__c";

/// The object of files.
pub const FILES: &str = "ContentVersion";

/// The longest text that is no long one.
const MOST_TEXT: usize = 255;

/// The length of long texts.
const LONG_TEXT: usize = 131_072;

/// The length of keys: a class of iTop has a name of 50 characters at most, an id ten digits.
const KEY: usize = 80;

/// What is known of the objects that a mapping names: `None` for one that the org does not have.
pub type Org = BTreeMap<String, Option<Described>>;

/// An object that needs something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub object: String,
    /// Whether it is made.
    pub is_new: bool,
    /// The fields that are made.
    pub fields: Vec<WantedField>,
}

/// A field that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedField {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The unique key of a record.
    Key,
    /// A text of one line.
    Text,
    /// A long one.
    LongText,
    /// A long one with its layout.
    Html,
    /// A date with its time.
    DateTime,
    /// A date.
    Date,
    /// A number.
    Number,
    /// Yes or no.
    Checkbox,
    /// An e-mail address.
    Email,
    /// A record of an object.
    Lookup(String),
}

/// How long the longest value of an attribute of a class is, in characters.
pub type Lengths = BTreeMap<(String, String), usize>;

/// The objects that a mapping makes records of, files too.
#[must_use]
pub fn objects(mapping: &Mapping) -> Vec<String> {
    let mut objects: Vec<_> = mapping.moved().map(|(_, object)| object.to_owned()).collect();
    if mapping.files.attachments {
        objects.push(FILES.to_owned());
    }
    objects.sort();
    objects.dedup();
    objects
}

/// What of a mapping the org does not have, as far as it can be made: in an order in which each object comes
/// after those that it refers to.
#[must_use]
pub fn wanted(mapping: &Mapping, org: &Org, lengths: &Lengths) -> Vec<Wanted> {
    let mut all = BTreeMap::<String, Wanted>::new();
    for (class, object) in mapping.moved() {
        let described = org.get(object).and_then(Option::as_ref);
        let is_new = described.is_none() && object.ends_with(OWN);
        if described.is_none() && !is_new {
            continue;
        }
        let empty = || Wanted { object: object.to_owned(), is_new, fields: Vec::new() };
        let wanted = all.entry(object.to_owned()).or_insert_with(empty);
        let key = (class.key.as_str(), Kind::Key);
        let rules = class
            .rules()
            .filter_map(|(name, rule)| Some((name, kind(mapping, class, rule, lengths)?)));
        for (name, kind) in std::iter::once(key).chain(rules) {
            let is_there = described.is_some_and(|described| described.field(name).is_some());
            if is_there || !name.ends_with(OWN) {
                continue;
            }
            match wanted.fields.iter_mut().find(|field| field.name == name) {
                // Two classes fill it: what one of them needs holds for both.
                Some(field) => field.kind = wider(&field.kind, kind),
                None => wanted.fields.push(WantedField { name: name.to_owned(), kind }),
            }
        }
    }
    if mapping.files.attachments
        && let (Some(key), Some(Some(files))) = (file_key(mapping), org.get(FILES))
        && files.field(key).is_none()
    {
        let field = WantedField { name: key.to_owned(), kind: Kind::Key };
        all.insert(
            FILES.to_owned(),
            Wanted { object: FILES.to_owned(), is_new: false, fields: vec![field] },
        );
    }
    all.retain(|_, wanted| wanted.is_new || !wanted.fields.is_empty());
    in_order(all.into_values().collect())
}

/// The key of files: that of the first class.
#[must_use]
pub fn file_key(mapping: &Mapping) -> Option<&str> {
    mapping.moved().next().map(|(class, _)| class.key.as_str())
}

fn in_order(mut left: Vec<Wanted>) -> Vec<Wanted> {
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |wanted: &Wanted| {
            wanted.fields.iter().any(|field| {
                let Kind::Lookup(to) = &field.kind else { return false };
                *to != wanted.object && left.iter().any(|other| other.is_new && other.object == *to)
            })
        };
        // Two that refer to each other have no order; Salesforce takes them in one package all the same.
        let next = left.iter().position(|wanted| !waits(wanted)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

/// What a rule gives.
fn kind(
    mapping: &Mapping,
    class: &ClassMapping,
    rule: &FieldRule,
    lengths: &Lengths,
) -> Option<Kind> {
    let of = |attribute: &str| {
        let length = lengths.get(&(class.class.clone(), attribute.to_owned()));
        let is_long = length.is_some_and(|length| *length > MOST_TEXT);
        if is_long { Kind::LongText } else { Kind::Text }
    };
    Some(match &rule.form {
        Form::Constant(serde_json::Value::Bool(_)) => Kind::Checkbox,
        Form::Constant(serde_json::Value::Number(_)) => Kind::Number,
        Form::Chosen { values, .. }
            if !values.is_empty() && values.values().all(serde_json::Value::is_boolean) =>
        {
            Kind::Checkbox
        }
        Form::Constant(_) | Form::Chosen { .. } => Kind::Text,
        Form::Reference { refers_to, .. } => {
            let to = refers_to.iter().find_map(|class| mapping.class(class)?.target())?;
            Kind::Lookup(to.to_owned())
        }
        Form::Undecided | Form::Owner { .. } => return None,
        Form::Taken(words, form) => match (form, words) {
            (As::Rich, _) => Kind::Html,
            (As::Text, _) | (As::Plain, Words::Template(_)) => Kind::LongText,
            (As::Plain, Words::From(attribute)) => of(attribute),
            (As::DateTime, _) => Kind::DateTime,
            (As::Date, _) => Kind::Date,
            (As::Number, _) => Kind::Number,
            (As::Boolean, _) => Kind::Checkbox,
            (As::Email, _) => Kind::Email,
            (As::UrlName | As::Owner, _) => Kind::Text,
        },
    })
}

fn wider(one: &Kind, other: Kind) -> Kind {
    match (one, &other) {
        (Kind::Text, Kind::LongText) => other,
        _ => one.clone(),
    }
}

/// An object as it will be when it is deployed.
#[must_use]
pub fn deployed(described: Option<&Described>, wanted: Option<&Wanted>) -> Option<Described> {
    let mut whole = match (described, wanted) {
        (Some(described), _) => described.clone(),
        (None, Some(wanted)) if wanted.is_new => {
            let mut fields =
                vec![Field::new("Name", "string", 80), Field::new("OwnerId", "reference", 18)];
            for field in &mut fields {
                field.nillable = true;
            }
            Described {
                createable: true,
                updateable: true,
                fields,
                record_types: Vec::new(),
                children: Vec::new(),
            }
        }
        (None, _) => return None,
    };
    whole
        .fields
        .extend(wanted.into_iter().flat_map(|wanted| &wanted.fields).map(WantedField::described));
    Some(whole)
}

impl WantedField {
    fn described(&self) -> Field {
        let (kind, length) = match &self.kind {
            Kind::Key => ("string", KEY),
            Kind::Text => ("string", MOST_TEXT),
            Kind::LongText | Kind::Html => ("textarea", LONG_TEXT),
            Kind::DateTime => ("datetime", 0),
            Kind::Date => ("date", 0),
            Kind::Number => ("double", 0),
            Kind::Checkbox => ("boolean", 0),
            Kind::Email => ("email", 80),
            Kind::Lookup(_) => ("reference", 18),
        };
        let is_key = self.kind == Kind::Key;
        Field {
            nillable: true,
            external_id: is_key,
            unique: is_key,
            case_sensitive: is_key,
            ..Field::new(&self.name, kind, length)
        }
    }
}
