//! The lists of iTop.

use jiff::Timestamp;
use schemars::JsonSchema;

use crate::desk;

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
pub(in crate::web) type Companies = Page<desk::Organization>;
pub(in crate::web) type Teams = Page<desk::Team>;
pub(in crate::web) type Contacts = Page<desk::Person>;
pub(in crate::web) type Services = Page<desk::Service>;
pub(in crate::web) type Cis = Page<desk::Ci<'static>>;
