//! How equipment is kept in iTop's CMDB.

use crate::web::{
    api::cmdb::{
        hand_back::{Asked, Released, Resume, Resumed},
        sources::{Found, Sources},
    },
    description::{
        operation::{Chapter::Health, Operation},
        schemas::Schemas,
    },
    problem_type as kinds,
};

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    let path = "/api/v1/cmdb/sources";
    vec![
        Operation::new(("get", path), "listCmdbSources", Health, "The data sources of equipment")
            .about("Into which the bridge loads; its own account may not read them in iTop.")
            .gives(200, "Those that are known.", schemas.answer::<Sources>())
            .reads_database(),
        Operation::new(("put", path), "putCmdbSources", Health, "Tell of all data sources")
            .about("The command `cmdb setup` does, after it has made or mended them in iTop.")
            .takes(schemas.body::<Found>())
            .gives(200, "Those that are known now.", schemas.answer::<Sources>())
            .fails(&[&kinds::NOT_FOUND]),
        Operation::new(("post", "/api/v1/cmdb/resume"), "resumeCmdbSource", Health, "Let a halted source go on")
            .about(
                "A source is halted when a synchronization did more than the bridge had asked for: somebody \
                 else has loaded rows into it, or has changed it. Look first, then let it go on.",
            )
            .takes(schemas.body::<Resume>())
            .gives(200, "Whether it was halted.", schemas.answer::<Resumed>())
            .fails(&[&kinds::NOT_FOUND]),
        Operation::new(("post", "/api/v1/cmdb/release"), "releaseCmdbEquipment", Health, "Give CIs back to the users of iTop")
            .about(
                "Their equipment is not loaded any more, unless somebody approves that it is taken over again. \
                 What locks the CIs in iTop is removed by the command `equipment release`, which calls this.",
            )
            .takes(schemas.body::<Asked>())
            .gives(200, "The CIs, those first whose equipment has the first ids.", schemas.answer::<Released>())
            .fails(&[&kinds::NOT_FOUND, &kinds::BAD_PARAMETER, &kinds::NOT_LEADING]),
    ]
}
