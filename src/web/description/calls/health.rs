//! Health and configuration, who calls, and the description itself.

use serde_json::json;

use crate::{
    check::Latest,
    web::{
        api::health::{configuration::Shown, report::Report},
        description::{
            operation::{Chapter::Health, Operation},
            schemas::Schemas,
            shapes::{Alive, Ready, Session},
        },
        problem_type as kinds,
    },
};

pub(super) fn calls(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        Operation::new(("get", "/healthz"), "isAlive", Health, "The process lives")
            .gives(200, "It answers.", schemas.answer::<Alive>()),
        Operation::new(("get", "/readyz"), "isReady", Health, "Acknowledgements can be stored")
            .about(
                "The gate to iTop may be closed all the same: what is posted then waits. More is told to \
                 tokens, and all to those that are limited to nothing.",
            )
            .gives(200, "They can.", schemas.answer::<Ready>())
            .fails(&[&kinds::STORE_DAMAGED])
            .reads_database(),
        Operation::new(("get", "/api/v1/health"), "getHealth", Health, "How the bridge is")
            .about("Less to tokens that are limited.")
            .gives(200, "How it is.", schemas.answer::<Report>())
            .reads_database(),
        Operation::new(("get", "/api/v1/check"), "getExamination", Health, "The last examination")
            .about("Of configuration and iTop, and the one that runs.")
            .gives(200, "What is known.", schemas.answer::<Latest>()),
        Operation::new(("post", "/api/v1/check"), "examine", Health, "Examine configuration and iTop")
            .about("As the command `check` does; it writes nothing.")
            .header("Prefer", "`wait=SECONDS`: how long the answer waits for the end, at most 30.")
            .takes_nothing()
            .gives(200, "It has ended.", schemas.answer::<Latest>())
            .gives(202, "It goes on.", schemas.answer::<Latest>()),
        Operation::new(
            ("get", "/api/v1/configuration"),
            "getConfiguration",
            Health,
            "Each key with its value and its default",
        )
        .about("Of a secret only that it is set.")
        .gives(200, "The configuration.", schemas.answer::<Shown>()),
        Operation::new(("get", "/api/v1/session"), "getSession", Health, "Whom the caller is taken for")
            .gives(200, "The caller.", schemas.answer::<Session>()),
        Operation::new(("get", "/api/openapi.json"), "getDescription", Health, "This description")
            .gives(200, "OpenAPI 3.1.", json!({"type": "object"}))
            .tagged(),
        Operation::new(("get", "/metrics"), "getMetrics", Health, "What the bridge counts")
            .about("For Prometheus: its text format, or OpenMetrics where that is accepted.")
            .gives_as(
                200,
                "The figures.",
                &[
                    ("text/plain", json!({"type": "string"})),
                    ("application/openmetrics-text", json!({"type": "string"})),
                ],
            )
            .with_header(200, "Vary", "`accept`"),
    ]
}
