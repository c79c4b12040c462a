//! The inbox, and the operator's levers.

use crate::web::{
    api::acknowledgements::{self as inbox, causes::CausesParams, list::ListParams},
    description::{
        bodies::{Reason, Which, WhichAndWhy},
        operation::{Chapter::Inbox, Operation},
        schemas::Schemas,
        shapes::{self, Causes, Levered, RequestOfRow},
    },
    problem_type as kinds,
    view::AcknowledgementView,
};

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    let mut calls = reading(schemas);
    calls.extend(levers(schemas));
    calls
}

fn reading(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        Operation::new(
            ("get", "/api/v1/acknowledgements"),
            "listAcknowledgements",
            Inbox,
            "What came, newest first",
        )
        .query(schemas.parameters::<ListParams>())
        .gives(
            200,
            "A page of the inbox.",
            schemas.answer::<shapes::Inbox<inbox::list::Item<'_>>>(),
        )
        .reads_database(),
        Operation::new(
            ("get", "/api/v1/acknowledgements/causes"),
            "listCauses",
            Inbox,
            "What rows need somebody for",
        )
        .about("Those with most rows first. A `cause` is what the levers on many rows take.")
        .query(schemas.parameters::<CausesParams>())
        .gives(200, "The causes.", schemas.answer::<Causes>())
        .reads_database(),
        Operation::new(
            ("get", "/api/v1/acknowledgements/{id}"),
            "getAcknowledgement",
            Inbox,
            "One row, with its body and what came of it",
        )
        .gives(200, "The row.", schemas.answer::<inbox::WholeView<'_>>())
        .fails(&[&kinds::NOT_FOUND])
        .reads_database(),
        Operation::new(
            ("get", "/api/v1/acknowledgements/{id}/request"),
            "getRequestOfAcknowledgement",
            Inbox,
            "What would be sent for a row",
        )
        .about(
            "And the request that iTop last refused; that is not for tokens limited to companies.",
        )
        .gives(200, "The requests.", schemas.answer::<RequestOfRow>())
        .fails(&[&kinds::NOT_FOUND])
        .reads_database(),
    ]
}

fn levers(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        Operation::new(
            ("post", "/api/v1/acknowledgements/{id}/retry"),
            "retryAcknowledgement",
            Inbox,
            "Try a failed or blocked row now",
        )
        .takes_nothing()
        .gives(200, "The row.", schemas.answer::<AcknowledgementView<'_>>())
        .fails(&[&kinds::NOT_FOUND, &kinds::CONFLICT])
        .reads_database(),
        Operation::new(
            ("post", "/api/v1/acknowledgements/{id}/discard"),
            "discardAcknowledgement",
            Inbox,
            "Give a row up, or tick a refused one off",
        )
        .takes(schemas.body::<Reason>())
        .gives(200, "The row.", schemas.answer::<AcknowledgementView<'_>>())
        .fails(&[&kinds::NOT_FOUND, &kinds::CONFLICT])
        .reads_database(),
        Operation::new(
            ("post", "/api/v1/acknowledgements/retry"),
            "retryAcknowledgements",
            Inbox,
            "Try many rows now",
        )
        .takes(schemas.body::<Which>())
        .gives(200, "What was done.", schemas.answer::<Levered>())
        .reads_database(),
        Operation::new(
            ("post", "/api/v1/acknowledgements/discard"),
            "discardAcknowledgements",
            Inbox,
            "Give many rows up, with one reason",
        )
        .takes(schemas.body::<WhichAndWhy>())
        .gives(200, "What was done.", schemas.answer::<Levered>())
        .reads_database(),
    ]
}
