//! A company of a test's own in a real iTop, made and changed by the stronger account.

use serde_json::{Value, json};

use super::{named, skip, variable};
use crate::world::{World, event, with};

/// An account that asks iTop directly.
pub struct Account {
    url: String,
    user: String,
    password: String,
    http: reqwest::Client,
}

/// An object of iTop as it was read.
pub struct Object {
    pub class: String,
    pub id: u64,
    pub fields: Value,
}

impl Account {
    /// The stronger one, or a loud word that there is none.
    pub fn admin() -> Option<Self> {
        let itop = named()?;
        let (Some(user), Some(password)) = (variable("ADMIN_USER"), variable("ADMIN_PASSWORD"))
        else {
            skip(
                "no account that may change and delete everything. Set \
                 BRIDGE_LIVE_ITOP_ADMIN_USER and BRIDGE_LIVE_ITOP_ADMIN_PASSWORD",
            );
            return None;
        };
        // A second call finds the provider installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Some(Self { url: itop.url, user, password, http: reqwest::Client::new() })
    }

    async fn does(&self, operation: Value) -> Vec<Object> {
        let form = [
            ("auth_user", self.user.as_str()),
            ("auth_pwd", &self.password),
            ("json_data", &operation.to_string()),
        ];
        let root = self.url.trim_end_matches('/');
        let url = format!("{root}/webservices/rest.php?version=1.3");
        let answer = self.http.post(url).form(&form).send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).expect(&answer);
        assert_eq!(answer["code"], 0, "{operation}: {answer}");
        let Some(objects) = answer["objects"].as_object() else { return Vec::new() };
        objects
            .iter()
            .map(|(name, object)| {
                let (class, id) = name.split_once("::").unwrap();
                let (class, id) = (class.to_owned(), id.parse().unwrap());
                Object { class, id, fields: object["fields"].clone() }
            })
            .collect()
    }

    pub async fn read(&self, query: &str, fields: &str) -> Vec<Object> {
        let class = query.split_whitespace().nth(1).unwrap();
        self.does(json!({
            "operation": "core/get", "class": class, "key": query, "output_fields": fields,
        }))
        .await
    }

    pub async fn create(&self, class: &str, fields: Value) -> u64 {
        let created = self.does(json!({
            "operation": "core/create", "class": class, "comment": "live test", "fields": fields,
            "output_fields": "id",
        }));
        created.await[0].id
    }

    pub async fn change(&self, class: &str, id: u64, fields: Value) {
        self.does(json!({
            "operation": "core/update", "class": class, "key": id, "comment": "live test",
            "fields": fields, "output_fields": "id",
        }))
        .await;
    }

    pub async fn delete(&self, class: &str, id: u64) {
        self.does(json!({
            "operation": "core/delete", "class": class, "key": id, "comment": "live test",
            "simulate": false,
        }))
        .await;
    }

    /// Deletes whatever a query finds.
    pub async fn delete_all(&self, query: &str) {
        for Object { class, id, .. } in self.read(query, "id").await {
            self.delete(&class, id).await;
        }
    }

    /// Resolves a ticket as an agent does.
    pub async fn resolve(&self, ticket: &Value, agent: u64) {
        for (stimulus, fields) in [
            ("ev_assign", json!({"agent_id": agent})),
            ("ev_resolve", json!({"solution": "Resolved by a live test"})),
        ] {
            self.does(json!({
                "operation": "core/apply_stimulus", "class": ticket["class"], "key": ticket["id"],
                "comment": "live test", "stimulus": stimulus, "fields": fields,
                "output_fields": "id",
            }))
            .await;
        }
    }

    /// What a ticket of the bridge refers to, and its log.
    pub async fn ticket(&self, ticket: &Value) -> Ticket {
        let class = ticket["class"].as_str().unwrap();
        let query = format!("SELECT {class} WHERE id = {}", ticket["id"].as_str().unwrap());
        let read = self.read(
            &query,
            "org_id,team_id,caller_id,service_id,servicesubcategory_id,functionalcis_list,\
             private_log,priority",
        );
        let fields = read.await.remove(0).fields;
        let number = |value: &Value| match value {
            Value::String(text) => text.parse().unwrap(),
            other => other.as_u64().unwrap(),
        };
        let of = |name: &str| number(&fields[name]);
        let entries = fields["private_log"]["entries"].as_array();
        Ticket {
            org: of("org_id"),
            team: of("team_id"),
            contact: of("caller_id"),
            service: of("service_id"),
            element: of("servicesubcategory_id"),
            cis: fields["functionalcis_list"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|link| number(&link["functionalci_id"]))
                .collect(),
            priority: of("priority"),
            log: entries
                .into_iter()
                .flatten()
                .map(|entry| entry["message"].as_str().unwrap().to_owned())
                .collect(),
        }
    }
}

/// A ticket as iTop has it; 0 where it refers to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub org: u64,
    pub team: u64,
    pub contact: u64,
    pub service: u64,
    pub element: u64,
    pub cis: Vec<u64>,
    pub priority: u64,
    /// In iTop's order.
    pub log: Vec<String>,
}

/// A company with all that a ticket can refer to.
pub struct Company {
    /// In each name, so that nothing of another run is meant.
    pub name: String,
    pub org: u64,
    pub model: u64,
    pub team: u64,
    pub contact: u64,
    pub contract: u64,
    pub service: u64,
    pub element: u64,
    pub ci: u64,
}

impl Company {
    pub async fn found(admin: &Account, world: &World, label: &str) -> Self {
        let name = format!("Live {label} {}", world.clock.now().as_millisecond());
        // A model belongs to somebody before the company can have it.
        let org = admin.create("Organization", json!({"name": name})).await;
        let model = admin.create("DeliveryModel", json!({"name": name, "org_id": org})).await;
        admin.change("Organization", org, json!({"deliverymodel_id": model})).await;
        let contract = json!({"name": name, "org_id": org, "provider_id": org});
        let contract = admin.create("CustomerContract", contract).await;
        let mut company =
            Self { name, org, model, contract, team: 0, contact: 0, service: 0, element: 0, ci: 0 };
        company.team = company.another_team(admin, "Team").await;
        company.contact = company.another_contact(admin, "Jane").await;
        (company.service, company.element) = company.another_service(admin, "Service").await;
        company.ci = company.another_ci(admin, "srv").await;
        company
    }

    /// A name of this company alone.
    pub fn called(&self, what: &str) -> String {
        format!("{what} {}", self.name)
    }

    pub async fn another_team(&self, admin: &Account, name: &str) -> u64 {
        let fields = json!({"name": self.called(name), "org_id": self.org});
        let team = admin.create("Team", fields).await;
        let serves = json!({"deliverymodel_id": self.model, "contact_id": team});
        admin.create("lnkDeliveryModelToContact", serves).await;
        team
    }

    pub async fn another_contact(&self, admin: &Account, first_name: &str) -> u64 {
        let email = format!("{first_name}@org{}.example", self.org).to_lowercase();
        let fields = json!({
            "first_name": first_name, "name": self.name, "email": email, "org_id": self.org,
        });
        admin.create("Person", fields).await
    }

    /// A service in the contract, and its element.
    pub async fn another_service(&self, admin: &Account, name: &str) -> (u64, u64) {
        let fields = json!({"name": self.called(name), "org_id": self.org, "status": "production"});
        let service = admin.create("Service", fields).await;
        let covers = json!({"customercontract_id": self.contract, "service_id": service});
        admin.create("lnkCustomerContractToService", covers).await;
        let fields = json!({
            "name": self.called("Element"), "service_id": service, "request_type": "incident",
            "status": "production",
        });
        (service, admin.create("ServiceSubcategory", fields).await)
    }

    pub async fn another_ci(&self, admin: &Account, name: &str) -> u64 {
        let fields = json!({"name": self.called(name), "org_id": self.org});
        admin.create("Server", fields).await
    }

    /// Links it as ServiceNav's company 42; its team takes what names none.
    pub async fn link(&self, world: &World) {
        let link = json!({"organization": {"id": self.org}, "team": {"id": self.team}});
        world.link(42, link).await;
    }

    /// Has the bridge read all its lists now.
    pub async fn read_lists(&self, world: &World) {
        for list in ["teams", "contacts", "services", "cis"] {
            world.insist(&format!("/api/v1/companies/{}/{list}", self.org)).await.expect(200);
        }
    }

    /// An event that names everything by key.
    pub fn event(&self, key: &str) -> Value {
        let event = event(&format!("{key} {}", self.name).replace(' ', "-"));
        let mut event = with(event, "/company", json!({"id": 42}));
        event.as_object_mut().unwrap().remove("team");
        event["contact"] = json!({"id": self.contact.to_string()});
        event["service"] = json!({"id": self.service.to_string()});
        event["service_element"] = json!({"id": self.element.to_string()});
        event["equipment"] = json!({"name": self.called("srv"), "itsm_id": self.ci.to_string()});
        event
    }

    /// How many tickets it has.
    pub async fn tickets(&self, admin: &Account) -> usize {
        admin.read(&format!("SELECT Ticket WHERE org_id = {}", self.org), "id").await.len()
    }

    /// Takes it away with all that it has.
    pub async fn end(self, admin: &Account) {
        let Self { org, model, contract, .. } = self;
        for query in [
            format!("SELECT Ticket WHERE org_id = {org}"),
            format!("SELECT lnkCustomerContractToService WHERE customercontract_id = {contract}"),
            format!("SELECT CustomerContract WHERE id = {contract}"),
            format!(
                "SELECT ServiceSubcategory AS e JOIN Service AS s ON e.service_id = s.id \
                 WHERE s.org_id = {org}"
            ),
            format!("SELECT Service WHERE org_id = {org}"),
            format!("SELECT lnkDeliveryModelToContact WHERE deliverymodel_id = {model}"),
            format!("SELECT FunctionalCI WHERE org_id = {org}"),
            format!("SELECT Contact WHERE org_id = {org}"),
        ] {
            admin.delete_all(&query).await;
        }
        admin.change("Organization", org, json!({"deliverymodel_id": 0})).await;
        admin.delete("DeliveryModel", model).await;
        admin.delete("Organization", org).await;
    }
}
