//! How other systems are called: what all desks have in common. Whom the bridge trusts and what it shows
//! of itself, the way past a proxy or not, slots, bounded answers, and no secret in what is told of them.

mod answer;
mod calls;
mod connection;
mod exchange;
mod redact;
mod route;
mod slots;
mod tls;
mod trace;

#[cfg(test)]
pub(crate) use answer::MAX_ECHO_CHARS;
pub(crate) use answer::Raw;
pub use calls::{Calls, Coded, Latency};
pub use connection::ClientError;
pub(crate) use connection::{Way, http_client};
pub(crate) use exchange::{Failure, exchange};
pub(crate) use redact::Redactor;
pub use route::{Proxy, is_loopback, proxy};
pub(crate) use slots::Slots;
pub use slots::Use;
pub(crate) use tls::Credentials;
pub use tls::TlsFiles;
pub use trace::in_trace;
pub(crate) use trace::{TRACEPARENT, current};
