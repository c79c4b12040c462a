//! Changes as they happen, for dashboards that do not want to poll.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
};
use futures_util::{StreamExt as _, stream};
use tokio::sync::{OwnedSemaphorePermit, broadcast::error::RecvError};
use tokio_util::sync::CancellationToken;

use super::stream_address::Wanted;
use crate::{
    clock::Clock,
    delivery::Delivery,
    domain::{keys::ControlId, visible::Visible},
    store::{ControlChange, SeenChanges, Store, StoreError},
    web::{ApiTokens, ControlAnswers, Rooms, problem::ApiError},
};

/// Changes that are looked up together.
const AT_ONCE: usize = 256;

/// How long nothing is sent at most: proxies give up a connection on which nothing moves (60 s of
/// nginx), and only what is sent tells that a listener has gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Tells nginx to pass each event on as it comes: by its defaults it gathers them.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// `GET /api/v1/tickets/stream`: server-sent events. `ready` comes first: what changes from then
/// on is told. `control` has the same data as the answer about that control. `reset` says that
/// changes were left out, because the listener was too slow: it reads anew what it shows.
pub(in crate::web) async fn changes(
    Wanted { visible, company, .. }: Wanted,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
    State(answers): State<ControlAnswers>,
    State(tokens): State<ApiTokens>,
    State(clock): State<Clock>,
    State(rooms): State<Rooms>,
) -> Result<Response, ApiError> {
    let place = rooms.streams.try_acquire_owned().map_err(|_| ApiError::StreamsTaken)?;
    let listener = Listener {
        changes: store.changes(visible.clone()),
        visible,
        company: company.map(|company| company.to_string()),
        answers,
        stop: delivery.stopping(),
        clock,
        events: VecDeque::from([Event::default().event("ready").data("{}")]),
        _place: place,
    };
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    // Whoever is still known comes again.
    let events = events.take_until(tokens.replaced());
    Ok(([UNBUFFERED], Sse::new(events)).into_response())
}

/// One dashboard.
struct Listener {
    changes: SeenChanges,
    visible: Visible,
    company: Option<String>,
    answers: ControlAnswers,
    stop: CancellationToken,
    clock: Clock,
    /// What is to be sent next.
    events: VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// The next event; `None` when the bridge stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let first = tokio::select! {
                () = self.stop.cancelled() => return None,
                change = self.changes.recv() => change,
                () = self.clock.sleep(HEARTBEAT) => return Some(Event::default().comment("")),
            };
            let mut changed = BTreeMap::<String, BTreeSet<ControlId>>::new();
            let mut note = |change: ControlChange| {
                if let Ok(control) = change.control_id.parse() {
                    changed.entry(change.instance).or_default().insert(control);
                }
            };
            match first {
                Ok(change) => note(change),
                Err(RecvError::Lagged(_)) => {
                    // What is left of the backlog would only be told to one that reads anew.
                    self.changes.skip();
                    return Some(reset());
                }
                Err(RecvError::Closed) => return None,
            }
            // A storm changes the same control several times: what counts is how it ends.
            for _ in 1..AT_ONCE {
                let Some(change) = self.changes.try_recv() else { break };
                note(change);
            }
            if self.look_up(changed).await.is_err() {
                return Some(reset());
            }
        }
    }

    async fn look_up(
        &mut self,
        changed: BTreeMap<String, BTreeSet<ControlId>>,
    ) -> Result<(), StoreError> {
        for (instance, controls) in changed {
            let Ok(instance) = instance.parse() else { continue };
            let controls: Vec<_> = controls.into_iter().collect();
            let answers = self.answers.of(&self.visible, &instance, &controls).await?;
            for answer in answers.into_iter().flatten() {
                let is_wanted =
                    self.company.is_none() || self.company.as_deref() == answer.company();
                if let (true, Ok(data)) = (is_wanted, std::str::from_utf8(&answer.body)) {
                    self.events.push_back(Event::default().event("control").data(data));
                }
            }
        }
        Ok(())
    }
}

fn reset() -> Event {
    Event::default().event("reset").data("{}")
}
