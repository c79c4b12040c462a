//! The links of companies, by what has become of organizations, persons, teams and services.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{ACCOUNT, Asked, CompanyLeft, Link, Named, Standing, Which, Without};
use crate::migrate::{mapping::Mapping, staging::ledger::Ledger};

/// The class of companies.
const ORGANIZATION: &str = "Organization";

/// The companies that will be there: instance and key.
pub(super) type There = BTreeSet<(String, String)>;

/// Asks for all links of the companies that move; which companies will be there then.
pub(super) fn of(
    ledger: &Ledger<'_>,
    mapping: &Mapping,
    standing: &Standing,
    which: &Which,
    asked: &mut Asked,
) -> rusqlite::Result<There> {
    let mut there = There::new();
    let mut by_company = BTreeMap::<_, Vec<&Link>>::new();
    for link in &standing.links {
        let is_named = which.companies.as_ref().is_none_or(|named| named.contains(&link.company));
        if !is_named {
            continue;
        }
        let company = (link.instance.clone(), link.company.clone());
        if link.desk.is_some() {
            there.insert(company);
        } else {
            by_company.entry(company).or_default().push(link);
        }
    }
    let accounts = Records { ledger, mapping };
    for ((instance, company), links) in by_company {
        let (mut items, mut without) = (Vec::new(), Vec::new());
        for link in links {
            let Some(account) = accounts.account(&link.organization)? else {
                let organization = &link.organization.name;
                asked.companies_left.push(CompanyLeft {
                    instance: instance.clone(),
                    company: company.clone(),
                    why: format!("its organization '{organization}' has no Account"),
                });
                items.clear();
                break;
            };
            items.push(item(&accounts, link, &account, which, &mut without)?);
        }
        // A company moves whole.
        if !items.is_empty() {
            asked.items.extend(items);
            asked.without.extend(without);
            there.insert((instance, company));
        }
    }
    for named in which.companies.iter().flatten() {
        if !standing.links.iter().any(|link| link.company == *named) {
            let why = "it has no link".to_owned();
            let (instance, company) = (String::new(), named.clone());
            asked.companies_left.push(CompanyLeft { instance, company, why });
        }
    }
    Ok(there)
}

fn item(
    records: &Records<'_>,
    link: &Link,
    account: &str,
    which: &Which,
    without: &mut Vec<Without>,
) -> rusqlite::Result<Value> {
    let mut item = json!({
        "instance": link.instance, "company": link.company, "desk": "salesforce",
        "organization": {"id": account}, "tickets": link.tickets,
    });
    if let Some(site) = &link.site {
        item["site"] = json!(site);
    }
    if let Some(name) = &link.name {
        item["name"] = json!(name);
    }
    let members = [
        ("contact", "Person", &link.contact),
        ("service", "Service", &link.service),
        ("service_element", "ServiceSubcategory", &link.service_element),
    ];
    for (member, class, named) in members {
        let Some(named) = named else { continue };
        match records.of(class, &named.id)? {
            Some(record) => item[member] = json!({"id": record}),
            None => without.push(Without {
                instance: link.instance.clone(),
                company: link.company.clone(),
                site: link.site.clone(),
                member: member.to_owned(),
                why: format!("'{}' has no record", named.name),
            }),
        }
    }
    // A team becomes a queue: the one that it was mapped to, that of all, or the one of the same name.
    let team = match &link.team {
        Some(team) => match records.of("Team", &team.id)? {
            Some(record) => Some(json!({"id": record})),
            None => Some(json!({"name": which.queue.as_ref().unwrap_or(&team.name)})),
        },
        None => which.queue.as_ref().map(|queue| json!({"name": queue})),
    };
    if let Some(team) = team {
        item["team"] = team;
    }
    Ok(item)
}

/// What has become of objects.
struct Records<'l> {
    ledger: &'l Ledger<'l>,
    mapping: &'l Mapping,
}

impl Records<'_> {
    fn account(&self, organization: &Named) -> rusqlite::Result<Option<String>> {
        let class = self.mapping.class(ORGANIZATION);
        if class.and_then(|class| class.target()) != Some(ACCOUNT) {
            return Ok(None);
        }
        self.of(ORGANIZATION, &organization.id)
    }

    fn of(&self, class: &str, id: &str) -> rusqlite::Result<Option<String>> {
        id.parse().map_or(Ok(None), |id| self.ledger.record(class, id))
    }
}
