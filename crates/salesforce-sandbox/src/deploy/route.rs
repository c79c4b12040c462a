//! `/metadata/deployRequest`.

use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};

use super::{package, permissions::secure};
use crate::{
    fault::Operation,
    org::Org,
    refusal::Refusal,
    web::{Answer, Call, not_allowed, pieces},
};

impl Org {
    /// Deploys, or says what became of it.
    pub(crate) fn deployments(&self, call: &Call, path: &[&str]) -> Result<Answer, Refusal> {
        self.faults.refuse(Operation::Deploy, "", "")?;
        if !self.state().access.deploys {
            let message = "You do not have the permission Modify Metadata Through Metadata API \
                           Functions";
            return Err(Refusal::new(403, "INSUFFICIENT_ACCESS", message));
        }
        match (call.method.as_str(), path) {
            ("POST", []) => self.deploy(call),
            ("GET", [id]) => {
                let id = crate::ids::long(id).ok_or_else(Refusal::not_found)?;
                let sql = "SELECT json FROM _deploy WHERE id = ?";
                let found: Option<String> =
                    self.state().db.query_row(sql, [&id], |row| row.get(0)).optional()?;
                let text = found.ok_or_else(Refusal::not_found)?;
                let mut shown: Value = serde_json::from_str(&text).unwrap_or_default();
                if call.argument("includeDetails") != Some("true")
                    && let Some(result) = shown["deployResult"].as_object_mut()
                {
                    result.shift_remove("details");
                }
                Ok(Answer::json(200, shown))
            }
            (method, _) => Err(not_allowed(method)),
        }
    }

    fn deploy(&self, call: &Call) -> Result<Answer, Refusal> {
        let pieces = pieces(call)?;
        let options = pieces.iter().find(|piece| piece.kind.contains("json"));
        let options: Value = options
            .and_then(|piece| serde_json::from_slice(&piece.bytes).ok())
            .ok_or_else(|| Refusal::bad("INVALID_MULTIPART_REQUEST", "deployOptions is missing"))?;
        let options = options["deployOptions"].clone();
        let zip = pieces.iter().find(|piece| piece.name == "file");
        let zip = zip
            .ok_or_else(|| Refusal::bad("INVALID_MULTIPART_REQUEST", "The part file is missing"))?;
        let only = options["checkOnly"] == json!(true);
        let package = package::read(&zip.bytes, &self.state().schema);
        let failed = package.has_failed();
        let components = package.components.clone();
        if !only && !failed {
            let sets = {
                let mut state = self.state();
                package.apply(&mut state)?
            };
            self.quietly(|work| sets.iter().try_for_each(|set| work.plant_set(set)))?;
            secure(&mut self.state())?;
        }
        let state = self.state();
        let id = state.next_id("0Af")?;
        let (bad, good): (Vec<_>, Vec<_>) =
            components.iter().partition(|component| component.problem.is_some());
        let shown = |components: &[&super::Component]| -> Value {
            components.iter().map(|component| component.shown()).collect()
        };
        let done = json!({
            "id": id,
            "deployOptions": options,
            "deployResult": {
                "id": id,
                "checkOnly": only,
                "done": true,
                "status": if failed { "Failed" } else { "Succeeded" },
                "success": !failed,
                "numberComponentErrors": bad.len(),
                "numberComponentsDeployed": if failed { 0 } else { good.len() },
                "numberComponentsTotal": components.len(),
                "numberTestErrors": 0,
                "details": {
                    "componentFailures": shown(&bad),
                    "componentSuccesses": shown(&good),
                },
            },
        });
        state.db.execute("INSERT INTO _deploy VALUES (?, ?)", (&id, done.to_string()))?;
        let pending = json!({
            "id": id,
            "deployOptions": options,
            "deployResult": {
                "id": id,
                "success": false,
                "checkOnly": only,
                "status": "Pending",
                "done": false,
            },
        });
        Ok(Answer::json(201, pending))
    }
}
