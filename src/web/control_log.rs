//! How it went with a control's ticket: what the bridge has written down, in the order in which it
//! happened, the newest first.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{
        acknowledgement::{Acknowledgement, ControlState},
        delivery_state::State,
        ticket_status::Presence,
    },
    store::{Action, Attempt, PastAcknowledgement, TicketOfControl},
};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "LogEntry")]
pub(super) struct Entry {
    /// When, as whoever tells it has said.
    pub(super) at: Timestamp,
    #[serde(flatten)]
    pub(super) what: What,
}

/// What happened. `acknowledgement` is the row of the inbox by which it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum What {
    /// The control came to this state.
    State { acknowledgement: i64, state: ControlState, output: Option<String> },
    /// The event came.
    Received {
        acknowledgement: i64,
        event_type: String,
        by: Option<String>,
        comment: Option<String>,
        product: String,
    },
    /// Something kept it from being delivered, once or several times in a row.
    Problem { acknowledgement: i64, code: String, message: String, times: u32, last_at: Timestamp },
    /// It got its ticket; no number is told of one that belongs to somebody else by now.
    Ticket { acknowledgement: i64, state: State, number: Option<String>, millis: u64 },
    /// Its words were added to the log of the ticket, and were gone so many times.
    Line { acknowledgement: i64, words: String, lost: u32 },
    /// It has ended without a ticket, or waits for somebody; who gave it up, and why.
    Ended { acknowledgement: i64, state: State, by: Option<String>, reason: Option<String> },
    /// An operator did something to it: `retried`, or `linked` its company.
    Operator { acknowledgement: i64, done: String, by: String },
    /// iTop's last change of the ticket.
    Status {
        status: String,
        operational_status: String,
        presence: Presence,
        agent: Option<String>,
        team: Option<String>,
    },
}

/// What happened with the ticket of a control, of these acknowledgements with what they say, newest first.
pub(super) fn log<'p>(
    ticket: Option<&TicketOfControl>,
    past: impl IntoIterator<Item = (&'p PastAcknowledgement, Option<&'p Acknowledgement>)>,
) -> Vec<Entry> {
    let mut log: Vec<Entry> = ticket.and_then(status).into_iter().collect();
    for (past, event) in past {
        // Built as it went, and told backwards.
        let mut entries = entries(past, event);
        if ticket.is_some_and(|ticket| ticket.is_hidden && ticket.is_that_of(&past.row)) {
            for entry in &mut entries {
                if let What::Ticket { number, .. } = &mut entry.what {
                    *number = None;
                }
            }
        }
        entries.reverse();
        log.extend(entries);
    }
    // Several acknowledgements of one state tell of it each; its first one is the last here.
    let is_told = |log: &[Entry], at: usize| {
        let same = |other: &Entry| match (&log[at].what, &other.what) {
            (What::State { state, .. }, What::State { state: other_state, .. }) => {
                state == other_state && log[at].at == other.at
            }
            _ => false,
        };
        log[at + 1..].iter().any(same)
    };
    let doubles: Vec<_> = (0..log.len()).map(|at| is_told(&log, at)).collect();
    let mut doubles = doubles.into_iter();
    log.retain(|_| !doubles.next().unwrap_or_default());
    log
}

fn status(found: &TicketOfControl) -> Option<Entry> {
    if found.is_hidden {
        return None;
    }
    let status = &found.ticket.status;
    let what = What::Status {
        status: status.status.clone(),
        operational_status: status.operational_status.clone(),
        presence: found.ticket.presence,
        agent: status.agent.clone(),
        team: status.team.clone(),
    };
    Some(Entry { at: status.last_update?, what })
}

fn entries(past: &PastAcknowledgement, event: Option<&Acknowledgement>) -> Vec<Entry> {
    let (row, acknowledgement) = (&past.row, past.row.id);
    let mut entries = Vec::new();
    if let Some((event, at)) =
        event.and_then(|event| Some((event, event.control.status_changed_at?)))
    {
        let control = &event.control;
        let (state, output) = (control.state, control.output.clone());
        entries.push(Entry { at, what: What::State { acknowledgement, state, output } });
    }
    let said = event.map(|event| &event.acknowledgement);
    let received = What::Received {
        acknowledgement,
        event_type: row.event_type.clone(),
        by: said.and_then(|said| said.author.as_ref()).map(|author| author.label().to_owned()),
        comment: said.and_then(|said| said.comment.clone()),
        product: event.map_or("ServiceNav", Acknowledgement::product).to_owned(),
    };
    entries.push(Entry { at: row.received_at, what: received });
    let mut meanwhile = Vec::new();
    for Attempt { code, message, times, first_at, last_at } in past.attempts.clone() {
        let what = What::Problem { acknowledgement, code, message, times, last_at };
        meanwhile.push(Entry { at: first_at, what });
    }
    let mut given_up_by = None;
    for Action { at, by, what: done, .. } in past.actions.clone() {
        if done == "discarded" {
            given_up_by = Some(by);
            continue;
        }
        meanwhile.push(Entry { at, what: What::Operator { acknowledgement, done, by } });
    }
    meanwhile.sort_by_key(|entry| entry.at);
    entries.extend(meanwhile);
    match (row.state, &row.ticket, row.ended_at) {
        (State::Created | State::Reused, Some((_, number)), Some(at)) => {
            let took = at.duration_since(row.received_at).as_millis();
            let millis = u64::try_from(took).unwrap_or(0);
            let number = Some(number.clone());
            let state = row.state;
            let what = What::Ticket { acknowledgement, state, number, millis };
            entries.push(Entry { at, what });
        }
        (State::Failed | State::Recorded | State::Discarded | State::Rejected, ..) => {
            let reason = row.reason.clone().or_else(|| Some(row.problem.clone()?.message));
            let by = given_up_by.filter(|_| row.state == State::Discarded);
            let what = What::Ended { acknowledgement, state: row.state, by, reason };
            entries.push(Entry { at: row.ended_at.unwrap_or(row.updated_at), what });
        }
        _ => {}
    }
    if let (Some(words), Some(at)) = (&past.line, row.ended_at) {
        let what = What::Line { acknowledgement, words: words.clone(), lost: past.lost_lines };
        entries.push(Entry { at, what });
    }
    entries
}
