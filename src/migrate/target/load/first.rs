//! The first few of each class, with all that they refer to.

use std::sync::Arc;

use super::Load;
use crate::migrate::{mapping::is_taken, target::TargetError};

/// How many objects are looked at together.
const AT_ONCE: usize = 500;

impl Load<'_> {
    /// Chooses the rows of a limited load. What refers is looked at before what is referred to.
    pub(super) async fn choose_first(&self) -> Result<(), TargetError> {
        let Some(limit) = self.how.limit else { return Ok(()) };
        let plan = Arc::clone(self.plan);
        self.staging
            .ledger(move |ledger| {
                ledger.choose_none()?;
                for class in plan.order.iter().rev() {
                    let Some((mapping, _)) = plan.class(class) else { continue };
                    let (mut above, mut taken) = (0, 0);
                    'first: loop {
                        let objects = ledger.objects(class, above, AT_ONCE)?;
                        let Some(last) = objects.last() else { break };
                        above = last.id;
                        for object in objects.iter().filter(|object| is_taken(mapping, object)) {
                            if taken == limit {
                                break 'first;
                            }
                            ledger.choose(class, object.id)?;
                            taken += 1;
                        }
                    }
                    for object in ledger.chosen(class)? {
                        for (class, id) in plan.referred(&object) {
                            ledger.choose(&class, id)?;
                        }
                    }
                }
                Ok(())
            })
            .await?;
        Ok(())
    }
}
