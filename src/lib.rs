//! The ServiceNav ↔ iTop bridge.

pub mod catalog;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod gate;
pub mod itop;
pub mod resolve;
pub mod secret;
pub mod store;
