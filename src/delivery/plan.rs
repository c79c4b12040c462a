//! What would be sent for an acknowledgement: resolutions, texts, priority, the exact request.

use std::sync::Arc;

use serde_json::Value;

use super::{DeskSettings, Settings};
use crate::{
    catalog::Catalog,
    clock::Clock,
    config::Switch,
    desk::DeskError,
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::{Problem, State},
        keys::{Instance, ObjectId},
        marker::Marker,
        new_ticket::{Chosen, NewTicket},
        notice::Notice,
        priority::Priority,
        ticket_status::TicketStatus,
        ticket_text::{self, Resolved},
    },
    itop::{Terms, TicketModel},
    resolve::{self, Doubts, Resolution, ResolveError},
    store::{Store, StoreError},
};

/// Everything about a ticket that is to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it refers to.
    pub resolution: Resolution,
    /// The class of the ticket.
    pub class: &'static str,
    /// The ticket.
    pub ticket: NewTicket,
}

/// Nothing is created now, and why.
#[derive(Clone, Debug)]
pub struct Blocked {
    /// [`State::Blocked`], [`State::Recorded`] or [`State::Failed`].
    pub state: State,
    /// Why, for the operator.
    pub problem: Problem,
    /// What else was noticed.
    pub warnings: Vec<Notice>,
}

/// A plan that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It waits, is recorded or fails.
    #[error("{}", .0.problem.message)]
    Blocked(Blocked),
    /// The way to iTop failed.
    #[error(transparent)]
    Way(DeskError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PlanError {
    pub(super) fn way(error: impl Into<DeskError>) -> Self {
        Self::Way(error.into())
    }

    pub(super) fn blocked(state: State, code: &str, message: String) -> Self {
        let problem = Problem::new(code, message);
        Self::Blocked(Blocked { state, problem, warnings: Vec::new() })
    }
}

/// What would become of an event now.
#[derive(Clone, Debug)]
pub enum Preview {
    /// A new ticket, and the operation as it would be sent.
    Create(Box<Plan>, Value),
    /// This ticket would be taken.
    Reuse(Box<TicketStatus>),
}

/// Plans tickets from events; stores and sends nothing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Planner {
    catalog: Catalog,
    clock: Clock,
    settings: Arc<Settings>,
    /// Where equipment stands whose CI is known; `None` where none is kept in the CMDB.
    federation: Option<Store>,
}

impl Planner {
    /// What it takes to plan: the lists, and the words and rules of the configuration.
    #[must_use]
    pub fn new(catalog: Catalog, clock: Clock, settings: Arc<Settings>) -> Self {
        Self { catalog, clock, settings, federation: None }
    }

    /// The same, which finds the CIs of equipment by ServiceNav's ids too.
    #[must_use]
    pub fn with_federation(self, store: Store) -> Self {
        Self { federation: Some(store), ..self }
    }

    /// The ticket of an event of a linked company; `doubts` says what of it iTop has refused.
    pub async fn plan(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        link: &CompanyLink,
        doubts: &Doubts,
    ) -> Result<Plan, PlanError> {
        let class = self.catalog.ticket_class().await.map_err(PlanError::Way)?;
        let team = self.of_desk().and_then(|settings| settings.team.as_deref());
        let federated = self.federated(instance, event, link).await?;
        let resolution =
            resolve::resolve(&self.catalog, event, link, team, federated.as_ref(), doubts)
                .await
                .map_err(|error| match error {
                    ResolveError::Way(error) => PlanError::Way(error),
                    ResolveError::Blocked { problem, warnings } => {
                        PlanError::Blocked(Blocked { state: State::Blocked, problem, warnings })
                    }
                })?;
        let priority = self.priority(event);
        let ticket = self.ticket(instance, event, &resolution, priority)?;
        Ok(Plan { resolution, class, ticket })
    }

    /// The CI of an event's equipment in the federation, if it is in the organization of its link.
    async fn federated(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Option<ObjectId>, PlanError> {
        let id = event.equipment.as_ref().and_then(|equipment| equipment.id.as_deref());
        // What the event itself names comes first.
        let (Some(store), Some(id), None) = (&self.federation, id, &event.ci) else {
            return Ok(None);
        };
        let ci = store.federated_ci(instance, &event.company.key, id).await?;
        Ok(ci.filter(|ci| ci.org_id == link.org.as_str()).map(|ci| ObjectId::new(ci.id)))
    }

    fn of_desk(&self) -> Option<&DeskSettings> {
        self.settings.desks.get(&self.catalog.desk().name())
    }

    /// The priority of an event: its own, else by the matrix.
    #[must_use]
    pub fn priority(&self, event: &Acknowledgement) -> Priority {
        let control = &event.control;
        event.priority.unwrap_or_else(|| {
            let matrix = &self.settings.ticket.priority;
            matrix.priority(control.element_type, control.criticality)
        })
    }

    fn ticket(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        resolution: &Resolution,
        priority: Priority,
    ) -> Result<NewTicket, PlanError> {
        let refs = &resolution.refs;
        let name = |chosen: &Option<Chosen>| chosen.as_ref().map(|chosen| chosen.name().to_owned());
        let resolved = Resolved {
            organization: resolution.org_name.clone(),
            team: refs.team.name().to_owned(),
            contact: name(&refs.contact),
            service: name(&refs.service),
            service_element: name(&refs.service_element),
            ci: name(&refs.ci),
        };
        let warnings = self.settings.say(&resolution.warnings, self.catalog.desk().name());
        let zone = self.catalog.desk().zone();
        let context = ticket_text::context(event, instance, priority, resolved, &warnings, zone);
        let failed = |why: String| PlanError::blocked(State::Failed, "template-failed", why);
        let of_desk = self.of_desk();
        let of_desk = of_desk.ok_or_else(|| failed("there are no templates for it".to_owned()))?;
        let text = of_desk.templates.render(&context).map_err(|error| failed(error.to_string()))?;
        Ok(NewTicket {
            org: resolution.org.clone(),
            refs: refs.clone(),
            title: text.title,
            description: text.description,
            priority,
            // A ticket that begins in the future is accepted by iTop and helps nobody.
            started_at: event.created_at.min(self.clock.now()),
            fields: text.fields,
            marker: Marker::new(instance, &event.event_id),
        })
    }

    /// What a create in iTop depends on; `floor` is the highest ticket id that was seen before
    /// its first attempt.
    #[must_use]
    pub fn terms<'a>(&'a self, model: &'a TicketModel, floor: u64) -> Terms<'a> {
        let conditional = model.nests_queries && self.settings.delivery.conditional == Switch::Auto;
        Terms {
            model,
            conditions: self.catalog.conditions(),
            marker_field: &self.settings.ticket.marker_field,
            floor: conditional.then_some(floor),
        }
    }
}
