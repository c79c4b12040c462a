//! A ticket planned as a delivery plans it.

use std::sync::Arc;

use serde_json::Value;

use super::{examination::Examination, sample};
use crate::{
    catalog::Freshness,
    delivery::{DeskSettings, Plan, PlanError, Planner, Settings},
    desk::Organization,
    domain::{
        company_link::{CompanyLink, LinkDefaults, LinkKey},
        delivery_state::Problem,
        keys::{Instance, PartyKey},
        ticket_text::{Language, Templates},
    },
    itop::TicketModel,
    resolve::Doubts,
};

/// The problem of an acknowledgement for which nothing names a team.
const TEAM_MISSING: &str = "team-missing";

/// What is planned for a company.
pub(super) struct Planned {
    pub(super) planner: Planner,
    pub(super) model: TicketModel,
    pub(super) company: String,
    /// Of an acknowledgement with all that it can have.
    pub(super) full: Plan,
    /// Of one with as little as it can have.
    pub(super) least: Plan,
    /// Of one that may really be created.
    pub(super) to_create: Plan,
}

impl Examination<'_> {
    /// Plans through link, defaults, `ticket.team` and `[ticket.fields]`.
    pub(super) async fn plan(
        &mut self,
        templates: Templates,
        company: &Organization,
    ) -> Option<Planned> {
        let link = self.link(company)?;
        let settings = Settings {
            delivery: self.config.delivery.clone(),
            ticket: self.config.ticket.clone(),
            links: self.config.links.clone(),
            desks: [(
                self.catalog.desk().name(),
                DeskSettings { team: self.config.ticket.team.clone(), templates },
            )]
            .into(),
            cmdb: None,
        };
        let (catalog, clock) = (self.catalog.clone(), self.clock.clone());
        let planner = Planner::new(catalog, clock, Arc::new(settings));
        self.report.examining("ticket plan");
        let event = self.least_with_a_team(&planner, &link).await?;
        let least = self.planned(&planner, &event, &link).await?;
        let to_create = self.planned(&planner, &sample::to_create(event.clone()), &link).await?;
        let full = sample::full(event, &self.catalog, &link).await;
        let full = self.planned(&planner, &full, &link).await?;
        self.tell_plan(company, &full);
        let model = match self.catalog.ticket_model().await {
            Ok(model) => model,
            Err(error) => {
                self.report.failed("ticket plan", &error);
                return None;
            }
        };
        Some(Planned { planner, model, company: company.name.clone(), full, least, to_create })
    }

    /// The link of a company of ServiceNav to this one; where there is none, one as it would be
    /// without defaults.
    fn link(&mut self, company: &Organization) -> Option<CompanyLink> {
        let mut links: Vec<_> = self
            .links
            .iter()
            .filter(|link| link.desk == self.catalog.desk().name() && link.org == company.id)
            .cloned()
            .collect();
        // A company's own before its sites', one with tickets before one without.
        links.sort_by_key(|link| (!link.tickets, link.key.site.is_some()));
        let name = &company.name;
        if let Some(link) = links.into_iter().next() {
            let key = &link.key.company;
            if link.tickets {
                self.report.ok("company link", format!("{key} is linked to '{name}'"));
                return Some(link);
            }
            self.report.warning(
                "company link",
                format!("{key} is linked to '{name}' with tickets turned off"),
                "Its acknowledgements are recorded without a ticket; turn tickets on in the link.",
            );
            return Some(CompanyLink { tickets: true, ..link });
        }
        self.report.ok(
            "company link",
            format!("none leads to '{name}' yet; what follows is of one without defaults"),
        );
        Some(CompanyLink {
            key: LinkKey {
                instance: Instance::default(),
                company: PartyKey::name(name).or_else(|_| PartyKey::id("check")).ok()?,
                site: None,
            },
            name: Some(name.clone()),
            desk: self.catalog.desk().name(),
            org: company.id.clone(),
            org_name: name.clone(),
            tickets: true,
            defaults: LinkDefaults::default(),
            updated_at: self.clock.now(),
            updated_by: None,
        })
    }

    /// The least acknowledgement, which names a team where nothing else does.
    async fn least_with_a_team(&mut self, planner: &Planner, link: &CompanyLink) -> Option<Value> {
        let event = sample::least(link, None, self.clock.now());
        let outcome = planner
            .plan(&link.key.instance, &sample::read(&event)?, link, &Doubts::default())
            .await;
        let Err(PlanError::Blocked(blocked)) = outcome else { return Some(event) };
        if blocked.problem.code != TEAM_MISSING {
            return Some(event);
        }
        let teams = self.catalog.teams(&link.org).get(Freshness::Cached).await.ok()?;
        // That there is none was told with the list.
        let team = teams.listed.items.first()?;
        self.report.warning(
            "team",
            format!(
                "neither a link nor ticket.team names one: acknowledgements that name none will \
                 wait; '{}' is taken here",
                team.name
            ),
            "Give the company link a team, or set ticket.team, unless ServiceNav names a team \
             each time.",
        );
        Some(sample::least(link, Some(&team.id), self.clock.now()))
    }

    async fn planned(
        &mut self,
        planner: &Planner,
        event: &Value,
        link: &CompanyLink,
    ) -> Option<Plan> {
        match planner
            .plan(&link.key.instance, &sample::read(event)?, link, &Doubts::default())
            .await
        {
            Ok(plan) => Some(plan),
            Err(PlanError::Blocked(blocked)) => {
                let Problem { message, .. } = blocked.problem;
                let mend = "Acknowledgements of this company wait like this, or fail; mend what it \
                            names.";
                self.report.failure("ticket plan", message, mend);
                None
            }
            Err(PlanError::Way(error)) => {
                self.report.failed("ticket plan", &error);
                None
            }
            Err(PlanError::Store(error)) => {
                self.report.failure("ticket plan", error.to_string(), "Check store.path.");
                None
            }
        }
    }

    fn tell_plan(&mut self, company: &Organization, plan: &Plan) {
        let refs = &plan.ticket.refs;
        let mut seen = format!("for '{}': team '{}'", company.name, refs.team.name());
        for (what, chosen) in [
            ("contact", &refs.contact),
            ("service", &refs.service),
            ("service element", &refs.service_element),
            ("CI", &refs.ci),
        ] {
            if let Some(chosen) = chosen {
                for part in [", ", what, " '", chosen.name(), "'"] {
                    seen.push_str(part);
                }
            }
        }
        self.report.ok("ticket plan", seen);
        for warning in &plan.resolution.warnings {
            let seen = warning.say(Language::En);
            self.report.warning("ticket plan", seen, "Tickets are made with this warning.");
        }
    }
}
