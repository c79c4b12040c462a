//! The lists of iTop.

use jiff::Timestamp;
use schemars::JsonSchema;

use crate::itop;

/// A list of iTop.
#[derive(JsonSchema)]
pub(in crate::web) struct Page<T> {
    items: Vec<T>,
    /// When iTop gave the list.
    as_of: Timestamp,
    /// Whether iTop could not give a newer one.
    stale: bool,
    /// The `cursor` of the next page.
    next: Option<String>,
}

/// The lists of iTop.
pub(in crate::web) type Companies = Page<itop::Organization>;
pub(in crate::web) type Teams = Page<itop::Team>;
pub(in crate::web) type Contacts = Page<itop::Person>;
pub(in crate::web) type Services = Page<itop::Service>;
pub(in crate::web) type Cis = Page<itop::Ci<'static>>;
