//! Which ticket systems are served, and what each is to the other: Salesforce alone, both, and one that is
//! served no more.

mod alone;
mod both;
mod restored;
mod statuses;

use std::time::Duration;

use itop_sandbox as sandbox;
use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET, Options, Sandbox};
use serde_json::{Map, Value, json};
use servicenav_itop_bridge::{
    config::{Config, SalesforceLogin, SalesforceSection},
    secret::Secret,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// A bridge with a simulated Salesforce, and a simulated iTop that it may know nothing of.
struct Desks {
    world: World,
    salesforce: Sandbox,
    section: SalesforceSection,
    stop: CancellationToken,
}

impl Desks {
    /// With Salesforce, and what `change` makes of the rest.
    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let salesforce = Sandbox::new(Options::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let section = SalesforceSection {
            login_url: format!("http://{}/", listener.local_addr().unwrap()),
            login: SalesforceLogin::ClientCredentials,
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
            ..SalesforceSection::default()
        };
        let stop = CancellationToken::new();
        tokio::spawn(salesforce.clone().serve(listener, stop.clone()));
        let world = World::with(sandbox::Options::default(), |config| {
            config.salesforce = Some(section.clone());
            change(config);
        })
        .await;
        Self { world, salesforce, section, stop }
    }

    /// Bakery (ServiceNav's company 7) linked to Salesforce.
    async fn link_bakery(&self) {
        let link =
            json!({"desk": "salesforce", "organization": "Bakery Dubois", "team": "First line"});
        self.world.link(7, link).await;
    }

    fn cases(&self) -> Vec<Map<String, Value>> {
        self.salesforce.records("Case")
    }

    async fn tickets_of_itop(&self) -> usize {
        self.world.itop.tickets().await.unwrap().len()
    }

    async fn row(&self, id: &Value) -> Value {
        self.world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200)
    }

    /// Lets time pass until a row is in this state.
    async fn until(&self, id: &Value, state: &str) -> Value {
        let what = format!("acknowledgement {id} is {state}");
        self.world
            .until(&what, async || {
                self.world.clock.advance(Duration::from_secs(5));
                let row = self.row(id).await;
                (row["state"] == state).then_some(row)
            })
            .await
    }

    /// Stops the bridge, and starts it with another configuration.
    async fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        self.world.stop_bridge().await;
        change(&mut self.world.config);
        self.world.start_bridge().await;
    }

    async fn finish(self) {
        assert!(self.salesforce.faults().iter().all(|fault| fault.times.is_none_or(|n| n == 0)));
        self.world.finish().await;
        self.stop.cancel();
    }
}

/// An acknowledgement of Bakery that names nothing that its Account has to have.
fn of_bakery(key: &str) -> Value {
    bare(with(event(key), "/company", json!({"id": 7, "name": "Bakery"})))
}

/// The event without what its company's lists would have to have.
fn bare(mut event: Value) -> Value {
    for member in ["team", "contact", "service", "service_element"] {
        event.as_object_mut().unwrap().remove(member);
    }
    event
}
