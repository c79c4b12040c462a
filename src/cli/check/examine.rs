//! Everything that can be examined without writing.

use super::{Finding, ticket};
use crate::{
    app::{StartError, client_settings},
    catalog::{Catalog, Freshness, TicketModel},
    clock::Clock,
    config::{Config, LoginKind, TeamChoice, TicketClass},
    gate::{Gate, Reason},
    itop::{Client, INCIDENT, ItopError, Organization, WriteRight},
    resolve::{Found, by_name},
};

/// The classes that the bridge reads beside tickets.
const READ_CLASSES: [&str; 7] = [
    "Organization",
    "Person",
    "Team",
    "Service",
    "ServiceSubcategory",
    "lnkCustomerContractToService",
    "FunctionalCI",
];

/// How many companies are looked at for one that has a team.
const COMPANIES_LOOKED_AT: usize = 20;

/// Examines a configuration against the iTop that it names. What depends on something that failed
/// is left out.
pub async fn examine(
    config: &Config,
    clock: &Clock,
    company: Option<&str>,
    create_ticket: bool,
) -> Result<Vec<Finding>, StartError> {
    let client = Client::new(&client_settings(config)?)?;
    let gate = Gate::new(clock.clone());
    let catalog =
        Catalog::new(client.clone(), &gate, clock, config.catalog.clone(), config.ticket.class);
    let mut examination = Examination { config, client, catalog, findings: vec![] };
    examination.configuration();
    if let Some((model, company)) = examination.itop(company).await
        && create_ticket
    {
        let Examination { client, catalog, findings, .. } = &mut examination;
        findings.extend(ticket::examine(config, client, catalog, clock, &model, &company).await);
    }
    Ok(examination.findings)
}

struct Examination<'a> {
    config: &'a Config,
    client: Client,
    catalog: Catalog,
    findings: Vec<Finding>,
}

impl Examination<'_> {
    fn configuration(&mut self) {
        let itop = &self.config.itop;
        let mut wrong = Vec::new();
        let is_local = ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|host| itop.url.starts_with(&format!("http://{host}")));
        if itop.url.starts_with("http://") && !is_local {
            wrong.push(Finding::warning(
                "configuration",
                "itop.url is not https: the password crosses the network in clear",
                "Use https; for a certificate of your own set itop.ca_file.",
            ));
        }
        let colon = itop.password.as_ref().is_some_and(|password| password.expose().contains(':'));
        if itop.login == LoginKind::Basic && colon {
            wrong.push(Finding::failure(
                "configuration",
                "itop.login is \"basic\" and the password has a ':', at which iTop cuts it",
                "Use itop.login = \"form\", or a password without ':'.",
            ));
        }
        let listen = self.config.server.listen;
        if !listen.ip().is_loopback() && self.config.auth.tokens.is_empty() {
            wrong.push(Finding::failure(
                "configuration",
                format!("server.listen is {listen}, beyond loopback, and there is no token"),
                "Make one with the command 'token'; without one the bridge will not start.",
            ));
        }
        if listen.ip().is_unspecified() && self.config.server.public_url.is_none() {
            wrong.push(Finding::warning(
                "configuration",
                format!("links in answers lead to {listen}, where no browser finds the bridge"),
                "Set server.public_url to how browsers and dashboards reach the bridge.",
            ));
        }
        if wrong.is_empty() {
            wrong.push(Finding::ok("configuration", "fits together"));
        }
        self.findings.append(&mut wrong);
    }

    /// The ticket model and the company that was examined, if iTop got that far.
    async fn itop(&mut self, company: Option<&str>) -> Option<(TicketModel, Organization)> {
        let (version, operations) = match self.client.protocol().await {
            Ok(protocol) => protocol,
            Err(error) => {
                self.failed("iTop", &error);
                return None;
            }
        };
        let endpoint = self.client.endpoint().clone();
        self.findings.push(Finding::ok("iTop", format!("answers at {endpoint}")));
        self.findings.push(Finding::ok(
            "login",
            format!("accepted, REST protocol {version}, {operations} operations"),
        ));
        let model = self.ticket_class().await?;
        self.rights(&model).await;
        let company = self.company(company).await?;
        self.lists(&company).await;
        Some((model, company))
    }

    async fn ticket_class(&mut self) -> Option<TicketModel> {
        let model = match self.catalog.ticket_model().await {
            Ok(model) => model,
            Err(error) => {
                self.failed("ticket class", &error);
                return None;
            }
        };
        if model.class == INCIDENT && !model.classes.contains(&INCIDENT) {
            self.findings.push(Finding::failure(
                "ticket class",
                "ticket.class is Incident, and this iTop has no such class",
                "Set ticket.class = \"auto\" or \"UserRequest\", or install iTop's incident \
                 management.",
            ));
            return None;
        }
        let how = match self.config.ticket.class {
            TicketClass::Auto => "found out",
            TicketClass::Incident | TicketClass::UserRequest => "configured",
        };
        self.findings.push(Finding::ok("ticket class", format!("{} ({how})", model.class)));
        Some(model)
    }

    async fn rights(&mut self, model: &TicketModel) {
        let mut readable = Vec::new();
        for class in READ_CLASSES.into_iter().chain(model.classes.iter().copied()) {
            match self.client.can_read(class).await {
                Ok(()) => readable.push(class),
                Err(ItopError::NotAllowed { message }) => self.findings.push(Finding::failure(
                    "right to read",
                    format!("{class}: {message}"),
                    "Give the account of the bridge a profile that reads this class.",
                )),
                Err(error) => self.failed("right to read", &error),
            }
        }
        if !readable.is_empty() {
            self.findings.push(Finding::ok("right to read", readable.join(", ")));
        }
        match self.client.write_right(model.class).await {
            Ok(WriteRight::Allowed) => {
                let seen = format!("{} (probed without writing)", model.class);
                self.findings.push(Finding::ok("right to create", seen));
            }
            Ok(WriteRight::Refused) => self.findings.push(Finding::failure(
                "right to create",
                format!("iTop refuses to create {}, or is read-only", model.class),
                Reason::WritesRefused.mend(),
            )),
            Err(error) => self.failed("right to create", &error),
        }
    }

    async fn company(&mut self, wanted: Option<&str>) -> Option<Organization> {
        let companies = match self.catalog.companies(Freshness::Cached).await {
            Ok(reading) => reading,
            Err(error) => {
                self.failed("list of companies", &error);
                return None;
            }
        };
        let companies = &companies.listed.items;
        let count = format!("{} companies", companies.len());
        if companies.is_empty() {
            self.findings.push(Finding::failure(
                "list of companies",
                count,
                "Let the account see the organizations (Allowed organizations), and check \
                 catalog.queries.companies.",
            ));
            return None;
        }
        self.findings.push(Finding::ok("list of companies", count));
        if let Some(wanted) = wanted {
            let by_key = companies.iter().find(|org| org.id.to_string() == wanted);
            let by_name = match by_name(companies, wanted, |org| &org.name) {
                Found::One { item, .. } => Some(item),
                Found::Nothing | Found::Several(_) => None,
            };
            let found = by_key.or(by_name).cloned();
            if found.is_none() {
                self.findings.push(Finding::failure(
                    "company",
                    format!("'{wanted}' is none, or not exactly one, of the companies"),
                    "Name it as iTop does, or by its key.",
                ));
            }
            return found;
        }
        for company in companies.iter().take(COMPANIES_LOOKED_AT) {
            let teams = self.catalog.teams(company.id, Freshness::Cached).await;
            if teams.is_ok_and(|teams| !teams.listed.items.is_empty()) {
                return Some(company.clone());
            }
        }
        companies.first().cloned()
    }

    async fn lists(&mut self, company: &Organization) {
        let name = &company.name;
        let teams = self.catalog.teams(company.id, Freshness::Cached).await;
        let teams = teams.map(|reading| reading.listed.items.len());
        let no_teams = match self.config.catalog.teams {
            TeamChoice::DeliveryModel => {
                "Give the company a delivery model with teams in iTop, or set catalog.teams = \
                 \"all\": a ticket needs a team."
            }
            TeamChoice::All => "Create a team in iTop: a ticket needs one.",
        };
        self.list("list of teams", name, teams, no_teams);
        let contacts = self.catalog.contacts(company.id, Freshness::Cached).await;
        let contacts = contacts.map(|reading| reading.listed.items.len());
        self.list("list of contacts", name, contacts, "Tickets of it will have no contact.");
        let services = self.catalog.services(company.id, Freshness::Cached).await;
        let services = services.map(|reading| reading.listed.items.len());
        let no_services = "Without a customer contract tickets of it will have no service.";
        self.list("list of services", name, services, no_services);
        let cis = self.catalog.cis(company.id, Freshness::Cached).await;
        let cis = cis.map(|reading| reading.listed.items.len());
        self.list("list of CIs", name, cis, "Tickets of it will have no CI.");
    }

    fn list(
        &mut self,
        what: &'static str,
        company: &str,
        count: Result<usize, ItopError>,
        none: &str,
    ) {
        match count {
            Ok(0) => {
                let seen = format!("'{company}' has none");
                self.findings.push(Finding::warning(what, seen, none));
            }
            Ok(count) => self.findings.push(Finding::ok(what, format!("'{company}' has {count}"))),
            Err(error) => self.failed(what, &error),
        }
    }

    fn failed(&mut self, what: &'static str, error: &ItopError) {
        self.findings.push(failed(what, error));
    }
}

/// A call that failed, with what to do about it.
pub(super) fn failed(what: &'static str, error: &ItopError) -> Finding {
    let mend = match (error, Reason::of(error)) {
        (ItopError::NotAllowed { .. }, _) => "Give the account of the bridge that right in iTop.",
        (_, Some(reason)) => reason.mend(),
        (_, None) => "Check catalog.queries and the data model of this iTop.",
    };
    Finding::failure(what, error.to_string(), mend)
}
