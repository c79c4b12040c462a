//! Making sources as they should be.

use serde_json::{Map, Value, json};

use super::{
    Plan, SetUp, SetupError,
    plan::{Difference, FIELDS, SourcePlan, attributes},
};
use crate::itop::{Client, Use};

/// What stands in iTop's history of a change.
const COMMENT: &str = "servicenav-itop-bridge cmdb setup";

impl Plan {
    /// Makes each source as it should be, and tells of each change before it is made. The same again goes on
    /// where it ended.
    ///
    /// # Errors
    /// The first that iTop does not take; what was done before it stays.
    pub async fn apply(
        &self,
        admin: &Client,
        mut tell: impl FnMut(&str),
    ) -> Result<Vec<SetUp>, SetupError> {
        let mut done = Vec::new();
        for source in &self.sources {
            let id = source.apply(admin, &mut tell).await?;
            done.push(SetUp {
                class: source.class().to_owned(),
                source_id: id,
                name: source.name.clone(),
                made_for: source.model.made_for(),
            });
        }
        Ok(done)
    }
}

impl SourcePlan {
    async fn apply(
        &self,
        admin: &Client,
        tell: &mut impl FnMut(&str),
    ) -> Result<String, SetupError> {
        let (id, differences) = if let Some(id) = &self.id {
            (id.clone(), self.differences.clone())
        } else {
            tell(&format!("{}: the data source", self.name));
            let id = self.create(admin).await?;
            let differences = attributes(admin, &self.model, &id).await?;
            (id, differences)
        };
        for difference in &differences {
            match difference {
                // That was done just now.
                Difference::Missing => {}
                Difference::Field { field, value, .. } => {
                    tell(&format!("{}: {field}", self.name));
                    let fields = Map::from_iter([((*field).to_owned(), json!(value))]);
                    update(admin, "SynchroDataSource", &id, fields).await?;
                }
                Difference::Attribute { code, now, wanted, object: (class, attribute) } => {
                    tell(&format!("{}: {code}", self.name));
                    let mut fields = Map::from_iter([
                        ("update".to_owned(), json!(u8::from(wanted.update))),
                        ("reconcile".to_owned(), json!(u8::from(wanted.reconcile))),
                        ("update_policy".to_owned(), json!(wanted.policy)),
                    ]);
                    if wanted.by != now.by {
                        fields.insert("reconciliation_attcode".to_owned(), json!(wanted.by));
                    }
                    update(admin, class, attribute, fields).await?;
                }
            }
        }
        Ok(id)
    }

    async fn create(&self, admin: &Client) -> Result<String, SetupError> {
        let mut fields: Map<String, Value> =
            FIELDS.iter().map(|(code, value)| ((*code).to_owned(), json!(value))).collect();
        for (code, value) in [
            ("name", self.name.as_str()),
            ("description", "Equipment that ServiceNav monitors, kept by servicenav-itop-bridge"),
            ("scope_class", self.class()),
            ("user_id", &self.user.id),
        ] {
            fields.insert(code.to_owned(), json!(value));
        }
        let operation = json!({
            "operation": "core/create", "class": "SynchroDataSource", "comment": COMMENT,
            "output_fields": "id", "fields": fields,
        });
        let answer = admin.call(Use::Write, &operation).await?;
        let id = answer.objects().next().map(|(_, id, _)| id.to_string());
        // What was made and not told has its name, and is found by the next set-up.
        id.ok_or_else(|| SetupError::NoId(self.name.clone()))
    }
}

async fn update(
    admin: &Client,
    class: &str,
    id: &str,
    fields: Map<String, Value>,
) -> Result<(), SetupError> {
    let operation = json!({
        "operation": "core/update", "class": class, "key": id.parse::<u64>().unwrap_or(0),
        "comment": COMMENT, "output_fields": "id", "fields": fields,
    });
    admin.call(Use::Write, &operation).await?;
    Ok(())
}
