//! The ticket systems of the demo, and what agents do there.

use std::sync::Arc;

use anyhow::Context as _;
use itop_sandbox::{self as sandbox, Sandbox};
use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::org;
use crate::{
    clock::Clock,
    config::{ItopSection, SalesforceLogin, SalesforceSection},
    desk::DeskName,
    secret::Secret,
};

/// Who works on the tickets of iTop: persons of the provider in its data.
const AGENTS: [i64; 4] = [9, 10, 12, 13];

/// What becomes of a ticket.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Assign,
    Wait,
    Resolve,
    Close,
    Delete,
}

/// A ticket as an answer of the bridge names it.
#[derive(serde::Deserialize)]
pub(super) struct Ticket {
    class: String,
    id: String,
}

/// Those that are shown, both running.
pub(super) struct Simulated {
    pub(super) itop: Option<Sandbox>,
    pub(super) salesforce: Option<Salesforce>,
}

impl Simulated {
    /// Lets an agent do something with a ticket. `chance` is who.
    pub(super) async fn act(&self, ticket: &Ticket, act: Act, chance: u8) -> anyhow::Result<()> {
        let chance = usize::from(chance);
        match DeskName::of_class(&ticket.class) {
            DeskName::Itop => {
                let itop = self.itop.as_ref().context("there is no iTop")?;
                act_in_itop(itop, ticket, act, chance).await
            }
            DeskName::Salesforce => {
                let salesforce = self.salesforce.as_ref().context("there is no Salesforce")?;
                Ok(salesforce.act(&ticket.id, act, chance)?)
            }
        }
    }

    /// Waits until one of them serves no more, for whatever reason.
    pub(super) async fn ended(&mut self) -> anyhow::Result<()> {
        let itop = async {
            match &mut self.itop {
                Some(itop) => itop.ended().await.context("the simulated iTop ended"),
                None => std::future::pending().await,
            }
        };
        let salesforce = async {
            match &mut self.salesforce {
                Some(salesforce) => salesforce.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { ended = itop => ended, ended = salesforce => ended }
    }

    /// Ends them, after what is under way.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        if let Some(salesforce) = self.salesforce {
            salesforce.stop().await?;
        }
        if let Some(itop) = self.itop {
            itop.stop().await?;
        }
        Ok(())
    }
}

async fn act_in_itop(
    itop: &Sandbox,
    Ticket { class, id }: &Ticket,
    act: Act,
    chance: usize,
) -> anyhow::Result<()> {
    let id = id.parse()?;
    let stimulus = match act {
        Act::Assign => "ev_assign",
        Act::Wait => "ev_pending",
        Act::Resolve => "ev_resolve",
        Act::Close => "ev_close",
        Act::Delete => return Ok(itop.delete_ticket(class, id).await?),
    };
    itop.apply_stimulus(class, id, stimulus).await?;
    if matches!(act, Act::Assign) {
        let agent = AGENTS[chance % AGENTS.len()];
        itop.change(class, id, json!({ "agent_id": agent })).await?;
    }
    Ok(())
}

/// What the configuration says of a simulated iTop.
pub(super) fn itop_section(itop: &Sandbox) -> ItopSection {
    ItopSection {
        url: itop.url(),
        user: "bridge".to_owned(),
        password: Some(Secret::new(sandbox::PASSWORD.to_owned())),
        ..ItopSection::default()
    }
}

/// A simulated Salesforce with the companies of the story in it.
pub(super) struct Salesforce {
    org: salesforce_sandbox::Sandbox,
    url: String,
    server: JoinHandle<std::io::Result<()>>,
    stop: CancellationToken,
    agents: Arc<[String]>,
}

impl Salesforce {
    /// Fills it and serves it.
    pub(super) async fn start(listener: TcpListener, clock: Clock) -> anyhow::Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let made = tokio::task::spawn_blocking(move || org::made(clock)).await??;
        let org::Made { org, agents } = made;
        let stop = CancellationToken::new();
        let server = tokio::spawn(org.clone().serve(listener, stop.clone()));
        Ok(Self { org, url, server, stop, agents: agents.into() })
    }

    /// Where it is, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What the configuration says of it.
    pub(super) fn section(&self) -> SalesforceSection {
        SalesforceSection {
            login_url: format!("{}/", self.url),
            login: SalesforceLogin::ClientCredentials,
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
            ..SalesforceSection::default()
        }
    }

    /// The id of the CI of this name.
    pub(super) fn ci(&self, name: &str) -> Option<String> {
        let cis = self.org.records("CI__c");
        let found = cis.iter().find(|ci| ci["Name"] == name)?;
        found["Id"].as_str().map(ToOwned::to_owned)
    }

    fn act(
        &self,
        id: &str,
        act: Act,
        chance: usize,
    ) -> Result<(), salesforce_sandbox::SandboxError> {
        let fields = match act {
            Act::Assign => {
                json!({"Status": "Working", "OwnerId": self.agents[chance % self.agents.len()]})
            }
            Act::Wait => json!({"Status": "Escalated"}),
            // A new org has no state between being worked on and being closed.
            Act::Resolve | Act::Close => json!({"Status": "Closed"}),
            Act::Delete => return self.org.delete("Case", id),
        };
        self.org.change("Case", id, fields)
    }

    async fn ended(&mut self) -> anyhow::Result<()> {
        (&mut self.server).await?.context("the simulated Salesforce ended")
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.server.await?.context("the simulated Salesforce")
    }
}
