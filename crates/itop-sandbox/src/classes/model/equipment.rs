//! What equipment has: hardware, operating systems, and the lists that they name.
//!
//! Codes and labels are iTop's; of the lists only the names and what their keys need are here.

use super::{ACTIVE, Attribute, Kind, NAME, ORG, attribute, computed, mandatory, text};

pub(super) const HARDWARE: &[Attribute] = &[
    text("serialnumber", "Serial number"),
    attribute("location_id", "Location", Kind::Reference("Location")),
    computed("location_name"),
    attribute("brand_id", "Brand", Kind::Reference("Brand")),
    computed("brand_name"),
    attribute("model_id", "Model", Kind::Reference("Model")),
    computed("model_name"),
    text("asset_number", "Asset number"),
    attribute("move2production", "Move to production date", Kind::Day),
    attribute("purchase_date", "Purchase date", Kind::Day),
    attribute("end_of_warranty", "End of warranty", Kind::Day),
];
pub(super) const MANAGED: &[Attribute] = &[text("managementip", "Management IP")];
pub(super) const IN_A_RACK: &[Attribute] =
    &[text("managementip", "Management IP"), text("nb_u", "NB Unit")];
pub(super) const COMPUTER: &[Attribute] = &[
    attribute("osfamily_id", "OS family", Kind::Reference("OSFamily")),
    computed("osfamily_name"),
    attribute("osversion_id", "OS version", Kind::Reference("OSVersion")),
    computed("osversion_name"),
    text("cpu", "CPU"),
    text("ram", "RAM"),
];
/// iTop demands the type; the sandbox does not, because no recording shows it.
pub(super) const NETWORK: &[Attribute] = &[
    attribute("networkdevicetype_id", "Device type", Kind::Reference("NetworkDeviceType")),
    computed("networkdevicetype_name"),
    text("ram", "RAM"),
];

pub(super) const LOCATION: &[Attribute] = &[
    NAME,
    ACTIVE,
    ORG,
    computed("org_name"),
    text("address", "Address"),
    text("postal_code", "Postal code"),
    text("city", "City"),
    text("country", "Country"),
];
pub(super) const TYPE: &[Attribute] = &[NAME];
pub(super) const MODEL: &[Attribute] = &[
    mandatory("brand_id", "Brand", Kind::Reference("Brand")),
    computed("brand_name"),
    // The words are the classes of equipment.
    text("type", "Device type"),
];
pub(super) const OS_VERSION: &[Attribute] = &[
    mandatory("osfamily_id", "OS family", Kind::Reference("OSFamily")),
    computed("osfamily_name"),
];
