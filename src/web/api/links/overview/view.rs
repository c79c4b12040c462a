//! How companies and sites look in the overview.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    company_link::{LinkKey, Named},
    desk_name::DeskName,
    keys::{OrgId, PartyKey},
    names,
};

/// Which companies to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum Group {
    /// All.
    #[default]
    All,
    /// Those without a link.
    Unlinked,
    /// Companies and sites that get no tickets.
    Off,
}

/// An organization and where it stands in the tree of its ticket system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::web) struct PlacedOrganization {
    pub(in crate::web) id: OrgId,
    pub(in crate::web) name: String,
    /// The names of those above it, the highest first; empty where they are not known.
    pub(in crate::web) path: Vec<String>,
}

/// A link in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(in crate::web) struct LinkInForce {
    /// Where its tickets go; without it to iTop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) desk: Option<DeskName>,
    pub(in crate::web) organization: PlacedOrganization,
    pub(in crate::web) tickets: bool,
    pub(in crate::web) team: Option<Named>,
    pub(in crate::web) contact: Option<Named>,
    pub(in crate::web) service: Option<Named>,
    pub(in crate::web) service_element: Option<Named>,
    pub(in crate::web) updated_at: Timestamp,
    /// Who has put it; `None` where it has made itself.
    pub(in crate::web) updated_by: Option<String>,
    /// What its `ETag` has.
    pub(in crate::web) version: String,
}

/// A company, or a site of one.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(in crate::web) struct CompanyView {
    pub(in crate::web) instance: String,
    /// `id:…` or `name:…`.
    pub(in crate::web) company: String,
    pub(in crate::web) site: Option<String>,
    /// What ServiceNav calls it, if that is known.
    pub(in crate::web) name: Option<String>,
    /// What the company of a site is called.
    pub(in crate::web) company_name: Option<String>,
    /// When something of it was last received, to the day.
    pub(in crate::web) seen_at: Option<Timestamp>,
    /// How many of its acknowledgements wait for a link.
    pub(in crate::web) waiting: u64,
    /// Since when.
    pub(in crate::web) since: Option<Timestamp>,
    /// What applies to it, its own or its company's.
    pub(in crate::web) link: Option<LinkInForce>,
    /// Whether that is its company's.
    pub(in crate::web) inherited: bool,
    /// How many of its sites were seen or are linked, and how many have a link of their own.
    pub(in crate::web) sites: usize,
    pub(in crate::web) linked_sites: usize,
    /// The one organization whose name or code is its name.
    pub(in crate::web) suggestion: Option<PlacedOrganization>,
}

/// How many there are, whatever is searched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::web) struct OverviewCounts {
    pub(in crate::web) companies: usize,
    pub(in crate::web) linked: usize,
    pub(in crate::web) unlinked: usize,
    /// Companies and sites with a link of their own that has tickets off.
    pub(in crate::web) off: usize,
    /// Acknowledgements that wait for a link.
    pub(in crate::web) waiting: u64,
    /// Companies without a link for which there is one exact match.
    pub(in crate::web) matches: usize,
}

/// A page of the overview.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(in crate::web) struct Overview {
    pub(in crate::web) items: Vec<CompanyView>,
    pub(in crate::web) counts: OverviewCounts,
    /// Where the next page begins.
    pub(in crate::web) next: Option<usize>,
    /// How many fit what is searched for.
    pub(in crate::web) found: usize,
    /// When iTop gave the organizations that are suggested; `None` where it has given none.
    pub(in crate::web) as_of: Option<Timestamp>,
}

impl CompanyView {
    /// Whose link it would be.
    pub(in crate::web::api::links) fn key(&self) -> Option<LinkKey> {
        let site = self.site.as_deref().map(str::parse::<PartyKey>).transpose().ok()?;
        let (instance, company) = (self.instance.parse().ok()?, self.company.parse().ok()?);
        Some(LinkKey { instance, company, site })
    }

    fn has_own_link(&self) -> bool {
        self.link.is_some() && !self.inherited
    }
}

pub(in crate::web::api::links) fn count(companies: &[Vec<CompanyView>]) -> OverviewCounts {
    let mut counts = OverviewCounts { companies: companies.len(), ..OverviewCounts::default() };
    for views in companies {
        let company = &views[0];
        if company.link.is_some() {
            counts.linked += 1;
        } else {
            counts.unlinked += 1;
        }
        counts.waiting += company.waiting;
        counts.matches += usize::from(company.suggestion.is_some());
        let is_off = |view: &&CompanyView| view.has_own_link() && is_of(view, Group::Off);
        counts.off += views.iter().filter(is_off).count();
    }
    counts
}

pub(in crate::web::api::links) fn is_of(view: &CompanyView, group: Group) -> bool {
    match group {
        Group::All => true,
        Group::Unlinked => view.link.is_none(),
        Group::Off => view.link.as_ref().is_some_and(|link| !link.tickets),
    }
}

/// Whether what somebody has typed stands in a name or key; `wanted` is its one spelling.
pub(in crate::web::api::links) fn fits(view: &CompanyView, wanted: &str) -> bool {
    let link = view.link.as_ref().filter(|_| !view.inherited);
    let texts = [
        view.name.as_deref(),
        Some(view.site.as_deref().unwrap_or(&view.company)),
        link.map(|link| link.organization.name.as_str()),
        link.and_then(|link| link.team.as_ref()).map(|team| team.name.as_str()),
    ];
    texts.into_iter().flatten().any(|text| names::spelling(text).contains(wanted))
}
