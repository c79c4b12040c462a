//! Reading back what was loaded: nothing is said to be in iTop that was not seen there.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    Federation,
    bring::Made,
    lookup,
    model::Model,
    plan::{self, Planned, Purpose, Sent},
    worker::{Obstacle, outcome},
};
use crate::{
    config::Keep,
    domain::{
        equipment::{EquipmentKey, Problem},
        names::spelling,
    },
    itop::{Use, synchro::LEAVE},
    store::{Became, SettledEquipment},
};

/// The attribute in which a CI says that it is out of use.
const STATUS: &str = "status";

/// A CI as it was read back.
struct Ci {
    class: String,
    fields: Map<String, Value>,
}

/// The CIs of a chunk.
#[derive(Default)]
struct Found {
    by_id: HashMap<String, Ci>,
    /// By organization and name.
    named: HashMap<lookup::Named, Vec<String>>,
    /// Which equipment has which.
    owners: HashMap<String, EquipmentKey>,
}

impl Federation {
    /// Reads the CIs of rows that were loaded, in one request: what became of each row.
    pub(super) async fn proven(
        &self,
        model: &Model,
        made: &[Made],
    ) -> Result<Vec<SettledEquipment>, Obstacle> {
        let found = self.read_back(model, made).await?;
        let outcomes = made
            .iter()
            .map(|made| outcome(&made.decided.planned.row, self.judge(model, made, &found)));
        Ok(outcomes.collect())
    }

    async fn read_back(&self, model: &Model, made: &[Made]) -> Result<Found, Obstacle> {
        let class = model.class();
        let ids: Vec<&str> = made.iter().filter_map(|made| made.decided.ci()).collect();
        let named: Vec<_> = made
            .iter()
            .map(|made| (made.decided.planned.load.org.clone(), name_of(model, made).to_owned()))
            .collect();
        let mut condition = lookup::called(&named);
        if !ids.is_empty() {
            // Keys of CIs are numbers that iTop itself has told.
            condition = format!("id IN ({}) OR {condition}", ids.join(", "));
        }
        let fed = model.fed().iter().map(|fed| fed.code.as_str());
        let others = fed.filter(|code| !["name", "org_id"].contains(code));
        let fields: Vec<_> = ["id", "name", "org_id"].into_iter().chain(others).collect();
        let operation = json!({
            "operation": "core/get", "class": class, "key": format!("SELECT {class} WHERE {condition}"),
            "output_fields": fields.join(","),
        });
        let answer = self.inner.doors.rest().call(Use::Read, &operation).await?;
        let mut found = Found::default();
        for (class, id, fields) in answer.objects() {
            let text = |name: &str| fields.get(name).map_or(String::new(), lookup::as_text);
            let named = (text("org_id"), spelling(&text("name")));
            found.named.entry(named).or_default().push(id.to_string());
            let ci = Ci { class: class.to_owned(), fields: fields.clone() };
            found.by_id.insert(id.to_string(), ci);
        }
        let ids: Vec<_> = found.by_id.keys().cloned().collect();
        let owners = self.inner.store.equipment_with_cis(&ids).await?;
        found.owners = owners.into_iter().map(|(key, _, id)| (id, key)).collect();
        Ok(found)
    }

    fn judge(&self, model: &Model, made: &Made, found: &Found) -> Became {
        let class = model.class();
        let Planned { row, load } = &made.decided.planned;
        let known = made.decided.ci().filter(|id| found.by_id.contains_key(*id));
        match load.purpose {
            Purpose::Keep => {}
            Purpose::Retire | Purpose::Leave => return judge_retired(model, made, known, found),
        }
        let named = (load.org.clone(), spelling(&row.wanted.name));
        let id = match (known, found.named.get(&named).map(Vec::as_slice).unwrap_or_default()) {
            (Some(id), _) => id,
            (None, [one]) => one,
            (None, []) => return Became::Failed(self.missing(class, made)),
            (None, several) => return Became::Failed(ambiguous(made, several)),
        };
        if found.owners.get(id).is_some_and(|owner| *owner != row.key) {
            return Became::Failed(Problem::new(
                "ci-taken",
                format!(
                    "The CI '{}' (key {id}) is that of other equipment already: two pieces of equipment of \
                     one organization and class need two names.",
                    row.wanted.name
                ),
            ));
        }
        let Some(ci) = found.by_id.get(id) else {
            return Became::Failed(self.missing(class, made));
        };
        if made.decided.called.is_some() {
            // Its source knows it by now; what it is to be comes next.
            return Became::Seen { ci: (ci.class.clone(), id.to_owned()) };
        }
        if let Some(difference) = plan::difference(compared(model, made), &ci.fields) {
            return Became::Failed(Problem::new(
                "not-as-sent",
                format!(
                    "iTop's {class} {id} has '{}' in {}, and '{}' was sent.{} Its data source '{}' has \
                     the reason among its replicas with errors.",
                    difference.found,
                    difference.attribute,
                    difference.sent,
                    said(made),
                    self.config().source_name(class),
                ),
            ));
        }
        let its = (ci.class.clone(), id.to_owned());
        if is_retired_still(model, made, &ci.fields) {
            return Became::Seen { ci: its };
        }
        Became::Synchronized {
            ci: its,
            sent_hash: made.hash.clone(),
            left_out: made.left_out.clone(),
        }
    }

    fn missing(&self, class: &str, made: &Made) -> Problem {
        let source = self.config().source_name(class);
        let name = &made.decided.planned.row.wanted.name;
        match &made.words {
            Some(words) => {
                Problem::new("load-refused", format!("iTop refused the row of '{name}': {words}"))
            }
            None => Problem::new(
                "not-created",
                format!(
                    "iTop has no {class} '{name}' after the synchronization, and tells only administrators \
                     why: look among the replicas with errors of the data source '{source}'. Often a \
                     mandatory attribute has no value (cmdb.defaults), or cmdb.user may not write the class \
                     or see the organization."
                ),
            ),
        }
    }
}

/// The name by which the CI of a row is looked for: of what is retired before it was ever seen, the one under which
/// it was begun.
fn name_of<'m>(model: &Model, made: &'m Made) -> &'m str {
    let Planned { row, load } = &made.decided.planned;
    let begun = match load.purpose {
        Purpose::Keep => None,
        Purpose::Retire | Purpose::Leave => plan::begun_name(row, model.class(), &load.org),
    };
    begun.unwrap_or(&row.wanted.name)
}

/// Whether a CI is retired because of a load whose outcome was never seen: its equipment has come back since.
fn is_retired_still(model: &Model, made: &Made, fields: &Map<String, Value>) -> bool {
    let Made { decided, .. } = made;
    let (Some(retired), Some(_)) = (model.retired(), model.revived()) else { return false };
    let status = Sent { attribute: STATUS, value: retired };
    let was_seen = decided.planned.row.synchronized_at.is_some();
    !was_seen && !decided.comes_back && plan::difference([status], fields).is_none()
}

/// Of what is retired only that counts; what is not there needs no retirement. A CI that was begun, and not seen
/// before its equipment was gone, is found by its name.
fn judge_retired(model: &Model, made: &Made, known: Option<&str>, found: &Found) -> Became {
    let Planned { row, load } = &made.decided.planned;
    let ended = |ci: Option<_>, sent_hash| match load.purpose {
        Purpose::Leave => Became::Left { lost: ci.is_none().then(|| model.class().to_owned()) },
        Purpose::Keep | Purpose::Retire => Became::Retired { ci, sent_hash },
    };
    let is_begun = plan::begun_name(row, model.class(), &load.org).is_some();
    let named = (load.org.clone(), spelling(name_of(model, made)));
    let id = known.or_else(|| match found.named.get(&named).map(Vec::as_slice) {
        Some([one]) if is_begun && !found.owners.contains_key(one) => Some(one),
        _ => None,
    });
    let Some((id, ci)) = id.and_then(|id| Some((id, found.by_id.get(id)?))) else {
        return ended(None, None);
    };
    let status = Sent { attribute: STATUS, value: model.retired().unwrap_or_default() };
    match plan::difference([status], &ci.fields) {
        // Its own has never come to iTop, and this is somebody else's.
        Some(_) if known.is_none() => ended(None, None),
        None => ended(Some((ci.class.clone(), id.to_owned())), Some(made.hash.clone())),
        Some(difference) => Became::Failed(Problem::new(
            "not-retired",
            format!(
                "iTop's {} {id} has the status '{}', and '{}' was sent.{}",
                model.class(),
                difference.found,
                difference.sent,
                said(made),
            ),
        )),
    }
}

/// The values that must be found as they were sent: those that nobody else may change, and the status of
/// what has come back.
fn compared<'a>(model: &'a Model, made: &'a Made) -> impl Iterator<Item = Sent<'a>> {
    model
        .fed()
        .iter()
        .zip(&made.values)
        .filter(|(fed, value)| (fed.keep == Keep::Locked || fed.code == STATUS) && **value != LEAVE)
        .map(|(fed, value)| Sent { attribute: &fed.code, value })
}

/// What the load said of a row, behind another sentence.
fn said(made: &Made) -> String {
    made.words.as_ref().map(|words| format!(" The load said: {words}")).unwrap_or_default()
}

fn ambiguous(made: &Made, several: &[String]) -> Problem {
    let shown: Vec<_> = several.iter().take(5).map(String::as_str).collect();
    Problem::new(
        "ci-ambiguous",
        format!(
            "iTop has {} CIs named '{}' in this organization: keys {}. Rename or merge them there, then \
             retry.",
            several.len(),
            made.decided.planned.row.wanted.name,
            shown.join(", ")
        ),
    )
}
