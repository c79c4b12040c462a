//! What is sent of a row.

use sha2::{Digest as _, Sha256};

use super::{
    Federation,
    bring::{Decided, Made},
    model::Model,
    plan::Purpose,
    worker::Obstacle,
};
use crate::{
    domain::equipment::Problem,
    itop::synchro::LEAVE,
    store::{CmdbSource, StoreError},
};

impl Federation {
    /// What is sent of a class.
    pub(super) fn model(&self, class: &str) -> Option<Model> {
        Model::of(&self.inner.config, class)
    }

    /// Whether CIs of a class can be told to be retired.
    pub(super) fn retires(&self, class: Option<&str>) -> bool {
        class.and_then(|class| self.model(class)).is_some_and(|model| model.retired().is_some())
    }

    /// What is sent of a class, and into which source.
    pub(super) async fn source(&self, class: &str) -> Result<(Model, CmdbSource), Obstacle> {
        let obstacle = |words: String| Obstacle::Source { class: class.to_owned(), words };
        let model = self.model(class).ok_or_else(|| {
            obstacle(format!("nobody has said what the class {class} has: see cmdb.other_classes"))
        })?;
        let sources = self.sources().await?;
        match sources.into_iter().find(|source| source.class == class) {
            None => Err(Obstacle::NoSource {
                class: class.to_owned(),
                words: format!(
                    "the bridge knows no data source of iTop for the class {class}: run 'cmdb setup' with an \
                     administrator's login"
                ),
            }),
            Some(source) if source.made_for != model.made_for() => Err(obstacle(format!(
                "the data source '{}' was set up for other attributes than [cmdb] names now: run \
                 'cmdb setup' again",
                source.name
            ))),
            Some(source) => Ok((model, source)),
        }
    }

    pub(super) async fn sources(&self) -> Result<Vec<CmdbSource>, StoreError> {
        self.inner.store.cmdb_sources().await
    }

    /// The rows as they are sent. Names are looked up, and made where that is allowed.
    pub(super) async fn made(
        &self,
        model: &Model,
        source: &CmdbSource,
        rows: Vec<Decided>,
    ) -> Result<Vec<Made>, Obstacle> {
        let named = rows.iter().flat_map(|decided| {
            model.named(&decided.planned.row.wanted, &decided.planned.load.org)
        });
        let named: Vec<_> = named.collect();
        let client = self.inner.doors.rest();
        let known = self.inner.names.known(client, named, true).await?;
        let made = rows.into_iter().map(|decided| {
            let Decided { planned, .. } = &decided;
            let (wanted, org) = (&planned.row.wanted, &planned.load.org);
            let status = match planned.load.purpose {
                Purpose::Keep if decided.comes_back => model.revived(),
                Purpose::Keep => None,
                Purpose::Retire | Purpose::Leave => model.retired(),
            };
            let mut row = model.values(wanted, org, status.unwrap_or(LEAVE), &known);
            let is_unseen = planned.load.purpose != Purpose::Keep && planned.row.ci.is_none();
            if is_unseen || decided.called.is_some() {
                // It may never have come to iTop: its name of now must not find somebody else's CI.
                for (fed, value) in model.fed().iter().zip(&mut row.values) {
                    *value = match (&decided.called, fed.code.as_str()) {
                        (_, "status") => continue,
                        (Some(name), "name") => name.clone(),
                        (Some(_), "org_id") => org.clone(),
                        _ => LEAVE.to_owned(),
                    };
                }
            }
            // That it comes back is no difference in what is wanted.
            let lasting = match planned.load.purpose {
                Purpose::Keep => model.values(wanted, org, LEAVE, &known).values,
                Purpose::Retire | Purpose::Leave => row.values.clone(),
            };
            let sent = serde_json::json!([model.class(), source.source_id, lasting]);
            let left_out = (!row.warnings.is_empty())
                .then(|| Problem::new("left-out", row.warnings.join(" ")));
            let hash = Sha256::digest(sent.to_string()).to_vec();
            Made { decided, values: row.values, hash, left_out, words: None }
        });
        Ok(made.collect())
    }
}
