//! What would be sent for an acknowledgement: resolutions, texts, priority, the exact request.

use serde_json::{Map, Value, json};

use super::Delivery;
use crate::{
    catalog::{Freshness, TicketModel},
    config::{AutoLink, UnlinkedPolicy},
    domain::{
        acknowledgement::Acknowledgement,
        delivery_state::{Problem, State},
        keys::Instance,
        marker::Marker,
        priority::Priority,
        ticket_status::TicketStatus,
        ticket_text::{self, Resolved},
    },
    itop::{Client, ItopError},
    resolve::{self, Found, Resolution, ResolveError, by_name},
    store::{CompanyLink, LinkDefaults, LinkKey, StoreError},
};

/// Everything about a ticket that is to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it refers to.
    pub resolution: Resolution,
    /// The class of the ticket.
    pub model: TicketModel,
    /// The priority that iTop shall compute.
    pub priority: Priority,
    /// By which it is found again.
    pub marker: Marker,
    /// The operation as it is sent.
    pub operation: Value,
}

/// Nothing is created now, and why.
#[derive(Clone, Debug)]
pub struct Blocked {
    /// [`State::Blocked`], [`State::Recorded`] or [`State::Failed`].
    pub state: State,
    /// Why, for the operator.
    pub problem: Problem,
    /// What else was noticed.
    pub warnings: Vec<String>,
}

/// A plan that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It waits, is recorded or fails.
    #[error("{}", .0.problem.message)]
    Blocked(Blocked),
    /// The way to iTop failed.
    #[error(transparent)]
    Way(ItopError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PlanError {
    fn blocked(state: State, code: &str, message: String) -> Self {
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
    /// A new ticket.
    Create(Box<Plan>),
    /// This ticket would be taken.
    Reuse(Box<TicketStatus>),
}

impl Delivery {
    /// Resolves an event and plans its ticket; stores and sends nothing.
    ///
    /// `trusted_names` says whether the name that the event gives its company may link it.
    pub async fn preview(
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
        let plan = self.plan_with(instance, event, &link).await?;
        Ok(Preview::Create(Box::new(plan)))
    }

    pub(super) async fn plan_with(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Plan, PlanError> {
        let inner = &*self.inner;
        let ticket = &inner.settings.ticket;
        let model = inner.catalog.ticket_model().await.map_err(PlanError::Way)?;
        let resolution = resolve::resolve(&inner.catalog, event, link, ticket.team.as_deref())
            .await
            .map_err(|error| match error {
                ResolveError::Way(error) => PlanError::Way(error),
                ResolveError::Blocked { problem, warnings } => {
                    PlanError::Blocked(Blocked { state: State::Blocked, problem, warnings })
                }
            })?;
        let control = &event.control;
        let priority = event
            .priority
            .unwrap_or_else(|| ticket.priority.priority(control.element_type, control.criticality));
        let fields = self.fields(instance, event, &model, &resolution, priority)?;
        let marker = Marker::new(instance, &event.event_id);
        let operation =
            Client::create_operation(model.class, &fields, &marker, &ticket.marker_field);
        Ok(Plan { resolution, model, priority, marker, operation })
    }

    fn fields(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        model: &TicketModel,
        resolution: &Resolution,
        priority: Priority,
    ) -> Result<Map<String, Value>, PlanError> {
        let inner = &*self.inner;
        let zone = inner.client.zone();
        let name =
            |named: &Option<crate::store::Named>| named.as_ref().map(|named| named.name.clone());
        let resolved = Resolved {
            organization: resolution.org_name.clone(),
            team: resolution.team.name.clone(),
            contact: name(&resolution.contact),
            service: name(&resolution.service),
            service_element: name(&resolution.service_element),
            ci: name(&resolution.ci),
        };
        let warnings = &resolution.warnings;
        let context =
            ticket_text::context(event, instance, priority, resolved, warnings, zone.rules());
        let text = inner.settings.templates.render(&context).map_err(|error| {
            PlanError::blocked(State::Failed, "template-failed", error.to_string())
        })?;
        let (impact, urgency) = priority.impact_and_urgency();
        // A ticket that begins in the future is accepted by iTop and helps nobody.
        let start = event.created_at.min(inner.clock.now());
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("org_id", json!(resolution.org));
        set("title", json!(text.title));
        set("description", json!(text.description));
        set("impact", json!(impact.to_string()));
        set("urgency", json!(urgency.to_string()));
        set("start_date", json!(zone.write(start)));
        set("team_id", json!(resolution.team.id));
        if model.sets_origin {
            set("origin", json!("monitoring"));
        }
        if model.sets_request_type {
            set("request_type", json!("incident"));
        }
        if let Some(contact) = &resolution.contact {
            set("caller_id", json!(contact.id));
        }
        if let Some(service) = &resolution.service {
            set("service_id", json!(service.id));
        }
        if let Some(element) = &resolution.service_element {
            set("servicesubcategory_id", json!(element.id));
        }
        if let Some(ci) = &resolution.ci {
            // The same CI twice would be refused; there is only ever one.
            let link = json!([{"functionalci_id": ci.id, "impact_code": "manual"}]);
            set("functionalcis_list", link);
        }
        for (name, value) in text.fields {
            set(&name, value.into());
        }
        Ok(fields)
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
        let mut link = inner.store.effective_link(&key).await?;
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
        let companies = inner.catalog.companies(Freshness::Cached).await.map_err(PlanError::Way)?;
        let Found::One { item, .. } = by_name(&companies.listed.items, name, |org| &org.name)
        else {
            return Ok(None);
        };
        if item.name != *name {
            return Ok(None);
        }
        let link = CompanyLink {
            key: LinkKey { site: None, ..key.clone() },
            name: Some(name.clone()),
            org: item.id,
            org_name: item.name.clone(),
            tickets: true,
            defaults: LinkDefaults::default(),
            updated_at: inner.clock.now(),
        };
        if keep == KeepLink::No {
            return Ok(Some(link));
        }
        if !inner.store.put_link_if_absent(link).await? {
            // An administrator was faster.
            return Ok(inner.store.effective_link(key).await?);
        }
        tracing::info!(
            company = %key.company,
            organization = %item.id,
            "company linked by its exact name"
        );
        Ok(inner.store.effective_link(key).await?)
    }
}
