//! Which company is examined, and its lists.

use super::examination::Examination;
use crate::{
    catalog::Freshness,
    config::TeamChoice,
    desk::{DeskError, Organization},
    domain::keys::OrgId,
    itop::ItopError,
    resolve::{Found, by_name},
};

/// How many companies are looked at for one that has a team.
const COMPANIES_LOOKED_AT: usize = 20;

impl Examination<'_> {
    /// The company that was asked for, else one that can receive tickets.
    pub(super) async fn company(&mut self, wanted: Option<&str>) -> Option<Organization> {
        self.report.examining("list of companies");
        let companies = match self.catalog.companies().get(Freshness::Cached).await {
            Ok(reading) => reading,
            Err(error) => {
                self.report.failed("list of companies", &error);
                return None;
            }
        };
        let companies = &companies.listed.items;
        let count = format!("{} companies", companies.len());
        if companies.is_empty() {
            self.report.failure(
                "list of companies",
                count,
                "Let the account see the organizations (Allowed organizations), and check \
                 catalog.queries.companies.",
            );
            return None;
        }
        self.report.ok("list of companies", count);
        self.hidden_companies().await;
        self.linked_companies(companies);
        match wanted {
            Some(wanted) => self.named(companies, wanted),
            None => self.one_with_teams(companies).await,
        }
    }

    /// That each link leads to a company that can be seen.
    fn linked_companies(&mut self, companies: &[Organization]) {
        let is_seen = |org: &OrgId| companies.iter().any(|company| company.id == *org);
        let lost: Vec<_> = self
            .links
            .iter()
            .filter(|link| link.tickets && !is_seen(&link.org))
            .map(|link| {
                let company = link.name.clone().unwrap_or_else(|| link.key.company.to_string());
                format!("'{company}' to '{}' (key {})", link.org_name, link.org)
            })
            .collect();
        if !lost.is_empty() {
            self.report.failure(
                "company links",
                format!("these lead to what the account does not see: {}", lost.join(", ")),
                "Let the account see them (Allowed organizations, catalog.queries.companies), or \
                 link these companies anew.",
            );
        }
    }

    fn named(&mut self, companies: &[Organization], wanted: &str) -> Option<Organization> {
        let by_key = companies.iter().find(|org| org.id.as_str() == wanted);
        let by_name = match by_name(companies, wanted) {
            Found::One { item, .. } => Some(item),
            Found::Nothing | Found::Several(_) => None,
        };
        let found = by_key.or(by_name).cloned();
        if found.is_none() {
            self.report.failure(
                "company",
                format!("'{wanted}' is none, or not exactly one, of the companies"),
                "Name it as iTop does, or by its key; the account must see it (Allowed \
                 organizations).",
            );
        }
        found
    }

    /// Those that are linked first.
    async fn one_with_teams(&mut self, companies: &[Organization]) -> Option<Organization> {
        let is_linked =
            |org: &&Organization| self.links.iter().any(|link| link.tickets && link.org == org.id);
        let mut candidates: Vec<_> = companies.iter().filter(is_linked).collect();
        candidates.extend(companies.iter().filter(|org| !is_linked(org)));
        for company in candidates.iter().take(COMPANIES_LOOKED_AT) {
            self.report.examining("company");
            let teams = self.catalog.teams(&company.id).get(Freshness::Cached).await;
            if teams.is_ok_and(|teams| !teams.listed.items.is_empty()) {
                return Some((*company).clone());
            }
        }
        candidates.first().map(|company| (*company).clone())
    }

    /// What a ticket of the company can refer to.
    pub(super) async fn lists(&mut self, company: &Organization) {
        let name = &company.name;
        self.report.examining("list of teams");
        let teams = self.catalog.teams(&company.id).get(Freshness::Cached).await;
        match teams.map(|reading| reading.listed.items.len()) {
            Ok(0) => {
                let mend = self.mend_of_no_team(company).await;
                let seen = format!("'{name}' has none, and a ticket needs one");
                self.report.failure("list of teams", seen, mend);
            }
            Ok(count) => self.report.ok("list of teams", format!("'{name}' has {count}")),
            Err(error) => self.report.failed("list of teams", &error),
        }
        self.report.examining("list of contacts");
        let contacts = self.catalog.contacts(&company.id).get(Freshness::Cached).await;
        let contacts = contacts.map(|reading| reading.listed.items.len());
        self.optional("list of contacts", name, contacts, "Tickets of it will have no contact.");
        self.report.examining("list of services");
        let services = self.catalog.services(&company.id).get(Freshness::Cached).await;
        let services = services.map(|reading| reading.listed.items.len());
        let no_services = "Without a customer contract tickets of it will have no service.";
        self.optional("list of services", name, services, no_services);
        self.report.examining("list of CIs");
        let cis = self.catalog.cis(&company.id).get(Freshness::Cached).await;
        let cis = cis.map(|reading| reading.listed.items.len());
        self.optional("list of CIs", name, cis, "Tickets of it will have no CI.");
    }

    /// A list that tickets can do without.
    fn optional(
        &mut self,
        what: &'static str,
        company: &str,
        count: Result<usize, DeskError>,
        none: &str,
    ) {
        match count {
            Ok(0) => self.report.warning(what, format!("'{company}' has none"), none),
            Ok(count) => self.report.ok(what, format!("'{company}' has {count}")),
            Err(DeskError::Itop(
                error @ (ItopError::Refused { .. } | ItopError::NotAllowed { .. }),
            )) => {
                let mend = format!("{none} Check the account's rights and catalog.queries.");
                self.report.warning(what, error.to_string(), mend);
            }
            Err(error) => self.report.failed(what, &error),
        }
    }

    async fn mend_of_no_team(&mut self, company: &Organization) -> String {
        if self.config.catalog.teams == TeamChoice::All {
            return "Create an active team in iTop, and check catalog.queries.all_teams."
                .to_owned();
        }
        if self.sees_part {
            return "The teams of a company are often its provider's, which the account does not \
                    see: leave 'Allowed organizations' empty in the user account, or add the \
                    provider there."
                .to_owned();
        }
        let or = "or set catalog.teams = \"all\"";
        match self.client.delivery_model(&company.id).await {
            Ok(Some(model)) if model.is_empty() => format!(
                "The company has no delivery model: give it one with teams in iTop (Service \
                 management, Delivery models), {or}."
            ),
            Ok(Some(model)) => format!(
                "Its delivery model '{model}' has no active team among its contacts that the \
                 account sees: add one in iTop, leave 'Allowed organizations' empty in the user \
                 account, {or}."
            ),
            Ok(None) | Err(_) => {
                format!("Give the company teams in iTop, check catalog.queries.teams, {or}.")
            }
        }
    }
}
