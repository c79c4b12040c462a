//! The ServiceNav ↔ iTop bridge.

pub mod clock;
pub mod domain;
pub mod itop;
pub mod secret;
pub mod store;
