//! The classes of iTop's data model that the sandbox knows, and their attributes.
//!
//! One table ([`model`]) drives everything: which fields may be asked for or written, how a value is checked,
//! what an unknown name in a query reads, and which columns the view of a class has.

mod model;

use std::fmt::Write as _;

use super::Flavour;
use model::CLASSES;

/// What a value is, which decides how it is written, checked and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Plain text of at most so many characters.
    Text(usize),
    /// HTML, sanitised on writing, of at most so many characters.
    Html(usize),
    /// One of these words; empty is allowed unless the attribute is mandatory.
    Choice(&'static [&'static str]),
    /// `Y-m-d H:i:s` in iTop's time zone.
    Date,
    /// `Y-m-d`.
    Day,
    /// A boolean that may be written.
    Switch,
    /// The attributes of a data source.
    SourceAttributes,
    /// An external key to this class.
    Reference(&'static str),
    /// A boolean, shown as such.
    Flag,
    /// A case log.
    Log,
    /// A file: its contents in base64, its type and its name.
    Document,
    /// The CIs of a ticket.
    CiLinks,
    /// Shown, never written: names that come through an external key, computed values.
    Computed,
}

/// An attribute of a class.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) code: &'static str,
    /// The name that iTop's messages use.
    pub(super) label: &'static str,
    pub(super) kind: Kind,
    pub(super) mandatory: bool,
}

impl Attribute {
    /// Whether MySQL compares the attribute as a number.
    pub(super) fn is_numeric(&self) -> bool {
        self.code == "id" || matches!(self.kind, Kind::Reference(_) | Kind::Flag | Kind::Switch)
    }

    /// Whether a query may name it: files are shown, and not listed among what can be asked for.
    pub(super) fn is_searched(&self) -> bool {
        self.has_column() && self.kind != Kind::Document
    }

    /// Whether it is a value of the object itself, not objects that point at it.
    pub(super) fn has_column(&self) -> bool {
        !matches!(self.kind, Kind::CiLinks | Kind::SourceAttributes)
    }
}

/// A class, concrete or abstract.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: &'static str,
    /// The base table of its hierarchy; "every_" before it names the wide view.
    pub(super) table: &'static str,
    /// The concrete classes among its instances; empty for all of the table.
    pub(super) leaves: &'static [&'static str],
    groups: &'static [&'static [Attribute]],
    /// The order in which iTop lists its objects.
    pub(super) order: &'static [&'static str],
    /// The flavours that alone have this class, or this form of it; empty for all.
    flavours: &'static [Flavour],
}

impl Class {
    pub(super) fn attributes(&self) -> impl Iterator<Item = &'static Attribute> {
        self.groups.iter().copied().flatten()
    }

    fn is_in(&self, flavour: Flavour) -> bool {
        self.flavours.is_empty() || self.flavours.contains(&flavour)
    }

    pub(super) fn attribute(&self, code: &str) -> Option<&'static Attribute> {
        self.attributes().find(|attribute| attribute.code == code)
    }

    pub(super) fn is_ticket(&self) -> bool {
        self.table == "ticket"
    }

    /// An abstract class has instances, but none can be created.
    pub(super) fn is_abstract(&self) -> bool {
        matches!(self.name, "FunctionalCI" | "PhysicalDevice" | "Ticket" | "Contact")
    }

    /// Data sources, what belongs to them, accounts and modules: for administrators alone.
    pub(super) fn is_administrative(&self) -> bool {
        matches!(self.table, "user" | "module") || self.table.starts_with("sync_")
    }

    /// The column that says to which company an object belongs; what has none is seen by all.
    pub(super) fn company_column(&self) -> Option<&'static str> {
        if self.name == "Organization" {
            return Some("id");
        }
        self.attribute("org_id").map(|attribute| attribute.code)
    }
}

/// The class of that name, if this flavour has it.
pub(super) fn find(flavour: Flavour, name: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.name == name && class.is_in(flavour))
}

/// The statements that create one view a class.
pub(super) fn views(flavour: Flavour) -> String {
    let mut sql = String::new();
    for class in CLASSES.iter().filter(|class| class.is_in(flavour)) {
        // Writing to a String cannot fail.
        let _ = write!(sql, "CREATE TEMP VIEW \"{}\" AS SELECT ", class.name);
        let mut separator = "";
        for attribute in class.attributes() {
            if !attribute.has_column() {
                continue;
            }
            let _ = write!(sql, "{separator}\"{}\"", attribute.code);
            if attribute.kind == Kind::Log {
                let _ = write!(sql, ", {}_entries", attribute.code);
            }
            separator = ", ";
        }
        let _ = write!(sql, " FROM every_{}", class.table);
        if !class.leaves.is_empty() {
            let _ = write!(sql, " WHERE finalclass IN ('{}')", class.leaves.join("', '"));
        }
        sql.push_str(";\n");
    }
    sql
}
