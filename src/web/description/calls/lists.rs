//! The lists of iTop.

use crate::web::{
    api::companies::ListParams,
    description::{
        operation::{Chapter::Lists, Operation},
        schemas::Schemas,
        shapes::{Cis, Companies, Contacts, Services, Teams},
    },
    problem_type as kinds,
};

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    let lists = [
        (
            "/api/v1/companies",
            "listCompanies",
            "The active organizations",
            schemas.answer::<Companies>(),
        ),
        (
            "/api/v1/teams",
            "listTeams",
            "All teams that may take tickets",
            schemas.answer::<Teams>(),
        ),
        (
            "/api/v1/companies/{org}/contacts",
            "listContacts",
            "The contacts of an organization",
            schemas.answer::<Contacts>(),
        ),
        (
            "/api/v1/companies/{org}/teams",
            "listTeamsOfCompany",
            "The teams that may take its tickets",
            schemas.answer::<Teams>(),
        ),
        (
            "/api/v1/companies/{org}/services",
            "listServices",
            "The services in its contracts",
            schemas.answer::<Services>(),
        ),
        ("/api/v1/companies/{org}/cis", "listCis", "Its CIs", schemas.answer::<Cis>()),
    ];
    lists
        .into_iter()
        .map(|(path, id, summary, schema)| {
            let call = Operation::new(("get", path), id, Lists, summary)
                .query(schemas.parameters::<ListParams>())
                .gives(200, "A page of the list.", schema)
                .tagged()
                .fails(&[&kinds::ITOP_UNAVAILABLE])
                .reads_database();
            if path.contains("{org}") { call.fails(&[&kinds::NOT_FOUND]) } else { call }
        })
        .collect()
}
