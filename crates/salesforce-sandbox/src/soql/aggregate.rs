//! Functions over groups of records.

use rusqlite::params_from_iter;
use serde_json::{Map, Value, json};

use super::{
    ast::{Column, Query},
    compile::Compiler,
    failure::Failure,
};
use crate::{record::Work, refusal::Refusal, schema::Kind, store::from_sql};

impl Work<'_> {
    /// One row for each group, `expr0`, `expr1`, … for what has no name.
    pub(super) fn aggregate(
        &self,
        mut compiler: Compiler<'_>,
        query: &Query,
        columns: &[Column],
    ) -> Result<Value, Refusal> {
        let told = |failure: Failure| failure.refusal(&query.text);
        let mut groups = Vec::new();
        for path in &query.grouped {
            groups.push(compiler.find(path).map_err(told)?.column);
        }
        let (mut selected, mut names, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        let mut unnamed = 0;
        for column in columns {
            let found = compiler.find(&column.path).map_err(told)?;
            let Some(function) = &column.function else {
                if !groups.contains(&found.column) {
                    let message = format!("Field must be grouped or aggregated: {}", found.name);
                    return Err(told(Failure::malformed(column.path.at, message)));
                }
                selected.push(found.column);
                names.push(found.name);
                kinds.push(found.kind);
                continue;
            };
            selected.push(match function.as_str() {
                "COUNT_DISTINCT" => format!("COUNT(DISTINCT {})", found.column),
                function => format!("{function}({})", found.column),
            });
            kinds.push(match function.as_str() {
                "COUNT" | "COUNT_DISTINCT" => Kind::Int,
                "SUM" | "AVG" => Kind::Double,
                _ => found.kind,
            });
            names.push(column.alias.clone().unwrap_or_else(|| {
                unnamed += 1;
                format!("expr{}", unnamed - 1)
            }));
        }
        let source = compiler.source(query, false).map_err(told)?;
        let by = if groups.is_empty() {
            String::new()
        } else {
            let groups = groups.join(", ");
            format!("GROUP BY {groups} ORDER BY {groups}")
        };
        let limit = query.limit.unwrap_or(2_000);
        let sql = format!("SELECT {} {source} {by} LIMIT {limit}", selected.join(", "));
        let mut statement = self.state.db.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(&compiler.values))?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let mut record = Map::new();
            record.insert("attributes".to_owned(), json!({"type": "AggregateResult"}));
            for (place, name) in names.iter().enumerate() {
                record.insert(name.clone(), from_sql(kinds[place], row.get_ref(place)?));
            }
            records.push(Value::Object(record));
        }
        Ok(json!({"totalSize": records.len(), "done": true, "records": records}))
    }
}
