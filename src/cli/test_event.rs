//! `test-event`: an acknowledgement of nothing, to see what would become of a real one.

use std::{ffi::OsString, process::ExitCode, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    bridge::Bridge,
    print,
    screen::plain,
    send::{put, set_pairs},
};
use crate::{clock::Clock, domain::keys::PartyKey, secret::random_key};

/// How long the bridge may take for it, in seconds: the most that it waits for an outcome.
const WAIT: u64 = 30;

/// How long its answer may take then.
const PATIENCE: Duration = Duration::from_secs(WAIT + 15);

/// What says at each place that it is none of a real control.
const MARK: &str = "[TEST]";

/// What stands below the options.
const MORE: &str = "\
Everything of it is checked as of a real one, and it stands in the inbox as a test; only with --create it
becomes a ticket. The token needs the scope ingest. It ends with 1 where a real one would get no ticket.";

/// Post a test acknowledgement, and say what would become of a real one
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub(super) struct TestEvent {
    #[command(flatten)]
    bridge: Bridge,
    /// Of which company: its id in ServiceNav, or name:NAME
    #[arg(long)]
    company: String,
    /// Of which of its sites: the id, or name:NAME
    #[arg(long)]
    site: Option<String>,
    /// Of which ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// Another member of the event, such as team=Helpdesk or equipment.name=Server4
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<OsString>,
    /// Make a real ticket in iTop, which says that it is a test; somebody has to close it there
    #[arg(long)]
    create: bool,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
}

impl TestEvent {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let event = self.event()?;
        let call = self.bridge.call(Method::POST, "/api/v1/acknowledgements")?;
        let wait = format!("wait={WAIT}");
        let add =
            |request: reqwest::RequestBuilder| request.header("prefer", wait).timeout(PATIENCE);
        let answer = call.json(&event).with(add).send().await?;
        let (told, code) = outcome(&answer.body);
        if self.json {
            print::json(&answer.text)?;
        } else {
            print::line(told);
        }
        Ok(code)
    }

    /// The event: of a control that nobody has, because one that is there may have a ticket.
    fn event(&self) -> anyhow::Result<Value> {
        let now = Clock::system().now();
        let set = set_pairs(&self.set)?;
        let names_equipment =
            set.iter().any(|(name, _)| name.split('.').next() == Some("equipment"));
        let id = format!("test-event-{}", &random_key()[..16]);
        let event = json!({
            "event_id": id,
            "event_type": if self.create { "acknowledgement" } else { "test" },
            "created_at": now,
            "source": {"product": "test-event"},
            "company": party(&self.company)?,
            "control": {
                "id": id, "name": format!("{MARK} control"),
                // Of a service the equipment would be missed.
                "element_type": if names_equipment { "service" } else { "user_service" },
                "state": "CRITICAL", "status_changed_at": now,
                "output": "This is a test: nothing is out of order.",
            },
            "title": format!("{MARK} A test of the bridge, nothing is out of order"),
            "acknowledgement": {
                "author": "test-event", "comment": "A test of the bridge; close this ticket.",
            },
        });
        let Value::Object(mut event) = event else { anyhow::bail!("the event is no object") };
        if let Some(site) = &self.site {
            event.insert("site".to_owned(), party(site)?);
        }
        let instance =
            self.instance.clone().map(|instance| ("source.instance".to_owned(), instance));
        let set: Vec<_> = instance.into_iter().chain(set).collect();
        put(&mut event, &set)?;
        Ok(Value::Object(event))
    }
}

/// A company or site as an event names it; without `id:` or `name:` it is an id, as in addresses.
fn party(text: &str) -> anyhow::Result<Value> {
    let named = text.strip_prefix("name:").map(|name| json!({"name": name.trim()}));
    let party = named.unwrap_or_else(|| json!({"id": text.strip_prefix("id:").unwrap_or(text)}));
    // An error here says more than one of the event.
    let key = match (party["name"].as_str(), party["id"].as_str()) {
        (Some(name), _) => PartyKey::name(name),
        (None, id) => PartyKey::id(id.unwrap_or_default()),
    };
    key.map_err(|error| anyhow::anyhow!("the company or site '{}' {error}", plain(text)))?;
    Ok(party)
}

/// What came of it, in words, and how the command ends.
fn outcome(row: &Value) -> (String, ExitCode) {
    let text = |value: &Value| value.as_str().map(plain).unwrap_or_default();
    let (id, state) = (&row["id"], text(&row["state"]));
    let (code, said) = (text(&row["problem"]["code"]), text(&row["problem"]["message"]));
    let mut lines = Vec::new();
    let ended = match state.as_str() {
        "created" | "reused" => {
            let ticket = &row["ticket"];
            let number = text(&ticket["ref"]);
            lines.push(format!("Ticket {number} was made: {}", text(&ticket["url"])));
            lines.push(format!(
                "It is a real one: assign, resolve and close it there. Nothing else has to be undone, and \
                 'tickets {number}' tells when it is closed."
            ));
            ExitCode::SUCCESS
        }
        // The same code as a real one would have as its problem says that it would get no ticket.
        "recorded" => {
            lines.push(said);
            if code == "test" { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        _ => {
            let why = if said.is_empty() { String::new() } else { format!(": {said}") };
            lines.push(format!("It is {state} and has no ticket{why}"));
            lines.push(format!(
                "See 'show {id}'. While it is there it may still become one: 'discard {id} --reason \
                 test' gives it up."
            ));
            ExitCode::FAILURE
        }
    };
    let warnings = row["warnings"].as_array().into_iter().flatten();
    lines.extend(warnings.map(|warning| format!("Warning: {}", text(warning))));
    (lines.join("\n"), ended)
}
