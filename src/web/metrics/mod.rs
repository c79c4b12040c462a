//! `/metrics`: what the bridge counts, for Prometheus.
//!
//! Nothing is counted for it alone that is counted elsewhere: it reads the counters of those who do the
//! work. To add some, write a function beside those in `inbox`, `way`, `hooks` and `machine` that adds
//! its numbers to [`Families`], call it in [`all`], and tell of them in docs/operations.md.

mod equipment;
mod families;
mod hooks;
mod inbox;
mod machine;
mod way;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use tokio::sync::Mutex;

use super::{AppState, auth::Watcher, problem::ApiError};
use crate::clock::{Clock, Moment};
use families::{Families, Format};

/// For how long what has to be looked for is told again: several may scrape.
const LOOKED_UP_FOR: Duration = Duration::from_secs(5);

/// What is not counted all the time, but looked for when somebody wants to know. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Looks(Arc<Mutex<Option<LastLook>>>);

/// When it was, and what was found.
type LastLook = (Moment, Arc<Look>);

/// What a look has found.
#[derive(Debug)]
struct Look {
    lists: Vec<way::ListsOfKind>,
    board: way::OldestOpen,
    process: machine::Process,
}

impl Looks {
    /// The last one, if it is young; one at a time looks anew.
    async fn now(&self, state: &AppState) -> Arc<Look> {
        let mut last = self.0.lock().await;
        let clock: &Clock = &state.clock;
        match &*last {
            Some((at, look)) if clock.moment().since(*at) < LOOKED_UP_FOR => look.clone(),
            _ => {
                let look = Arc::new(Look {
                    lists: way::lists_of(state.catalog.known(), clock.now()),
                    board: way::OldestOpen::read(state).await,
                    process: machine::Process::read(),
                });
                *last = Some((clock.moment(), look.clone()));
                look
            }
        }
    }
}

/// `GET /metrics`
pub(in crate::web) async fn scrape(
    _: Watcher,
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept.unwrap_or_default());
    let text = all(&state).await.encoded(format).map_err(|_| ApiError::Internal)?;
    let kind = HeaderValue::from_static(format.content_type());
    let by_kind = (header::VARY, HeaderValue::from_static("accept"));
    Ok(([(header::CONTENT_TYPE, kind), by_kind], text).into_response())
}

async fn all(state: &AppState) -> Families {
    let look = state.looks.now(state).await;
    let mut families = Families::default();
    inbox::acknowledgements(&mut families, state);
    inbox::deliveries(&mut families, state);
    way::gate(&mut families, state);
    way::calls(&mut families, state);
    way::catalog(&mut families, state, &look.lists);
    way::board(&mut families, state, &look.board);
    hooks::hooks(&mut families, state);
    equipment::equipment(&mut families, state);
    machine::store(&mut families, state);
    machine::front(&mut families, state);
    machine::process(&mut families, state, &look.process);
    families
}
