//! `/sandbox/…`: what a test in another process sees and switches.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{fault::Fault, org::Org, refusal::Refusal};

impl Org {
    pub(crate) fn inspect(&self, call: &Call, path: &[&str]) -> Answer {
        self.inspected(call, path).into()
    }

    fn inspected(&self, call: &Call, path: &[&str]) -> Result<Answer, Refusal> {
        let fine = |value: Value| Ok(Answer::json(200, value));
        match (call.method.as_str(), path) {
            ("GET", ["faults"]) => fine(json!(self.faults.list())),
            ("POST", ["faults"]) => {
                let fault: Fault = serde_json::from_value(call.json()?)
                    .map_err(|error| Refusal::bad("NO_FAULT", error.to_string()))?;
                self.faults.add(fault);
                Ok(Answer::empty(204))
            }
            ("DELETE", ["faults"]) => {
                self.faults.clear();
                Ok(Answer::empty(204))
            }
            ("DELETE", ["sessions"]) => {
                self.sessions.close_all();
                Ok(Answer::empty(204))
            }
            ("GET", ["requests"]) => fine(json!(self.seen.list())),
            ("GET", ["under_way"]) => fine(json!(self.under_way.load(Ordering::SeqCst))),
            ("GET", ["records", object]) => {
                let state = self.state();
                let object = state.schema.object(object).ok_or_else(Refusal::not_found)?;
                fine(json!(state.rows(object, crate::store::HELD, &[])?))
            }
            _ => Err(Refusal::not_found()),
        }
    }
}
