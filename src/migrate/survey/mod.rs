//! What is in iTop and in the org, before anything is moved: counts, sizes, limits, and what a move asks.

mod estimate;
mod itop;
mod model;
mod org;
mod page;
mod version;

use jiff::Timestamp;
use serde::Serialize;

pub use estimate::{Estimate, Work, estimate};
pub use itop::{
    AttachmentSurvey, ClassSurvey, Flavour, Group, ItopSurvey, Module, Notification, Target,
    survey as survey_itop,
};
pub use model::Model;
pub use org::{ObjectSurvey, OrgSurvey, Picklist, survey as survey_org};
pub use version::{Stage, Version};

/// The name of the survey in the folder of a migration, without its ending.
pub const FILE: &str = "survey";

/// All that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Survey {
    /// When.
    pub made_at: Timestamp,
    /// The version of this program.
    pub program: &'static str,
    /// The iTop that is left.
    pub itop: ItopSurvey,
    /// The org that is moved to, where one is configured.
    pub salesforce: Option<OrgSurvey>,
    /// What the move asks of both.
    pub estimate: Estimate,
    /// What could not be seen, a sentence each.
    pub missing: Vec<String>,
}
