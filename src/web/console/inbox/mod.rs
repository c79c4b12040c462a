//! The inbox: what needs somebody, what is on its way, and what has ended.

mod one;
mod rows;
pub(super) mod says;

pub(in crate::web) use one::one;

use axum::{extract::State, response::Response};
use minijinja::context;
use serde::Serialize;

use super::{page::Page, templates::value};
use crate::{
    config::Scope,
    domain::inbox_group::Group,
    store::CauseGroup,
    web::{
        AppState,
        api::acknowledgements::list::{ListParams, Listed, narrowed},
        parameters::Params,
        problem::ApiError,
    },
};
use rows::Shown;

/// Rows on a page.
const ROWS: usize = 50;

/// Causes that are offered; others are among the rows.
const CAUSES: usize = 6;

/// `GET /inbox`
pub(in crate::web) async fn page(
    page: Page,
    State(state): State<AppState>,
    Params(mut asked): Params<ListParams>,
) -> Result<Response, ApiError> {
    let group = asked.group.get_or_insert_with(|| Group::Needs.as_str().to_owned()).clone();
    asked.limit.get_or_insert(ROWS);
    // The form says of what it narrows to nothing that it is empty.
    asked.desk.take_if(|desk| desk.is_empty());
    (asked.count, asked.event) = (Some(true), Some(true));
    let listed =
        Listed::of(&page.caller, &state.store, &state.delivery, &state.desks, &asked).await?;
    let causes = causes(&page, &state, &asked).await?;
    let shown = Shown::of(&page, &state, &listed.rows).await?;
    let rows = shown.rows(listed.rows.iter().map(|row| (row, listed.events.get(&row.id))));
    let counts = Group::ALL.map(|group| {
        let count = listed.counted.as_ref().map_or(0, |counted| counted.of(group));
        Tab { name: group.as_str(), count }
    });
    let without_ticket = counts[0].count + counts[1].count;
    let chosen = causes.iter().find(|cause| cause.is_chosen);
    page.render(
        "inbox/page.html",
        context! {
            rows => value(&rows),
            tabs => value(&counts),
            causes => value(&causes),
            cause => chosen.map(value),
            without_ticket,
            group,
            desk => asked.desk.as_deref().unwrap_or_default(),
            q => asked.q.as_deref().unwrap_or_default(),
            is_narrowed => is_narrowed(&asked),
            total => listed.counted.as_ref().and_then(|counted| counted.total),
            first => asked.cursor.is_some(),
            next => listed.next,
            is_cut => listed.is_cut.unwrap_or_default(),
            may_operate => page.may(Scope::Operate),
        },
    )
    .await
}

/// Whether less than a whole group is asked for.
fn is_narrowed(asked: &ListParams) -> bool {
    let words = asked.q.as_deref().is_some_and(|words| !words.trim().is_empty());
    words
        || [
            &asked.state,
            &asked.instance,
            &asked.company,
            &asked.control,
            &asked.desk,
            &asked.cause,
        ]
        .into_iter()
        .any(Option::is_some)
}

#[derive(Serialize)]
struct Tab {
    name: &'static str,
    count: u64,
}

/// A cause as it is offered.
#[derive(Serialize)]
struct Offered {
    /// The company or the sentence that tells it from others of its code.
    name: String,
    state: &'static str,
    count: u64,
    can_be_retried: u64,
    is_chosen: bool,
    code: String,
    message: Option<String>,
    instance: Option<String>,
    company: Option<String>,
    /// What bulk calls take.
    body: String,
}

/// The causes that several rows have, those with most first, and the one that is asked for.
async fn causes(
    page: &Page,
    state: &AppState,
    asked: &ListParams,
) -> Result<Vec<Offered>, ApiError> {
    if asked.group.as_deref() != Some(Group::Needs.as_str()) {
        return Ok(Vec::new());
    }
    let visible = narrowed(&page.caller, None, None)?;
    let causes = state.store.causes(&visible).await?;
    let offered = causes.iter().map(|cause| offered(cause, asked)).enumerate();
    // One row alone is among the rows.
    let offered =
        offered.filter(|(place, cause)| (*place < CAUSES && cause.count > 1) || cause.is_chosen);
    Ok(offered.map(|(_, cause)| cause).collect())
}

fn offered(group: &CauseGroup, asked: &ListParams) -> Offered {
    let CauseGroup { cause, company, count, can_be_retried, sample, .. } = group;
    let (instance, key) = match company {
        Some((instance, key, _)) => (Some(instance.clone()), Some(key.clone())),
        None => (None, None),
    };
    let is_chosen = asked.cause.as_ref() == Some(&cause.code)
        && asked.message == cause.message
        && asked.company == key
        && asked.instance == instance;
    let mut body = serde_json::json!({"code": cause.code});
    for (name, value) in [("message", &cause.message), ("instance", &instance), ("company", &key)] {
        if let Some(value) = value {
            body[name] = value.as_str().into();
        }
    }
    let name = match company {
        Some((_, key, name)) => name.clone().unwrap_or_else(|| key.clone()),
        None => cause.message.clone().unwrap_or_else(|| sample.clone()),
    };
    let state = match company {
        Some(_) => "waits_for_link",
        None if *can_be_retried == 0 => "rejected",
        None => says::of_cause(&cause.code),
    };
    Offered {
        name,
        state,
        count: *count,
        can_be_retried: *can_be_retried,
        is_chosen,
        code: cause.code.clone(),
        message: cause.message.clone(),
        instance,
        company: key,
        body: body.to_string(),
    }
}
