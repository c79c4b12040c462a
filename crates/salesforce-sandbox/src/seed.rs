//! What is there at first: what every org has, and a small provider of managed services.

use serde_json::{Value, json};

use crate::{login::USERNAME, record::Body, refusal::Refusal, sandbox::Sandbox};

impl Sandbox {
    /// What every org has: itself, its users, the states of Cases.
    pub(crate) fn begin(&self) -> Result<(), Refusal> {
        self.sow("Organization", json!({"Name": "Sandbox of a provider", "InstanceName": "SBX1"}))?;
        let users = [
            (USERNAME, "Integration", "Bridge"),
            ("alice@sandbox.example", "Alice", "Agent"),
            ("omar@sandbox.example", "Omar", "Operator"),
        ];
        for (username, first, last) in users {
            self.sow(
                "User",
                json!({"Username": username, "FirstName": first, "LastName": last,
                       "Email": username, "Alias": first.to_lowercase().chars().take(8).collect::<String>()}),
            )?;
        }
        let values = {
            let state = self.org().state();
            let case = state.schema.object("Case");
            let field = case.and_then(|case| case.field("Status"));
            field.map(|field| field.values.clone()).unwrap_or_default()
        };
        for (place, entry) in values.iter().enumerate() {
            self.sow(
                "CaseStatus",
                json!({"MasterLabel": entry.value, "ApiName": entry.value, "SortOrder": place + 1,
                       "IsDefault": entry.default, "IsClosed": entry.closed}),
            )?;
        }
        Ok(())
    }

    /// Customers with their people, queues, what they pay for and what they have.
    pub(crate) fn provider(&self, package: bool) -> Result<(), Refusal> {
        for name in ["First line", "Network", "Systems"] {
            let developer = name.replace(' ', "_");
            let queue = json!({"Name": name, "DeveloperName": developer, "Type": "Queue"});
            let queue = self.sow("Group", queue)?;
            self.sow("QueueSobject", json!({"QueueId": queue, "SobjectType": "Case"}))?;
        }
        // A group that is no queue: nobody may be given a Case through it.
        self.sow("Group", json!({"Name": "Everybody", "Type": "Regular"}))?;
        for (name, developer, active) in
            [("Incident", "Incident", true), ("Request", "Request", true), ("Old", "Old", false)]
        {
            self.sow(
                "RecordType",
                json!({"Name": name, "DeveloperName": developer, "SobjectType": "Case",
                       "IsActive": active}),
            )?;
        }
        let mut products = Vec::new();
        for name in ["Network supervision", "Server operation", "Workplace"] {
            let product = json!({"Name": name, "ProductCode": name.to_uppercase().replace(' ', "-"),
                                 "IsActive": true, "Family": "Managed services"});
            products.push(self.sow("Product2", product)?);
        }
        let customers = [
            ("Bakery Dubois", [("Jean", "Dubois"), ("Claire", "Morel")]),
            ("Clinic of the North", [("Anne", "Weber"), ("Luc", "Petit")]),
            ("Harbour Logistics", [("Sven", "Olsen"), ("Maria", "Costa")]),
        ];
        for (place, (name, people)) in customers.iter().enumerate() {
            self.customer(name, people, &products, place, package)?;
        }
        // Without people and without anything.
        self.sow("Account", json!({"Name": "Empty & Sons <Ltd>"}))?;
        Ok(())
    }

    fn customer(
        &self,
        name: &str,
        people: &[(&str, &str)],
        products: &[String],
        place: usize,
        package: bool,
    ) -> Result<(), Refusal> {
        let account = self.sow("Account", json!({"Name": name, "Type": "Customer - Direct"}))?;
        for (first, last) in people {
            let email = format!("{}.{}@example.com", first.to_lowercase(), last.to_lowercase());
            self.sow(
                "Contact",
                json!({"FirstName": first, "LastName": last, "Email": email, "AccountId": account}),
            )?;
        }
        for (kind, product) in ["Network", "Servers"].iter().zip(products) {
            self.sow(
                "Entitlement",
                json!({"Name": format!("{kind} {name}"), "AccountId": account,
                       "StartDate": "2024-01-01"}),
            )?;
            self.sow(
                "Asset",
                json!({"Name": format!("{kind} {name}"), "AccountId": account,
                       "Product2Id": product, "Status": "Installed",
                       "SerialNumber": format!("SN-{place}-{kind}")}),
            )?;
        }
        if package {
            for number in 1..=3 {
                let name = format!("srv-{}-{number:02}", ["par", "lil", "ham"][place % 3]);
                self.sow(
                    "CI__c",
                    json!({"Name": name, "CI_Type__c": "Server", "Account__c": account,
                           "Status__c": "Production", "Itop_Id__c": format!("Server::{place}{number}")}),
                )?;
            }
        }
        Ok(())
    }

    fn sow(&self, object: &str, fields: Value) -> Result<String, Refusal> {
        let fields: Body = serde_json::from_value(fields).unwrap_or_default();
        self.org().quietly(|work| work.plant(object, &fields))
    }
}
