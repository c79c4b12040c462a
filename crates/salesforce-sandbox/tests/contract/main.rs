//! The sandbox is held to what is known of Salesforce: examples of its answers, and programs that
//! are not ours.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod composite;
mod faults;
mod login;
mod org;
mod queries;
mod records;
