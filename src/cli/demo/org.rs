//! What is in the simulated Salesforce before the day begins: the companies of the story as Accounts, with
//! people, entitlements and CIs, the queues of the provider, and its agents.

use std::collections::BTreeSet;

use salesforce_sandbox::{Now, Options, Sandbox, SandboxError};
use serde_json::json;

use super::story::{ALERTS, COMPANIES};
use crate::clock::Clock;

/// An org, and the ids of those who work on Cases.
pub(super) struct Made {
    pub(super) org: Sandbox,
    pub(super) agents: Vec<String>,
}

const QUEUES: [&str; 3] = ["Helpdesk", "On-call team", "Hardware support"];
const ENTITLEMENTS: [&str; 2] = ["Telecom and connectivity", "Server operation"];
const AGENTS: [(&str, &str); 4] =
    [("Claire", "Fontaine"), ("Hugo", "Martin"), ("Inès", "Roux"), ("Noah", "Weber")];
/// Company, first name, last name, address.
const CONTACTS: [(&str, &str, &str, &str); 6] = [
    ("Demo", "Agatha", "Christie", "agatha.christie@demo.com"),
    ("Demo", "Pablo", "Picasso", "pablo.picasso@demo.com"),
    ("ACME Logistics", "Nadia", "Haddad", "nadia.haddad@acme.example"),
    ("Hôpital Saint-Éloi", "Jean", "Lefèvre", "jean.lefevre@hopital.example"),
    ("ACME Retail", "Emma", "Schmidt", "emma.schmidt@acme.example"),
    ("O'Brien & Sons", "Sean", "O'Brien", "sean@obrien.example"),
];

/// Makes it.
pub(super) fn made(clock: Clock) -> Result<Made, SandboxError> {
    let now = Now::of(move || clock.now());
    let org = Sandbox::new(Options { provider: false, now, ..Options::default() })?;
    for name in QUEUES {
        let developer_name = name.replace([' ', '-'], "_");
        let queue = json!({"Name": name, "DeveloperName": developer_name, "Type": "Queue"});
        let queue = org.seed("Group", queue)?;
        org.seed("QueueSobject", json!({"QueueId": queue, "SobjectType": "Case"}))?;
    }
    for company in COMPANIES {
        let name = company.name;
        let account = org.seed("Account", json!({"Name": name, "Type": "Customer - Direct"}))?;
        for (_, first, last, email) in CONTACTS.iter().filter(|contact| contact.0 == name) {
            let contact = json!({"FirstName": first, "LastName": last, "Email": email,
                                 "AccountId": account});
            org.seed("Contact", contact)?;
        }
        for name in ENTITLEMENTS {
            let entitlement =
                json!({"Name": name, "AccountId": account, "StartDate": "2024-01-01"});
            org.seed("Entitlement", entitlement)?;
        }
        let alerts = ALERTS.iter().filter(|alert| alert.company.id == company.id);
        let equipment: BTreeSet<_> =
            alerts.map(|alert| alert.equipment).filter(|name| !name.is_empty()).collect();
        for name in equipment {
            let ci = json!({"Name": name, "Account__c": account, "Status__c": "Production"});
            org.seed("CI__c", ci)?;
        }
    }
    let agent = |(first, last): (&str, &str)| {
        let alias = first.to_lowercase();
        let username = format!("{}@provider.example", last.to_lowercase());
        org.seed(
            "User",
            json!({"FirstName": first, "LastName": last, "Username": username,
                   "Email": username, "Alias": alias}),
        )
    };
    let agents = AGENTS.into_iter().map(agent).collect::<Result<_, _>>()?;
    Ok(Made { org, agents })
}
