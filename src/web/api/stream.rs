//! Changes as they happen, for dashboards that do not want to poll.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
    sync::Arc,
};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{acknowledgements::parsed, links::party_key};
use crate::{
    delivery::Delivery,
    domain::keys::{ControlId, Instance},
    store::{ControlChange, Store, StoreError},
    web::{
        ApiTokens, ControlAnswers,
        auth::{Caller, Reader},
        listing::Params,
        problem::ApiError,
    },
};

/// Changes that are looked up together.
const AT_ONCE: usize = 256;

#[derive(Deserialize)]
pub(in crate::web) struct StreamParams {
    instance: Option<String>,
    company: Option<String>,
}

/// `GET /api/v1/tickets/stream`: server-sent events. `ready` comes first: what changes from then
/// on is told. `control` has the same data as the answer about that control. `reset` says that
/// changes were left out, because the listener was too slow: it reads anew what it shows.
pub(in crate::web) async fn changes(
    Reader(caller): Reader,
    State(store): State<Store>,
    State(delivery): State<Delivery>,
    State(answers): State<ControlAnswers>,
    State(tokens): State<ApiTokens>,
    Params(params): Params<StreamParams>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance)?;
    let instance = caller.narrowed_to(named.as_ref())?;
    let company = params.company.as_deref().map(party_key).transpose()?;
    let listener = Listener {
        changes: store.changes(),
        caller,
        instance: instance.map(|instance| instance.to_string()),
        company: company.map(|company| company.to_string()),
        answers,
        stop: delivery.stopping(),
        events: VecDeque::from([Event::default().event("ready").data("{}")]),
    };
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    // Whoever is still known comes again.
    let events = events.take_until(tokens.replaced());
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// One dashboard.
struct Listener {
    changes: Receiver<ControlChange>,
    caller: Arc<Caller>,
    instance: Option<String>,
    company: Option<String>,
    answers: ControlAnswers,
    stop: CancellationToken,
    /// What is to be sent next.
    events: VecDeque<Event>,
}

impl Listener {
    /// The next event; `None` when the bridge stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let stop = self.stop.clone();
            let first = stop.run_until_cancelled(self.changes.recv()).await?;
            let mut changed = BTreeMap::<String, BTreeSet<ControlId>>::new();
            let mut note = |change: ControlChange| {
                let is_wanted = self.instance.as_ref().is_none_or(|own| *own == change.instance);
                if let (true, Ok(control)) = (is_wanted, change.control_id.parse()) {
                    changed.entry(change.instance).or_default().insert(control);
                }
            };
            match first {
                Ok(change) => note(change),
                Err(RecvError::Lagged(_)) => {
                    // What is left of the backlog would only be told to one that reads anew.
                    self.changes = self.changes.resubscribe();
                    return Some(reset());
                }
                Err(RecvError::Closed) => return None,
            }
            // A storm changes the same control several times: what counts is how it ends.
            for _ in 1..AT_ONCE {
                let Ok(change) = self.changes.try_recv() else { break };
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
            let answers = self.answers.of(&self.caller, &instance, &controls).await?;
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
