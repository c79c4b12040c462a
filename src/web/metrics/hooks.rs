//! Whoever is told of what happens. Hooks are named by the configuration alone, so that their names are few.

use super::{
    families::{Families, Labels, Number, labels},
    way::age,
};
use crate::{hooks::HookFigures, web::AppState};

/// How it goes with each hook. What was delivered is counted over all restarts.
pub(super) fn hooks(families: &mut Families, state: &AppState) {
    let hooks = state.hooks.figures();
    let now = state.clock.now();
    let each = |number: &dyn Fn(&HookFigures) -> Number| -> Vec<(Labels, Number)> {
        hooks.iter().map(|hook| (labels([("hook", &hook.name)]), number(hook))).collect()
    };
    families.gauges(
        "hook_messages_waiting",
        "Messages of a hook that wait to be sent",
        each(&|hook| hook.waiting.into()),
    );
    families.gauges(
        "hook_oldest_waiting_age_seconds",
        "How long the oldest of them has waited; 0 without any",
        each(&|hook| hook.oldest_waiting_at.map_or(0.0, |at| age(at, now)).into()),
    );
    families.gauges(
        "hook_failing",
        "Whether the receiver of a hook takes nothing: 1, or 0",
        each(&|hook| hook.failing_since.is_some().into()),
    );
    families.gauges(
        "hook_posts_in_flight",
        "Posts of a hook that have no answer yet",
        each(&|hook| hook.in_flight.into()),
    );
    families.counters(
        "hook_messages",
        "Messages of a hook that have come to an end",
        hooks.iter().flat_map(|hook| {
            [("delivered", hook.record.delivered), ("given-up", hook.record.given_up)]
                .map(|(outcome, count)| (of(hook, outcome), count))
        }),
    );
    families.counters(
        "hook_attempts_failed",
        "Posts of a hook that were not taken; most are sent again",
        hooks.iter().map(|hook| (labels([("hook", &hook.name)]), hook.record.failed_attempts)),
    );
}

fn of(hook: &HookFigures, outcome: &str) -> Labels {
    labels([("hook", &hook.name), ("outcome", outcome)])
}
