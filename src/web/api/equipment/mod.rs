//! The equipment that is kept in iTop's CMDB: lists of it come in, and it is told how far each row is.

pub(in crate::web) mod answers;
mod asked;
mod incoming;
pub(in crate::web) mod list;
mod of_itop;
pub(in crate::web) mod preview;
pub(in crate::web) mod put;
pub(in crate::web) mod view;

pub(in crate::web) use asked::{AnswerBody, CompanyParams, RetryBody};
