//! Bulk API 2.0, ingest: jobs, their tables, and the work on them.
//!
//! Jobs lie in the database: one that was under way when the program was killed goes on.

mod csv;
mod job;
mod results;
mod route;
mod run;

pub(crate) use self::job::begin;
