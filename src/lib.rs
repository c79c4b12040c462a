//! The ServiceNav ↔ iTop bridge: acknowledgements in, exactly one ticket each, status out.
//!
//! Data runs one way: [`web`] → [`domain`] → [`store`] (inbox) → [`delivery`] → [`resolve`] and
//! [`catalog`] → [`itop`] → [`store`] (tickets of controls) → [`board`] → [`web`]. `domain` knows
//! nothing else of this crate; `itop` and `store` know `domain` alone; `web` never calls `itop`.
//! [`salesforce`] is the other ticket system, and [`outgoing`] what calls to both have in common.
//! [`oidc`] asks the provider where people sign in, [`check`] examines configuration and iTop, [`history`] keeps how the last days were; [`app`]
//! builds all of it. [`sender`] is the other end of the wire: what monitoring engines call.
//!
//! The simulated ticket systems that demo and tests run against are crates of their own, as is what the
//! simulated iTop has in common with the bridge: the [`clock`], and when two names are one.

pub mod app;
pub mod board;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod cmdb;
pub mod config;
pub mod counting;
pub mod delivery;
pub mod desk;
pub mod domain;
pub mod gate;
pub mod history;
pub mod hooks;
pub mod itop;
pub mod lifecycle;
mod link_check;
pub mod migrate;
mod no_answer;
pub mod oidc;
pub mod outgoing;
pub mod resolve;
pub mod salesforce;
pub mod secret;
pub mod sender;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod web;

pub use ::clock;
