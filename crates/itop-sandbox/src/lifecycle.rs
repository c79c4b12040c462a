//! The life cycle of tickets, and how priority follows from impact and urgency.

/// The stimuli that a ticket in `status` obeys, and where they lead. This and [`expected_in`]
/// follow iTop's data model of incidents, without its escalations.
pub(super) fn transitions(status: &str) -> &'static [(&'static str, &'static str)] {
    match status {
        "new" | "pending" => &[("ev_assign", "assigned")],
        "assigned" => {
            &[("ev_reassign", "assigned"), ("ev_pending", "pending"), ("ev_resolve", "resolved")]
        }
        "resolved" => &[("ev_reopen", "assigned"), ("ev_close", "closed")],
        _ => &[],
    }
}

/// What a ticket must have in `status`; the message of a refusal names them.
pub(super) fn expected_in(status: &str) -> &'static [&'static str] {
    match status {
        "assigned" => &["team_id", "agent_id"],
        "pending" => &["pending_reason"],
        "resolved" => &["resolution_code", "solution"],
        _ => &[],
    }
}

/// The coarse status that all classes of tickets share.
pub(super) fn operational_status(status: &str) -> &str {
    match status {
        "resolved" | "closed" => status,
        _ => "ongoing",
    }
}

/// The date that the arrival in `status` sets.
pub(super) fn dated_by(status: &str) -> Option<&'static str> {
    match status {
        "assigned" => Some("assignment_date"),
        "pending" => Some("last_pending_date"),
        "resolved" => Some("resolution_date"),
        "closed" => Some("close_date"),
        _ => None,
    }
}

/// The recorded table; other values were refused before.
pub(super) fn priority(impact: &str, urgency: &str) -> &'static str {
    let row = match impact {
        "1" => ["1", "1", "2", "4"],
        "2" => ["1", "2", "3", "4"],
        _ => ["2", "3", "3", "4"],
    };
    match urgency {
        "1" => row[0],
        "2" => row[1],
        "3" => row[2],
        _ => row[3],
    }
}
