//! Queries that are narrowed to what a caller may see.

use super::{as_json, db::Value};
use crate::domain::visible::Visible;

/// Narrows a query of a table with `instance` and `company_key` to what is seen; gives the values of what it
/// has added.
pub(super) fn push_visible(sql: &mut String, visible: &Visible) -> Vec<Value> {
    let mut values = Vec::new();
    if let Some(instance) = visible.instance() {
        sql.push_str(" AND instance = ?");
        values.push(instance.to_string().into());
    }
    if let Some(companies) = visible.companies() {
        sql.push_str(" AND company_key IN (SELECT value FROM json_each(?))");
        values.push(as_json(companies).into());
    }
    values
}
