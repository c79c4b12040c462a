//! Reads a class by ranges of ids, some at a time.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde_json::json;

use super::{
    extract::{Event, ExtractError, Extraction},
    object,
    ranges::{Range, Ranges},
};
use crate::{
    clock::Stopwatch,
    itop::{Answer, Use},
    migrate::staging::{Object, ReadRange, Table},
};

/// So many times as many ids as rows are asked for at once: they are that much shorter.
const IDS_FOR_A_ROW: u64 = 10;

/// What of a class is read.
pub(super) enum Part {
    /// All attributes of all objects.
    All,
    /// All attributes of the objects that meet a condition.
    Changed(String),
    /// The ids of all objects; one that is not known is read.
    Ids,
}

impl Part {
    fn condition(&self) -> &str {
        match self {
            Self::All | Self::Ids => "",
            Self::Changed(condition) => condition,
        }
    }

    fn fields(&self, table: &Table) -> String {
        match self {
            Self::All | Self::Changed(_) => table.fields.join(","),
            Self::Ids => "id".to_owned(),
        }
    }
}

impl Extraction<'_> {
    /// Reads a part of a class to its end.
    pub(super) async fn sweep(
        &self,
        table: &Table,
        part: Part,
        pass: i64,
        tell: &impl Fn(&Event),
    ) -> Result<(), ExtractError> {
        let class = &table.class;
        let (rows, known) = match part {
            Part::All => (self.pace.rows, self.staging.ranges(class).await?),
            // Few at all: it is asked anew after a kill.
            Part::Changed(_) => (self.pace.rows, Vec::new()),
            Part::Ids => (self.pace.rows * IDS_FOR_A_ROW, self.staging.ranges(class).await?),
        };
        let mut ranges = Ranges::new(rows, known);
        let mut asked = FuturesUnordered::new();
        loop {
            while asked.len() < self.pace.at_once.max(1)
                && let Some(range) = ranges.next()
            {
                let most = ranges.is_wide(range).then(|| ranges.most());
                asked.push(self.range(table, &part, range, most));
            }
            let Some(brought) = asked.next().await else { return Ok(()) };
            let (range, answer, micros) = brought?;
            let count = answer.objects().count();
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            let all = answer.found().and_then(|all| all.try_into().ok()).unwrap_or(count);
            if all > count {
                ranges.too_many(range);
                continue;
            }
            let Range { above, up_to } = range;
            let read = ReadRange { above, up_to, micros };
            match part {
                Part::All => {
                    self.staging.keep(table, Some(read), objects(table, &answer), pass).await?;
                }
                Part::Changed(_) => {
                    self.staging.keep(table, None, objects(table, &answer), pass).await?;
                }
                Part::Ids => self.seen(table, read, &answer, pass).await?,
            }
            tell(&Event::Rows { class: class.clone(), rows: count, micros });
            ranges.brought(range, count);
            if ranges.may_be_last(count)
                && self.asking().is_end(class, up_to, part.condition()).await?
            {
                ranges.nothing_above(up_to);
            }
        }
    }

    /// These ids are there; those that are not known are read.
    async fn seen(
        &self,
        table: &Table,
        read: ReadRange,
        answer: &Answer,
        pass: i64,
    ) -> Result<(), ExtractError> {
        let ids = answer.objects().map(|(_, id, _)| id).collect();
        let unknown = self.staging.seen(&table.class, ids, pass).await?;
        let rows = usize::try_from(self.pace.rows).unwrap_or(usize::MAX).max(1);
        for ids in unknown.chunks(rows) {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            let condition = format!("id IN ({})", ids.join(","));
            let part = Part::All;
            let (answer, _) = self.select(table, &part, &condition, read, None).await?;
            self.staging.keep(table, None, objects(table, &answer), pass).await?;
        }
        Ok(self.staging.keep(table, Some(read), Vec::new(), pass).await?)
    }

    /// A range of a class; with a bound it brings no more than so many rows, and says how many there are.
    async fn range(
        &self,
        table: &Table,
        part: &Part,
        range: Range,
        most: Option<u64>,
    ) -> Result<(Range, Answer, u64), ExtractError> {
        let Range { above, up_to } = range;
        let condition = format!("id > {above} AND id <= {up_to}{}", part.condition());
        let read = ReadRange { above, up_to, micros: 0 };
        let (answer, micros) = self.select(table, part, &condition, read, most).await?;
        Ok((range, answer, micros))
    }

    async fn select(
        &self,
        table: &Table,
        part: &Part,
        condition: &str,
        read: ReadRange,
        most: Option<u64>,
    ) -> Result<(Answer, u64), ExtractError> {
        let class = &table.class;
        let mut operation = json!({
            "operation": "core/get", "class": class,
            "key": format!("SELECT {class} WHERE {condition}"),
            "output_fields": part.fields(table),
        });
        if let Some(most) = most {
            operation["limit"] = json!(most.to_string());
            operation["page"] = json!("1");
        }
        let watch = Stopwatch::start();
        let answer = self.asking().ask(class, Use::List, &operation).await?;
        let micros = watch.micros();
        if self.pace.gentle {
            self.clock.sleep(Duration::from_micros(micros)).await;
        }
        let ReadRange { above, up_to, .. } = read;
        let answer = answer.map_err(|words| ExtractError::Refused {
            class: class.clone(),
            above,
            up_to,
            words,
        })?;
        Ok((answer, micros))
    }
}

fn objects(table: &Table, answer: &Answer) -> Vec<Object> {
    let rows = answer.objects();
    rows.map(|(class, id, fields)| object::object(class, id, fields, &table.logs)).collect()
}
