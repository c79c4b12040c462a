//! The equipment that is kept in iTop's CMDB.

use serde_json::{Value, json};

use crate::web::{
    api::equipment::{
        AnswerBody, CompanyParams, RetryBody,
        answers::{Done, Taken},
        list::{Actions, Companies, CompaniesParams, ListParams, Listed},
        preview::{PreviewParams, PreviewView},
        put::{PatchParams, PutParams},
        view::EquipmentView,
    },
    description::{
        bodies::SentEquipment,
        operation::{Chapter::Equipment, JSON, Operation},
        schemas::Schemas,
    },
    problem_type as kinds,
};

const ALL: &str = "/api/v1/equipment";
const ONE: &str = "/api/v1/equipment/{equipment}";

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    let mut calls = lists(schemas);
    calls.extend(looks(schemas));
    calls.extend(levers(schemas));
    calls
}

/// The forms of a list.
fn forms(schemas: &mut Schemas) -> [(&'static str, Value); 3] {
    let text = |about: &str| json!({"type": "string", "description": about});
    [
        (JSON, schemas.body::<Vec<SentEquipment>>()),
        ("application/x-ndjson", text("One such object a line.")),
        ("text/csv", text("A table whose first line names the members as columns (RFC 4180).")),
    ]
}

fn lists(schemas: &mut Schemas) -> Vec<Operation> {
    let forms = forms(schemas);
    vec![
        Operation::new(("put", ALL), "putEquipment", Equipment, "The whole list of a company")
            .about(
                "Up to 50,000 rows, all or none. What is not among them is gone: its CI is retired, never \
                 deleted, and held where that would be too many at once. The same list again changes nothing. \
                 Unknown members are passed over, with a warning.",
            )
            .query(schemas.parameters::<PutParams>())
            .body(&forms)
            .gives(200, "What has become of it.", schemas.answer::<Taken>())
            .fails(&[&kinds::CMDB_OFF, &kinds::PREVIEW_OUTDATED])
            .reads_database(),
        Operation::new(("patch", ALL), "patchEquipment", Equipment, "Some rows of it")
            .about(
                "Each row is told as a whole: a member that it lacks is empty from then on. The other rows stay \
                 as they are.",
            )
            .query(schemas.parameters::<PatchParams>())
            .body(&forms)
            .gives(200, "What has become of them.", schemas.answer::<Taken>())
            .fails(&[&kinds::CMDB_OFF, &kinds::PREVIEW_OUTDATED])
            .reads_database(),
        Operation::new(
            ("post", "/api/v1/equipment/preview"),
            "previewEquipment",
            Equipment,
            "What a list would do",
        )
        .about("The body as that of `PUT`; nothing is stored or sent.")
        .query(schemas.parameters::<PreviewParams>())
        .body(&forms)
        .gives(200, "What it would do.", schemas.answer::<PreviewView>())
        .fails(&[&kinds::CMDB_OFF])
        .reads_database(),
    ]
}

fn looks(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        Operation::new(("get", ALL), "listEquipment", Equipment, "How far each row is")
            .about("In the order of instance, company and id.")
            .query(schemas.parameters::<ListParams>())
            .gives(200, "A page of it.", schemas.answer::<Listed>())
            .reads_database(),
        Operation::new(
            ("get", "/api/v1/equipment/companies"),
            "listCompaniesWithEquipment",
            Equipment,
            "How much there is of each company, and what is held",
        )
        .query(schemas.parameters::<CompaniesParams>())
        .gives(200, "The companies.", schemas.answer::<Companies>())
        .reads_database(),
        Operation::new(
            ("get", "/api/v1/equipment/actions"),
            "listEquipmentActions",
            Equipment,
            "Who did what to the equipment of a company",
        )
        .query(schemas.parameters::<CompanyParams>())
        .gives(200, "The newest first.", schemas.answer::<Actions>())
        .reads_database(),
        Operation::new(("get", ONE), "getEquipment", Equipment, "One piece of equipment")
            .query(schemas.parameters::<CompanyParams>())
            .gives(200, "The row.", schemas.answer::<EquipmentView>())
            .fails(&[&kinds::NOT_FOUND])
            .reads_database(),
        Operation::new(("delete", ONE), "deleteEquipment", Equipment, "One is gone")
            .about("As a list that lacks it: its CI is retired, never deleted.")
            .query(schemas.parameters::<CompanyParams>())
            .takes_nothing()
            .gives(200, "The row as it is now.", schemas.answer::<EquipmentView>())
            .fails(&[&kinds::NOT_FOUND, &kinds::CMDB_OFF])
            .reads_database(),
    ]
}

fn levers(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        Operation::new(
            ("post", "/api/v1/equipment/approve"),
            "approveEquipment",
            Equipment,
            "Say yes to what is held",
        )
        .about("With the `digest` of a hold only if it is still the same rows.")
        .takes(schemas.body::<AnswerBody>())
        .gives(200, "How many rows go on.", schemas.answer::<Done>())
        .fails(&[&kinds::PREVIEW_OUTDATED])
        .reads_database(),
        Operation::new(
            ("post", "/api/v1/equipment/keep"),
            "keepEquipment",
            Equipment,
            "Say no to what is held",
        )
        .about(
            "What would be retired stays as it was; what would be taken over or moved is not, and fails.",
        )
        .takes(schemas.body::<AnswerBody>())
        .gives(200, "Of how many rows.", schemas.answer::<Done>())
        .fails(&[&kinds::PREVIEW_OUTDATED])
        .reads_database(),
        Operation::new(
            ("post", "/api/v1/equipment/retry"),
            "retryEquipment",
            Equipment,
            "Try failed rows again",
        )
        .takes(schemas.body::<RetryBody>())
        .gives(200, "How many.", schemas.answer::<Done>())
        .reads_database(),
    ]
}
