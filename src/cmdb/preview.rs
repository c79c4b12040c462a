//! What would become of equipment, before anything is written.

use std::sync::Arc;

use super::{
    Federation, Inner,
    links::Links,
    lookup,
    plan::{self, Purpose, Step, Verdict},
};
use crate::{
    domain::{
        equipment::{EquipmentRow, Problem},
        names::spelling,
        visible::Visible,
    },
    itop::ItopError,
    lifecycle::to_its_end,
};

pub use super::lookup::Unanswered;

/// What would become of a row that is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foresight {
    /// A CI would be made.
    Creates,
    /// A CI that is there would be taken over: class and key.
    Adopts {
        /// Its class.
        class: String,
        /// Its key.
        id: String,
        /// Its name in iTop.
        name: String,
    },
    /// Its own CI would be changed.
    Changes,
    /// Its CI would be retired, because it is of another class now, or of none.
    Leaves,
    /// Somebody would be asked first, in these words.
    Asks(Problem),
    /// It would wait until something is mended.
    Waits(Problem),
    /// It would fail.
    Fails(Problem),
}

impl Federation {
    /// What would become of rows as they are given, which need not be stored: whether iTop has a CI of that
    /// name is asked of it, in as few requests as there are five hundreds of new names. Nothing is written.
    ///
    /// # Errors
    /// Where iTop or the database does not answer; nothing is known then.
    pub async fn foresee(&self, rows: Vec<EquipmentRow>) -> Result<Vec<Foresight>, Unanswered> {
        let inner = self.inner.clone();
        let place = inner.doors.rest().place_on_demand().await;
        // The place is kept for as long as iTop may be at work, whoever waits.
        to_its_end(async move {
            let _place = place;
            foresee(&inner, &rows).await
        })
        .await
    }
}

async fn foresee(inner: &Arc<Inner>, rows: &[EquipmentRow]) -> Result<Vec<Foresight>, Unanswered> {
    let federation = Federation { inner: inner.clone() };
    let links = Links::new(inner.store.links(&Visible::all()).await?);
    let steps: Vec<Step> = rows.iter().map(|row| federation.next(&links, row)).collect();
    let wanted: Vec<_> = rows
        .iter()
        .zip(&steps)
        .filter_map(|(row, step)| match step {
            Step::Loads(load) if plan::asks_for_its_name(row, load) => {
                Some((load.org.clone(), row.wanted.name.clone()))
            }
            _ => None,
        })
        .collect();
    let seen = match inner.gate.refuses_reads() {
        Some(reason) if !wanted.is_empty() => {
            return Err(ItopError::Unreachable { reason }.into());
        }
        _ => lookup::seen(inner.doors.rest(), &inner.store, &wanted).await?,
    };
    let mut made_here = std::collections::HashSet::new();
    let foreseen = rows.iter().zip(steps).map(|(row, step)| match step {
        Step::Ends(_) => Foresight::Leaves,
        Step::Waits(problem) => Foresight::Waits(problem),
        Step::Asks(question) => Foresight::Asks(question.problem()),
        Step::Loads(load) if load.purpose != Purpose::Keep => Foresight::Leaves,
        Step::Loads(load) if !plan::asks_for_its_name(row, &load) => Foresight::Changes,
        Step::Loads(load) => {
            let named = (load.org.clone(), spelling(&row.wanted.name));
            let found = seen.get(&named).map(Vec::as_slice).unwrap_or_default();
            let told = lookup::told_to(&row.key, found);
            match plan::judge(row, &load.class, &load.org, &told, inner.config.adopt) {
                Verdict::Creates if made_here.insert((load.class, named)) => Foresight::Creates,
                Verdict::Creates => Foresight::Fails(plan::same_name(row)),
                Verdict::Adopts(ci) => {
                    Foresight::Adopts { class: ci.class, id: ci.id, name: ci.name }
                }
                Verdict::Asks(question) => Foresight::Asks(question.problem()),
                Verdict::Fails(problem) => Foresight::Fails(problem),
            }
        }
    });
    Ok(foreseen.collect())
}
