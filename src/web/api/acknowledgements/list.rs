//! The list of the inbox: by group, state, control, company and cause, and searched.

use std::collections::HashMap;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::parsed;
use crate::{
    delivery::Delivery,
    desk::{DeskName, Desks},
    domain::{
        acknowledgement::Glance,
        delivery_state::State as RowState,
        inbox_group::{Cause, Group},
        keys::{ControlId, Instance, PartyKey},
        visible::Visible,
        wanted_words::WantedWords,
    },
    store::{Counts, InboxFilter, InboxRow, Store, WantedDesk},
    web::{
        Addresses,
        api::links::party_key,
        auth::{Caller, Reader},
        listing::{DEFAULT_LIMIT, MAX_LIMIT, limit},
        parameters::Params,
        problem::ApiError,
        view::{self, AcknowledgementView},
    },
};

/// Rows in an answer at most that is to tell of the events, too: their bodies are read for it.
const MAX_EVENTS: usize = 100;

/// The longest text that is searched for, in characters.
const MAX_WORDS: usize = 200;

/// What a list is asked for.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(in crate::web) struct ListParams {
    /// What rows want of whoever looks: `needs` somebody, under `way`, or `ended`.
    #[schemars(extend("enum" = ["needs", "way", "ended"]))]
    pub(in crate::web) group: Option<String>,
    /// A state of rows.
    #[schemars(with = "Option<RowState>")]
    pub(in crate::web) state: Option<String>,
    pub(in crate::web) instance: Option<String>,
    pub(in crate::web) company: Option<String>,
    pub(in crate::web) control: Option<String>,
    /// A ticket system: that of a row's ticket, else that of its company.
    #[schemars(with = "Option<DeskName>")]
    pub(in crate::web) desk: Option<String>,
    /// The code of a problem.
    pub(in crate::web) cause: Option<String>,
    /// The sentence of that problem, to the letter.
    pub(in crate::web) message: Option<String>,
    /// Words to search for.
    #[schemars(length(max = 200))]
    pub(in crate::web) q: Option<String>,
    pub(in crate::web) cursor: Option<i64>,
    /// At most 1,000, with `event` 100; 100 unless it says otherwise.
    #[schemars(range(min = 1, max = 1_000))]
    pub(in crate::web) limit: Option<usize>,
    /// Whether rows are counted, too.
    pub(in crate::web) count: Option<bool>,
    /// Whether it is told what people recognise each event by.
    pub(in crate::web) event: Option<bool>,
}

/// A page of the inbox, for the API and for people.
pub(in crate::web) struct Listed {
    /// The rows as people read them.
    pub(in crate::web) rows: Vec<InboxRow>,
    /// What stands in their events, if that was asked for.
    pub(in crate::web) events: HashMap<i64, Glance>,
    /// Where the next page begins.
    pub(in crate::web) next: Option<i64>,
    /// Whether a search has looked at a part of the rows only; `None` where nothing was searched for.
    pub(in crate::web) is_cut: Option<bool>,
    /// How many rows there are, if that was asked for.
    pub(in crate::web) counted: Option<Counted>,
}

/// How many rows are seen.
pub(in crate::web) struct Counted {
    /// Of the instance and the company that were asked for, by state.
    pub(in crate::web) counts: Counts,
    /// With all filters; `None` for a search, which would have to look at all of them.
    pub(in crate::web) total: Option<u64>,
}

impl Counted {
    /// How many rows are in a group.
    pub(in crate::web) fn of(&self, group: Group) -> u64 {
        group.states().map(|state| self.counts.of(state)).sum()
    }
}

impl Listed {
    /// A page of what the caller sees.
    pub(in crate::web) async fn of(
        caller: &Caller,
        store: &Store,
        delivery: &Delivery,
        desks: &Desks,
        params: &ListParams,
    ) -> Result<Self, ApiError> {
        let filter = filter(caller, desks, params)?;
        let tells_events = params.event == Some(true);
        if tells_events && filter.limit > MAX_EVENTS {
            return Err(ApiError::BadParameter(format!(
                "With 'event' the limit may be {MAX_EVENTS} at most, not {}.",
                filter.limit
            )));
        }
        let counted = match params.count {
            Some(true) => Some(counted(store, &filter).await?),
            _ => None,
        };
        let is_search = filter.is_search();
        let page = store.inbox_page(filter).await?;
        let ids = page.rows.iter().map(|row| row.id).collect();
        let events = if tells_events { store.glances(ids).await? } else { HashMap::new() };
        let rows = page.rows.into_iter().map(|row| delivery.with_reason(row)).collect();
        let is_cut = is_search.then_some(page.is_cut);
        Ok(Self { rows, events, next: page.next, is_cut, counted })
    }
}

/// What a list is narrowed to.
fn filter(caller: &Caller, desks: &Desks, params: &ListParams) -> Result<InboxFilter, ApiError> {
    let state = params.state.as_deref().map(parse_state).transpose()?;
    let group = params.group.as_deref().map(parse_group).transpose()?;
    let limit = limit(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let company = params.company.as_deref().map(party_key).transpose()?;
    let visible = narrowed(caller, params.instance.clone(), company.as_ref())?;
    let control: Option<ControlId> = parsed("control", params.control.clone())?;
    let message = params.message.clone();
    let cause = match (&params.cause, message) {
        (Some(code), message) => Some(Cause { code: code.clone(), message }),
        (None, None) => None,
        (None, Some(_)) => {
            let detail = "'message' narrows a 'cause', which is missing.".to_owned();
            return Err(ApiError::BadParameter(detail));
        }
    };
    let typed = params.q.as_deref().unwrap_or_default();
    if typed.chars().count() > MAX_WORDS {
        let detail = format!("'q' may have at most {MAX_WORDS} characters.");
        return Err(ApiError::BadParameter(detail));
    }
    let (words, before) = (WantedWords::of(typed), params.cursor);
    let desk = params.desk.as_deref().map(parse_desk).transpose()?;
    let desk = desk.map(|desk| WantedDesk { desk, default: desks.default().name() });
    Ok(InboxFilter { visible, state, group, cause, words, desk, control, before, limit })
}

/// What the caller sees of an instance and a company.
pub(in crate::web) fn narrowed(
    caller: &Caller,
    instance: Option<String>,
    company: Option<&PartyKey>,
) -> Result<Visible, ApiError> {
    let named: Option<Instance> = parsed("instance", instance)?;
    let visible = caller.narrowed_to(named.as_ref())?;
    Ok(match company {
        Some(company) => visible.of_company(company),
        None => visible,
    })
}

async fn counted(store: &Store, filter: &InboxFilter) -> Result<Counted, ApiError> {
    let counts = store.counts(&filter.visible);
    let total = if filter.is_search() {
        None
    } else if filter.control.is_some() || filter.cause.is_some() {
        let all = InboxFilter { before: None, ..filter.clone() };
        Some(store.count_acknowledgements(all).await?)
    } else {
        let is_asked_for = |state: &RowState| {
            filter.state.is_none_or(|asked| asked == *state)
                && filter.group.is_none_or(|asked| asked == Group::of(*state))
        };
        let states = RowState::ALL.into_iter().filter(is_asked_for);
        Some(states.map(|state| counts.of(state)).sum())
    };
    Ok(Counted { counts, total })
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InboxItem")]
pub(in crate::web) struct Item<'r> {
    #[serde(flatten)]
    row: AcknowledgementView<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'r Glance>,
}

/// `GET /api/v1/acknowledgements`: newest first.
pub(in crate::web) async fn list(
    Reader(caller): Reader,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
    State(desks): State<Desks>,
    State(addresses): State<Addresses>,
    Params(params): Params<ListParams>,
) -> Result<Json<Value>, ApiError> {
    let listed = Listed::of(&caller, &store, &delivery, &desks, &params).await?;
    let item = |row| Item {
        row: view::acknowledgement(row, &addresses),
        event: listed.events.get(&row.id),
    };
    let items: Vec<_> = listed.rows.iter().map(item).collect();
    let mut answer = json!({"items": items, "next": listed.next.map(|next| next.to_string())});
    if let Some(is_cut) = listed.is_cut {
        answer["cut"] = json!(is_cut);
    }
    if let Some(counted) = &listed.counted {
        let of_groups =
            Group::ALL.iter().map(|group| (group.as_str().to_owned(), json!(counted.of(*group))));
        answer["counts"] = Value::Object(of_groups.collect::<Map<_, _>>());
        answer["total"] = json!(counted.total);
    }
    Ok(Json(answer))
}

fn parse_state(text: &str) -> Result<RowState, ApiError> {
    RowState::parse(text).ok_or_else(|| {
        let known: Vec<_> = RowState::ALL.iter().map(|state| state.as_str()).collect();
        ApiError::BadParameter(format!("'state' must be one of {}.", known.join(", ")))
    })
}

fn parse_desk(text: &str) -> Result<DeskName, ApiError> {
    DeskName::parse(text).ok_or_else(|| {
        let known = DeskName::ALL.map(DeskName::code);
        ApiError::BadParameter(format!("'desk' must be one of {}.", known.join(", ")))
    })
}

fn parse_group(text: &str) -> Result<Group, ApiError> {
    Group::parse(text).ok_or_else(|| {
        let known: Vec<_> = Group::ALL.iter().map(|group| group.as_str()).collect();
        ApiError::BadParameter(format!("'group' must be one of {}.", known.join(", ")))
    })
}
