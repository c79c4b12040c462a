//! The sandbox is held to what is known of Salesforce: examples of its answers, and programs that
//! are not ours.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod bulk;
mod collections;
mod composite;
mod examples;
mod faults;
mod files;
mod login;
mod metadata;
mod org;
mod pages;
mod programs;
mod queries;
mod records;
