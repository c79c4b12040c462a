//! The examination, from what needs nothing to what needs everything.

use super::{
    Report, Told, certificate, configuration, examination::Examination, salesforce, sign_in,
};
use crate::{
    catalog::Catalog,
    clock::Clock,
    config::{Config, ItopSection, Switch, TicketClass},
    desk::{Desk, DeskName, Desks},
    domain::ticket_text::Templates,
    gate::Gate,
    itop::{INCIDENT, ItopError, Settings, TicketModel},
};

/// Who is told of an examination while it runs.
pub type Tell<'a> = &'a mut (dyn FnMut(Told) + Send);

/// What is examined.
#[derive(Clone, Copy, Debug)]
pub struct Examined<'a> {
    /// Against the ticket systems that it names.
    pub config: &'a Config,
    /// The time.
    pub clock: &'a Clock,
    /// The ways of a bridge that runs, whose calls share its bounds; else they are made for this.
    pub desks: Option<&'a Desks>,
    /// The company that a ticket is planned for: its name or key in iTop; else one that can receive
    /// tickets.
    pub company: Option<&'a str>,
    /// Whether one real ticket is created, and examined.
    pub create_ticket: bool,
    /// How an administrator logs in to iTop, to look at data sources.
    pub admin: Option<&'a Settings>,
}

impl<'a> Examined<'a> {
    /// A configuration, and nothing that is written.
    #[must_use]
    pub fn of(config: &'a Config, clock: &'a Clock) -> Self {
        Self { config, clock, desks: None, company: None, create_ticket: false, admin: None }
    }
}

/// Examines a configuration, and tells each finding as soon as it is made. What depends on something
/// that failed is left out.
pub async fn examine(examined: Examined<'_>, tell: Tell<'_>) {
    let Examined { config, clock, company, create_ticket, .. } = examined;
    let mut report = Report::new(tell);
    configuration::examine(config, &mut report);
    certificate::examine(config, clock, &mut report);
    // Whoever waits for an examination need not hold all that its parts do.
    Box::pin(sign_in::examine(config, clock, &mut report)).await;
    let served = |name| {
        let desk = examined.desks.and_then(|desks| desks.of(name));
        match desk {
            Some(served) => Ok(served.catalog.desk().clone()),
            None => Desk::configured(name, config, clock).map_err(|error| error.to_string()),
        }
    };
    if let Some(section) = &config.salesforce {
        let desk = served(DeskName::Salesforce);
        Box::pin(salesforce::examine(section, desk, &mut report)).await;
    }
    if let Some(section) = &config.itop {
        let desk = served(DeskName::Itop);
        Box::pin(of_itop(examined, (section, desk), report)).await;
        return;
    }
    configuration::links(config, &mut report);
    if company.is_some() || create_ticket {
        report.warning(
            "ticket plan",
            "--company and --create-ticket are for iTop, which is not configured",
            "Leave them out; docs/salesforce.md says how a first Case is made.",
        );
    }
}

/// The way to iTop, and whether tickets can be made there.
async fn of_itop<'e>(
    Examined { config, clock, company, create_ticket, admin, .. }: Examined<'e>,
    (section, desk): (&'e ItopSection, Result<Desk, String>),
    mut report: Report<'e>,
) {
    let Some(templates) = templates(config, &mut report) else { return };
    let links = configuration::links(config, &mut report);
    let desk = match desk {
        Ok(desk) => desk,
        Err(error) => {
            report.failure("configuration", error, "The bridge does not start like this.");
            return;
        }
    };
    let Desk::Itop(client) = desk.clone() else { return };
    let gate = Gate::new(clock.clone(), desk.name());
    let catalog = Catalog::new(desk, &gate, clock, config.catalog.clone(), config.ticket.clone());
    let mut examination =
        Examination { config, section, clock, client, catalog, links, report, sees_part: false };
    // How tickets fare says nothing of equipment.
    let _ = Box::pin(examination.run(templates, company, create_ticket)).await;
    Box::pin(examination.cmdb(admin)).await;
}

/// The compiled templates: compiling tries them with a sample of every kind of event.
fn templates(config: &Config, report: &mut Report<'_>) -> Option<Templates> {
    match config.templates(DeskName::Itop) {
        Ok(templates) => {
            let seen = match config.ticket.fields.len() {
                0 => "title and description".to_owned(),
                fields => format!("title, description and {fields} of ticket.fields"),
            };
            report.ok("templates", format!("{seen} can be made of every kind of event"));
            Some(templates)
        }
        Err(error) => {
            let mend = "Mend it in [ticket]; docs/configuration.md lists the variables. The bridge does not \
                        start like this.";
            report.failure("templates", error.to_string(), mend);
            None
        }
    }
}

impl Examination<'_> {
    /// Ends at the first thing without which the rest cannot be asked.
    async fn run(
        &mut self,
        templates: Templates,
        company: Option<&str>,
        create_ticket: bool,
    ) -> Option<()> {
        self.login().await?;
        let model = self.ticket_class().await?;
        let has_marker = self.marker_field(&model).await;
        self.rights(&model).await;
        let company = self.company(company).await?;
        self.lists(&company).await;
        let planned = self.plan(templates, &company).await?;
        has_marker?;
        self.attributes(&planned).await?;
        if create_ticket {
            self.ticket(&planned).await;
        }
        Some(())
    }

    async fn ticket_class(&mut self) -> Option<TicketModel> {
        self.report.examining("ticket class");
        let model = match self.catalog.ticket_model().await {
            Ok(model) => model,
            Err(error) => {
                self.report.failed("ticket class", &error);
                return None;
            }
        };
        if model.class == INCIDENT && !model.classes.contains(&INCIDENT) {
            self.report.failure(
                "ticket class",
                "ticket.class is Incident, and this iTop has no such class",
                "Set ticket.class = \"auto\" or \"UserRequest\", or install iTop's incident \
                 management.",
            );
            return None;
        }
        let how = match self.config.ticket.class {
            TicketClass::Auto => "found out",
            TicketClass::Incident | TicketClass::UserRequest => "configured",
        };
        self.report.ok("ticket class", format!("{} ({how})", model.class));
        Some(model)
    }

    /// Without an attribute for the marker nothing can be created.
    async fn marker_field(&mut self, model: &TicketModel) -> Option<()> {
        let field = &self.config.ticket.marker_field;
        self.report.examining("marker field");
        match self.client.has_ticket_attribute(field).await {
            Ok(true) => {}
            Ok(false) => {
                let seen = format!(
                    "ticket.marker_field is {field}, and tickets have no such attribute that can \
                     be read and searched"
                );
                let mend = "Set ticket.marker_field to private_log (the default), or to an \
                            attribute of the class Ticket.";
                self.report.failure("marker field", seen, mend);
                return None;
            }
            Err(error @ ItopError::NotAllowed { .. }) => {
                let mend = "Give the account the profile \"Support Agent\" (\"Service Desk \
                            Agent\" for user requests): it must read tickets of all classes.";
                self.report.failure("marker field", format!("Ticket: {error}"), mend);
                return None;
            }
            Err(error) => {
                self.report.failed("marker field", &error);
                return None;
            }
        }
        if model.nests_queries || self.config.delivery.conditional == Switch::Off {
            self.report.ok("marker field", format!("{field} can be read and searched"));
        } else {
            let seen = format!(
                "{field} can be read and searched, and this iTop understands no queries inside \
                 queries (before 2.7)"
            );
            let mend = "Creates go without the condition that their ticket is not there yet; set \
                        delivery.conditional = \"off\" to say that you know.";
            self.report.warning("marker field", seen, mend);
        }
        Some(())
    }
}
