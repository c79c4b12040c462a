//! Examples, as a bridge with the simulated iTop has given them. A test holds each against its schema.

use std::sync::LazyLock;

use serde_json::Value;

use super::operation::JSON;
use crate::{
    domain::body::FieldError,
    web::{problem::ApiError, problem_type::ProblemType},
};

/// By the name of the call: `request`, and `answers` by status.
static EXAMPLES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// Adds to a call the examples that there are.
pub(super) fn add(operation: &mut Value) {
    let Some(example) = operation["operationId"].as_str().and_then(|id| EXAMPLES.get(id)) else {
        return;
    };
    if let Some(request) = example.get("request") {
        operation["requestBody"]["content"][JSON]["example"] = request.clone();
    }
    for (status, answer) in example["answers"].as_object().into_iter().flatten() {
        operation["responses"][status]["content"][JSON]["example"] = answer.clone();
    }
}

/// A document of that type.
pub(super) fn problem(kind: &ProblemType) -> Value {
    let mut documents = samples().into_iter().map(|error| error.document());
    documents.find(|document| document["type"] == kind.urn()).unwrap_or_default()
}

fn samples() -> Vec<ApiError> {
    let said = str::to_owned;
    vec![
        ApiError::not_json("EOF while parsing an object at line 1 column 1"),
        ApiError::BadParameter(said("'limit' must be from 1 to 1000, not 0.")),
        ApiError::Unauthorized,
        ApiError::WrongSignature("None of the signatures is right."),
        ApiError::WrongTime(said("It was signed 312 s ago; five minutes are the most.")),
        ApiError::Forbidden(said("The token 'dashboard' lacks the scope 'operate'.")),
        ApiError::ForeignCaller(said("A page of another origin may not write here.")),
        ApiError::NotFound(said("There is no acknowledgement 4711.")),
        ApiError::MethodNotAllowed,
        ApiError::Conflict(
            said("Acknowledgement 7 is created; only a failed or blocked one can be tried again."),
            Value::Null,
        ),
        ApiError::PreviewOutdated,
        ApiError::OtherDesk(said(
            "Company id:7 would have links to more than one ticket system ('desk'), and nothing was changed.",
        )),
        ApiError::NotHeld,
        ApiError::NotSettled,
        ApiError::NotLeading,
        ApiError::CmdbOff,
        ApiError::ItopOff,
        ApiError::LinkChanged(None),
        ApiError::TooLarge(262_144),
        ApiError::UnsupportedMediaType(said("text/plain")),
        ApiError::Invalid(vec![FieldError {
            pointer: said("/company"),
            code: "required",
            message: said("'company' is missing or empty"),
        }]),
        ApiError::TooMany {
            detail: said(
                "The token 'dashboard' may make 50 requests a second (rate, in auth.tokens or auth).",
            ),
            after: 1,
        },
        ApiError::Internal,
        ApiError::StoreUnavailable,
        ApiError::StoreDamaged,
        ApiError::TooLong,
        ApiError::ItopUnavailable,
        ApiError::StreamsTaken,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::problem_type::ALL;

    #[test]
    fn the_examples_can_be_read() {
        assert!(EXAMPLES.is_object());
    }

    #[test]
    fn each_type_of_problem_has_an_example() {
        for kind in ALL {
            assert_eq!(problem(kind)["status"], kind.status.as_u16(), "{}", kind.code);
        }
    }
}
