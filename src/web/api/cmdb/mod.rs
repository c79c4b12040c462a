//! How equipment is kept in iTop's CMDB, for those who set it up.

pub(in crate::web) mod hand_back;
pub(in crate::web) mod sources;
