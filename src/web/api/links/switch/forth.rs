//! Companies move: each link is checked as if somebody put it, each Case is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use serde_json_borrow::Value as Borrowed;

use super::{
    super::{asked, many, view},
    TO, made, quiet,
};
use crate::{
    desk::Served,
    domain::{
        body::FieldError,
        company_link::{CompanyLink, LinkKey},
        keys::{TicketId, TicketKey},
        ticket_status::TicketStatus,
    },
    lifecycle::to_its_end,
    link_check::{LinkItem, check_many},
    salesforce::is_same,
    store::{LinkChange, NewTicketOf},
    web::{
        AppState,
        auth::{Known, Overseer},
        body::{ListBody, read},
        description::Link,
        parameters::{NoParams, Params},
        problem::ApiError,
    },
};

/// What is to move.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'t> {
    /// All links of each company that moves, as they are to be.
    #[serde(default, borrow)]
    items: Vec<&'t RawValue>,
    /// Tickets of controls, with the Cases that they have become.
    #[serde(default)]
    tickets: Vec<AskedTicket>,
    /// Only tell what would move.
    #[serde(default)]
    dry_run: bool,
}

/// A ticket of a control, and the Case that it has become.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SwitchAskedTicket")]
pub(in crate::web) struct AskedTicket {
    instance: String,
    control: String,
    /// Of the ticket in iTop.
    class: String,
    /// Of the ticket in iTop.
    id: String,
    /// The id of the Case.
    case: String,
    /// The id of the Account that has become of the ticket's organization.
    account: String,
}

/// What has moved, or would.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Switched")]
pub(in crate::web) struct Report {
    dry_run: bool,
    /// How many links.
    moved_links: u64,
    /// How many controls have a Case now.
    moved_controls: u64,
    /// The links of companies that move.
    #[schemars(with = "Vec<Link>")]
    links: Vec<Value>,
    /// What links have lost because Salesforce does not have it.
    without: Vec<Without>,
    /// Companies that stay where they are.
    companies_left: Vec<CompanyLeft>,
    /// Controls that keep the tickets that they have.
    controls_left: Vec<ControlLeft>,
}

/// A part of a link that Salesforce does not have.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchWithout")]
struct Without {
    instance: String,
    company: String,
    site: Option<String>,
    /// `team`, `contact`, `service` or `service_element`.
    member: String,
    why: String,
}

/// A company that stays where it is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchCompanyLeft")]
struct CompanyLeft {
    instance: String,
    company: String,
    why: String,
}

/// A control that keeps its ticket.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchControlLeft")]
struct ControlLeft {
    instance: String,
    control: String,
    class: String,
    id: String,
    why: String,
}

impl ControlLeft {
    fn of(ticket: &AskedTicket, why: &str) -> Self {
        Self {
            instance: ticket.instance.clone(),
            control: ticket.control.clone(),
            class: ticket.class.clone(),
            id: ticket.id.clone(),
            why: why.to_owned(),
        }
    }
}

/// `POST /api/v1/switch`
pub(in crate::web) async fn switch(
    Overseer: Overseer,
    Known { caller, .. }: Known,
    State(state): State<AppState>,
    Params(NoParams {}): Params<NoParams>,
    ListBody(body): ListBody,
) -> Result<Json<Report>, ApiError> {
    let asked: Asked<'_> = read(body.text())?;
    let reader = asked::Reader::new(&caller, None)?;
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    for (at, item) in asked.items.iter().enumerate() {
        let item: Borrowed<'_> = read(item.get())?;
        match reader.item(at, &item).item {
            Ok(item) => items.push(item),
            Err(found) => errors.extend(found.iter().map(|error| many::in_item(at, error))),
        }
    }
    if !errors.is_empty() {
        let detail = "Some links are not what a link can be; nothing was moved.".to_owned();
        return Err(ApiError::InvalidMany { detail, errors });
    }
    let (tickets, dry_run, by) = (asked.tickets, asked.dry_run, caller.name.clone());
    to_its_end(async move { moved(&state, items, tickets, &by, dry_run).await }).await.map(Json)
}

async fn moved(
    state: &AppState,
    items: Vec<LinkItem>,
    tickets: Vec<AskedTicket>,
    by: &str,
    dry_run: bool,
) -> Result<Report, ApiError> {
    let served = state.desks.of(TO).ok_or_else(|| {
        ApiError::NotFound(
            "This bridge serves no Salesforce: it has no section [salesforce].".to_owned(),
        )
    })?;
    let _quiet = quiet(state, dry_run).await?;
    let Checked { links, without, mut companies_left } = checked(state, items).await?;
    let as_of = state.clock.at_latest();
    let cases = read_cases(served, &tickets).await?;
    let (mut given, mut asked, mut controls_left) = (Vec::new(), Vec::new(), Vec::new());
    for ticket in &tickets {
        match case_of(&cases, ticket) {
            Ok(to) => {
                let (class, id) = (ticket.class.clone(), TicketId::new(ticket.id.clone()));
                let (instance, control) = (ticket.instance.clone(), ticket.control.clone());
                given.push(NewTicketOf { instance, control, from: TicketKey { class, id }, to });
                asked.push(ticket);
            }
            Err(why) => controls_left.push(ControlLeft::of(ticket, why)),
        }
    }
    let shown: Vec<_> = links.iter().map(|link| (link.key.clone(), view(link))).collect();
    let switched = state.store.switch(links, given, (TO, as_of), by, dry_run).await?;
    let switched = made(switched)?;
    for (instance, company) in &switched.changed {
        companies_left.push(CompanyLeft {
            instance: instance.clone(),
            company: company.clone(),
            why: "Its links are others by now.".to_owned(),
        });
    }
    for place in &switched.left {
        let why = "It has another ticket by now, or its company does not move.";
        controls_left.extend(asked.get(*place).map(|ticket| ControlLeft::of(ticket, why)));
    }
    let moves = |key: &LinkKey| {
        let company = (key.instance.to_string(), key.company.to_string());
        !switched.changed.contains(&company)
    };
    if !dry_run {
        let (links, controls) = (switched.links, switched.controls);
        tracing::warn!(by, links, controls, "companies have moved to {}", TO.title());
    }
    Ok(Report {
        dry_run,
        moved_links: switched.links,
        moved_controls: switched.controls,
        links: shown.into_iter().filter(|(key, _)| moves(key)).map(|(_, view)| view).collect(),
        without,
        companies_left,
        controls_left,
    })
}

/// The links as they can be, by what Salesforce has.
struct Checked {
    links: Vec<CompanyLink>,
    without: Vec<Without>,
    companies_left: Vec<CompanyLeft>,
}

async fn checked(state: &AppState, items: Vec<LinkItem>) -> Result<Checked, ApiError> {
    let now = state.clock.now();
    let first = check_many(&state.desks, items.clone(), now).await?;
    let mut without = Vec::new();
    // What is taken where an acknowledgement says nothing can be left out; its organization cannot.
    let again = items.into_iter().zip(&first).map(|(mut item, checked)| {
        let errors = checked.as_ref().err().map(Vec::as_slice).unwrap_or_default();
        if let Some(wish) = &mut item.wish
            && wish.leaves_out(errors)
        {
            without.extend(errors.iter().map(|error| without_of(&item.key, error)));
        }
        item
    });
    let again: Vec<_> = again.collect();
    let keys: Vec<_> = again.iter().map(|item| item.key.clone()).collect();
    let last = check_many(&state.desks, again, now).await?;
    let (mut links, mut refused) = (Vec::new(), BTreeMap::new());
    for (key, checked) in keys.into_iter().zip(last) {
        match checked {
            Ok(LinkChange::Put(link)) => links.push(*link),
            Ok(LinkChange::Remove(key)) => {
                refused.entry(company(&key)).or_insert("A link cannot move nowhere.".to_owned());
            }
            Err(errors) => {
                let why: Vec<_> = errors.into_iter().map(|error| error.message).collect();
                refused.entry(company(&key)).or_insert(why.join("; "));
            }
        }
    }
    // A company moves whole.
    links.retain(|link| !refused.contains_key(&company(&link.key)));
    let moving: BTreeSet<_> = links.iter().map(|link| company(&link.key)).collect();
    without.retain(|of: &Without| moving.contains(&(of.instance.clone(), of.company.clone())));
    let left = |((instance, company), why)| CompanyLeft { instance, company, why };
    Ok(Checked { links, without, companies_left: refused.into_iter().map(left).collect() })
}

fn company(key: &LinkKey) -> (String, String) {
    (key.instance.to_string(), key.company.to_string())
}

fn without_of(key: &LinkKey, error: &FieldError) -> Without {
    let member = error.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
    Without {
        instance: key.instance.to_string(),
        company: key.company.to_string(),
        site: key.site.as_ref().map(ToString::to_string),
        member: member.to_owned(),
        why: error.message.clone(),
    }
}

/// The Cases as they are now, by the part of their ids that tells them apart.
async fn read_cases(
    served: &Served,
    tickets: &[AskedTicket],
) -> Result<HashMap<String, TicketStatus>, ApiError> {
    if tickets.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: BTreeSet<_> =
        tickets.iter().map(|ticket| TicketId::new(ticket.case.clone())).collect();
    let class = TO.class().unwrap_or_default();
    let read = served.catalog.desk().statuses(class, ids.iter()).await;
    served.gate.after_read(&read);
    Ok(read?.into_iter().map(|case| (distinct(case.key.id.as_str()).to_owned(), case)).collect())
}

/// What of an id tells it from others: the rest says how its letters are written.
fn distinct(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}

/// The Case of a ticket, if it belongs to what has become of the ticket's organization: nothing of another company
/// comes to a control.
fn case_of(
    cases: &HashMap<String, TicketStatus>,
    ticket: &AskedTicket,
) -> Result<TicketStatus, &'static str> {
    let case = cases.get(distinct(&ticket.case));
    let case = case.ok_or("The user of the bridge does not see its Case.")?;
    if !is_same(case.org.as_str(), &ticket.account) {
        return Err("Its Case belongs to another Account.");
    }
    Ok(case.clone())
}
