//! The HTTP client: one for all calls, bounded in flight.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use reqwest::Url;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Answer, ItopError, ItopZone, Settings,
    answer::{self, Objects},
    connection::Line,
};
use crate::{
    clock::{BeginBy, Stopwatch},
    lifecycle::to_its_end,
    outgoing::{self, Calls, ClientError, Credentials, Raw, Slots, Use, exchange},
};

/// The way to one iTop. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    line: Arc<RwLock<Arc<Line>>>,
    zone: ItopZone,
    slots: Slots,
    calls: Calls,
    /// Until when writes may be sent.
    begin_by: BeginBy,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let endpoint = self.endpoint();
        f.debug_struct("Client").field("endpoint", &endpoint.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes the one client of the process.
    pub fn new(settings: &Settings) -> Result<Self, ClientError> {
        let line = Line::new(settings, Credentials::read("itop", &settings.tls)?)?;
        Ok(Self {
            line: Arc::new(RwLock::new(Arc::new(line))),
            zone: settings.zone.clone(),
            calls: Calls::of::<ItopError>(),
            slots: Slots::new(settings.max_in_flight),
            begin_by: BeginBy::any_time(),
        })
    }

    /// Calls with these settings from now on, and with what their files hold now; what is in flight
    /// ends as it began. Tells whether anything is different. Time zone and number of calls stay what
    /// they were.
    ///
    /// # Errors
    /// Nothing is changed then.
    pub fn renew(&self, settings: &Settings) -> Result<bool, ClientError> {
        let credentials = Credentials::read("itop", &settings.tls)?;
        let known = self.line();
        if known.settings == *settings && known.credentials == credentials {
            return Ok(false);
        }
        let line = Arc::new(Line::new(settings, credentials)?);
        *self.line.write().unwrap_or_else(PoisonError::into_inner) = line;
        Ok(true)
    }

    /// A client for another account at the same iTop, which shares the slots of this one: together they
    /// have no more calls in flight than one. What it asks is counted apart.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_account(&self, settings: &Settings) -> Result<Self, ClientError> {
        let slots = self.slots.clone();
        Ok(Self { slots, ..Self::new(settings)? })
    }

    /// The same, whose writes are sent only so long as they may be begun: those that have to wait longer for a slot
    /// end with [`ItopError::TooLate`].
    #[must_use]
    pub fn begun_by(&self, by: BeginBy) -> Self {
        Self { begin_by: by, ..self.clone() }
    }

    pub(super) fn line(&self) -> Arc<Line> {
        self.line.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The time zone of this iTop.
    #[must_use]
    pub fn zone(&self) -> &ItopZone {
        &self.zone
    }

    /// What iTop was asked for, and how it answered.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// How many calls are in flight, and may be at most.
    #[must_use]
    pub fn in_flight(&self) -> (usize, usize) {
        self.slots.in_flight()
    }

    /// The address that is called.
    #[must_use]
    pub fn endpoint(&self) -> Url {
        self.line().endpoint.clone()
    }

    /// Sends one operation and judges the answer. It is never repeated here: whether that is safe
    /// depends on what was asked.
    pub async fn call(&self, purpose: Use, operation: &Value) -> Result<Answer, ItopError> {
        let answer = self.send(purpose, operation).await.and_then(|raw| answer::read(&raw));
        self.calls.ended(purpose, &answer);
        answer
    }

    /// Asks what iTop refuses, and gives its whole words, which an error has only the beginning of; `None` where
    /// it does not refuse it.
    pub(super) async fn refusal(&self, operation: &Value) -> Result<Option<String>, ItopError> {
        let raw = self.send(Use::Read, operation).await?;
        match answer::read(&raw) {
            Err(ItopError::Refused { .. }) => Ok(answer::message(&raw)),
            Err(error) => Err(error),
            Ok(_) => Ok(None),
        }
    }

    /// The same for a read whose objects are decoded into a list at once. Tells also how many
    /// there are in all, as [`Answer::found`] does.
    pub(super) async fn read_objects<L: Objects>(
        &self,
        operation: &Value,
    ) -> Result<(L, Option<usize>), ItopError> {
        let raw = self.send(Use::List, operation).await;
        let objects = raw.and_then(|raw| answer::read_objects(&raw));
        self.calls.ended(Use::List, &objects);
        objects
    }

    /// A place among the few questions that callers cause at will: previews, lists read anew because
    /// somebody insists. Whatever they ask, most of the slots stay for deliveries and statuses.
    pub async fn place_on_demand(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.on_demand().await
    }

    /// Waits until no write is in flight any more, whoever may have gone that waited for it.
    pub async fn writes_ended(&self) {
        self.slots.writes_ended().await;
    }

    async fn send(&self, purpose: Use, operation: &Value) -> Result<Raw, ItopError> {
        let slot = self.slots.take(purpose).await;
        if purpose.writes() && self.begin_by.is_over() {
            return Err(ItopError::TooLate);
        }
        let line = self.line();
        let json = operation.to_string();
        let (mut request, mut form) = line.request();
        form.push(("json_data", &json));
        if purpose == Use::Create {
            request = request.timeout(line.settings.create_timeout);
        }
        if let Some(traceparent) = outgoing::current() {
            request = request.header(outgoing::TRACEPARENT, traceparent);
        }
        let request = request.form(&form);
        let (redactor, longest) = (line.redactor.clone(), purpose.longest_answer());
        let calls = self.calls.clone();
        // iTop works on although whoever waited is gone, and so the slot stays taken until it answers.
        to_its_end(async move {
            let _slot = slot;
            let watch = Stopwatch::start();
            let answer = exchange(request, longest, redactor).await;
            if answer.is_ok() {
                calls.answered(purpose, watch.micros());
            }
            Ok(answer?)
        })
        .await
    }

    /// Posts a form to a page beside REST, by its path below the web root, and waits no longer than this.
    /// It takes the slot of a read: no delivery waits for the slots of writes because of it.
    pub(super) async fn page(
        &self,
        path: &str,
        fields: &[(&'static str, &str)],
        timeout: Duration,
        longest: usize,
    ) -> Result<Raw, ItopError> {
        let slot = self.slots.take(Use::Read).await;
        let line = self.line();
        let (request, mut form) = line.page(path);
        form.extend_from_slice(fields);
        let request = request.timeout(timeout).form(&form);
        let redactor = line.redactor.clone();
        // iTop works on although whoever waited is gone.
        to_its_end(async move {
            let _slot = slot;
            Ok(exchange(request, longest, redactor).await?)
        })
        .await
    }
}
