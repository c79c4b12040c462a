//! Pure rules: no I/O, no clock, nothing else of this crate. When two names are one is a crate of its own.

pub mod acknowledgement;
pub mod body;
pub mod bucket;
pub mod charset;
pub mod company_link;
pub mod delivery_state;
pub mod desk_name;
pub mod dotted;
pub mod equipment;
pub mod event_time;
pub mod hex;
pub mod hook_body;
pub mod hook_event;
pub mod inbox_group;
pub mod json_text;
pub mod keys;
pub mod link_table;
pub mod marker;
pub mod network;
pub mod new_ticket;
pub mod notice;
pub mod placeholder;
pub mod priority;
pub mod standard_webhooks;
pub mod terminal;
pub mod text;
pub mod ticket_status;
pub mod ticket_text;
pub mod trace;
pub mod visible;
pub mod wanted_words;

pub use itop_names as names;
