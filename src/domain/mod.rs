//! Pure rules: no I/O, no clock, nothing else of this crate.

pub mod acknowledgement;
pub mod body;
pub mod delivery_state;
pub mod keys;
pub mod marker;
pub mod priority;
pub mod text;
pub mod ticket_status;
pub mod ticket_text;
