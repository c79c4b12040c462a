//! Company links.

use serde_json::json;

use crate::web::{
    api::links::{LinkParams, Report, many::ManyParams, overview, table::ExportParams},
    description::{
        bodies::{LinkWish, LinkWishes},
        operation::{Chapter::Links, JSON, Operation},
        schemas::Schemas,
        shapes::{EffectiveLink, Items, Link, Planned, PutLink, UnlinkedCompany},
    },
    problem_type as kinds,
};

const COMPANY: [&str; 3] = [
    "/api/v1/links/{company}",
    "/api/v1/links/{company}/effective",
    "/api/v1/links/{company}/trial",
];
const SITE: [&str; 3] = [
    "/api/v1/links/{company}/sites/{site}",
    "/api/v1/links/{company}/sites/{site}/effective",
    "/api/v1/links/{company}/sites/{site}/trial",
];

const CSV: &str = "text/csv";

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    let mut calls = many(schemas);
    let of_company = ["getLink", "putLink", "deleteLink", "getEffectiveLink", "tryLink"];
    let of_site = [
        "getLinkOfSite",
        "putLinkOfSite",
        "deleteLinkOfSite",
        "getEffectiveLinkOfSite",
        "tryLinkOfSite",
    ];
    calls.extend(one(schemas, COMPANY, of_company));
    calls.extend(one(schemas, SITE, of_site));
    calls
}

fn many(schemas: &mut Schemas) -> Vec<Operation> {
    let table = || json!({"type": "string", "description": "A table with a head (RFC 4180)."});
    vec![
        Operation::new(("get", "/api/v1/links"), "listLinks", Links, "All links")
            .gives(200, "The links.", schemas.answer::<Items<Link>>())
            .reads_database(),
        Operation::new(("put", "/api/v1/links"), "putLinks", Links, "Change many links, all or none")
            .about(
                "Up to 5,000. With `dry_run=true` only what would change is told, with a `digest` of it; the \
                 same call with `digest=…` instead changes that and nothing else, or answers 409.",
            )
            .query(schemas.parameters::<ManyParams>())
            .body(&[(JSON, schemas.body::<LinkWishes>()), (CSV, table())])
            .gives(200, "What has changed, or would.", schemas.answer::<Report>())
            .fails(&[&kinds::PREVIEW_OUTDATED, &kinds::OTHER_DESK, &kinds::ITOP_UNAVAILABLE])
            .reads_database(),
        Operation::new(("get", "/api/v1/links.csv"), "exportLinks", Links, "The links as a table")
            .about("With a line for each company without one, to be filled in.")
            .query(schemas.parameters::<ExportParams>())
            .gives_as(200, "The table.", &[(CSV, table())])
            .reads_database(),
        Operation::new(
            ("get", "/api/v1/links/companies"),
            "listCompaniesWithLinks",
            Links,
            "Each company and site",
        )
        .about("What waits of it, the link in force, and an exact match; those without a link first.")
        .query(schemas.parameters::<overview::OverviewParams>())
        .gives(200, "A page of them.", schemas.answer::<overview::Overview>())
        .reads_database(),
        Operation::new(
            ("post", "/api/v1/links/matches"),
            "linkMatches",
            Links,
            "Link each company that is called like one organization",
        )
        .about("`dry_run` and `digest` as with many links.")
        .query(schemas.parameters::<ManyParams>())
        .takes_nothing()
        .gives(200, "What has changed, or would.", schemas.answer::<Report>())
        .fails(&[
            &kinds::PREVIEW_OUTDATED,
            &kinds::OTHER_DESK,
            &kinds::ITOP_UNAVAILABLE,
            &kinds::INVALID,
        ])
        .reads_database(),
        Operation::new(
            ("get", "/api/v1/links/unlinked"),
            "listUnlinked",
            Links,
            "Who waits for a link, with a suggestion",
        )
        .gives(200, "The companies.", schemas.answer::<Items<UnlinkedCompany>>())
        .reads_database(),
    ]
}

/// The calls about one link, of a company or of a site.
fn one(
    schemas: &mut Schemas,
    [link, effective, trial]: [&'static str; 3],
    [get, put, delete, get_effective, try_it]: [&'static str; 5],
) -> Vec<Operation> {
    let is_site = link == SITE[0];
    let said = |company: &'static str, site: &'static str| if is_site { site } else { company };
    let parameters = schemas.parameters::<LinkParams>();
    let call = |method, path, id, summary| {
        Operation::new((method, path), id, Links, summary)
            .query(parameters.clone())
            .reads_database()
    };
    let condition = "The `ETag` that the link must still have; `*`: it must be there.";
    vec![
        call("get", link, get, said("The link of a company", "The link of a site"))
            .gives(200, "The link.", schemas.answer::<Link>())
            .with_header(200, "ETag", "Changes with what the link says.")
            .fails(&[&kinds::NOT_FOUND]),
        call("put", link, put, said("Link a company", "Link a site"))
            .about("Checked against iTop, then kept. What waits for it goes on by itself.")
            .header("If-Match", condition)
            .header("If-None-Match", "`*`: there must be no link yet.")
            .takes(schemas.body::<LinkWish>())
            .gives(200, "The link was changed.", schemas.answer::<PutLink>())
            .gives(201, "It is a new one.", schemas.answer::<PutLink>())
            .with_header(200, "ETag", "Of what there is now.")
            .with_header(201, "ETag", "Of what there is now.")
            .fails(&[
                &kinds::NOT_FOUND,
                &kinds::OTHER_DESK,
                &kinds::LINK_CHANGED,
                &kinds::ITOP_UNAVAILABLE,
            ]),
        call("delete", link, delete, said("Take a link away", "Take the link of a site away"))
            .header("If-Match", condition)
            .takes_nothing()
            .gives_nothing(204, "It is gone.")
            .fails(&[&kinds::NOT_FOUND, &kinds::LINK_CHANGED]),
        call(
            "get",
            effective,
            get_effective,
            said("The link in force", "The link in force at a site"),
        )
        .gives(200, "The link.", schemas.answer::<EffectiveLink>())
        .fails(&[&kinds::NOT_FOUND]),
        call("post", trial, try_it, "What would become of an acknowledgement")
            .about("Nothing is stored or sent.")
            .takes_nothing()
            .gives(200, "What would become of it.", schemas.answer::<Planned>())
            .fails(&[&kinds::NOT_FOUND, &kinds::INVALID, &kinds::ITOP_UNAVAILABLE]),
    ]
}
