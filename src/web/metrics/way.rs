//! The way to iTop, and what is known of iTop.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::families::{Families, Labels, Number, labels};
use crate::{
    catalog::KnownList,
    clock::elapsed,
    desk::{Desk, DeskName},
    gate::{GateState, Reason},
    web::AppState,
};

/// Bounds of how long iTop takes, in seconds.
const ANSWERS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Whether deliveries may run; by ticket system, where there is more than one.
pub(super) fn gate(families: &mut Families, state: &AppState) {
    let are_several = state.desks.are_several();
    let of = |desk: DeskName| {
        if are_several { labels([("desk", desk.code())]) } else { Labels::new() }
    };
    let with = |desk: DeskName, reason: Reason| {
        let mut all = labels([("reason", reason.code())]);
        all.extend(of(desk));
        all
    };
    let gates: Vec<_> = state
        .desks
        .iter()
        .map(|served| match served.gate.state() {
            GateState::Open { since } => (served, None, since),
            GateState::Closed { reason, since, .. } => (served, Some(reason), since),
        })
        .collect();
    families.gauges(
        "gate_open",
        "Whether deliveries may run: 1, or 0",
        gates.iter().map(|(served, closed, _)| (of(served.name()), closed.is_none())),
    );
    families.gauges(
        "gate_closed",
        "Whether the way to iTop is closed for this reason: 1, or 0",
        gates.iter().flat_map(|(served, closed, _)| {
            let desk = served.name();
            let reasons = Reason::ALL.into_iter().filter(move |reason| reason.is_of(desk));
            reasons.map(move |reason| (with(desk, reason), *closed == Some(reason)))
        }),
    );
    families.counters(
        "gate_closings",
        "How often the way to iTop has closed, by reason",
        gates.iter().flat_map(|(served, ..)| {
            let desk = served.name();
            served.gate.closings().map(move |(reason, times)| (with(desk, reason), times))
        }),
    );
    families.gauges(
        "gate_changed_timestamp_seconds",
        "When it has last opened or closed",
        gates.iter().map(|(served, _, since)| (of(served.name()), at(since.at))),
    );
}

/// What each ticket system is asked for.
pub(super) fn calls(families: &mut Families, state: &AppState) {
    for served in state.desks.iter() {
        calls_to(families, served.catalog.desk());
    }
}

fn calls_to(families: &mut Families, desk: &Desk) {
    let (code, title) = (desk.name().code(), desk.name().title());
    let calls = desk.calls();
    families.counters(
        format!("{code}_calls"),
        format!("Calls to {title}, by what they are for and what came of them"),
        calls.ends().map(|(of, code, count)| (labels([("operation", of), ("code", code)]), count)),
    );
    families.histograms(
        format!("{code}_call_duration_seconds"),
        format!("How long {title} took to answer; what had no answer is not among them"),
        calls.latencies().map(|(of, took)| {
            (labels([("operation", of)]), Number::spread(&took, 1_000_000, &ANSWERS))
        }),
    );
    let (in_flight, most) = desk.in_flight();
    families.gauge(
        format!("{code}_calls_in_flight"),
        format!("Calls to {title} that have no answer yet"),
        in_flight,
    );
    families.gauge(
        format!("{code}_calls_limit"),
        format!("Calls to {title} that may be in flight"),
        most,
    );
    if let Some((used, most)) = desk.usage() {
        families.gauge(
            format!("{code}_requests_used"),
            "Requests of the day that were used, by whomever",
            used,
        );
        families.gauge(format!("{code}_requests_limit"), "Requests that there may be a day", most);
    }
}

/// The lists of one kind.
#[derive(Debug)]
pub(super) struct ListsOfKind {
    what: &'static str,
    lists: usize,
    items: usize,
    stale: usize,
    /// In seconds.
    oldest: f64,
}

/// The lists that were read, by kind.
pub(super) fn lists_of(known: Vec<KnownList>, now: Timestamp) -> Vec<ListsOfKind> {
    let mut kinds = BTreeMap::<_, Vec<_>>::new();
    for list in known {
        kinds.entry(list.what).or_default().push(list);
    }
    let of_kind = |(what, lists): (&'static str, Vec<KnownList>)| ListsOfKind {
        what,
        lists: lists.len(),
        items: lists.iter().map(|list| list.items).sum(),
        stale: lists.iter().filter(|list| list.stale).count(),
        oldest: lists.iter().map(|list| age(list.as_of, now)).fold(0.0, f64::max),
    };
    kinds.into_iter().map(of_kind).collect()
}

/// The lists of iTop that are kept.
pub(super) fn catalog(families: &mut Families, state: &AppState, lists: &[ListsOfKind]) {
    let loads = state.catalog.loads().into_iter().flat_map(|(what, read, failed)| {
        [("read", read), ("failed", failed)]
            .map(|(outcome, count)| (labels([("list", what), ("outcome", outcome)]), count))
    });
    families.counters("catalog_loads", "Lists that were read from iTop, or could not be", loads);
    let each = |number: fn(&ListsOfKind) -> Number| -> Vec<(Labels, Number)> {
        lists.iter().map(|list| (labels([("list", list.what)]), number(list))).collect()
    };
    families.gauges("catalog_lists", "Lists that are kept", each(|list| list.lists.into()));
    families.gauges("catalog_items", "What they have on them", each(|list| list.items.into()));
    families.gauges(
        "catalog_stale_lists",
        "Lists that are older than they should be",
        each(|list| list.stale.into()),
    );
    families.gauges(
        "catalog_oldest_age_seconds",
        "The age of the oldest list of this kind; one that nobody asks for is not read anew",
        each(|list| list.oldest.into()),
    );
}

/// The age of the oldest status of an open ticket, in seconds; `None` where that could not be read.
#[derive(Debug)]
pub(super) struct OldestOpen(Option<f64>);

impl OldestOpen {
    pub(super) async fn read(state: &AppState) -> Self {
        let oldest = state.board.oldest_open_status().await.ok();
        let now = state.clock.now();
        Self(oldest.map(|oldest| oldest.map_or(0.0, |as_of| age(as_of, now))))
    }
}

/// The statuses of tickets.
pub(super) fn board(families: &mut Families, state: &AppState, oldest: &OldestOpen) {
    let [read, failed, tickets] = state.board.reads();
    families.counters(
        "board_reads",
        "Batches of ticket statuses that were read from iTop, or could not be",
        [("read", read), ("failed", failed)]
            .map(|(outcome, count)| (labels([("outcome", outcome)]), count)),
    );
    families.counter("board_tickets_read", "Tickets in the batches that were read", tickets);
    if let OldestOpen(Some(age)) = oldest {
        families.gauge(
            "board_oldest_open_age_seconds",
            "The age of the oldest status of an open ticket; 0 without any",
            *age,
        );
    }
}

/// How long ago that was, in seconds.
pub(super) fn age(as_of: Timestamp, now: Timestamp) -> f64 {
    elapsed(as_of, now).as_secs_f64()
}

/// Seconds since 1970.
pub(super) fn at(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}
