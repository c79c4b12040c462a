//! Acknowledgements: how they come, where they stand, and what becomes of them.

use crate::{
    clock::elapsed,
    domain::{delivery_state::State, visible::Visible},
    web::AppState,
};

use super::families::{Families, labels};

/// Acknowledgements as they come and as they wait.
pub(super) fn acknowledgements(families: &mut Families, state: &AppState) {
    let (store, now) = (&state.store, state.clock.now());
    let (counts, moves) = (store.counts(&Visible::all()), store.moves());
    let (repeated, not_stored) = store.not_stored();
    let received = [
        ("stored", store.stored_since_start()),
        ("repeated", repeated),
        ("rejected", moves.stored(State::Rejected)),
        ("not-stored", not_stored),
    ];
    families.counters(
        "acknowledgements_received",
        "Acknowledgements that were posted, by what came of the post: stored, repeated, rejected, or \
         not stored because the database failed",
        received.map(|(outcome, count)| (labels([("outcome", outcome)]), count)),
    );
    families.gauges(
        "acknowledgements",
        "Acknowledgements in the database, by state",
        State::ALL.map(|state| (labels([("state", state.as_str())]), counts.of(state))),
    );
    families.gauges(
        "acknowledgements_needing_somebody",
        "Acknowledgements that are blocked, failed or rejected, by the code of the cause",
        store.causes_counted().into_iter().map(|(state, code, count)| {
            (labels([("state", state.as_str()), ("cause", &code)]), count)
        }),
    );
    let ages = [("under-way", counts.oldest_under_way()), ("blocked", counts.oldest_blocked())];
    families.gauges(
        "oldest_waiting_age_seconds",
        "How long ago the oldest acknowledgement without a ticket was received: of those that the \
         bridge is at, and of those that are blocked; 0 without any",
        ages.map(|(waits, oldest)| {
            let age = oldest.map(|received| elapsed(received, now).as_secs_f64());
            (labels([("waits", waits)]), age.unwrap_or(0.0))
        }),
    );
}

/// What becomes of them.
pub(super) fn deliveries(families: &mut Families, state: &AppState) {
    let (moves, delivery) = (state.store.moves(), &state.delivery);
    let outcomes = [
        ("created", moves.to(State::Created)),
        ("reused", moves.to(State::Reused)),
        ("recorded", moves.to(State::Recorded)),
        ("blocked", moves.to(State::Blocked)),
        ("failed", moves.to(State::Failed)),
        ("unknown", moves.to(State::Unknown)),
        // The attempt had no effect, and comes again.
        ("put-off", moves.between(State::Creating, State::Accepted)),
        ("discarded", moves.to(State::Discarded)),
    ];
    families.counters(
        "deliveries",
        "What has become of acknowledgements: how often one came to this end, or to this stop on its way",
        outcomes.map(|(outcome, count)| (labels([("outcome", outcome)]), count)),
    );
    let from_unknown =
        |to: &[State]| -> u64 { to.iter().map(|to| moves.between(State::Unknown, *to)).sum() };
    let settled = [
        ("found", from_unknown(&[State::Created, State::Reused])),
        ("absent", from_unknown(&[State::Accepted])),
        ("given-up", from_unknown(&[State::Failed, State::Discarded])),
    ];
    families.counters(
        "unknown_settled",
        "Writes without a clear answer that were settled since: their ticket was found, or is absent and \
         will be made anew, or they were given up",
        settled.map(|(result, count)| (labels([("result", result)]), count)),
    );
    families.counters(
        "conditions_refused",
        "Writes that iTop refused because something that they name did not hold at their moment",
        delivery.refused_conditions().map(|(what, count)| (labels([("reference", what)]), count)),
    );
    let now = delivery.figures();
    families.gauge("deliveries_running", "Deliveries that run now", now.in_flight.running);
    families.gauge(
        "deliveries_limit",
        "Deliveries that may run at once, as far as it was found out what serves iTop best",
        u64::from(now.in_flight.limit),
    );
    families.gauge(
        "slow_creates",
        "Tickets that iTop has been making for more than ten seconds",
        now.slow_creates.len(),
    );
}
