//! The link in force for an event.

use super::{PlanError, core::Core, outlook::Outlook};
use crate::{
    catalog::Freshness,
    config::{AutoLink, UnlinkedPolicy},
    domain::{
        acknowledgement::Acknowledgement,
        company_link::{CompanyLink, LinkDefaults, LinkKey},
        delivery_state::State,
        keys::Instance,
        visible::Visible,
    },
    resolve::{Found, by_name},
    store::StoreError,
};

/// Whose link an event asks for.
pub(super) fn link_key(instance: &Instance, event: &Acknowledgement) -> LinkKey {
    LinkKey {
        instance: instance.clone(),
        company: event.company.key.clone(),
        site: event.site.as_ref().map(|site| site.key.clone()),
    }
}

impl Outlook {
    /// The link in force for an event, or the one that would make itself; nothing is kept. Where the
    /// sender's word for the name of a company is not to be trusted, none makes itself.
    pub(super) async fn link(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        trusted_names: bool,
    ) -> Result<CompanyLink, PlanError> {
        let key = link_key(instance, event);
        let mut link = self.effective_link(&key).await?;
        if link.is_none() && trusted_names {
            link = self.link_by_name(&key, event).await?;
        }
        self.usable(link, event)
    }

    async fn effective_link(&self, key: &LinkKey) -> Result<Option<CompanyLink>, StoreError> {
        self.store.effective_link(key, &Visible::all()).await
    }

    /// A link that tickets can be made by.
    fn usable(
        &self,
        link: Option<CompanyLink>,
        event: &Acknowledgement,
    ) -> Result<CompanyLink, PlanError> {
        let company = event.company.label();
        let shown = match &event.company.id {
            Some(id) => format!("'{company}' ({id})"),
            None => format!("'{company}'"),
        };
        let link = link.ok_or_else(|| {
            let companies: Vec<_> = self.settings.desks.keys().map(|desk| desk.company()).collect();
            let companies = companies.join(" or ");
            let (state, follows) = match self.settings.links.unlinked {
                UnlinkedPolicy::Wait => (State::Blocked, "waits for it"),
                UnlinkedPolicy::Record => (State::Recorded, "was recorded without a ticket"),
            };
            let message = format!(
                "Company {shown} is linked to no {companies}; the acknowledgement {follows}."
            );
            PlanError::blocked(state, crate::store::NOT_LINKED, message)
        })?;
        if !self.settings.desks.contains_key(&link.desk) {
            let (title, code) = (link.desk.title(), link.desk.code());
            return Err(PlanError::blocked(
                State::Blocked,
                "desk-not-served",
                format!(
                    "Company {shown} is linked to '{}' in {title}, which this bridge does not serve. Link it \
                     anew, or configure [{code}].",
                    link.org_name
                ),
            ));
        }
        if !link.tickets {
            return Err(PlanError::blocked(
                State::Recorded,
                "tickets-off",
                format!("The link of company {shown} has tickets turned off; none was created."),
            ));
        }
        Ok(link)
    }

    /// A link of a company to the one organization that bears exactly its name, where that is configured.
    async fn link_by_name(
        &self,
        key: &LinkKey,
        event: &Acknowledgement,
    ) -> Result<Option<CompanyLink>, PlanError> {
        let (AutoLink::ExactName, Some(name)) = (self.settings.links.auto, &event.company.name)
        else {
            return Ok(None);
        };
        let companies =
            self.catalog.companies().get(Freshness::Cached).await.map_err(PlanError::Way)?;
        let Found::One { item, .. } = by_name(&companies.listed.items, name) else {
            return Ok(None);
        };
        if item.name != *name {
            return Ok(None);
        }
        Ok(Some(CompanyLink {
            key: LinkKey { site: None, ..key.clone() },
            name: Some(name.clone()),
            desk: self.name(),
            org: item.id.clone(),
            org_name: item.name.clone(),
            tickets: true,
            defaults: LinkDefaults::default(),
            updated_at: self.clock.now(),
            updated_by: None,
        }))
    }
}

impl Core {
    /// The link in force for an event; one that makes itself is kept.
    pub(super) async fn kept_link(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        trusted_names: bool,
    ) -> Result<CompanyLink, PlanError> {
        let key = link_key(instance, event);
        let mut link = self.effective_link(&key).await?;
        if link.is_none()
            && trusted_names
            && let Some(own) = self.link_by_name(&key, event).await?
        {
            let organization = own.org.clone();
            // Else an administrator was faster.
            if self.term.put_link_if_absent(own).await? {
                tracing::info!(
                    company = key.company.to_string(),
                    %organization,
                    "company linked by its exact name"
                );
            }
            link = self.effective_link(&key).await?;
        }
        self.usable(link, event)
    }
}
