//! Which objects the keys of a request mean: an id, criteria, or a query.

use serde_json::{Map, Value};

use super::{Found, Session, as_id, scalar};
use crate::{
    classes::{self, Attribute, Class, Kind},
    oql,
    refusal::Refusal,
};

impl Session<'_> {
    /// What the key of an operation selects.
    pub(crate) fn selection(
        &self,
        class: &'static Class,
        key: &Value,
    ) -> Result<oql::Query, Refusal> {
        match as_query(key) {
            Some(oql) => {
                oql::read(self.scope(), oql).map_err(|failure| Refusal::error(failure.packed(oql)))
            }
            None => self.objects(class, key),
        }
    }

    /// The one object that the key of a write, or the value of the external key `code`, selects. A
    /// query is evaluated here and now: what it demands holds at the moment of the write. None is
    /// an object that was counted and is gone when it is fetched, which iTop takes for no object.
    pub(crate) fn one(
        &self,
        class: &'static Class,
        key: &Value,
        code: &str,
    ) -> Result<Option<Found>, Refusal> {
        let oql = as_query(key);
        let query = match oql {
            Some(oql) => {
                oql::read(self.scope(), oql).map_err(|failure| Refusal::error(failure.bare()))?
            }
            None => self.objects(class, key)?,
        };
        let mut found = self.found(&query, oql.unwrap_or_default())?;
        // An id is looked up once.
        let counted = as_id(key).is_none();
        let count = match found.len() {
            one @ (0 | 1) if counted && self.strike.gone_at_fetch(code, one == 1) => {
                return Ok(None);
            }
            0 => "No item found".to_owned(),
            1 => return Ok(Some(found.remove(0))),
            several => format!("Several items found ({several})"),
        };
        let message = match (oql, key) {
            (Some(oql), _) => format!("{count} for query: {oql}"),
            (None, Value::Object(criteria)) => {
                format!("{count} with criteria: {}", self.report(class, criteria)?)
            }
            (None, id) => format!("Invalid object {}::{}", class.name, scalar(id)?),
        };
        Err(Refusal::error(message))
    }

    fn found(&self, query: &oql::Query, oql: &str) -> Result<Vec<Found>, Refusal> {
        let alias = &query.alias;
        let sql = format!("SELECT DISTINCT {alias}.finalclass, {alias}.id {}", query.from);
        let mut statement = self
            .read_only(&sql)
            .ok_or_else(|| Refusal::error(oql::Failure::not_accepted(oql).bare()))?;
        let rows =
            statement.query_map([], |row| Ok(Found { class: row.get(0)?, id: row.get(1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Prepares a statement made from a query; one that SQLite cannot read, or that would write,
    /// was no query.
    pub(crate) fn read_only(&self, sql: &str) -> Option<rusqlite::Statement<'_>> {
        self.database.prepare(sql).ok().filter(rusqlite::Statement::readonly)
    }

    /// What a key that is an id or criteria selects.
    fn objects(&self, class: &'static Class, key: &Value) -> Result<oql::Query, Refusal> {
        let condition = if let Value::Object(criteria) = key {
            let mut conditions = vec!["1".to_owned()];
            for (code, value) in criteria {
                let value = self.criterion(class, code, value)?;
                // SQLite does not take '3' for 3 everywhere.
                let numeric = class.attribute(code).is_some_and(Attribute::is_numeric);
                let cast = if numeric { "NUMERIC" } else { "TEXT" };
                let value = oql::literal(&value);
                conditions.push(format!("\"t\".\"{code}\" = CAST({value} AS {cast})"));
            }
            conditions.join(" AND ")
        } else if let Some(id) = as_id(key) {
            format!("\"t\".id = {id}")
        } else {
            return Err(Refusal::error("Wrong format for key"));
        };
        Ok(oql::Query {
            class,
            alias: "\"t\"".to_owned(),
            joined: false,
            from: format!("FROM {} AS \"t\" WHERE {condition}", self.scope().source(class)),
        })
    }

    /// The value that one of several criteria means.
    fn criterion(&self, class: &Class, code: &str, value: &Value) -> Result<String, Refusal> {
        let attribute = class
            .attribute(code)
            .filter(|attribute| attribute.has_column())
            .ok_or_else(|| Refusal::error(format!("{code}: Unknown attribute")))?;
        match attribute.kind {
            Kind::Reference(target) => self.reference(target, value, code).map(|id| id.to_string()),
            _ => scalar(value),
        }
        .map_err(|refusal| refusal.about(code))
    }

    fn report(&self, class: &Class, criteria: &Map<String, Value>) -> Result<String, Refusal> {
        let mut report = Vec::new();
        for (code, value) in criteria {
            let given = scalar(value).unwrap_or_else(|_| value.to_string());
            report.push(format!("{code}: {given} ({})", self.criterion(class, code, value)?));
        }
        Ok(report.join(", "))
    }

    /// The id that a value of the external key `code` means; 0 is none.
    pub(crate) fn reference(
        &self,
        target: &str,
        value: &Value,
        code: &str,
    ) -> Result<i64, Refusal> {
        if value.is_null() || matches!(scalar(value).as_deref(), Ok("" | "0")) {
            return Ok(0);
        }
        let class = classes::find(self.flavour, target)
            .ok_or_else(|| Refusal::error(format!("'{target}' is not a valid class")))?;
        Ok(self.one(class, value, code)?.map_or(0, |found| found.id))
    }
}

/// A text that is no number is a query.
fn as_query(key: &Value) -> Option<&str> {
    key.as_str().filter(|_| as_id(key).is_none())
}
