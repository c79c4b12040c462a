//! A test event: everything is checked as for a preview, nothing is created or kept but the row.

use super::{Blocked, PlanError, Preview, lane::Lane};
use crate::{
    domain::{acknowledgement::Acknowledgement, delivery_state::Problem, notice::Notice},
    resolve::Doubts,
    store::Waiting,
};

impl Lane {
    /// Writes down what would have become of a real acknowledgement.
    pub(super) async fn rehearse(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<(), PlanError> {
        let test = || "test".to_owned();
        let (code, outcome, warnings) = match self.rehearsed(row, event).await {
            Ok(Preview::Create(plan, _)) => {
                let resolution = plan.resolution;
                let outcome = format!(
                    "become a ticket of class {} for '{}', team '{}'.",
                    plan.class,
                    resolution.org_name,
                    resolution.refs.team.name()
                );
                (test(), outcome, self.core().say(&resolution.warnings))
            }
            Ok(Preview::Reuse(ticket)) => {
                let outcome = format!("take ticket {}.", ticket.number);
                let ended = Notice::existing_ended(&ticket).into_iter().collect();
                let mut warnings = self.core().say(&event.with_own_notices(ended));
                warnings.extend(self.doubts(row, event).await?);
                (test(), outcome, warnings)
            }
            Err(PlanError::Blocked(blocked)) => {
                let outcome =
                    format!("be '{}': {}", blocked.state.as_str(), blocked.problem.message);
                let warnings = self.core().say(&event.with_own_notices(blocked.warnings));
                (blocked.problem.code, outcome, warnings)
            }
            Err(error @ (PlanError::Way(_) | PlanError::Store(_))) => return Err(error),
        };
        let message =
            format!("This was a test: nothing was created. A real acknowledgement would {outcome}");
        let problem = Problem::new(&code, message);
        Ok(self.core().term.record_without_ticket(row.id, problem, warnings).await?)
    }

    async fn rehearsed(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<Preview, PlanError> {
        let core = self.core();
        let link = core.link(&row.instance, event, row.trusted_names).await?;
        core.look_ahead(&row.instance, event, &link, row.trusted_names).await
    }

    /// What would have to be left out of a ticket of its own.
    async fn doubts(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<Vec<String>, PlanError> {
        let core = self.core();
        let link = core.link(&row.instance, event, row.trusted_names).await?;
        let others = |mut all: Vec<Notice>| {
            all.retain(|notice| !event.notices.contains(notice));
            all
        };
        match core.planner.plan(&row.instance, event, &link, &Doubts::default()).await {
            Ok(plan) => Ok(core.say(&others(plan.resolution.warnings))),
            Err(PlanError::Blocked(Blocked { problem, warnings, .. })) => {
                let mut warnings = core.say(&others(warnings));
                warnings.push(problem.message);
                Ok(warnings)
            }
            Err(error @ (PlanError::Way(_) | PlanError::Store(_))) => Err(error),
        }
    }
}
