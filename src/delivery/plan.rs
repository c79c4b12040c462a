//! What would be sent for an acknowledgement: resolutions, texts, priority, the exact request.

use std::sync::Arc;

use serde_json::Value;

use super::{Delivery, Settings};
use crate::{
    catalog::{Catalog, Freshness},
    clock::Clock,
    config::{AutoLink, Switch, UnlinkedPolicy},
    desk::DeskError,
    domain::{
        acknowledgement::Acknowledgement,
        company_link::{CompanyLink, LinkDefaults, LinkKey},
        delivery_state::{Problem, State},
        keys::{Instance, ObjectId},
        marker::Marker,
        new_ticket::{Chosen, NewTicket},
        notice::Notice,
        priority::Priority,
        ticket_status::TicketStatus,
        ticket_text::{self, Resolved},
        visible::Visible,
    },
    itop::{Client, Terms, TicketModel},
    lifecycle::to_its_end,
    resolve::{self, Doubts, Found, Resolution, ResolveError, by_name},
    store::{Store, StoreError},
};

/// Everything about a ticket that is to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it refers to.
    pub resolution: Resolution,
    /// The class of the ticket.
    pub model: TicketModel,
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

/// Whether a link that makes itself is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeepLink {
    /// It is kept.
    Yes,
    /// It is made for this look only.
    No,
    /// None makes itself: the sender's word for the name of a company is not to be trusted.
    Never,
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
    client: Client,
    clock: Clock,
    settings: Arc<Settings>,
    /// Where equipment stands whose CI is known; `None` where none is kept in the CMDB.
    federation: Option<Store>,
}

impl Planner {
    /// What it takes to plan: the lists, and the words and rules of the configuration.
    #[must_use]
    pub fn new(catalog: Catalog, client: Client, clock: Clock, settings: Arc<Settings>) -> Self {
        Self { catalog, client, clock, settings, federation: None }
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
        let settings = &self.settings.ticket;
        let model = self.catalog.ticket_model().await.map_err(PlanError::Way)?;
        let team = settings.team.as_deref();
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
        Ok(Plan { resolution, model, ticket })
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
        let warnings = self.settings.say(&resolution.warnings);
        let zone = self.client.zone().rules();
        let context = ticket_text::context(event, instance, priority, resolved, &warnings, zone);
        let text = self.settings.templates.render(&context).map_err(|error| {
            PlanError::blocked(State::Failed, "template-failed", error.to_string())
        })?;
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

    /// What the create of a plan depends on; `floor` is the highest ticket id that was seen before
    /// its first attempt.
    #[must_use]
    pub fn terms<'a>(&'a self, plan: &'a Plan, floor: u64) -> Terms<'a> {
        let conditional =
            plan.model.nests_queries && self.settings.delivery.conditional == Switch::Auto;
        Terms {
            model: &plan.model,
            conditions: self.catalog.conditions(),
            marker_field: &self.settings.ticket.marker_field,
            floor: conditional.then_some(floor),
        }
    }
}

impl Delivery {
    /// Resolves an event and plans its ticket for somebody who asks; stores and sends nothing. What it
    /// asks of iTop is some of the few calls that anybody may cause at any time.
    ///
    /// `trusted_names` says whether the name that the event gives its company may link it. A sender
    /// whose names are not trusted knows some companies alone, and is told nothing of others.
    pub async fn preview(
        &self,
        instance: Instance,
        event: Acknowledgement,
        trusted_names: bool,
    ) -> Result<Preview, PlanError> {
        let place = self.inner.client.place_on_demand().await;
        let delivery = self.clone();
        // The place is kept for as long as iTop may be at work, whoever waits.
        to_its_end(async move {
            let _place = place;
            delivery.look_ahead(&instance, &event, trusted_names).await
        })
        .await
    }

    /// What would become of an event now.
    pub(super) async fn look_ahead(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        trusted_names: bool,
    ) -> Result<Preview, PlanError> {
        let keep = if trusted_names { KeepLink::No } else { KeepLink::Never };
        let link = self.link(instance, event, keep).await?;
        if let Some(ticket) = self.existing_ticket(instance, event, &link).await? {
            return Ok(Preview::Reuse(Box::new(ticket)));
        }
        let inner = &*self.inner;
        let plan = inner.planner.plan(instance, event, &link, &Doubts::default()).await?;
        // How far ids of tickets have come says how many others there are.
        let floor = if trusted_names { inner.store.highest_ticket_id().await? } else { 0 };
        let request =
            inner.client.create_operation(&plan.ticket, &inner.planner.terms(&plan, floor));
        Ok(Preview::Create(Box::new(plan), request))
    }

    /// The link in force for an event, made by itself where that is configured.
    pub(super) async fn link(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        keep: KeepLink,
    ) -> Result<CompanyLink, PlanError> {
        let inner = &*self.inner;
        let key = LinkKey {
            instance: instance.clone(),
            company: event.company.key.clone(),
            site: event.site.as_ref().map(|site| site.key.clone()),
        };
        let mut link = inner.store.effective_link(&key, &Visible::all()).await?;
        if link.is_none()
            && inner.settings.links.auto == AutoLink::ExactName
            && keep != KeepLink::Never
        {
            link = self.auto_link(&key, event, keep).await?;
        }
        let company = event.company.label();
        let shown = match &event.company.id {
            Some(id) => format!("'{company}' ({id})"),
            None => format!("'{company}'"),
        };
        let link = link.ok_or_else(|| match inner.settings.links.unlinked {
            UnlinkedPolicy::Wait => PlanError::blocked(
                State::Blocked,
                crate::store::NOT_LINKED,
                format!(
                    "Company {shown} is linked to no iTop organization; the acknowledgement \
                     waits for it."
                ),
            ),
            UnlinkedPolicy::Record => PlanError::blocked(
                State::Recorded,
                crate::store::NOT_LINKED,
                format!(
                    "Company {shown} is linked to no iTop organization; the acknowledgement was \
                     recorded without a ticket."
                ),
            ),
        })?;
        if !link.tickets {
            return Err(PlanError::blocked(
                State::Recorded,
                "tickets-off",
                format!("The link of company {shown} has tickets turned off; none was created."),
            ));
        }
        Ok(link)
    }

    /// Links a company to the one organization that bears exactly its name.
    async fn auto_link(
        &self,
        key: &LinkKey,
        event: &Acknowledgement,
        keep: KeepLink,
    ) -> Result<Option<CompanyLink>, PlanError> {
        let inner = &*self.inner;
        let Some(name) = &event.company.name else { return Ok(None) };
        let companies =
            inner.catalog.companies().get(Freshness::Cached).await.map_err(PlanError::Way)?;
        let Found::One { item, .. } = by_name(&companies.listed.items, name) else {
            return Ok(None);
        };
        if item.name != *name {
            return Ok(None);
        }
        let link = CompanyLink {
            key: LinkKey { site: None, ..key.clone() },
            name: Some(name.clone()),
            org: item.id.clone(),
            org_name: item.name.clone(),
            tickets: true,
            defaults: LinkDefaults::default(),
            updated_at: inner.clock.now(),
            updated_by: None,
        };
        if keep == KeepLink::No {
            return Ok(Some(link));
        }
        if !inner.store.put_link_if_absent(link).await? {
            // An administrator was faster.
            return Ok(inner.store.effective_link(key, &Visible::all()).await?);
        }
        tracing::info!(
            company = key.company.to_string(),
            organization = %item.id,
            "company linked by its exact name"
        );
        Ok(inner.store.effective_link(key, &Visible::all()).await?)
    }
}
