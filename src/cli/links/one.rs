//! The link of one company or site: set, removed, tried.

use std::process::ExitCode;

use clap::ValueEnum;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{
    bridge::{Answer, Bridge, PATIENCE, Query, part},
    desks, print,
    screen::{harmless_json, plain},
};

/// Whose link.
#[derive(Debug, clap::Args)]
pub(super) struct Whose {
    #[command(flatten)]
    bridge: Bridge,
    /// The company: its id in ServiceNav, or name:NAME
    company: String,
    /// A site of it: the id, or name:NAME
    #[arg(long)]
    site: Option<String>,
    /// Of which ServiceNav, where several share the bridge
    #[arg(long)]
    instance: Option<String>,
    /// For programs: the answer of the API
    #[arg(long)]
    json: bool,
}

/// Link a company or site to an organization, in place of the link that it has; needs the scope admin
#[derive(Debug, clap::Args)]
pub(super) struct Set {
    #[command(flatten)]
    whose: Whose,
    /// The organization in iTop, or the Account in Salesforce: its name, or its key as id:3; the others likewise
    #[arg(long, value_name = "NAME")]
    organization: String,
    /// The ticket system, where more than one is served: itop or salesforce
    #[arg(long, value_name = "DESK")]
    desk: Option<String>,
    /// Whether it gets tickets; off, its acknowledgements are recorded alone
    #[arg(long, value_enum, default_value_t)]
    tickets: Tickets,
    /// The team of tickets that name none
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// Their contact
    #[arg(long, value_name = "NAME")]
    contact: Option<String>,
    /// Their service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Their service element
    #[arg(long, value_name = "NAME", requires = "service")]
    service_element: Option<String>,
    /// What the company or site is called, where its id does not tell
    #[arg(long)]
    name: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Tickets {
    #[default]
    On,
    Off,
}

/// Remove the link of a company or site; needs the scope admin
#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    #[command(flatten)]
    whose: Whose,
}

/// Say what would become of an acknowledgement; nothing is stored or sent. Needs the scope operate
#[derive(Debug, clap::Args)]
pub(super) struct Try {
    #[command(flatten)]
    whose: Whose,
}

impl Whose {
    async fn call(
        &self,
        method: Method,
        last: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let site = self.site.as_deref().map(|site| format!("/sites/{}", part(site)));
        let path = format!(
            "/api/v1/links/{}{}{last}",
            part(&self.company),
            site.as_deref().unwrap_or_default()
        );
        let path = Query::default().with("instance", self.instance.as_ref()).of(&path);
        let mut call = self.bridge.call(method, &path)?;
        if let Some(body) = body {
            call = call.json(body);
        }
        Ok(call.with(|request| request.timeout(PATIENCE)).send().await?)
    }

    /// What it is called in sentences.
    fn called(&self) -> String {
        plain(&match &self.site {
            Some(site) => format!("site {site} of company {}", self.company),
            None => format!("company {}", self.company),
        })
    }
}

impl Set {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut link = json!({
            "organization": reference(&self.organization),
            "tickets": self.tickets == Tickets::On,
        });
        for (member, value) in [
            ("team", &self.team),
            ("contact", &self.contact),
            ("service", &self.service),
            ("service_element", &self.service_element),
        ] {
            if let Some(value) = value {
                link[member] = reference(value);
            }
        }
        if let Some(desk) = &self.desk {
            link["desk"] = json!(desk);
        }
        if let Some(name) = &self.name {
            link["name"] = json!(name);
        }
        let answer = self.whose.call(Method::PUT, "", Some(&link)).await?;
        if self.whose.json {
            print::json(&answer.text)?;
            return Ok(ExitCode::SUCCESS);
        }
        let organization = called(&answer.body["organization"]);
        let there = desks::named(&answer.body).unless_itop();
        let there = there.map(|desk| format!(" in {}", desk.title())).unwrap_or_default();
        print::line(format_args!("{} is linked to {organization}{there}", self.whose.called()));
        warn(&answer.body);
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.whose.call(Method::DELETE, "", None).await?;
        if !self.whose.json {
            print::line(format_args!("{} is not linked any more", self.whose.called()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Try {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let answer = self.whose.call(Method::POST, "/trial", None).await?;
        let outcome = answer.body["outcome"].as_str().unwrap_or_default();
        let gets_one = outcome == "created";
        if self.whose.json {
            print::json(&answer.text)?;
        } else {
            print::bytes(tried(&answer.body).as_bytes())?;
            warn(&answer.body);
        }
        Ok(if gets_one { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What would become of it.
fn tried(answer: &Value) -> String {
    use std::fmt::Write as _;

    let outcome = plain(answer["outcome"].as_str().unwrap_or_default());
    let mut told = String::new();
    if outcome != "created" {
        let why = plain(answer["problem"]["message"].as_str().unwrap_or_default());
        // Writing to a text cannot fail.
        let _ = writeln!(told, "It would be {outcome}: {why}");
        return told;
    }
    let _ = writeln!(told, "It would become a ticket.");
    for (name, member) in [
        ("Organization", "company"),
        ("Team", "team"),
        ("Contact", "contact"),
        ("Service", "service"),
        ("Element", "service_element"),
        ("CI", "ci"),
    ] {
        let object = &answer["resolution"][member];
        if !object.is_null() {
            let _ = writeln!(told, "{name:<12} {}", called(object));
        }
    }
    let _ = writeln!(told, "{:<12} {}", "Priority", answer["priority"]);
    let request = serde_json::to_string_pretty(&answer["request"]).unwrap_or_default();
    let _ = writeln!(told, "\nWhat iTop would be asked\n{}", harmless_json(&request));
    told
}

/// An object of iTop as somebody names it: by its name, or by its key.
fn reference(text: &str) -> Value {
    match text.strip_prefix("id:") {
        Some(key) => json!({"id": key}),
        None => json!(text),
    }
}

/// An object of iTop as people know it, with its key.
pub(super) fn called(object: &Value) -> String {
    let text = |member: &str| object[member].as_str().map(plain);
    match (text("name"), text("id")) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (name, id) => name.or(id).unwrap_or_default(),
    }
}

fn warn(answer: &Value) {
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        print::note(format_args!("warning: {}", plain(warning.as_str().unwrap_or_default())));
    }
}
