//! What those hold who have a sandbox in their own process.

use std::{
    fmt, io,
    sync::{Arc, PoisonError, atomic::Ordering},
};

use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    access::Access,
    fault::Fault,
    ids,
    login::{App, USERNAME},
    options::Options,
    org::Org,
    record::Body,
    refusal::Refusal,
    schema::standard,
    seen::RequestSeen,
    store::{HELD, State},
    web,
};

/// Why a sandbox does not start, or does not do something.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The data cannot be read or written.
    #[error("the data of the sandbox: {0}")]
    Storage(#[from] rusqlite::Error),
    /// Salesforce would refuse it, too: the code and the message.
    #[error("{0}")]
    Refused(String),
}

impl From<Refusal> for SandboxError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.cell())
    }
}

/// A simulated Salesforce. Cheap to clone: all clones are one org.
#[derive(Clone)]
pub struct Sandbox(Arc<Org>);

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Makes an org, or opens the file that `options` names.
    pub fn new(options: Options) -> Result<Self, SandboxError> {
        let schema = standard(options.package, options.knowledge);
        let (state, new) = State::open(options.file.as_deref(), schema)?;
        let (provider, package) = (options.provider, options.package);
        let audit_fields = options.audit_fields;
        let sandbox = Self(Arc::new(Org::new(options, state)));
        sandbox.access(|access| access.sets_audit_fields = audit_fields);
        if new {
            sandbox.begin()?;
            if provider {
                sandbox.provider(package)?;
            }
        }
        Ok(sandbox)
    }

    pub(crate) fn org(&self) -> &Org {
        &self.0
    }

    /// Serves until `stop`, then lets what is under way come to its end. Dropping the future ends
    /// it as `kill -9` would: connections close, and what waits has no effect.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
        web::serve(self.0, listener, stop).await
    }

    /// Makes a record as an administrator does: every field may be written. Its id.
    pub fn seed(&self, object: &str, fields: Value) -> Result<String, SandboxError> {
        let fields = body(fields)?;
        Ok(self.0.quietly(|work| work.plant(object, &fields))?)
    }

    /// Changes a record as an agent does.
    pub fn change(&self, object: &str, id: &str, fields: Value) -> Result<(), SandboxError> {
        let fields = body(fields)?;
        Ok(self.0.quietly(|work| work.amend(object, id, &fields))?)
    }

    /// Deletes a record as an agent does.
    pub fn delete(&self, object: &str, id: &str) -> Result<(), SandboxError> {
        Ok(self.0.quietly(|work| work.delete(object, id))?)
    }

    /// Hides a record from the user of the API, or shows it again: its unique values are held.
    pub fn hide(&self, object: &str, id: &str, hidden: bool) -> Result<(), SandboxError> {
        let state = self.0.state();
        let of = state.schema.object(object).ok_or_else(Refusal::not_found)?;
        let found = state.hide(of, &ids::long(id).unwrap_or_default(), hidden)?;
        if found { Ok(()) } else { Err(Refusal::not_found().into()) }
    }

    /// All records of an object by id, hidden ones included, deleted ones not; none of an object
    /// that there is not.
    #[must_use]
    pub fn records(&self, object: &str) -> Vec<Map<String, Value>> {
        let state = self.0.state();
        let of = state.schema.object(object);
        of.and_then(|of| state.rows(of, HELD, &[]).ok()).unwrap_or_default()
    }

    /// Whether nobody else has hold of it: no request, no job, no other clone.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Switches a fault on.
    pub fn fail(&self, fault: Fault) {
        self.0.faults.add(fault);
    }

    /// Switches all faults off, and lets go of what they hold.
    pub fn clear_faults(&self) {
        self.0.faults.clear();
    }

    /// The faults that are on, with what is left of their times.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.0.faults.list()
    }

    /// The requests that came in, oldest first, those to `/sandbox` left out.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.0.seen.list()
    }

    /// Forgets the requests that came in.
    pub fn forget_requests(&self) {
        self.0.seen.forget();
    }

    /// Opens a session of the integration user: its token.
    #[must_use]
    pub fn session(&self) -> String {
        let user = self.0.user_named(USERNAME).map(|(id, _)| id).unwrap_or_default();
        self.0.sessions.open(&user, self.0.options.now.get().as_second())
    }

    /// Ends all sessions: whoever has a token is told so at the next request.
    pub fn expire_sessions(&self) {
        self.0.sessions.close_all();
    }

    /// Changes what the user of the API may do.
    pub fn access(&self, change: impl FnOnce(&mut Access)) {
        change(&mut self.0.state().access);
    }

    /// Changes the application that logs in.
    pub fn app(&self, change: impl FnOnce(&mut App)) {
        change(&mut self.0.app.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Says how many requests of how many a day are used.
    pub fn set_usage(&self, used: u64, most: u64) {
        self.0.used.store(used, Ordering::Relaxed);
        self.0.most.store(most, Ordering::Relaxed);
    }

    /// How many requests of today are used.
    #[must_use]
    pub fn usage(&self) -> u64 {
        self.0.usage().used
    }

    /// How many requests are worked on now, those included whose client is gone.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.under_way.load(Ordering::SeqCst)
    }

    /// Says whether a field is an external id, unique, and heeds case. A table that is there
    /// compares as before.
    pub fn set_key(
        &self,
        object: &str,
        field: &str,
        external_id: bool,
        unique: bool,
        case_sensitive: bool,
    ) -> Result<(), SandboxError> {
        let mut state = self.0.state();
        let of = state.schema.object_mut(object).ok_or_else(Refusal::not_found)?;
        let own = of.fields.iter_mut().find(|own| own.name == field);
        let own = own.ok_or_else(|| Refusal::no_such_column(field, object))?;
        (own.external_id, own.unique, own.case_sensitive) = (external_id, unique, case_sensitive);
        Ok(())
    }

    /// Says which values a picklist has, and whether others are refused.
    pub fn set_picklist(
        &self,
        object: &str,
        field: &str,
        values: &[&str],
        restricted: bool,
    ) -> Result<(), SandboxError> {
        let mut state = self.0.state();
        let of = state.schema.object_mut(object).ok_or_else(Refusal::not_found)?;
        let own = of.fields.iter_mut().find(|own| own.name == field);
        let own = own.ok_or_else(|| Refusal::no_such_column(field, object))?;
        own.set_values(values, restricted);
        Ok(())
    }

    /// Takes an object away, as an edition or a licence that lacks it does; its records stay unseen.
    pub fn remove_object(&self, object: &str) {
        self.0.state().schema.objects.retain(|own| own.name != object);
    }

    /// Takes a field away.
    pub fn remove_field(&self, object: &str, field: &str) {
        if let Some(of) = self.0.state().schema.object_mut(object) {
            of.fields.retain(|own| own.name != field);
        }
    }
}

fn body(fields: Value) -> Result<Body, SandboxError> {
    match fields {
        Value::Object(body) => Ok(body),
        other => Err(SandboxError::Refused(format!("not an object: {other}"))),
    }
}
