//! The board: every control with a ticket, and those that have one on its way.

pub(in crate::web) mod detail;

use axum::{extract::State, response::Response};
use minijinja::{Value, context};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{page::Page, plots, templates::value, texts::text};
use crate::{
    board::Hurry,
    desk::DeskName,
    web::{
        Addresses,
        addresses::encoded,
        api::board::{BoardAnswer, BoardParams, BoardView},
        parameters::Params,
        problem::ApiError,
    },
};

/// Tickets of a page.
const SHOWN: usize = 50;

/// The groups that one chooses between, the first unless one does.
const GROUPS: [&str; 5] = ["open", "resolved", "closed", "gone", "all"];

/// The filters that are said above the list, where each can be taken off.
const SAID: [&str; 4] = ["team", "agent", "mine", "instance"];

#[derive(Clone, Deserialize, JsonSchema)]
pub(in crate::web) struct PageParams {
    instance: Option<String>,
    company: Option<String>,
    desk: Option<String>,
    q: Option<String>,
    group: Option<String>,
    priority: Option<String>,
    team: Option<String>,
    agent: Option<String>,
    mine: Option<String>,
    sort: Option<String>,
    cursor: Option<String>,
    before: Option<String>,
}

impl PageParams {
    /// What of it is asked of the board: a form sends what was not filled in, too.
    fn asked(self) -> Result<BoardParams, ApiError> {
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let desk = said(self.desk).map(|code| {
            DeskName::parse(&code).ok_or_else(|| {
                ApiError::BadParameter(format!("There is no ticket system '{code}'."))
            })
        });
        Ok(BoardParams {
            desk: desk.transpose()?,
            instance: said(self.instance),
            company: said(self.company),
            q: said(self.q),
            group: said(self.group).or_else(|| Some(GROUPS[0].to_owned())),
            priority: said(self.priority),
            team: said(self.team),
            agent: said(self.agent),
            mine: said(self.mine),
            sort: said(self.sort),
            cursor: said(self.cursor),
            before: said(self.before),
            limit: Some(SHOWN),
            count: Some(true),
            pending: Some(true),
            details: Some(true),
            ..BoardParams::default()
        })
    }
}

/// `GET /`
pub(in crate::web) async fn page(
    page: Page,
    State(view): State<BoardView>,
    Params(params): Params<PageParams>,
) -> Result<Response, ApiError> {
    let asked = params.asked()?;
    let answer = view.search(&page.caller, &asked, Hurry::Yes).await?;
    let visible = page.caller.narrowed_to(None)?;
    let summary = view.summary(&visible).await?;
    let companies = view.store.companies_of_board(&visible).await?;
    let companies: Vec<_> = companies
        .into_iter()
        .map(|company| context! { key => company.key, name => company.name })
        .collect();
    let counts: Vec<_> = summary.hours.iter().map(|hour| hour.tickets).collect();
    let label = text(page.language, "tickets.plot").unwrap_or_default();
    let bars = Value::from_safe_string(plots::bars(&counts, label));
    let is_narrowed = [&asked.q, &asked.company, &asked.priority, &asked.team, &asked.agent]
        .into_iter()
        .chain([&asked.mine, &asked.instance])
        .any(Option::is_some)
        || asked.desk.is_some();
    let said: Vec<_> = [&asked.team, &asked.agent, &asked.mine, &asked.instance]
        .into_iter()
        .zip(SAID)
        .filter_map(|(value, name)| value.as_ref().map(|value| context! { name, value }))
        .collect();
    let rows = rows(&answer, &view.addresses);
    let shown = answer.items.iter().filter(|item| !item["ticket"].is_null()).count();
    let values = context! {
        rows => value(&rows),
        summary => value(&summary),
        needs => summary.waiting + summary.failed,
        bars,
        companies,
        groups => GROUPS,
        group => asked.group,
        q => asked.q, company => asked.company, desk => asked.desk.map(DeskName::code), priority => asked.priority, sort => asked.sort,
        is_narrowed,
        said,
        total => answer.total,
        first => answer.first,
        last => answer.first.map(|first| first + shown as u64 - 1),
        next => answer.next, prev => answer.prev,
        as_of => answer.as_of.map(|at| at.to_string()),
        is_old => answer.stale,
        example => example(&view.addresses),
    };
    page.render("tickets/page.html", values).await
}

/// What the template shows of each row: the row itself, where it leads to, and in which word.
fn rows(answer: &BoardAnswer, addresses: &Addresses) -> Vec<serde_json::Value> {
    let rows = answer.items.iter().map(|item| {
        let mut row = item.clone();
        row["address"] = json!(address(item, addresses));
        row
    });
    rows.collect()
}

/// Where all of a control is told.
fn address(item: &serde_json::Value, addresses: &Addresses) -> String {
    let text = |value: &serde_json::Value| encoded(value.as_str().unwrap_or_default()).to_string();
    let (instance, control) = (text(&item["instance"]), text(&item["control"]["id"]));
    addresses.path(format_args!("/tickets/detail?instance={instance}&control={control}"))
}

/// The line by which a first acknowledgement can be posted.
fn example(addresses: &Addresses) -> String {
    let event = json!({
        "event_id": "first", "company": {"id": 42, "name": "Demo"},
        "equipment": {"name": "Server4"},
        "control": {"id": "svc-48213", "element_type": "service", "name": "Disk C:",
                    "state": "CRITICAL"},
        "acknowledgement": {"author": "jdupont", "comment": "Purge in progress"},
    });
    let address = addresses.whole("/api/v1/acknowledgements");
    format!("curl {address} -H 'Content-Type: application/json' -d '{event}'")
}
