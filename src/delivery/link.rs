//! The link in force for an event.

use super::{PlanError, core::Core, plan::KeepLink};
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
};

/// Whose link an event asks for.
pub(super) fn link_key(instance: &Instance, event: &Acknowledgement) -> LinkKey {
    LinkKey {
        instance: instance.clone(),
        company: event.company.key.clone(),
        site: event.site.as_ref().map(|site| site.key.clone()),
    }
}

impl Core {
    /// The link in force for an event, made by itself where that is configured.
    pub(super) async fn link(
        &self,
        instance: &Instance,
        event: &Acknowledgement,
        keep: KeepLink,
    ) -> Result<CompanyLink, PlanError> {
        let inner = self;
        let key = link_key(instance, event);
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
        let link = link.ok_or_else(|| {
            let companies: Vec<_> =
                inner.settings.desks.keys().map(|desk| desk.company()).collect();
            let companies = companies.join(" or ");
            let (state, follows) = match inner.settings.links.unlinked {
                UnlinkedPolicy::Wait => (State::Blocked, "waits for it"),
                UnlinkedPolicy::Record => (State::Recorded, "was recorded without a ticket"),
            };
            let message = format!(
                "Company {shown} is linked to no {companies}; the acknowledgement {follows}."
            );
            PlanError::blocked(state, crate::store::NOT_LINKED, message)
        })?;
        if !inner.serves(link.desk) {
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

    /// Links a company to the one organization that bears exactly its name.
    async fn auto_link(
        &self,
        key: &LinkKey,
        event: &Acknowledgement,
        keep: KeepLink,
    ) -> Result<Option<CompanyLink>, PlanError> {
        let inner = self;
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
            desk: inner.desk.name(),
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
