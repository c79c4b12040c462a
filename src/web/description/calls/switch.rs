//! Companies that move to another ticket system, and what holds deliveries meanwhile.

use crate::web::{
    api::{
        hold::View,
        links::switch::{Tickets, back, forth},
    },
    description::{
        bodies::SwitchWishes,
        operation::{
            Chapter::{Health, Links},
            Operation,
        },
        schemas::Schemas,
    },
    problem_type as kinds,
};

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    let hold = "/api/v1/hold";
    let switch = "/api/v1/switch";
    vec![
        Operation::new(("get", hold), "getHold", Health, "Whether deliveries are held")
            .gives(200, "How it is.", schemas.answer::<View>())
            .reads_database(),
        Operation::new(("put", hold), "holdDeliveries", Health, "Hold deliveries")
            .about(
                "What is posted is accepted, stored and waits, also after a restart, until somebody lets \
                 deliveries go on. Those that run end by themselves; what has no clear outcome is settled.",
            )
            .takes_nothing()
            .gives(200, "They are held.", schemas.answer::<View>())
            .fails(&[&kinds::NOT_LEADING])
            .reads_database(),
        Operation::new(("delete", hold), "endHold", Health, "Let deliveries go on")
            .takes_nothing()
            .gives(200, "They go on.", schemas.answer::<View>())
            .fails(&[&kinds::NOT_LEADING])
            .reads_database(),
        Operation::new(("get", switch), "listSwitchTickets", Links, "The tickets of controls that are not in Salesforce")
            .gives(200, "All of them.", schemas.answer::<Tickets>())
            .reads_database(),
        Operation::new(("post", switch), "switchCompanies", Links, "Move companies to Salesforce")
            .about(
                "Links, and the tickets of controls with the Cases that they have become, in one commit, while \
                 deliveries are held and all is settled. A company moves whole or not at all; what was before is \
                 kept. The command `migrate switch` does it.",
            )
            .takes(schemas.body::<SwitchWishes>())
            .gives(200, "What has moved, or would.", schemas.answer::<forth::Report>())
            .fails(&[
                &kinds::NOT_FOUND,
                &kinds::NOT_HELD,
                &kinds::NOT_SETTLED,
                &kinds::NOT_LEADING,
                &kinds::ITOP_UNAVAILABLE,
            ])
            .reads_database(),
        Operation::new(("post", "/api/v1/switch/back"), "switchCompaniesBack", Links, "Bring companies back")
            .about(
                "Their links and the tickets of their controls are what they were before they moved. Cases that \
                 were made since stay, and controls that have one of them keep it.",
            )
            .takes(schemas.body::<back::Asked>())
            .gives(200, "What has come back, or would.", schemas.answer::<back::Report>())
            .fails(&[&kinds::NOT_HELD, &kinds::NOT_SETTLED, &kinds::NOT_LEADING])
            .reads_database(),
    ]
}
