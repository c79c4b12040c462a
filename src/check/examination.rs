//! What an examination knows; each of its parts stands in a file of its own.

use super::Report;
use crate::{
    catalog::Catalog,
    clock::Clock,
    config::{Config, ItopSection},
    domain::company_link::CompanyLink,
    itop::Client,
};

/// What an examination knows.
pub(super) struct Examination<'a> {
    pub(super) config: &'a Config,
    /// The way to iTop among it.
    pub(super) section: &'a ItopSection,
    pub(super) clock: &'a Clock,
    pub(super) client: Client,
    pub(super) catalog: Catalog,
    pub(super) links: Vec<CompanyLink>,
    /// Whether the account is known to see a part of the companies only.
    pub(super) sees_part: bool,
    pub(super) report: Report<'a>,
}
