//! The console: pages for operators, administrators, and whoever is woken.
//!
//! A page is a folder: its handlers, its template, its words in both languages, and the script that
//! makes it live. It reads what the API reads; what it changes, its script changes through the API. So
//! each page can be read without a script, and all that it does can be scripted.

pub(super) mod assets;
pub(super) mod companies;
pub(super) mod equipment;
pub(super) mod health;
pub(super) mod inbox;
pub(super) mod language;
pub(super) mod migration;
pub(super) mod new_ticket;
pub(super) mod page;
mod plots;
pub(super) mod reference;
pub(super) mod sign_in;
mod templates;
pub(super) mod texts;
pub(super) mod tickets;

pub use sign_in::provider::callback_of;
pub use templates::Templates;
