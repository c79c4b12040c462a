//! What browsers are shown: signed links, and the pages of the console.

use serde_json::{Value, json};

use crate::web::{
    api::{acknowledgements::list::ListParams, control_detail::DetailParams},
    console::{
        companies::CompaniesParams,
        equipment::EquipmentParams,
        language::ChooseParams,
        new_ticket::Prefilled,
        sign_in::{SignIn, SignInParams, provider::CallbackParams},
        tickets::PageParams,
    },
    description::{
        operation::{
            Chapter::{Pages, Signed},
            Operation,
        },
        schemas::Schemas,
    },
    problem_type as kinds,
    signed::LinkParams,
};

const HTML: &str = "text/html";

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    let mut calls = signed(schemas);
    calls.extend(pages(schemas));
    calls.extend(around(schemas));
    calls
}

fn text() -> Value {
    json!({"type": "string"})
}

fn signed(schemas: &mut Schemas) -> Vec<Operation> {
    let parameters = schemas.parameters::<LinkParams>();
    let call = |path, id, summary| {
        Operation::new(("get", path), id, Signed, summary)
            .query(parameters.clone())
            .reads_database()
    };
    let svg = [("image/svg+xml", text())];
    vec![
        call("/controls/open", "openTicket", "To the ticket in iTop")
            .gives_nothing(302, "The ticket's page.")
            .with_header(302, "Location", "Its address in iTop.")
            .gives_as(403, "The link is not valid.", &[(HTML, text())])
            .gives_as(404, "There is no ticket, or none yet.", &[(HTML, text())])
            .gives_as(410, "The ticket is gone.", &[(HTML, text())]),
        call("/controls/badge.svg", "getBadge", "Ticket and status as a picture")
            .gives_as(200, "The picture.", &svg)
            .gives_as(403, "The link is not valid, as a picture.", &svg)
            .tagged(),
        call("/controls/card", "getCard", "Ticket and status as a card for a frame")
            .gives_as(200, "The card.", &[(HTML, text())])
            .gives_as(403, "The link is not valid, as a card.", &[(HTML, text())])
            .tagged(),
    ]
}

fn pages(schemas: &mut Schemas) -> Vec<Operation> {
    let pages = [
        ("/", "showTickets", "The board", schemas.parameters::<PageParams>()),
        (
            "/tickets/detail",
            "showControl",
            "All that is known of a control",
            schemas.parameters::<DetailParams>(),
        ),
        ("/inbox", "showInbox", "The inbox", schemas.parameters::<ListParams>()),
        ("/inbox/{id}", "showAcknowledgement", "One row of the inbox", Vec::new()),
        (
            "/companies",
            "showCompanies",
            "Companies and their links",
            schemas.parameters::<CompaniesParams>(),
        ),
        (
            "/equipment",
            "showEquipment",
            "Equipment that is kept in iTop's CMDB",
            schemas.parameters::<EquipmentParams>(),
        ),
        ("/migration", "showMigration", "How a migration to Salesforce goes", Vec::new()),
        (
            "/migration/reports/{report}",
            "showMigrationReport",
            "A report of the migration",
            Vec::new(),
        ),
        ("/new-ticket", "showNewTicket", "A ticket by hand", schemas.parameters::<Prefilled>()),
        ("/health", "showHealth", "How the bridge is", Vec::new()),
    ];
    pages
        .into_iter()
        .map(|(path, id, summary, parameters)| {
            Operation::new(("get", path), id, Pages, summary)
                .query(parameters)
                .gives_as(200, "The page.", &[(HTML, text())])
                .gives_nothing(303, "To the sign-in.")
                .fails(&[&kinds::NOT_FOUND, &kinds::ITOP_UNAVAILABLE])
                .reads_database()
        })
        .collect()
}

/// What stands around them.
fn around(schemas: &mut Schemas) -> Vec<Operation> {
    let form = [("application/x-www-form-urlencoded", schemas.body::<SignIn>())];
    let page = [(HTML, text())];
    vec![
        Operation::new(("get", "/api"), "showReference", Pages, "This description, for people")
            .gives_as(200, "The page.", &page)
            .tagged(),
        Operation::new(("get", "/sign-in"), "showSignIn", Pages, "Where one signs in")
            .query(schemas.parameters::<SignInParams>())
            .gives_as(200, "The page.", &page)
            .gives_nothing(303, "On, for whoever is signed in, or to the provider."),
        Operation::new(
            ("get", "/sign-in/start"),
            "startSignIn",
            Pages,
            "To the provider, to sign in there",
        )
        .query(schemas.parameters::<SignInParams>())
        .gives_nothing(303, "To the provider.")
        .gives_as(502, "It refuses the bridge.", &page)
        .gives_as(503, "It does not answer.", &page)
        .fails(&[&kinds::NOT_FOUND]),
        Operation::new(
            ("get", "/sign-in/callback"),
            "endSignIn",
            Pages,
            "Where the provider leads people back to",
        )
        .query(schemas.parameters::<CallbackParams>())
        .gives_nothing(303, "On, with a session; or to the sign-in.")
        .gives_as(400, "This browser has not begun that sign-in.", &page)
        .gives_as(403, "Not signed in, or with no group that may use the bridge.", &page)
        .gives_as(502, "The provider refuses the bridge.", &page)
        .gives_as(503, "It does not answer.", &page)
        .fails(&[&kinds::NOT_FOUND]),
        Operation::new(("post", "/session"), "signIn", Pages, "Sign in by a token")
            .body(&form)
            .gives_nothing(303, "On, with a session.")
            .gives_as(401, "The token is not known.", &page)
            .gives_as(403, "It may read no pages.", &page),
        Operation::new(("post", "/session/end"), "signOut", Pages, "Sign out")
            .gives_as(200, "The page that leads on to the provider, to sign out there.", &page)
            .gives_nothing(303, "To the sign-in."),
        Operation::new(
            ("get", "/language/{language}"),
            "chooseLanguage",
            Pages,
            "Choose a language",
        )
        .query(schemas.parameters::<ChooseParams>())
        .gives_nothing(303, "On, in that language.")
        .fails(&[&kinds::NOT_FOUND]),
        Operation::new(
            ("get", "/assets/{version}/{name}"),
            "getAsset",
            Pages,
            "What pages are made of",
        )
        .gives_as(200, "The file.", &[("text/css", text()), ("text/javascript", text())])
        .fails(&[&kinds::NOT_FOUND]),
    ]
}
