//! What must hold of the objects that a ticket refers to, at the moment of the write.
//!
//! iTop accepts a contact, team, service or CI of any company, and a list may have been read some
//! minutes ago. But an external key may be given as a query, which iTop evaluates while it handles
//! the write (ITOP.md, "What must hold can stand in the write"). So each key is sent as the very
//! query by which its list is read, narrowed to the one object.

use std::fmt::Write as _;

use super::{ListQueries, TicketModel, keys::number, oql};
use crate::domain::{
    keys::OrgId,
    marker::Marker,
    new_ticket::{Chosen, Refs},
};

/// How far below the highest id that was seen a new ticket may get its own: ids of clusters need
/// not grow in order.
pub const IDS_OUT_OF_ORDER: u64 = 1_000;

/// The queries that are sent as external keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    queries: ListQueries,
    /// Which of them teams come from.
    any_team: bool,
}

/// The condition that no ticket carries a marker yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unless<'a> {
    /// The attribute that keeps it.
    pub field: &'a str,
    /// The marker.
    pub marker: &'a Marker,
    /// The highest ticket id that was seen before the first attempt.
    pub floor: u64,
}

impl Conditions {
    /// The conditions of lists that are read by these queries; `any_team` where all teams may take
    /// the tickets of all companies.
    #[must_use]
    pub fn new(queries: ListQueries, any_team: bool) -> Self {
        Self { queries, any_team }
    }

    /// The company, if it is still there, and if none of its tickets carries the marker yet.
    pub(super) fn company(&self, org: &OrgId, unless: Option<Unless<'_>>) -> String {
        oql::narrowed("Organization", &self.queries.companies, |alias| {
            let mut condition = format!("{alias}.id = {}", number(org.as_str()));
            if let Some(Unless { field, marker, floor }) = unless {
                let above = floor.saturating_sub(IDS_OUT_OF_ORDER);
                let marked = format!("marked.id > {above} AND marked.{field} LIKE '%{marker}%'");
                let marked = oql::organizations_of_tickets(&marked);
                let _ = write!(condition, " AND {alias}.id NOT IN ({marked})");
            }
            condition
        })
    }

    pub(super) fn team(&self, org: &OrgId, team: &Chosen) -> String {
        let query = if self.any_team { &self.queries.all_teams } else { &self.queries.teams };
        oql::narrowed("Team", &bound(query, org), |alias| is(alias, team, "name"))
    }

    pub(super) fn contact(&self, org: &OrgId, contact: &Chosen) -> String {
        oql::narrowed("Person", &bound(&self.queries.contacts, org), |alias| {
            is(alias, contact, "friendlyname")
        })
    }

    pub(super) fn service(&self, org: &OrgId, service: &Chosen) -> String {
        oql::narrowed("Service", &bound(&self.queries.services, org), |alias| {
            format!("{} AND {}", not_obsolete(alias), is(alias, service, "name"))
        })
    }

    /// The element, of that service if it is known which, and of the type that fits the ticket.
    pub(super) fn service_element(
        &self,
        org: &OrgId,
        refs: &Refs,
        element: &Chosen,
        model: &TicketModel,
    ) -> String {
        let query = bound(&self.queries.service_elements, org);
        oql::narrowed("ServiceSubcategory", &query, |alias| {
            let mut condition = format!(
                "{alias}.request_type = '{}' AND {} AND {}",
                model.request_type,
                not_obsolete(alias),
                is(alias, element, "name")
            );
            match &refs.service {
                Some(Chosen::Key { id, .. }) => {
                    let _ = write!(condition, " AND {alias}.service_id = {}", number(id.as_str()));
                }
                // A query inside, for the service, would have the aliases of this one.
                Some(service) => {
                    let _ = write!(
                        condition,
                        " AND {alias}.service_name = {}",
                        oql::quote(service.name())
                    );
                }
                None => {}
            }
            condition
        })
    }

    pub(super) fn ci(&self, org: &OrgId, ci: &Chosen) -> String {
        oql::narrowed("FunctionalCI", &bound(&self.queries.cis, org), |alias| is(alias, ci, "name"))
    }
}

/// That an object is the chosen one.
fn is(alias: &str, chosen: &Chosen, name: &str) -> String {
    match chosen {
        Chosen::Key { id, .. } => format!("{alias}.id = {}", number(id.as_str())),
        Chosen::Name(text) => format!("{alias}.{name} = {}", oql::quote(text)),
        Chosen::Email(text) => format!("{alias}.email = {}", oql::quote(text)),
    }
}

/// That a service or an element is not retired; one without a status is not (a comparison with
/// nothing is never true).
fn not_obsolete(alias: &str) -> String {
    format!("({alias}.status != 'obsolete' OR ISNULL({alias}.status))")
}

/// A query of a company's list.
pub(super) fn bound(query: &str, org: &OrgId) -> String {
    query.replace(":org", &number(org.as_str()).to_string())
}
