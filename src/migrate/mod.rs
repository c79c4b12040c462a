//! Moving a provider from iTop to Salesforce Service Cloud, step by step.
//!
//! Everything that a migration knows lies in one [`folder`], whose staging file ([`staging`]) each step reads
//! and writes, so that it can be stopped at any moment and goes on where it was. [`survey`] looks at both
//! systems, `source` reads iTop, [`mapping`] says what becomes of it, [`schema`] what the org needs for
//! that, [`target`] brings it there, [`switch`] says what follows for the bridge, [`report`] makes pages of it.
//! [`watch`] looks on from elsewhere.

pub mod folder;
pub mod mapping;
pub mod report;
pub mod schema;
pub mod source;
pub mod staging;
pub mod survey;
pub mod switch;
pub mod target;
pub mod watch;
