//! The attributes that iTop gives a data source by itself, by its class.
//!
//! Recorded for Server, in the order of their ids; those of the other classes follow the same model.

/// What an attribute is to a data source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Key,
    LinkSet,
}

impl Form {
    /// The class of its row.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Plain => "SynchroAttribute",
            Self::Key => "SynchroAttExtKey",
            Self::LinkSet => "SynchroAttLinkSet",
        }
    }
}

use Form::{Key, LinkSet, Plain};

type Rows = &'static [(&'static str, Form)];

const CI: Rows = &[
    ("name", Plain),
    ("description", Plain),
    ("org_id", Key),
    ("business_criticity", Plain),
    ("move2production", Plain),
    ("contacts_list", LinkSet),
    ("documents_list", LinkSet),
    ("applicationsolution_list", LinkSet),
    ("providercontracts_list", LinkSet),
    ("services_list", LinkSet),
    ("tickets_list", LinkSet),
];
const PHYSICAL: Rows = &[
    ("serialnumber", Plain),
    ("location_id", Key),
    ("status", Plain),
    ("brand_id", Key),
    ("model_id", Key),
    ("asset_number", Plain),
    ("purchase_date", Plain),
    ("end_of_warranty", Plain),
];
const CONNECTABLE: Rows = &[("networkdevice_list", LinkSet)];
const DATACENTER: Rows = &[
    ("rack_id", Key),
    ("enclosure_id", Key),
    ("nb_u", Plain),
    ("managementip", Plain),
    ("powerA_id", Key),
    ("powerB_id", Key),
    ("san_list", LinkSet),
];
const SERVER: Rows = &[
    ("osfamily_id", Key),
    ("osversion_id", Key),
    ("oslicence_id", Key),
    ("cpu", Plain),
    ("ram", Plain),
    ("logicalvolumes_list", LinkSet),
];
const NETWORK: Rows = &[
    ("networkdevicetype_id", Key),
    ("connectablecis_list", LinkSet),
    ("iosversion_id", Key),
    ("ram", Plain),
];
const PC: Rows =
    &[("osfamily_id", Key), ("osversion_id", Key), ("cpu", Plain), ("ram", Plain), ("type", Plain)];
const VIRTUAL: Rows = &[
    ("status", Plain),
    ("logicalvolumes_list", LinkSet),
    ("virtualhost_id", Key),
    ("osfamily_id", Key),
    ("osversion_id", Key),
    ("oslicence_id", Key),
    ("cpu", Plain),
    ("ram", Plain),
    ("managementip", Plain),
];
const STATUS: Rows = &[("status", Plain)];
const PERSON: Rows = &[
    ("name", Plain),
    ("status", Plain),
    ("org_id", Key),
    ("email", Plain),
    ("phone", Plain),
    ("notify", Plain),
    ("function", Plain),
    ("cis_list", LinkSet),
    ("first_name", Plain),
    ("employee_number", Plain),
    ("mobile_phone", Plain),
    ("location_id", Key),
    ("manager_id", Key),
    ("team_list", LinkSet),
    ("tickets_list", LinkSet),
];

/// The attributes of a class that a data source may feed; none are those of a class that the
/// sandbox does not synchronize.
pub(super) fn attributes(class: &str) -> Vec<(&'static str, Form)> {
    let groups: &[Rows] = match class {
        "Server" => &[CI, PHYSICAL, CONNECTABLE, DATACENTER, SERVER],
        "NetworkDevice" => &[CI, PHYSICAL, CONNECTABLE, DATACENTER, NETWORK],
        "StorageSystem" => &[CI, PHYSICAL, CONNECTABLE, DATACENTER],
        "PC" => &[CI, PHYSICAL, CONNECTABLE, PC],
        "Printer" => &[CI, PHYSICAL, CONNECTABLE],
        "PhysicalDevice" | "Rack" => &[CI, PHYSICAL],
        "VirtualMachine" => &[CI, VIRTUAL],
        "FunctionalCI" => &[CI],
        "ApplicationSolution" | "BusinessProcess" => &[CI, STATUS],
        "Person" => &[PERSON],
        _ => &[],
    };
    groups.concat()
}

/// The attributes by which iTop finds an object of a class: those that a new source reconciles by,
/// and that a file of CSV is reconciled by where it names none.
///
/// What a source on an abstract class reconciles by is not known: each of its rows failed to be
/// reconciled (recorded).
pub(super) fn keys(class: &str) -> &'static [&'static str] {
    match class {
        "PhysicalDevice" | "FunctionalCI" => &[],
        "Person" => &["name", "first_name", "org_id"],
        _ => &["name", "org_id"],
    }
}
