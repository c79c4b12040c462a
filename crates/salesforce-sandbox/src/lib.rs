//! A simulated Salesforce Service Cloud over HTTP, for tests and trials.
//!
//! It is as strict as what is known of the real one: ids and their check characters, field-level
//! security, limits of fields, external ids, restricted deletes, the shapes and codes of errors.
//! No org was at hand when it was made. Where documents and what was seen of orgs differ, or
//! nobody knows, [`Switches`] has both; [`Fault`]s make it fail before an effect or after it.
//! `tests/contract` holds it to recorded and documented answers.
//!
//! A new sandbox is logged in to by JWT ([`CLIENT_ID`], [`USERNAME`], [`PRIVATE_KEY`]) or by client
//! credentials ([`CLIENT_ID`], [`CLIENT_SECRET`]).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use salesforce_sandbox::{Fault, FaultKind, Operation, Options, Sandbox};
//!
//! let sandbox = Sandbox::new(Options::default())?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let stop = tokio_util::sync::CancellationToken::new();
//! tokio::spawn(sandbox.clone().serve(listener, stop.clone()));
//! // The next answer to a create gets lost, and the Case is there.
//! sandbox.fail(Fault::new(Operation::Create, FaultKind::Cut { after: true }).times(1));
//! assert!(sandbox.records("Case").is_empty());
//! # Ok(()) }
//! ```

mod access;
mod bulk;
mod deploy;
mod fault;
mod ids;
mod login;
mod options;
mod org;
mod record;
mod refusal;
mod sandbox;
mod schema;
mod seed;
mod seen;
mod soql;
mod store;
mod web;

pub use self::{
    access::{Access, ObjectAccess},
    fault::{Fault, FaultKind, Operation},
    login::{App, CLIENT_ID, CLIENT_SECRET, PRIVATE_KEY, USERNAME},
    options::{
        AudienceSaid, DuplicateSaid, LineBreaks, MissingSaid, Now, Options, Pauses, Switches,
    },
    sandbox::{Sandbox, SandboxError},
    seen::RequestSeen,
};
