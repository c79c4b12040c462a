//! What iTop says of a list before it is sent: which CIs are there already.

use crate::{
    cmdb::{Foresight, Unanswered},
    domain::{
        equipment::{
            Equipment, EquipmentKey, EquipmentRow, EquipmentState,
            preview::{Ci, Outcome, Preview},
        },
        keys::{Instance, PartyKey},
        visible::Visible,
    },
    store::StoreError,
    web::AppState,
};

/// Turns what would become of rows by what iTop has; gives what could not be found out, in a sentence.
pub(super) async fn turned(
    state: &AppState,
    (instance, company): (&Instance, &PartyKey),
    wanted: &[Option<Equipment>],
    preview: &mut Preview,
) -> Result<Option<String>, StoreError> {
    let Some(federation) = &state.federation else { return Ok(None) };
    let (mut places, mut rows) = (Vec::new(), Vec::new());
    for (at, (item, wanted)) in preview.items.iter().zip(wanted).enumerate() {
        let is_wanted = matches!(item.outcome, Outcome::Created | Outcome::Changed | Outcome::Back);
        let (true, Some(wanted)) = (is_wanted, wanted) else { continue };
        let key = EquipmentKey {
            instance: instance.clone(),
            company: company.clone(),
            id: item.id.clone(),
        };
        let known = state.store.for_polls().equipment(&key, &Visible::all()).await?;
        places.push(at);
        rows.push(as_if(key, wanted.clone(), known));
    }
    let foreseen = match federation.foresee(rows).await {
        Ok(foreseen) => foreseen,
        Err(Unanswered::Store(error)) => return Err(error),
        Err(Unanswered::Itop(_)) => {
            return Ok(Some(
                "iTop does not answer now: which CIs are there already is not known.".to_owned(),
            ));
        }
    };
    for (at, foresight) in places.into_iter().zip(foreseen) {
        match foresight {
            Foresight::Creates | Foresight::Changes | Foresight::Leaves => {}
            Foresight::Adopts { class, id, .. } => {
                preview.turn(at, Outcome::Adopted, None);
                preview.items[at].ci = Some(Ci { class, id });
            }
            Foresight::Asks(problem) => {
                let outcome = if problem.code == "adopt" {
                    Outcome::Adopted
                } else {
                    preview.items[at].outcome
                };
                preview.turn(at, outcome, Some(problem));
                preview.items[at].held = true;
            }
            // It comes to that when what it waits for is there.
            Foresight::Waits(problem) => preview.items[at].problem = Some(problem),
            Foresight::Fails(problem) => preview.turn(at, Outcome::Failed, Some(problem)),
        }
    }
    Ok(None)
}

/// A row as the list would leave it.
fn as_if(key: EquipmentKey, wanted: Equipment, known: Option<EquipmentRow>) -> EquipmentRow {
    let row = EquipmentRow::new(key, wanted);
    match known {
        Some(known) => EquipmentRow {
            wanted: row.wanted,
            wanted_hash: row.wanted_hash,
            state: EquipmentState::Changed,
            listed: true,
            held: None,
            // What a person has said was of other values.
            allowed: None,
            ..known
        },
        None => row,
    }
}
