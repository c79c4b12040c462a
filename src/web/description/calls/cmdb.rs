//! How equipment is kept in iTop's CMDB.

use crate::web::{
    api::cmdb::sources::{Found, Sources},
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
    ]
}
