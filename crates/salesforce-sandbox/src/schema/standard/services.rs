//! Asset, Product2, Entitlement.

use serde_json::json;

use super::super::{
    Kind, Object,
    build::{flag, long_text, object, of, owner, picklist, reference, text},
};

pub(super) fn objects() -> Vec<Object> {
    vec![asset(), product(), entitlement(), process()]
}

fn asset() -> Object {
    object(
        "Asset",
        "02i",
        vec![
            text("Name", 255).required().label("Asset Name"),
            reference("AccountId", &["Account"]).cascade("Assets"),
            reference("ContactId", &["Contact"]).children("Assets"),
            reference("ParentId", &["Asset"]),
            reference("Product2Id", &["Product2"]),
            text("SerialNumber", 80),
            picklist("Status", &["Shipped", "Installed", "Registered", "Obsolete", "Purchased"]),
            of("InstallDate", Kind::Date),
            of("Quantity", Kind::Double),
            long_text("Description", 32_000),
            owner(&["User"]),
        ],
    )
}

fn product() -> Object {
    object(
        "Product2",
        "01t",
        vec![
            text("Name", 255).required().label("Product Name"),
            text("ProductCode", 255),
            long_text("Description", 4_000),
            flag("IsActive").default(json!(false)),
            picklist("Family", &["None", "Managed services", "Hosting", "Workplace"]),
        ],
    )
}

fn entitlement() -> Object {
    object(
        "Entitlement",
        "550",
        vec![
            text("Name", 255).required().label("Entitlement Name"),
            reference("AccountId", &["Account"]).required().cascade("Entitlements"),
            reference("AssetId", &["Asset"]).children("Entitlements"),
            reference("SlaProcessId", &["SlaProcess"]),
            picklist("Type", &["Web Support", "Phone Support"]),
            of("StartDate", Kind::Date),
            of("EndDate", Kind::Date),
            picklist("Status", &["Active", "Expired", "Inactive"]).computed(),
        ],
    )
}

fn process() -> Object {
    object(
        "SlaProcess",
        "552",
        vec![text("Name", 80).required(), flag("IsActive"), text("Description", 255)],
    )
    .read_only()
}
