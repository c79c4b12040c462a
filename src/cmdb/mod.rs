//! The equipment that is monitored, as it is kept in iTop's CMDB.

pub mod model;
pub mod setup;
