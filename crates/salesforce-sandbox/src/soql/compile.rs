//! From what a query asks to SQL.

use std::{collections::HashMap, fmt::Write as _};

use rusqlite::types::Value as Sql;

use super::{
    ast::{Path, Query},
    failure::Failure,
};
use crate::{
    record::Work,
    refusal::Refusal,
    schema::{Field, Kind, Object},
    store::quoted,
};

/// What owners of several objects have in common.
const NAMED: [(&str, Kind); 6] = [
    ("Id", Kind::Id),
    ("Name", Kind::String),
    ("Type", Kind::String),
    ("Email", Kind::Email),
    ("IsActive", Kind::Boolean),
    ("Username", Kind::String),
];

/// A field that a query names.
pub(super) struct Found<'w> {
    /// As it stands in SQL.
    pub(super) column: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// None: one of those that owners have in common.
    pub(super) field: Option<&'w Field>,
    /// The way to it: names of relationships, as the object spells them.
    pub(super) way: Vec<String>,
}

/// A parent that the query reaches.
#[derive(Clone)]
pub(super) struct Join<'w> {
    pub(super) alias: String,
    /// None: one of several.
    pub(super) object: Option<&'w Object>,
}

/// What a query becomes.
pub(super) struct Compiler<'w> {
    pub(super) work: &'w Work<'w>,
    pub(super) object: &'w Object,
    pub(super) joins: HashMap<Vec<String>, Join<'w>>,
    /// As SQL, in the order in which they were met.
    from: String,
    pub(super) values: Vec<Sql>,
}

impl<'w> Compiler<'w> {
    pub(super) fn new(work: &'w Work<'w>, query: &Query) -> Result<Self, Refusal> {
        let name = query.object.parts.join(".");
        let object = work.object(&name).map_err(|_| {
            let at = query.object.at;
            let message = format!(
                "sObject type '{name}' is not supported. If you are attempting to use a custom \
                 object, be sure to append the '__c' after the entity name. Please reference your \
                 WSDL or the describe call for the appropriate names."
            );
            Failure { code: "INVALID_TYPE", message, at }.refusal(&query.text)
        })?;
        let from = format!("{} AS t0", quoted(&object.name));
        Ok(Self { work, object, joins: HashMap::new(), from, values: Vec::new() })
    }

    /// The field at the end of a path, whose parents are joined.
    pub(super) fn find(&mut self, path: &Path) -> Result<Found<'w>, Failure> {
        let mut parts = path.parts.as_slice();
        // The object may be named in front of its own field.
        if parts.len() > 1
            && parts[0].eq_ignore_ascii_case(&self.object.name)
            && self.object.relation(&parts[0]).is_none()
        {
            parts = &parts[1..];
        }
        let Some((last, parents)) = parts.split_last() else {
            return Err(Failure::malformed(path.at, "a field is missing"));
        };
        if parents.len() > 5 {
            return Err(Failure::malformed(path.at, "at most 5 levels of parents are allowed"));
        }
        let mut here = Join { alias: "t0".to_owned(), object: Some(self.object) };
        let mut way = Vec::new();
        for part in parents {
            here = self.join(&here, part, &mut way, path)?;
        }
        let no_such = |entity: &str| {
            Failure::field(
                path.at,
                format!(
                    "No such column '{last}' on entity '{entity}'. If you are attempting to use a \
                     custom field, be sure to append the '__c' after the custom field name. Please \
                     reference your WSDL or the describe call for the appropriate names."
                ),
            )
        };
        let Some(object) = here.object else {
            let named = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(last));
            let (name, kind) = named.ok_or_else(|| no_such("Name"))?;
            let column = format!("{}.{}", here.alias, quoted(name));
            return Ok(Found { column, name: (*name).to_owned(), kind: *kind, field: None, way });
        };
        let access = &self.work.state.access;
        let field = object
            .field(last)
            .filter(|field| {
                access.sees_field(&object.name, &field.name) && field.name != "Comments"
            })
            .ok_or_else(|| no_such(&object.name))?;
        let column = format!("{}.{}", here.alias, quoted(&field.name));
        Ok(Found { column, name: field.name.clone(), kind: field.kind, field: Some(field), way })
    }

    fn join(
        &mut self,
        from: &Join<'w>,
        part: &str,
        way: &mut Vec<String>,
        path: &Path,
    ) -> Result<Join<'w>, Failure> {
        let work = self.work;
        let access = &work.state.access;
        let relation = from.object.and_then(|object| {
            let seen = |field: &&Field| access.sees_field(&object.name, &field.name);
            object.relation(part).filter(seen)
        });
        let Some(field) = relation else {
            let entity = from.object.map_or("Name", |object| &object.name);
            return Err(Failure::field(
                path.at,
                format!(
                    "Didn't understand relationship '{part}' in field path. If you are attempting \
                     to use a custom relationship, be sure to append the '__r' after the custom \
                     relationship name. Please reference your WSDL or the describe call for the \
                     appropriate names. (entity '{entity}')"
                ),
            ));
        };
        way.push(field.relationship.clone().unwrap_or_default());
        if let Some(known) = self.joins.get(way) {
            return Ok(known.clone());
        }
        let alias = format!("t{}", self.joins.len() + 1);
        let (table, object, live) = match field.reference_to.as_slice() {
            [single] => {
                let object = work.object(single).map_err(|_| {
                    Failure::field(path.at, format!("Didn't understand relationship '{part}'"))
                })?;
                let live = format!(" AND {alias}.\"IsDeleted\" = 0 AND {alias}.\"_hidden\" = 0");
                (quoted(single), Some(object), live)
            }
            _ => (quoted("Name"), None, String::new()),
        };
        let _ = write!(
            self.from,
            " LEFT JOIN {table} AS {alias} ON {alias}.\"Id\" = {}.{}{live}",
            from.alias,
            quoted(&field.name)
        );
        let join = Join { alias, object };
        self.joins.insert(way.clone(), join.clone());
        Ok(join)
    }

    /// `FROM` and `WHERE` of a query; with `deleted` also what lies in the Recycle Bin.
    pub(super) fn source(&mut self, query: &Query, deleted: bool) -> Result<String, Failure> {
        let condition = match &query.condition {
            Some(condition) => self.condition(condition)?,
            None => "1".to_owned(),
        };
        let live = if deleted { "" } else { " AND t0.\"IsDeleted\" = 0" };
        Ok(format!("FROM {} WHERE ({condition}) AND t0.\"_hidden\" = 0{live}", self.from))
    }

    pub(super) fn from(&self) -> &str {
        &self.from
    }

    /// `ORDER BY`, which must be asked before [`Self::source`], for its parents.
    pub(super) fn order(&mut self, query: &Query) -> Result<String, Failure> {
        let mut terms = Vec::new();
        for order in &query.order {
            let found = self.find(&order.path)?;
            if found.field.is_some_and(|field| !field.filterable) {
                let message = format!("field '{}' can not be sorted in a query call", found.name);
                return Err(Failure::field(order.path.at, message));
            }
            let direction = if order.descending { "DESC" } else { "ASC" };
            let nulls = if order.nulls_last { "LAST" } else { "FIRST" };
            terms.push(format!("{} {direction} NULLS {nulls}", found.column));
        }
        terms.push("t0.\"Id\"".to_owned());
        Ok(format!("ORDER BY {}", terms.join(", ")))
    }
}
