//! What an administrator's programs ask for.

use serde_json::json;

use super::super::{
    Kind, Object,
    build::{flag, object, of, picklist, reference, text},
};

pub(super) fn objects() -> Vec<Object> {
    vec![
        object(
            "Organization",
            "00D",
            vec![
                text("Name", 80),
                picklist("OrganizationType", &["*Enterprise Edition", "Developer Edition"]),
                flag("IsSandbox").default(json!(true)),
                text("InstanceName", 5),
                text("NamespacePrefix", 15),
                of("TrialExpirationDate", Kind::DateTime),
                text("LanguageLocaleKey", 40).default(json!("en_US")),
            ],
        )
        .read_only(),
        object(
            "PermissionSet",
            "0PS",
            vec![
                text("Name", 80).required(),
                text("Label", 80).required(),
                text("Description", 255),
            ],
        ),
        object(
            "PermissionSetAssignment",
            "0Pa",
            vec![
                reference("AssigneeId", &["User"]).required().once(),
                reference("PermissionSetId", &["PermissionSet"]).required().once(),
            ],
        ),
        // The sf program asks for it at each login, and finds none.
        object("ScratchOrgInfo", "2SR", vec![text("ScratchOrg", 15)]).read_only(),
    ]
}
