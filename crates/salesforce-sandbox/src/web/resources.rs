//! What lies below `/services/data/vNN.N`.

use serde_json::{Value, json};

use super::{Answer, Call, sobjects::not_allowed};
use crate::{fault::Operation, record::Work, refusal::Refusal};

/// How much of what a day has is left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) used: u64,
    pub(crate) most: u64,
}

impl Work<'_> {
    /// Answers what was asked below the version.
    pub(crate) fn resource(&self, call: &Call, path: &[&str]) -> Result<Answer, Refusal> {
        match path {
            [] => Ok(Answer::json(200, self.contents())),
            ["sobjects", rest @ ..] => self.sobjects(call, rest),
            ["composite"] => only("POST", call).and_then(|()| self.composite(call)),
            ["composite", "graph"] => only("POST", call).and_then(|()| self.graphs(call)),
            ["composite", "sobjects", rest @ ..] => self.collections(call, rest),
            ["query" | "queryAll", locator] => {
                only("GET", call)?;
                Ok(Answer::json(200, self.query_more(locator)?))
            }
            ["query" | "queryAll"] => {
                only("GET", call)?;
                let text = call.argument("q").ok_or_else(|| {
                    Refusal::bad("MALFORMED_QUERY", "SOQL statement is missing: q")
                })?;
                Ok(Answer::json(200, self.query(text, path == ["queryAll"])?))
            }
            ["jobs", "ingest", rest @ ..] => self.jobs(call, rest),
            ["actions", "standard", action] => {
                only("POST", call)?;
                Ok(Answer::json(200, self.article_action(action, &call.object()?)?))
            }
            ["limits", "recordCount"] => self.record_count(call),
            ["limits"] => {
                self.faults.refuse(Operation::Limits, "", "")?;
                if !self.state.access.views_setup {
                    let message = "You do not have access to this resource";
                    return Err(Refusal::new(403, "INSUFFICIENT_ACCESS", message));
                }
                Ok(Answer::json(200, limits(self.usage)))
            }
            _ => Err(Refusal::not_found()),
        }
    }

    /// The addresses that there are.
    fn contents(&self) -> Value {
        let base = format!("/services/data/v{}", self.version);
        let names = ["sobjects", "query", "queryAll", "composite", "limits", "jobs", "actions"];
        names.iter().map(|name| ((*name).to_owned(), json!(format!("{base}/{name}")))).collect()
    }

    /// Counts that are not for proof: they may be old.
    fn record_count(&self, call: &Call) -> Result<Answer, Refusal> {
        let names = call.list("sObjects").unwrap_or_default();
        let mut counts = Vec::new();
        for name in &names {
            let object = self.object(name)?;
            let sql = format!("SELECT COUNT(*) FROM \"{}\" WHERE \"IsDeleted\" = 0", object.name);
            let count: u64 = self.state.db.query_row(&sql, [], |row| row.get(0))?;
            counts.push(json!({"name": object.name, "count": count}));
        }
        Ok(Answer::json(200, json!({"sObjects": counts})))
    }
}

fn only(method: &str, call: &Call) -> Result<(), Refusal> {
    if call.method == method { Ok(()) } else { Err(not_allowed(&call.method)) }
}

fn limits(usage: Usage) -> Value {
    let plain = |most: u64, left: u64| json!({"Max": most, "Remaining": left});
    json!({
        "DailyApiRequests": plain(usage.most, usage.most.saturating_sub(usage.used)),
        "DailyBulkApiBatches": plain(15_000, 14_990),
        "DailyBulkV2QueryJobs": plain(10_000, 10_000),
        "DataStorageMB": plain(1_024, 612),
        "FileStorageMB": plain(1_024, 988),
        "HourlyODataCallout": plain(20_000, 19_998),
    })
}
