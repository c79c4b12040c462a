//! The columns of a file, and those among them by which objects are found.

use crate::{
    classes::{Attribute, Class, Kind},
    session::Session,
    synchro::{defaults, lookup},
};

/// A column: an attribute, or an external key by an attribute of its target.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) attribute: &'static Attribute,
    /// Of an external key: its class, and the attribute by which its object is found.
    pub(super) key: Option<(&'static Class, String)>,
    /// Its place in the file.
    pub(super) place: usize,
    /// Whether objects are found by it.
    pub(super) reconciles: bool,
}

impl Column {
    /// As the file may call it.
    fn code(&self) -> String {
        match &self.key {
            Some((_, by)) if by != "id" => format!("{}->{by}", self.attribute.code),
            _ => self.attribute.code.to_owned(),
        }
    }
}

/// All of a file, in its order.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) class: &'static Class,
    pub(super) all: Vec<Column>,
    pub(super) localized: bool,
}

impl Columns {
    pub(super) fn read(
        session: &Session<'_>,
        class: &'static Class,
        header: &[String],
        keys: Option<&str>,
        localized: bool,
    ) -> Result<Self, String> {
        let mut all = Vec::new();
        for (place, name) in header.iter().enumerate() {
            let column = column(session, class, name, place, localized).ok_or_else(|| {
                format!("Unknown column: '{name}'. Possible columns: {}", possible(session, class))
            })?;
            all.push(column);
        }
        let Some(keys) = keys else {
            let keys = defaults::keys(class.name);
            for column in &mut all {
                column.reconciles = keys.contains(&column.attribute.code);
            }
            return Ok(Self { class, all, localized });
        };
        for key in keys.split(',').map(str::trim).filter(|key| !key.is_empty()) {
            let wanted = column(session, class, key, 0, localized).map(|key| key.code());
            // An external key may be named without the attribute by which the file has it (seen).
            let is_named = |column: &&mut Column| {
                Some(column.code()) == wanted
                    || column.key.is_some() && column.attribute.code == key
            };
            let found = all.iter_mut().find(is_named);
            // The words are not recorded.
            let missing = || format!("Reconciliation key not found in the input columns: '{key}'");
            found.ok_or_else(missing)?.reconciles = true;
        }
        Ok(Self { class, all, localized })
    }

    /// External keys come first, wherever they stand in the file.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Column> {
        let (keys, others): (Vec<_>, Vec<_>) = self.all.iter().partition(|c| c.key.is_some());
        keys.into_iter().chain(others)
    }

    pub(super) fn labels(&self) -> String {
        let label = |column: &Column| {
            let Attribute { code, label, .. } = column.attribute;
            match column.key {
                Some(_) => format!("{code} ({label} - ext key)"),
                None => format!("{code} ({label})"),
            }
        };
        self.in_order().map(label).collect::<Vec<_>>().join(";")
    }

    pub(super) fn codes(&self) -> String {
        self.all.iter().map(Column::code).collect::<Vec<_>>().join(", ")
    }
}

pub(super) fn shown_keys(columns: &Columns) -> String {
    let shown = |column: &Column| match &column.key {
        Some((_, by)) => format!("{} ({by})", column.attribute.code),
        None => column.attribute.code.to_owned(),
    };
    let keys = columns.all.iter().filter(|column| column.reconciles);
    keys.map(shown).collect::<Vec<_>>().join(", ")
}

fn column(
    session: &Session<'_>,
    class: &'static Class,
    name: &str,
    place: usize,
    localized: bool,
) -> Option<Column> {
    let (code, by) = match name.split_once("->") {
        Some((code, by)) => (code, Some(by)),
        None => (name, None),
    };
    let attribute = named(class, code, localized).filter(|known| is_written(known))?;
    let target = lookup::target(session, class, attribute.code);
    let key = match (target, by) {
        (Some(target), Some(by)) => Some((target, named(target, by, localized)?.code.to_owned())),
        (Some(target), None) => Some((target, "id".to_owned())),
        (None, Some(_)) => return None,
        (None, None) => None,
    };
    Some(Column { attribute, key, place, reconciles: false })
}

/// By its code, or in the language of the account by its label.
fn named(class: &'static Class, name: &str, localized: bool) -> Option<&'static Attribute> {
    let by_label = |attribute: &&Attribute| attribute.label == name && is_written(attribute);
    class.attribute(name).or_else(|| class.attributes().filter(|_| localized).find(by_label))
}

fn is_written(attribute: &Attribute) -> bool {
    attribute.has_column() && !matches!(attribute.kind, Kind::Computed | Kind::Flag | Kind::Log)
}

fn possible(session: &Session<'_>, class: &'static Class) -> String {
    let mut names = Vec::new();
    for attribute in class.attributes().filter(|attribute| is_written(attribute)) {
        names.push(attribute.code.to_owned());
        if let Some(target) = lookup::target(session, class, attribute.code) {
            let of_target = target.attributes().filter(|of_target| of_target.has_column());
            names.extend(of_target.map(|of| format!("{}->{}", attribute.code, of.code)));
        }
    }
    names.join(", ")
}
