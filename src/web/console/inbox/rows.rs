//! How a row of the inbox looks in a page.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet},
};

use serde::Serialize;

use super::says::{Said, said};
use crate::{
    catalog::Reading,
    config::Scope,
    desk::{DeskName, Organization},
    domain::{acknowledgement::Glance, delivery_state::State},
    link_check::Directory,
    store::{CompanyOfInstance, InboxRow, NOT_LINKED, Operation, StoreError},
    web::{
        Addresses, AppState,
        addresses::encoded,
        console::{page::Page, texts::SEVERAL},
    },
};

/// What is known beside the rows to show them.
pub(super) struct Shown {
    addresses: Addresses,
    /// The organizations of iTop, where whoever looks may link companies to them.
    organizations: Option<Reading<Vec<Organization>>>,
    may_link: bool,
    /// Where companies that are not linked belong.
    default_desk: DeskName,
    are_several: bool,
    /// The ticket systems of the companies of the rows, where there is more than one.
    desks: BTreeMap<CompanyOfInstance, DeskName>,
}

/// A row as the template takes it.
#[derive(Serialize)]
pub(super) struct RowView {
    id: i64,
    /// Its ticket system, or `several` where nobody knows it yet.
    desk: &'static str,
    state: &'static str,
    kind: &'static str,
    why: &'static str,
    /// The code of the API, for whoever writes a program.
    code: String,
    /// The bridge's own sentence, where it says more.
    more: Option<String>,
    name: Option<String>,
    /// What it is recognised by, in this order.
    about: Vec<String>,
    reason: Option<String>,
    attempts: u32,
    next_attempt_at: Option<String>,
    received_at: String,
    ticket: Option<Ticket>,
    link: Option<Link>,
    can_be_retried: bool,
    can_be_discarded: bool,
    is_refused: bool,
}

#[derive(Serialize)]
struct Ticket {
    /// What people call its ticket system.
    desk: &'static str,
    number: String,
    url: Option<String>,
}

/// How its company is linked.
#[derive(Serialize)]
struct Link {
    /// Where a link is put.
    api: String,
    /// The page that shows the company.
    page: String,
    /// The name of the company, which the link keeps.
    company: String,
    /// The organization of the same name, if there is exactly one.
    organization: Option<Suggested>,
}

#[derive(Serialize)]
struct Suggested {
    id: String,
    name: String,
}

impl Shown {
    /// For these rows.
    pub(super) async fn of(
        page: &Page,
        state: &AppState,
        rows: impl IntoIterator<Item = &InboxRow>,
    ) -> Result<Self, StoreError> {
        // Whoever chooses the name of its company would be told by suggestions which others there are.
        let may_link = page.may(Scope::Admin) && !page.caller.is_limited_to_companies();
        let organizations =
            if may_link { state.catalog.companies().if_known().await } else { None };
        let desks = if state.desks.are_several() {
            let company = |row: &InboxRow| Some((row.instance.clone(), row.company_key.clone()?));
            let companies: BTreeSet<_> = rows.into_iter().filter_map(company).collect();
            state.store.desks_of_companies(companies.into_iter().collect()).await?
        } else {
            BTreeMap::new()
        };
        Ok(Self {
            addresses: state.addresses.clone(),
            organizations,
            may_link,
            default_desk: state.desks.default().name(),
            are_several: state.desks.are_several(),
            desks,
        })
    }

    /// The ticket system of a row: that of its ticket, else that of its company.
    fn desk(&self, row: &InboxRow) -> Option<DeskName> {
        if let Some((key, _)) = &row.ticket {
            return Some(DeskName::of_class(&key.class));
        }
        if !self.are_several {
            return Some(self.default_desk);
        }
        let company = (row.instance.clone(), row.company_key.clone()?);
        self.desks.get(&company).copied()
    }

    /// The rows, each with what could be read of its event.
    pub(super) fn rows<'r>(
        &self,
        rows: impl Iterator<Item = (&'r InboxRow, Option<&'r Glance>)>,
    ) -> Vec<RowView> {
        // It folds the name of each organization, and most pages have no row that asks for it.
        let directory = LazyCell::new(|| {
            self.organizations.as_ref().map(|reading| Directory::new(&reading.listed.items))
        });
        let suggestion =
            |company: &str| directory.as_ref().and_then(|directory| directory.suggestion(company));
        rows.map(|(row, event)| self.row(row, event, &suggestion)).collect()
    }

    fn row<'o>(
        &self,
        row: &InboxRow,
        event: Option<&Glance>,
        suggestion: &impl Fn(&str) -> Option<&'o Organization>,
    ) -> RowView {
        let problem = row.problem.as_ref();
        let code = problem.map_or("", |problem| problem.code.as_str());
        let Said { state, kind, why, has_more } = said(row.state, code);
        let name = row.control_name.clone().or_else(|| row.control_id.clone());
        let discard = Operation::Discard { reason: String::new() };
        RowView {
            id: row.id,
            desk: self.desk(row).map_or(SEVERAL, DeskName::code),
            state,
            kind,
            why,
            code: match problem {
                Some(problem) => format!("{} · {}", row.state.as_str(), problem.code),
                None => row.state.as_str().to_owned(),
            },
            more: problem.filter(|_| has_more).map(|problem| problem.message.clone()),
            about: about(row, event, name.as_deref()),
            name,
            reason: row.reason.clone().filter(|_| row.state == State::Discarded),
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at.map(|at| at.to_string()),
            received_at: row.received_at.to_string(),
            ticket: row.ticket.as_ref().map(|(key, number)| Ticket {
                desk: DeskName::of_class(&key.class).title(),
                number: number.clone(),
                url: self.addresses.ticket(key),
            }),
            link: self.link(row, suggestion),
            can_be_retried: Operation::Retry.states().contains(&row.state),
            can_be_discarded: discard.states().contains(&row.state),
            is_refused: row.state == State::Rejected,
        }
    }

    fn link<'o>(
        &self,
        row: &InboxRow,
        suggestion: &impl Fn(&str) -> Option<&'o Organization>,
    ) -> Option<Link> {
        let problem = row.problem.as_ref()?;
        if !self.may_link || row.state != State::Blocked || problem.code != NOT_LINKED {
            return None;
        }
        let key = row.company_key.as_deref()?;
        let company = row.company_name.clone().unwrap_or_else(|| key.to_owned());
        let instance = encoded(&row.instance).to_string();
        let key = encoded(key).to_string();
        let organization = suggestion(&company)
            .map(|org| Suggested { id: org.id.to_string(), name: org.name.clone() });
        Some(Link {
            api: format!("/api/v1/links/{key}?instance={instance}"),
            page: self.addresses.path(format_args!("/companies?company={key}&instance={instance}")),
            company,
            organization,
        })
    }
}

/// Equipment, company with its site, state and author, as far as they are known.
fn about(row: &InboxRow, event: Option<&Glance>, name: Option<&str>) -> Vec<String> {
    let nothing = Glance::default();
    let event = event.unwrap_or(&nothing);
    let equipment = event.equipment.clone().filter(|equipment| Some(equipment.as_str()) != name);
    let company = row.company_name.clone().or_else(|| row.company_key.clone());
    let place = match (company, &event.site) {
        (Some(company), Some(site)) => Some(format!("{company} › {site}")),
        (company, site) => company.or_else(|| site.clone()),
    };
    [equipment, place, event.state.clone(), event.author.clone()].into_iter().flatten().collect()
}
