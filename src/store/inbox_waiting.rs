//! Rows whose turn it is, as deliveries read them.

use jiff::Timestamp;

use super::{
    Store, StoreError,
    db::{self, OptionalExtension as _, Row, params},
};
use crate::domain::{
    acknowledgement::{Acknowledgement, Receipt, read},
    delivery_state::State,
    desk_name::DeskName,
    keys::{EventId, Instance, TicketKey},
    marker::Marker,
    trace::Trace,
};

/// A row that is being delivered.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The row.
    pub id: i64,
    /// The instance that sent it.
    pub instance: Instance,
    /// Its key within the instance.
    pub event_id: EventId,
    /// When it was received.
    pub received_at: Timestamp,
    /// The id of the request that brought it.
    pub request_id: Option<String>,
    /// The trace that it belongs to.
    pub trace: Trace,
    /// Whether what it says of a company's name may make a link by itself.
    pub trusted_names: bool,
    /// The body as received.
    pub body: String,
    /// Where it stands.
    pub state: State,
    /// How often a write was decided on.
    pub attempts: u32,
    /// The code of what kept it from being delivered at its last attempt.
    pub last_problem: Option<String>,
    /// Whether a write was ever decided on: then a search comes before the next one.
    pub was_sent: bool,
    /// To which ticket system its last write was decided on, if one was.
    pub desk: DeskName,
    /// The highest ticket id seen before its first write.
    pub id_floor: Option<u64>,
    /// The ticket to which its last write was to add a line.
    pub target: Option<TicketKey>,
    /// How long it has waited between attempts while the gate was open, in milliseconds.
    pub waited: i64,
}

impl Waiting {
    /// The event, read as it was when it was stored, and with the key that it got then; `None` where
    /// this version can no longer read it.
    #[must_use]
    pub fn event(&self) -> Option<Acknowledgement> {
        let receipt = Receipt { at: self.received_at, instance: self.instance.clone() };
        let event = read(&self.body, &receipt).ok()?;
        Some(Acknowledgement { event_id: self.event_id.clone(), ..event })
    }
}

impl Store {
    /// A row whose turn has come; `None` if it no longer waits, or only for later.
    pub async fn waiting(&self, id: i64) -> Result<Option<Waiting>, StoreError> {
        let now = self.moment().as_millis();
        self.read(move |db| {
            db.prepare_cached(&format!(
                "SELECT {WAITING} FROM acknowledgements
                 WHERE id = ?1 AND state IN ('accepted', 'blocked') AND next_attempt_at <= ?2"
            ))?
            .query_row([id, now], waiting)
            .optional()
        })
        .await
    }

    /// A row that has not been delivered and of which nothing is under way, whenever its turn is.
    pub async fn undelivered(&self, id: i64) -> Result<Option<Waiting>, StoreError> {
        self.read(move |db| {
            db.prepare_cached(&format!(
                "SELECT {WAITING} FROM acknowledgements
                 WHERE id = ?1 AND state IN ('accepted', 'blocked', 'failed')"
            ))?
            .query_row([id], waiting)
            .optional()
        })
        .await
    }

    /// Rows of the same control that wait behind one and are due, oldest first: those that were
    /// never tried, or only to add a line to this ticket.
    pub async fn companions(
        &self,
        of: &Waiting,
        ticket: &TicketKey,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        let (id, now, ticket) = (of.id, self.moment().as_millis(), ticket.clone());
        self.read(move |db| {
            db.prepare_cached(&format!(
                // The planner prefers another index, and would look at every row that waits.
                "SELECT {WAITING} FROM acknowledgements INDEXED BY acknowledgements_control
                 WHERE (instance, control_id) =
                           (SELECT instance, control_id FROM acknowledgements WHERE id = ?1)
                   AND id > ?1 AND state = 'accepted' AND next_attempt_at <= ?2
                   AND (sent_at IS NULL OR (ticket_class = ?4 AND ticket_id = ?5))
                 ORDER BY id LIMIT ?3",
            ))?
            .query_map(
                params![id, now, i64::try_from(limit).unwrap_or(i64::MAX), ticket.class, ticket.id],
                waiting,
            )?
            .collect()
        })
        .await
    }
}

/// The trace of a row: the one with which it came, else its own.
pub(super) fn trace_of(traceparent: Option<&str>, marker: impl FnOnce() -> Marker) -> Trace {
    traceparent.and_then(Trace::parse).unwrap_or_else(|| Trace::of_marker(&marker()))
}

/// What is read of a [`Waiting`] row.
const WAITING: &str =
    "id, instance, event_id, received_at, body, state, attempts, sent_at, id_floor,
     waited, request_id, trusted_names, ticket_class, ticket_id, problem_code,
     traceparent, desk";

fn waiting(row: &Row<'_>) -> db::Result<Waiting> {
    let (instance, event_id): (String, String) = (row.get("instance")?, row.get("event_id")?);
    let state: String = row.get("state")?;
    // It was checked when it was stored.
    let instance: Instance = instance.parse().unwrap_or_default();
    let event_id = event_id.parse::<EventId>().map_err(|error| db::unreadable(2, error))?;
    let traceparent = row.get_ref("traceparent")?.as_str_or_null()?;
    Ok(Waiting {
        id: row.get("id")?,
        trace: trace_of(traceparent, || Marker::new(&instance, &event_id)),
        instance,
        event_id,
        received_at: super::time(row.get("received_at")?),
        request_id: row.get("request_id")?,
        trusted_names: row.get("trusted_names")?,
        body: row.get("body")?,
        state: State::parse(&state).unwrap_or(State::Accepted),
        attempts: row.get("attempts")?,
        last_problem: row.get("problem_code")?,
        was_sent: row.get::<_, Option<i64>>("sent_at")?.is_some(),
        desk: row.get::<_, Option<_>>("desk")?.unwrap_or(DeskName::OF_OLD),
        id_floor: row.get("id_floor")?,
        target: row
            .get::<_, Option<String>>("ticket_class")?
            .zip(row.get("ticket_id")?)
            .map(|(class, id)| TicketKey { class, id }),
        waited: row.get("waited")?,
    })
}
