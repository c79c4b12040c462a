//! Everything that is tested through HTTP, in one binary.

#![expect(clippy::unwrap_used, reason = "clippy takes only test functions themselves for tests")]

mod check;
mod contract;
mod cutting_proxy;
mod live;
mod main_job;
mod world;
