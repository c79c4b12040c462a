//! Sending acknowledgements.

use serde_json::{Value, json};

use crate::web::{
    api::priority,
    description::{
        bodies::{OneOrMany, SentEvent},
        operation::{Chapter::Sending, JSON, Operation},
        schemas::Schemas,
        shapes::{Planned, PostedOneOrMany},
    },
    problem_type as kinds,
    view::AcknowledgementView,
};

/// A form has the dotted names of the members of an event: `company.name`.
fn form() -> (&'static str, Value) {
    let schema = json!({"type": "object", "additionalProperties": {"type": "string"}});
    ("application/x-www-form-urlencoded", schema)
}

fn post(of: Operation, schemas: &mut Schemas) -> Operation {
    of.about(
            "It is stored on disk before the answer, which then waits for the ticket: three seconds, or as \
             `Prefer: wait=10` says, at most 30. A list does not wait; its answer has an item each, in \
             order, with its own `status`. A repeated post is normal: the same `event_id` is the same event. \
             What an event can do without is left out where it is wrong, with a warning. Whatever is refused \
             of a known token is kept for the operators.",
        )
        .header("Prefer", "`wait=SECONDS`: how long the answer waits for the ticket, at most 30.")
        .body(&[(JSON, schemas.body::<OneOrMany>()), form()])
        .gives(201, "The ticket was created by this post.", schemas.answer::<AcknowledgementView<'_>>())
        .gives(
            200,
            "Known before, an open ticket was reused, or no ticket was wanted; or the answer to a list.",
            schemas.answer::<PostedOneOrMany>(),
        )
        .gives(
            202,
            "Stored, and no ticket yet: on its way, blocked or failed; `state` and `problem` say which and \
             why.",
            schemas.answer::<AcknowledgementView<'_>>(),
        )
        .with_header(201, "Location", "The row of the inbox.")
        .with_header(202, "Location", "The row of the inbox.")
        .fails(&[&kinds::CONFLICT])
        .reads_database()
}

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    let by_header = Operation::new(
        ("post", "/api/v1/acknowledgements"),
        "postAcknowledgement",
        Sending,
        "Post one event, or up to 1,000",
    );
    let by_address = Operation::new(
        ("post", "/api/v1/acknowledgements/by/{token}"),
        "postAcknowledgementByAddress",
        Sending,
        "The same, for senders that can set nothing but an address",
    );
    vec![
        post(by_header, schemas).signed(),
        post(by_address, schemas),
        Operation::new(
            ("post", "/api/v1/acknowledgements/preview"),
            "previewAcknowledgement",
            Sending,
            "What would be sent",
        )
        .about("The exact request and every resolution; nothing is stored or sent.")
        .body(&[(JSON, schemas.body::<SentEvent>()), form()])
        .signed()
        .gives(200, "What would become of it now.", schemas.answer::<Planned>())
        .fails(&[&kinds::ITOP_UNAVAILABLE])
        .reads_database(),
        Operation::new(
            ("get", "/api/v1/priority"),
            "getPriority",
            Sending,
            "The priority that a ticket gets",
        )
        .about("Unless its acknowledgement names one.")
        .query(schemas.parameters::<priority::PriorityParams>())
        .gives(
            200,
            "What the matrix says, and all of it.",
            schemas.answer::<priority::Answer>(),
        ),
    ]
}
