//! Everything that is tested through HTTP, in one binary.

#![expect(clippy::unwrap_used, reason = "clippy takes only test functions themselves for tests")]

mod access;
mod companies_never_mix;
mod contract;
mod every_answer;
mod inbox;
mod main_job;
mod receiving;
mod refusals;
mod waiting;
mod which_ticket;
mod world;
