//! The ServiceNav ↔ iTop bridge.

pub mod board;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod gate;
pub mod itop;
mod link_check;
pub mod resolve;
pub mod secret;
pub mod store;
pub mod web;
