//! Metadata: what is in the archive that an administrator deploys becomes objects and fields.
//!
//! New fields are seen by nobody until a permission set that names them is assigned.

mod archive;
mod objects;
mod package;
mod permissions;
mod route;
mod xml;

pub(crate) use self::permissions::{begin, secure};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A part of the archive, and what is wrong with it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    /// None: it can be deployed.
    pub(crate) problem: Option<String>,
}

impl Component {
    fn shown(&self) -> Value {
        let mut shown = json!({
            "fullName": self.name,
            "componentType": self.kind,
            "fileName": self.file,
            "success": self.problem.is_none(),
        });
        if let Some(problem) = &self.problem {
            shown["problem"] = json!(problem);
            shown["problemType"] = json!("Error");
            shown["lineNumber"] = json!(self.line);
            shown["columnNumber"] = json!(5);
        }
        shown
    }
}
