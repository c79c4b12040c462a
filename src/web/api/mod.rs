//! One file a family of endpoints.

pub(super) mod acknowledgements;
pub(super) mod board;
mod board_params;
pub(super) mod board_summary;
pub(super) mod cmdb;
pub(super) mod companies;
pub(super) mod control_detail;
pub(super) mod controls;
pub(super) mod equipment;
pub(super) mod health;
pub(super) mod hold;
pub(super) mod itop_changes;
mod link_warning;
pub(super) mod links;
pub(super) mod lookup;
pub(super) mod preview;
pub(super) mod priority;
pub(super) mod session;
pub(super) mod stream;
pub(super) mod stream_address;
pub(super) mod tickets;
