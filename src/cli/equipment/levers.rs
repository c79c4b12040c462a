//! `equipment approve`, `keep` and `retry`: what an operator says about rows that need somebody.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::EQUIPMENT;
use crate::{
    cli::{
        ask::{self, Assent},
        bridge::{Bridge, Query},
        print,
        screen::plain,
    },
    domain::equipment::Held,
};

/// Say yes to what is held, so that it is done; needs the scope operate
#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    #[command(flatten)]
    answer: Answer,
}

/// Say no to what is held: what would be retired stays; needs the scope operate
#[derive(Debug, clap::Args)]
pub(super) struct Keep {
    #[command(flatten)]
    answer: Answer,
}

/// To what somebody answers.
#[derive(Debug, clap::Args)]
struct Answer {
    /// Only these, by their ids
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Of a company: its id in ServiceNav, or name:NAME
    #[arg(long)]
    company: String,
    /// Of which ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// Only what would be done
    #[arg(long, value_parser = Held::ALL.map(Held::as_str))]
    what: Option<String>,
    /// Only of this class of iTop
    #[arg(long)]
    class: Option<String>,
    /// Do not ask, however many they are
    #[arg(short, long)]
    yes: bool,
    /// For programs: the answers of the API, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bridge: Bridge,
}

impl Approve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.answer.give("approve", "Approve", "approved").await
    }
}

impl Keep {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.answer.give("keep", "Say no to", "kept as they are").await
    }
}

impl Answer {
    async fn give(self, path: &str, verb: &str, said: &str) -> anyhow::Result<ExitCode> {
        let holds = self.holds().await?;
        if holds.is_empty() {
            print::line("Nothing is held there: nothing was done.");
            return Ok(ExitCode::SUCCESS);
        }
        let rows: u64 = holds.iter().filter_map(|hold| hold["rows"].as_u64()).sum();
        if !self.yes && self.ids.is_empty() && rows > ask::A_FEW as u64 {
            let question = format!("{verb} {} of {}?", told(&holds), plain(&self.company));
            if ask::whether(&question)? == Assent::No {
                print::line("Nothing was done.");
                return Ok(ExitCode::FAILURE);
            }
        }
        let mut done = 0;
        for hold in &holds {
            // Exactly what was just shown.
            let mut body = json!({
                "company": hold["company"], "instance": hold["instance"], "what": hold["what"],
                "class": hold["class"], "digest": hold["digest"],
            });
            if !self.ids.is_empty() {
                body["ids"] = json!(self.ids);
            }
            let answer = self.bridge.post(&format!("{EQUIPMENT}/{path}"), &body).await?;
            if self.json {
                print::json(&answer.text)?;
            }
            done += answer.body["done"].as_u64().unwrap_or_default();
        }
        if !self.json {
            print::line(format_args!("{done} {said}"));
        }
        let are_missing = done == 0 && !self.ids.is_empty();
        Ok(if are_missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// What is held of that.
    async fn holds(&self) -> anyhow::Result<Vec<Value>> {
        let query = Query::default()
            .with("company", Some(&self.company))
            .with("instance", self.instance.as_ref());
        let mut answer = self.bridge.get(&query.of(&format!("{EQUIPMENT}/companies"))).await?.body;
        let companies = answer["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        let is_asked = |asked: &Option<String>, hold: &Value| {
            asked.as_ref().is_none_or(|asked| hold.as_str() == Some(asked))
        };
        let holds = companies.into_iter().flat_map(|mut company| {
            company["holds"].as_array_mut().map(std::mem::take).unwrap_or_default()
        });
        Ok(holds
            .filter(|hold| {
                is_asked(&self.what, &hold["what"]) && is_asked(&self.class, &hold["class"])
            })
            .collect())
    }
}

/// What is held, in words.
fn told(holds: &[Value]) -> String {
    let told = holds.iter().map(|hold| {
        let (rows, class) = (&hold["rows"], hold["class"].as_str().unwrap_or("CI"));
        let what = match hold["what"].as_str() {
            Some("retire") => "to be retired",
            Some("adopt") => "to be taken over",
            _ => "to be moved to another organization",
        };
        plain(&format!("{rows} {class} {what}"))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Try what iTop has refused again; needs the scope operate
#[derive(Debug, clap::Args)]
pub(super) struct Retry {
    /// Only these, by their ids; without them, all that have failed
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Of a company: its id in ServiceNav, or name:NAME
    #[arg(long)]
    company: String,
    /// Of which ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// Only those with this code as their problem
    #[arg(long, value_name = "CODE")]
    problem: Option<String>,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bridge: Bridge,
}

impl Retry {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let ids = (!self.ids.is_empty()).then_some(&self.ids);
        let body = json!({
            "company": self.company, "instance": self.instance, "ids": ids, "problem": self.problem,
        });
        let answer = self.bridge.post(&format!("{EQUIPMENT}/retry"), &body).await?;
        if self.json {
            print::json(&answer.text)?;
        } else {
            print::line(format_args!("{} to be tried again", answer.body["done"]));
        }
        let are_missing = answer.body["done"] == 0 && !self.ids.is_empty();
        Ok(if are_missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_says_what_would_be_done() {
        let holds = [
            json!({"what": "retire", "class": "Server", "rows": 120}),
            json!({"what": "adopt", "class": null, "rows": 3}),
        ];
        assert_eq!(told(&holds), "120 Server to be retired, 3 CI to be taken over");
    }
}
