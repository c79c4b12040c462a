//! Who waits for the outcome of which row: the store knows, because another process may deliver it.

pub(super) use crate::store::Outcomes;
