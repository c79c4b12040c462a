//! Tickets and controls, by polling and by listening.

use serde_json::json;

use crate::web::{
    LOOKUP, STREAM,
    api::{
        board::{BoardAnswer, BoardParams},
        board_summary::{SummaryAnswer, SummaryParams},
        control_detail::{ControlDetail, DetailParams},
        controls::{AnyParams, TicketParams},
        lookup::LookupParams,
        stream_address::StreamParams,
    },
    description::{
        bodies::{ChangedTicket, ChangedTickets, Lookup, Taken},
        operation::{
            Chapter::{Listening, Tickets},
            JSON, Operation,
        },
        schemas::Schemas,
        shapes::{ControlItem, Items, LookedUp, StreamAddress},
    },
    problem_type as kinds,
};

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    let mut calls = of_controls(schemas);
    calls.extend(of_tickets(schemas));
    calls.extend(stream(schemas));
    calls
}

fn of_controls(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        Operation::new(
            ("get", "/api/v1/controls/{control}/ticket"),
            "getTicketOfControl",
            Tickets,
            "The ticket of a control, with its status",
        )
        .about("While iTop does not answer, the last known value: `as_of` says how old it is.")
        .query(schemas.parameters::<TicketParams>())
        .gives(200, "What is known of the control.", schemas.answer::<ControlItem>())
        .tagged()
        .fails(&[&kinds::NOT_FOUND])
        .reads_database(),
        Operation::new(
            ("get", "/api/v1/controls/ticket"),
            "getTicketOfAnyControl",
            Tickets,
            "The same, for ids that proxies break in a path",
        )
        .about("Such as `web1/HTTP`.")
        .query(schemas.parameters::<AnyParams>())
        .gives(200, "What is known of the control.", schemas.answer::<ControlItem>())
        .tagged()
        .fails(&[&kinds::NOT_FOUND])
        .reads_database(),
        Operation::new(
            ("get", "/api/v1/controls/detail"),
            "getControlDetail",
            Tickets,
            "All that is known of a control",
        )
        .about("Its ticket, its acknowledgement with body and attempts, what happened, and earlier ones.")
        .query(schemas.parameters::<DetailParams>())
        .gives(200, "What is known.", schemas.answer::<ControlDetail>())
        .fails(&[&kinds::NOT_FOUND])
        .reads_database(),
    ]
}

fn of_tickets(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        Operation::new(("get", "/api/v1/tickets"), "listTickets", Tickets, "The board")
            .about(
                "Without more than `company`, `status`, `open`, `instance`, `limit` and `cursor` all controls \
                 that have a ticket, in pages. The other parameters make it a search, as the page Tickets \
                 asks it.",
            )
            .query(schemas.parameters::<BoardParams>())
            .gives(200, "A page of the board.", schemas.answer::<BoardAnswer>())
            .tagged()
            .reads_database(),
        Operation::new(
            ("get", "/api/v1/tickets/summary"),
            "getTicketSummary",
            Tickets,
            "The board in figures",
        )
        .query(schemas.parameters::<SummaryParams>())
        .gives(
            200,
            "Counts, tickets an hour of the last day, seconds from acknowledgement to ticket.",
            schemas.answer::<SummaryAnswer>(),
        )
        .tagged()
        .reads_database(),
        Operation::new(
            ("get", "/api/v1/tickets/{number}"),
            "getTicketsOfNumber",
            Tickets,
            "Tickets by number",
        )
        .about("A list, for two classes can share a number.")
        .gives(200, "Up to 100 controls with it.", schemas.answer::<Items<ControlItem>>())
        .fails(&[&kinds::NOT_FOUND])
        .reads_database(),
        Operation::new(("post", LOOKUP), "lookUpTickets", Tickets, "Up to 10,000 tickets at once")
            .about("An answer to each item, in order; one bad item never spoils the rest.")
            .query(schemas.parameters::<LookupParams>())
            .takes(schemas.body::<Lookup>())
            .gives(200, "An item each.", schemas.answer::<Items<LookedUp>>())
            .reads_database(),
        told_by_itop(schemas),
    ]
}

fn told_by_itop(schemas: &mut Schemas) -> Operation {
    let tickets = schemas.body::<ChangedTickets>();
    let ticket = schemas.body::<ChangedTicket>();
    let taken = schemas.answer::<Taken>();
    Operation::new(
        ("post", "/api/v1/itop/changes"),
        "tellChanges",
        Tickets,
        "iTop tells of changes",
    )
    .about("These tickets are read again soon, of those that the board knows.")
    .body(&[(JSON, tickets), ("application/x-www-form-urlencoded", ticket)])
    .signed()
    .gives(202, "How many were told of; not which of them are known.", taken)
    .fails(&[&kinds::ITOP_OFF])
}

fn stream(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        Operation::new(("get", STREAM), "streamTickets", Listening, "Changes as they happen")
            .about(
                "`ready` comes first: what changes from then on is told. `control` has the same data as the \
                 answer about that control. `reset` says that changes were left out: read anew what is \
                 shown. A comment comes when nothing else has for 15 seconds.",
            )
            .query(schemas.parameters::<StreamParams>())
            .gives_as(
                200,
                "Server-sent events, without an end.",
                &[("text/event-stream", json!({"type": "string"}))],
            )
            .fails(&[&kinds::STREAMS_TAKEN])
            .reads_database(),
        Operation::new(
            ("post", "/api/v1/tickets/stream/address"),
            "signStreamAddress",
            Listening,
            "An address of the stream for a page",
        )
        .about("`EventSource` sends no token: the address is good for a minute, and needs none.")
        .query(schemas.parameters::<StreamParams>())
        .takes_nothing()
        .gives(200, "The address.", schemas.answer::<StreamAddress>()),
    ]
}
