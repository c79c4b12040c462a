//! The client: one for all calls, bounded in flight, with one session that all share.

use std::sync::{
    Arc, Mutex, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use reqwest::Url;
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit};

use super::{
    Error, Settings, answer,
    call::{Body, Call},
    connection::{Files, Line, Session},
    limits::{self, Usage},
    org,
    owners::Owners,
    record_type::RecordTypes,
};
use crate::{
    clock::{BeginBy, Clock, Stopwatch},
    domain::text::{cut_chars, one_line},
    lifecycle::to_its_end,
    outgoing::{self, Calls, ClientError, Raw, Slots, Use, exchange},
};

/// How much of the words of a part of an answer is told, in characters.
const MOST_WORDS: usize = 300;

/// The way to one Salesforce org. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    line: Arc<RwLock<Arc<Line>>>,
    session: Arc<AsyncMutex<Login>>,
    /// How many logins have ended.
    logins: Arc<AtomicU64>,
    /// The host of the org, once a login has named it.
    instance: Arc<Mutex<Option<Url>>>,
    slots: Slots,
    calls: Calls,
    usage: Usage,
    pub(super) owners: Owners,
    pub(super) record_types: RecordTypes,
    pub(super) clock: Clock,
    /// Until when writes may be sent.
    begin_by: BeginBy,
}

/// What an answer means.
type Judge<T> = fn(Raw, answer::Known<'_>) -> Result<T, Error>;

/// The session that all share, and how the last login ended.
#[derive(Default)]
struct Login {
    session: Option<Arc<Session>>,
    last_error: Option<Error>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.line().settings.login_url.clone();
        f.debug_struct("Client").field("login_url", &url.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes the one client of the process. Nothing is asked before the first call.
    pub fn new(settings: &Settings, clock: Clock) -> Result<Self, ClientError> {
        let line = Line::new(settings, Files::read(settings)?)?;
        Ok(Self {
            line: Arc::new(RwLock::new(Arc::new(line))),
            session: Arc::default(),
            logins: Arc::default(),
            instance: Arc::default(),
            slots: Slots::new(settings.max_in_flight),
            begin_by: BeginBy::any_time(),
            calls: Calls::of::<Error>(),
            usage: Usage::default(),
            owners: Owners::default(),
            record_types: RecordTypes::default(),
            clock,
        })
    }

    /// Calls with these settings from now on, and with what their files hold now; what is in flight ends
    /// as it began. Tells whether anything is different. The number of calls stays what it was.
    ///
    /// # Errors
    /// Nothing is changed then.
    pub fn renew(&self, settings: &Settings) -> Result<bool, ClientError> {
        let files = Files::read(settings)?;
        let known = self.line();
        let is_known = known.settings == *settings && known.credentials == files.credentials;
        if is_known && known.key == files.key {
            return Ok(false);
        }
        let line = Arc::new(Line::new(settings, files)?);
        *self.line.write().unwrap_or_else(PoisonError::into_inner) = line;
        Ok(true)
    }

    /// The same, whose writes are sent only so long as they may be begun: those that have to wait longer for a slot
    /// end with [`Error::TooLate`].
    #[must_use]
    pub fn begun_by(&self, by: BeginBy) -> Self {
        Self { begin_by: by, ..self.clone() }
    }

    pub(super) fn line(&self) -> Arc<Line> {
        self.line.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What Salesforce was asked for, and how it answered.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// How many calls are in flight, and may be at most.
    #[must_use]
    pub fn in_flight(&self) -> (usize, usize) {
        self.slots.in_flight()
    }

    /// How many requests of the day the org has used, of how many, as the last answer told; the numbers
    /// lag. `None` before the first answer.
    #[must_use]
    pub fn usage(&self) -> Option<(u64, u64)> {
        self.usage.read()
    }

    /// Where the bridge logs in.
    #[must_use]
    pub fn login_url(&self) -> Url {
        self.line().settings.login_url.clone()
    }

    /// The host of the org, once a login has named it.
    #[must_use]
    pub fn instance(&self) -> Option<Url> {
        self.instance.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A place among the few questions that callers cause at will. Whatever they ask, most of the slots
    /// stay for deliveries and statuses.
    pub async fn place_on_demand(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.on_demand().await
    }

    /// Waits until no write is in flight any more, whoever may have gone that waited for it.
    pub async fn writes_ended(&self) {
        self.slots.writes_ended().await;
    }

    /// Waits, where most of the day's requests are used up: before what nobody waits for.
    pub(super) async fn hold_back(&self) {
        if let Some(pause) = self.usage.pause() {
            self.clock.sleep(pause).await;
        }
    }

    /// Sends a call and judges the answer. It is sent a second time only in a new session, after an
    /// answer that says that it was not looked at.
    pub(super) async fn call(&self, purpose: Use, call: Call) -> Result<Value, Error> {
        self.ask(purpose, call, answer::json).await
    }

    /// The same where a success is no JSON but a table: its bytes.
    pub(super) async fn table(&self, purpose: Use, call: Call) -> Result<Vec<u8>, Error> {
        self.ask(purpose, call, answer::table).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        purpose: Use,
        call: Call,
        judge: Judge<T>,
    ) -> Result<T, Error> {
        let slot = self.slots.take(purpose).await;
        let trace = outgoing::current();
        let (client, calls) = (self.clone(), self.calls.clone());
        // Salesforce works on although whoever waited is gone, and so the slot stays taken.
        let outcome = to_its_end(async move {
            let _slot = slot;
            let (session, is_new) = client.session(None).await?;
            let outcome = client.send(purpose, &call, &session, trace.as_ref(), judge).await;
            let Err(Error::Session { .. }) = &outcome else { return outcome };
            // One that has never worked is not exchanged: some never do, and logins are counted.
            if is_new {
                client.forget(&session).await;
                return outcome;
            }
            let (session, _) = client.session(Some(&session)).await?;
            let outcome = client.send(purpose, &call, &session, trace.as_ref(), judge).await;
            if let Err(Error::Session { .. }) = &outcome {
                client.forget(&session).await;
            }
            outcome
        })
        .await;
        calls.ended(purpose, &outcome);
        outcome
    }

    /// The session, and whether it was made for this call; another one than `stale`. Whoever waits for a
    /// login that fails fails with it: a wrong secret is not tried by each.
    async fn session(&self, stale: Option<&Arc<Session>>) -> Result<(Arc<Session>, bool), Error> {
        let logins = self.logins.load(Ordering::Acquire);
        let mut login = self.session.lock().await;
        let line = self.line();
        let is_good = |session: &&Arc<Session>| {
            let is_stale = stale.is_some_and(|stale| Arc::ptr_eq(stale, session));
            !is_stale && Arc::ptr_eq(&session.line, &line)
        };
        if let Some(session) = login.session.as_ref().filter(is_good) {
            return Ok((session.clone(), false));
        }
        let ended_meanwhile = self.logins.load(Ordering::Acquire) > logins;
        if let Some(error) = login.last_error.as_ref().filter(|_| ended_meanwhile) {
            return Err(error.clone());
        }
        login.session = None;
        let given = self.log_in(&line).await;
        self.logins.fetch_add(1, Ordering::Release);
        match given {
            Ok(session) => {
                let instance = Some(session.instance.clone());
                *self.instance.lock().unwrap_or_else(PoisonError::into_inner) = instance;
                login.session = Some(session.clone());
                login.last_error = None;
                Ok((session, true))
            }
            Err(error) => {
                login.last_error = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Logs in, and sees whether the org offers the version of the API: what it does not offer is answered
    /// in the words of a record that is missing.
    async fn log_in(&self, line: &Arc<Line>) -> Result<Arc<Session>, Error> {
        let session = Arc::new(line.log_in(&self.clock).await?);
        if !line.is_offered.load(Ordering::Relaxed) {
            let json = self
                .send(Use::Read, &Call::get(org::VERSIONS), &session, None, answer::json)
                .await?;
            org::expect_version(json, &line.settings.api_version)?;
            line.is_offered.store(true, Ordering::Relaxed);
        }
        Ok(session)
    }

    async fn forget(&self, session: &Arc<Session>) {
        let mut login = self.session.lock().await;
        if login.session.as_ref().is_some_and(|known| Arc::ptr_eq(known, session)) {
            login.session = None;
        }
    }

    async fn send<T>(
        &self,
        purpose: Use,
        call: &Call,
        session: &Session,
        trace: Option<&reqwest::header::HeaderValue>,
        judge: Judge<T>,
    ) -> Result<T, Error> {
        // Only now: a login may have come before.
        if purpose.writes() && self.begin_by.is_over() {
            return Err(Error::TooLate);
        }
        let settings = &session.line.settings;
        let version = &settings.api_version;
        let path = if call.path.starts_with("/services/") {
            call.path.clone()
        } else {
            format!("/services/data/v{version}{}", call.path)
        };
        let mut request = session.request(call.method.clone(), &path)?;
        request = match &call.body {
            Body::None => request,
            Body::Json(json) => request
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .body(json.to_string()),
            Body::Bytes(kind, bytes) => {
                request.header(reqwest::header::CONTENT_TYPE, kind).body(bytes.clone())
            }
        };
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        if purpose == Use::Create {
            request = request.timeout(settings.create_timeout);
        }
        if let Some(trace) = trace {
            request = request.header(outgoing::TRACEPARENT, trace);
        }
        let watch = Stopwatch::start();
        let raw = exchange(request, purpose.longest_answer(), session.redactor.clone()).await?;
        self.calls.answered(purpose, watch.micros());
        if let Some(usage) = raw.header(&limits::HEADER).and_then(limits::read) {
            self.usage.note(usage);
        }
        judge(raw, answer::Known { used: self.usage.read(), version })
    }

    /// What is known when a part of an answer is judged.
    pub(super) fn of_part(&self, status: u16, body: &Value) -> Error {
        let line = self.line();
        let known = answer::Known { used: self.usage.read(), version: &line.settings.api_version };
        // What stands in a part was read out of an answer: no proxy has put a session there.
        let echo = |text: &str| cut_chars(&one_line(text), MOST_WORDS).into_owned();
        answer::of_part(status, body, known, &echo).unwrap_or_else(|| Error::NotSalesforce {
            reason: format!("a part of an answer has the status {status} and no code"),
        })
    }
}
