//! A query, and the next page of one.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{params_from_iter, types::Value as Sql};
use serde_json::{Map, Value, json};

use super::{
    ast::{Path, Query, Selected},
    compile::{Compiler, Found},
    failure::Failure,
    locator::Cursor,
    parser::parse,
};
use crate::{record::Work, refusal::Refusal, schema::Kind, store::from_sql};

impl Work<'_> {
    /// Answers a query; with `deleted` also from the Recycle Bin.
    pub(crate) fn query(&self, text: &str, deleted: bool) -> Result<Value, Refusal> {
        let query = parse(text).map_err(|failure| failure.refusal(text))?;
        let mut compiler = Compiler::new(self, &query)?;
        self.faults.refuse(crate::fault::Operation::Query, &compiler.object.name, "")?;
        let told = |failure: Failure| failure.refusal(text);
        match &query.selected {
            Selected::Count => {
                let source = compiler.source(&query, deleted).map_err(told)?;
                let sql = format!("SELECT COUNT(*) {source}");
                let total: u64 = self
                    .state
                    .db
                    .prepare(&sql)?
                    .query_row(params_from_iter(&compiler.values), |row| row.get(0))?;
                let total = total.min(query.limit.unwrap_or(u64::MAX));
                Ok(json!({"totalSize": total, "done": true, "records": []}))
            }
            Selected::Aggregates(columns) => self.aggregate(compiler, &query, columns),
            Selected::Fields(paths) => {
                if compiler.object.name == "ContentDocumentLink" && !query.names_link() {
                    let message = "Implementation restriction: ContentDocumentLink requires a \
                                   filter by a single Id on ContentDocumentId or LinkedEntityId \
                                   using the equals operator or multiple Id's using the IN operator.";
                    return Err(told(Failure::malformed(query.object.at, message)));
                }
                let long = self.page_size(&mut compiler, paths).map_err(told)?;
                let order = compiler.order(&query).map_err(told)?;
                let source = compiler.source(&query, deleted).map_err(told)?;
                let limit = query.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(-1));
                let sql = format!(
                    "SELECT t0.\"Id\" {source} {order} LIMIT {limit} OFFSET {}",
                    query.offset
                );
                let mut statement = self.state.db.prepare(&sql)?;
                let found =
                    statement.query_map(params_from_iter(&compiler.values), |row| row.get(0))?;
                let ids: Vec<String> = found.collect::<Result<_, _>>()?;
                let cursor = Cursor { id: String::new(), query, ids: Arc::new(ids), page: long };
                self.page(&cursor, 0)
            }
        }
    }

    /// The next page: what `nextRecordsUrl` ends with, such as `01gxx0000002HU6KIAW-2000`.
    pub(crate) fn query_more(&self, locator: &str) -> Result<Value, Refusal> {
        let unknown = || Refusal::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
        let (id, from) = locator.rsplit_once('-').ok_or_else(unknown)?;
        let from: usize = from.parse().map_err(|_| unknown())?;
        let id = crate::ids::long(id).ok_or_else(unknown)?;
        let cursor = self.cursors().get(&id).ok_or_else(unknown)?;
        self.faults.refuse(
            crate::fault::Operation::Query,
            &cursor.query.object.parts.join("."),
            "",
        )?;
        if from >= cursor.ids.len() {
            return Err(unknown());
        }
        self.page(&cursor, from)
    }

    /// How many rows a page has: what was asked for, fewer with two long texts of one's own.
    fn page_size(&self, compiler: &mut Compiler<'_>, paths: &[Path]) -> Result<usize, Failure> {
        let mut long = 0;
        for path in paths {
            let found = compiler.find(path)?;
            let custom = found.field.is_some_and(|field| field.custom && field.length > 255);
            long += usize::from(custom && found.kind == Kind::TextArea);
        }
        let asked = self.asked.batch_size.clamp(200, 2_000);
        Ok(if long >= 2 { asked.min(200) } else { asked })
    }

    fn page(&self, cursor: &Cursor, from: usize) -> Result<Value, Refusal> {
        let Cursor { query, ids, page, .. } = cursor;
        let end = ids.len().min(from + page);
        let rows = self.records(query, &ids[from..end])?;
        let mut answer = Map::new();
        answer.insert("totalSize".to_owned(), json!(ids.len()));
        answer.insert("done".to_owned(), json!(end == ids.len()));
        if end < ids.len() {
            let id = if cursor.id.is_empty() {
                self.cursors().open(query, Arc::clone(ids), *page)
            } else {
                cursor.id.clone()
            };
            let next = format!("/services/data/v{}/query/{id}-{end}", self.version);
            answer.insert("nextRecordsUrl".to_owned(), json!(next));
        }
        answer.insert("records".to_owned(), Value::Array(rows));
        Ok(Value::Object(answer))
    }

    /// The records of these ids with what the query selects, in the order of the ids.
    fn records(&self, query: &Query, ids: &[String]) -> Result<Vec<Value>, Refusal> {
        let Selected::Fields(paths) = &query.selected else { return Ok(Vec::new()) };
        let mut compiler = Compiler::new(self, query)?;
        let mut columns: Vec<Found<'_>> = Vec::new();
        for path in paths {
            let found = compiler.find(path).map_err(|failure| failure.refusal(&query.text))?;
            columns.push(found);
        }
        // The id of each parent and what it is, beside what was asked.
        let ways: Vec<(Vec<String>, String)> =
            compiler.joins.iter().map(|(way, join)| (way.clone(), join.alias.clone())).collect();
        let kinds: HashMap<Vec<String>, Option<String>> = compiler
            .joins
            .iter()
            .map(|(way, join)| (way.clone(), join.object.map(|object| object.name.clone())))
            .collect();
        let mut selected: Vec<String> = vec!["t0.\"Id\"".to_owned()];
        for (way, alias) in &ways {
            selected.push(format!("{alias}.\"Id\""));
            let kind =
                if kinds[way].is_some() { "NULL".to_owned() } else { format!("{alias}.\"Type\"") };
            selected.push(kind);
        }
        selected.extend(columns.iter().map(|found| found.column.clone()));
        let marks = vec!["?"; ids.len()].join(", ");
        let sql = format!(
            "SELECT {} FROM {} WHERE t0.\"Id\" IN ({marks})",
            selected.join(", "),
            compiler.from()
        );
        let mut statement = self.state.db.prepare(&sql)?;
        let mut rows =
            statement.query(params_from_iter(ids.iter().map(|id| Sql::Text(id.clone()))))?;
        let mut by_id: HashMap<String, Value> = HashMap::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let mut parents = HashMap::new();
            for (place, (way, _)) in ways.iter().enumerate() {
                let parent: Option<String> = row.get(1 + 2 * place)?;
                let kind: Option<String> = row.get(2 + 2 * place)?;
                let kind = kinds[way].clone().or(kind).unwrap_or_default();
                parents.insert(way.clone(), parent.map(|id| self.attributes(&kind, &id)));
            }
            let mut record = Map::new();
            record.insert("attributes".to_owned(), self.attributes(&compiler.object.name, &id));
            for (place, found) in columns.iter().enumerate() {
                let value = from_sql(found.kind, row.get_ref(1 + 2 * ways.len() + place)?);
                put(&mut record, &found.way, 0, &parents, &found.name, value);
            }
            by_id.insert(id, Value::Object(record));
        }
        Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
    }
}

/// Puts a value where its way leads, and makes the parents on the way; one that is not there is
/// null.
fn put(
    record: &mut Map<String, Value>,
    way: &[String],
    depth: usize,
    parents: &HashMap<Vec<String>, Option<Value>>,
    name: &str,
    value: Value,
) {
    let Some(step) = way.get(depth) else {
        record.insert(name.to_owned(), value);
        return;
    };
    let attributes = parents.get(&way[..=depth]).cloned().flatten();
    let slot = record.entry(step.clone()).or_insert_with(|| match attributes {
        Some(attributes) => json!({"attributes": attributes}),
        None => Value::Null,
    });
    if let Value::Object(parent) = slot {
        put(parent, way, depth + 1, parents, name, value);
    }
}

impl Query {
    /// Whether links of files are looked for by one of their ends, as they must be.
    fn names_link(&self) -> bool {
        use super::ast::{Condition, Operator};
        fn names(condition: &Condition) -> bool {
            let by = |path: &Path| {
                let name = path.parts.last().map_or("", String::as_str);
                ["Id", "ContentDocumentId", "LinkedEntityId"]
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(name))
            };
            match condition {
                Condition::And(all) => all.iter().any(names),
                Condition::Or(_) | Condition::Not(_) => false,
                Condition::Compare { path, operator, .. } => {
                    *operator == Operator::Equal && by(path)
                }
                Condition::In { path, not, .. } => !not && by(path),
            }
        }
        self.condition.as_ref().is_some_and(names)
    }
}
