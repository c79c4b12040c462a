//! The other end of the wire: from what a monitoring engine says to an acknowledgement that the
//! bridge has stored.
//!
//! An engine calls a program for each notification, waits for it, and looks at nothing that it says.
//! So every event is written to a spool first, and what the bridge has taken is removed from there:
//! while it is away nothing is lost, and what is sent twice has one key, so that it counts once.

mod engine;
mod icinga;
mod nagios;
mod post;
mod spool;
mod values;
mod zabbix;

pub use engine::{Engine, Told};
pub use post::{Answered, Bridge};
pub use spool::{Flushed, Spool, SpoolError};
pub use values::Values;
