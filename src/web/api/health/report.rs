//! How the bridge is: what whoever is woken looks at first.

use std::{collections::BTreeMap, path::PathBuf};

use axum::{Json, extract::State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{desks, gate, inbox, role::Leads, slow_creates};
use crate::{
    catalog::KnownList,
    clock::elapsed,
    cmdb::{Federated, Federation},
    delivery::Deliveries,
    desk::{DeskName, Desks, Served},
    domain::{
        bucket::{Answers, BUCKET, Bucket},
        delivery_state::State as RowState,
    },
    hooks::HookFigures,
    store::GateChange,
    web::{
        AppState,
        addresses::encoded,
        auth::{Caller, Reader},
        description::{Gate, ReadyDesk, SlowCreate},
        parameters::{NoParams, Params},
    },
};

/// Lists of companies that one answer tells how to read anew, of each kind.
const REFRESHED_AT_ONCE: usize = 50;

/// How the bridge is, as far as the caller may know.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HealthReport")]
pub(in crate::web) struct Report {
    version: &'static str,
    up_since: Timestamp,
    #[serde(flatten)]
    leads: Leads,
    /// That of the ticket system of companies that are not linked; with its mend for those who see all.
    #[schemars(with = "Gate")]
    gate: Value,
    /// Each ticket system, unless iTop is all that is served.
    #[schemars(with = "Option<Vec<ReadyDesk>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    desks: Option<Vec<Value>>,
    /// How many rows have not ended well, by state.
    #[schemars(with = "BTreeMap<String, u64>")]
    inbox: Map<String, Value>,
    /// How many have no ticket yet and will get one.
    waiting: u64,
    oldest_waiting_at: Option<Timestamp>,
    oldest_waiting_seconds: Option<u64>,
    /// How many writes were sent and not answered, and are looked for.
    being_settled: u64,
    database: Database,
    /// For those who see all.
    #[serde(flatten)]
    details: Option<Details>,
}

#[derive(Serialize, JsonSchema)]
struct Database {
    kind: &'static str,
    /// The acknowledgements that are seen.
    acknowledgements: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
}

#[derive(Serialize, JsonSchema)]
struct Details {
    deliveries: Deliveries,
    #[schemars(with = "Vec<SlowCreate>")]
    slow_creates: Value,
    ticket_of_probe: Option<String>,
    /// How long the ticket system of companies that are not linked takes to answer now.
    itop: Option<Answers>,
    lists: Vec<ListReport>,
    /// Who is told of what has happened.
    hooks: Vec<HookFigures>,
    /// The equipment that is kept in iTop's CMDB; absent where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    equipment: Option<Federated>,
    gate_changes: Vec<GateChange>,
    history: HistoryReport,
}

/// The lists of one kind.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct ListReport {
    what: &'static str,
    /// Whose; without it iTop's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) desk: Option<DeskName>,
    /// Whether each is that of a company.
    of_companies: bool,
    lists: usize,
    pub(in crate::web) items: usize,
    oldest_as_of: Option<Timestamp>,
    newest_as_of: Option<Timestamp>,
    stale: usize,
    /// Calls that read them anew, the oldest first; of each one list.
    pub(in crate::web) refresh: Vec<String>,
}

/// The last day.
#[derive(Serialize, JsonSchema)]
struct HistoryReport {
    bucket_seconds: i64,
    /// A bucket of which nothing is known is left out: the bridge did not run.
    buckets: Vec<Bucket>,
}

/// `GET /api/v1/health`
pub(in crate::web) async fn report(
    Reader(caller): Reader,
    State(state): State<AppState>,
    _: Params<NoParams>,
) -> Json<Report> {
    Json(Report::for_caller(&caller, &state))
}

impl Report {
    /// How the bridge is. Costs no query, and nothing of iTop.
    pub(in crate::web) fn for_caller(caller: &Caller, state: &AppState) -> Self {
        let counts = state.store.counts(caller.visible());
        let sees_all = caller.sees_all();
        let now = state.clock.now();
        let oldest_waiting_at = counts.oldest_waiting();
        let store = state.config.get().store.clone();
        let kind = if store.url.is_some() { "PostgreSQL" } else { "SQLite" };
        let path = (caller.oversees() && store.url.is_none()).then_some(store.path);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            up_since: state.history.up_since(),
            leads: Leads::of(&state.store),
            gate: gate(state.delivery.gate(), sees_all),
            desks: desks(&state.desks, sees_all),
            inbox: inbox(&counts),
            waiting: counts.waiting(),
            oldest_waiting_at,
            oldest_waiting_seconds: oldest_waiting_at.map(|at| elapsed(at, now).as_secs()),
            being_settled: counts.of(RowState::Unknown),
            database: Database { kind, acknowledgements: counts.total(), path },
            details: sees_all.then(|| Details::of(state)),
        }
    }
}

/// What the page of it asks for.
impl Report {
    pub(in crate::web) fn acknowledgements(&self) -> u64 {
        self.database.acknowledgements
    }

    pub(in crate::web) fn gate(&self) -> &Value {
        &self.gate
    }

    /// The way to each ticket system, where another one than iTop is served.
    pub(in crate::web) fn desks(&self) -> Option<&[Value]> {
        self.desks.as_deref()
    }

    pub(in crate::web) fn waiting(&self) -> u64 {
        self.waiting
    }

    pub(in crate::web) fn being_settled(&self) -> u64 {
        self.being_settled
    }

    /// None for those who do not see all.
    pub(in crate::web) fn buckets(&self) -> Option<&[Bucket]> {
        self.details.as_ref().map(|details| details.history.buckets.as_slice())
    }

    pub(in crate::web) fn lists(&self) -> &[ListReport] {
        self.details.as_ref().map_or(&[], |details| &details.lists)
    }

    pub(in crate::web) fn hooks(&self) -> &[HookFigures] {
        self.details.as_ref().map_or(&[], |details| &details.hooks)
    }
}

impl Details {
    fn of(state: &AppState) -> Self {
        let day = state.history.last_day();
        let deliveries = state.delivery.figures();
        Self {
            slow_creates: slow_creates(&deliveries),
            deliveries: deliveries.in_flight,
            ticket_of_probe: deliveries.ticket_of_probe,
            itop: state.history.answers_now(),
            lists: state.desks.iter().flat_map(|served| lists(served, &state.desks)).collect(),
            hooks: state.hooks.figures(),
            equipment: state.federation.as_ref().map(Federation::figures),
            gate_changes: day.gate_changes,
            history: HistoryReport { bucket_seconds: BUCKET.as_secs(), buckets: day.buckets },
        }
    }
}

/// The lists by what they list, those of all companies first.
fn lists(served: &Served, desks: &Desks) -> Vec<ListReport> {
    let desk = served.name();
    // That of the default one is meant where none is named.
    let named = (desk != desks.default().name()).then_some(desk);
    let mut known = served.catalog.known();
    known.sort_by_key(|list| list.as_of);
    let mut kinds = BTreeMap::<_, Vec<_>>::new();
    for list in known {
        kinds.entry((list.org.is_some(), list.what)).or_default().push(list);
    }
    let report =
        |((of_companies, what), lists): ((bool, &'static str), Vec<KnownList>)| ListReport {
            what,
            desk: desk.unless_itop(),
            of_companies,
            lists: lists.len(),
            items: lists.iter().map(|list| list.items).sum(),
            oldest_as_of: lists.first().map(|list| list.as_of),
            newest_as_of: lists.last().map(|list| list.as_of),
            stale: lists.iter().filter(|list| list.stale).count(),
            refresh: lists
                .iter()
                .take(REFRESHED_AT_ONCE)
                .map(|list| refresh(list, named))
                .collect(),
        };
    kinds.into_iter().map(report).collect()
}

/// The call that reads a list anew.
fn refresh(list: &KnownList, desk: Option<DeskName>) -> String {
    let what = list.what;
    let of = desk.map(|desk| format!("&desk={}", desk.code())).unwrap_or_default();
    match &list.org {
        Some(org) => {
            let org = encoded(org.as_str());
            format!("/api/v1/companies/{org}/{what}?refresh=true&limit=1{of}")
        }
        None => format!("/api/v1/{what}?refresh=true&limit=1{of}"),
    }
}
