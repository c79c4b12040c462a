//! Objects by what a file says of them.

use rusqlite::{params_from_iter, types::Value as Sql};

use crate::{
    classes::{self, Attribute, Class, Kind},
    session::{Found, Session},
};

/// The objects of a class, among those that the user may see, that have all these values.
pub(super) fn objects(
    session: &Session<'_>,
    class: &'static Class,
    conditions: &[(&str, String)],
) -> Result<Vec<Found>, rusqlite::Error> {
    matching(session, &session.scope().source(class), class, conditions)
}

fn matching(
    session: &Session<'_>,
    source: &str,
    class: &'static Class,
    conditions: &[(&str, String)],
) -> Result<Vec<Found>, rusqlite::Error> {
    let mut values = Vec::new();
    let mut tests = vec!["1".to_owned()];
    for (code, value) in conditions {
        let numeric = class.attribute(code).is_some_and(Attribute::is_numeric);
        tests.push(format!("t.\"{code}\" = ?"));
        // What is no number is no id.
        values.push(match value.trim().parse() {
            Ok(number) if numeric => Sql::Integer(number),
            _ if numeric => Sql::Integer(-1),
            _ => Sql::Text(value.clone()),
        });
    }
    let tests = tests.join(" AND ");
    let sql = format!("SELECT t.finalclass, t.id FROM {source} AS t WHERE {tests} ORDER BY t.id");
    session
        .database
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), |row| {
            Ok(Found { class: row.get(0)?, id: row.get(1)? })
        })?
        .collect()
}

/// The class at which an external key points.
pub(super) fn target(
    session: &Session<'_>,
    class: &'static Class,
    code: &str,
) -> Option<&'static Class> {
    match class.attribute(code)?.kind {
        Kind::Reference(target) => classes::find(session.flavour, target),
        _ => None,
    }
}

/// The id that the value of an external key means, found by the attribute `by`; 0 is none, and
/// nothing is what matches nothing or several.
pub(super) fn key(
    session: &Session<'_>,
    target: &'static Class,
    by: &str,
    value: &str,
) -> Result<Option<i64>, rusqlite::Error> {
    if value.is_empty() || value == "0" {
        return Ok(Some(0));
    }
    let by = if by.is_empty() { "id" } else { by };
    if target.attribute(by).is_none() {
        return Ok(None);
    }
    let found = objects(session, target, &[(by, value.to_owned())])?;
    Ok(if let [only] = &*found { Some(only.id) } else { None })
}

/// Whether there is something of that value that the user may not see.
pub(super) fn is_hidden(
    session: &Session<'_>,
    class: &'static Class,
    code: &str,
    value: &str,
) -> Result<bool, rusqlite::Error> {
    let all = format!("\"{}\"", class.name);
    Ok(!matching(session, &all, class, &[(code, value.to_owned())])?.is_empty())
}

/// The first values of an attribute that the user may see, in order, and whether there are more.
pub(super) fn some_values(
    session: &Session<'_>,
    class: &'static Class,
    code: &str,
    how_many: usize,
) -> Result<(Vec<String>, bool), rusqlite::Error> {
    let source = session.scope().source(class);
    let sql = format!(
        "SELECT CAST(t.\"{code}\" AS TEXT) FROM {source} AS t ORDER BY t.\"{code}\" LIMIT ?"
    );
    let mut values: Vec<String> = session
        .database
        .prepare_cached(&sql)?
        .query_map([i64::try_from(how_many + 1).unwrap_or(i64::MAX)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let more = values.len() > how_many;
    values.truncate(how_many);
    Ok((values, more))
}
