//! The lists of one organization from which links are filled in.

use futures_util::future::OptionFuture;

use crate::{
    catalog::{Catalog, Freshness, Reading},
    desk::{DeskError, Person, Service, Team},
    domain::keys::OrgId,
};

/// Which lists somebody needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) teams: bool,
    pub(super) contacts: bool,
    pub(super) services: bool,
}

impl Needs {
    /// Those of either.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            teams: self.teams || other.teams,
            contacts: self.contacts || other.contacts,
            services: self.services || other.services,
        }
    }

    /// How many requests it takes to read them: services come with their elements and contracts.
    pub(super) fn requests(self) -> u32 {
        u32::from(self.teams) + u32::from(self.contacts) + 3 * u32::from(self.services)
    }
}

/// Those that were needed.
#[derive(Debug, Default)]
pub(super) struct OrgLists {
    pub(super) teams: Option<Reading<Vec<Team>>>,
    pub(super) contacts: Option<Reading<Vec<Person>>>,
    pub(super) services: Option<Reading<Vec<Service>>>,
}

impl OrgLists {
    pub(super) async fn read(
        catalog: &Catalog,
        org: &OrgId,
        needs: Needs,
        freshness: Freshness,
    ) -> Result<Self, DeskError> {
        let teams = needs.teams.then(|| catalog.teams(org).get(freshness));
        let contacts = needs.contacts.then(|| catalog.contacts(org).get(freshness));
        let services = needs.services.then(|| catalog.services(org).get(freshness));
        let (teams, contacts, services) = tokio::join!(
            OptionFuture::from(teams),
            OptionFuture::from(contacts),
            OptionFuture::from(services)
        );
        Ok(Self {
            teams: teams.transpose()?,
            contacts: contacts.transpose()?,
            services: services.transpose()?,
        })
    }

    /// Whether one of them is so old that what is not found in it may be there by now.
    pub(super) fn may_lack(&self, catalog: &Catalog) -> bool {
        let Self { teams, contacts, services } = self;
        teams.as_ref().is_some_and(|list| catalog.may_lack(list))
            || contacts.as_ref().is_some_and(|list| catalog.may_lack(list))
            || services.as_ref().is_some_and(|list| catalog.may_lack(list))
    }
}
