//! The data model: every class, and its attributes in groups that classes share.

mod equipment;
mod grown;
mod sources;
mod tickets;

use super::{Attribute, Class, Kind};
use crate::Flavour;
use equipment::{
    COMPUTER, HARDWARE, IN_A_RACK, LOCATION, MANAGED, MODEL, NETWORK, OS_VERSION, TYPE,
};
use grown::{
    ACCESS_POINT, CATEGORY, CHANGE, FAQ, KNOWN_ERROR, PARENT, SEVERITY, TICKET_CONTACT, VISIT,
};
use sources::{LOG, REPLICA, SOURCE, SOURCE_ATTRIBUTE, SOURCE_KEY, USER};
use tickets::{ATTACHMENT, HANDLED, ITIL_REQUEST, SIMPLE_REQUEST, TICKET, TICKET_CI};

const fn attribute(code: &'static str, label: &'static str, kind: Kind) -> Attribute {
    Attribute { code, label, kind, mandatory: false }
}
const fn mandatory(code: &'static str, label: &'static str, kind: Kind) -> Attribute {
    Attribute { code, label, kind, mandatory: true }
}
const fn text(code: &'static str, label: &'static str) -> Attribute {
    attribute(code, label, Kind::Text(255))
}
const fn computed(code: &'static str) -> Attribute {
    attribute(code, code, Kind::Computed)
}
const fn flag(code: &'static str) -> Attribute {
    attribute(code, code, Kind::Flag)
}

// The order within a group is the order in which iTop lists the names in its messages.
const MODULE: &[Attribute] = &[
    NAME,
    text("version", "Version"),
    attribute("parent_id", "Parent", Kind::Reference("ModuleInstallation")),
];
const HEAD: &[Attribute] =
    &[computed("finalclass"), computed("friendlyname"), flag("obsolescence_flag")];
const CI_HEAD: &[Attribute] = &[
    attribute("finalclass", "CI sub-class", Kind::Computed),
    computed("friendlyname"),
    flag("obsolescence_flag"),
];
const PLAIN_HEAD: &[Attribute] = &[computed("finalclass"), computed("friendlyname")];
const TAIL: &[Attribute] = &[attribute("obsolescence_date", "", Kind::Computed), ID];
const PLAIN_TAIL: &[Attribute] = &[ID];
const ID: Attribute = attribute("id", "id (Primary Key)", Kind::Computed);
const NAME: Attribute = mandatory("name", "Name", Kind::Text(255));
const ORG: Attribute = mandatory("org_id", "Organization", Kind::Reference("Organization"));
const ACTIVE: Attribute = mandatory("status", "Status", Kind::Choice(&["active", "inactive"]));
const IN_USE: Attribute =
    mandatory("status", "Status", Kind::Choice(&["implementation", "production", "obsolete"]));

const ORGANIZATION: &[Attribute] = &[
    NAME,
    text("code", "Code"),
    ACTIVE,
    attribute("parent_id", "Parent", Kind::Reference("Organization")),
    computed("parent_id_friendlyname"),
    computed("parent_name"),
    attribute("deliverymodel_id", "Delivery model", Kind::Reference("DeliveryModel")),
    computed("deliverymodel_id_friendlyname"),
    computed("deliverymodel_name"),
];
const CONTACT: &[Attribute] = &[
    mandatory("name", "Last Name", Kind::Text(255)),
    ACTIVE,
    ORG,
    computed("org_id_friendlyname"),
    flag("org_id_obsolescence_flag"),
    computed("org_name"),
    text("email", "Email"),
    text("phone", "Phone"),
    attribute("notify", "Notification", Kind::Choice(&["yes", "no"])),
    text("function", "Function"),
];
const PERSON: &[Attribute] = &[
    mandatory("first_name", "First Name", Kind::Text(255)),
    text("employee_number", "Employee number"),
    text("mobile_phone", "Mobile phone"),
    computed("location_id"),
    computed("location_id_friendlyname"),
    flag("location_id_obsolescence_flag"),
    computed("location_name"),
    attribute("manager_id", "Manager", Kind::Reference("Person")),
    computed("manager_id_friendlyname"),
    flag("manager_id_obsolescence_flag"),
    computed("manager_name"),
];
const DELIVERY_MODEL: &[Attribute] = &[
    NAME,
    ORG,
    computed("org_id_friendlyname"),
    computed("organization_name"),
    text("description", "Description"),
];
const DELIVERY_CONTACT: &[Attribute] = &[
    mandatory("deliverymodel_id", "Delivery model", Kind::Reference("DeliveryModel")),
    computed("deliverymodel_name"),
    mandatory("contact_id", "Contact", Kind::Reference("Contact")),
    computed("contact_name"),
];
const CUSTOMER_CONTRACT: &[Attribute] = &[
    NAME,
    ORG,
    computed("org_id_friendlyname"),
    computed("organization_name"),
    attribute("provider_id", "Provider", Kind::Reference("Organization")),
    computed("provider_name"),
    IN_USE,
];
const CONTRACT_SERVICE: &[Attribute] = &[
    mandatory("customercontract_id", "Customer contract", Kind::Reference("CustomerContract")),
    computed("customercontract_name"),
    mandatory("service_id", "Service", Kind::Reference("Service")),
    computed("service_name"),
];
const SERVICE: &[Attribute] = &[
    NAME,
    ORG,
    computed("org_id_friendlyname"),
    computed("organization_name"),
    computed("servicefamily_name"),
    text("description", "Description"),
    IN_USE,
];
const ELEMENT: &[Attribute] = &[
    NAME,
    text("description", "Description"),
    mandatory("service_id", "Service", Kind::Reference("Service")),
    computed("service_id_friendlyname"),
    computed("service_name"),
    computed("service_org_id"),
    attribute("request_type", "Request type", Kind::Choice(&["incident", "service_request"])),
    IN_USE,
];
const CI: &[Attribute] = &[
    NAME,
    text("description", "Description"),
    ORG,
    computed("org_id_friendlyname"),
    attribute("organization_name", "Organization name", Kind::Computed),
    attribute(
        "business_criticity",
        "Business criticality",
        Kind::Choice(&["high", "medium", "low"]),
    ),
];
const DEVICE: &[Attribute] = &[mandatory(
    "status",
    "Status",
    Kind::Choice(&["stock", "implementation", "production", "obsolete"]),
)];
const SOFTWARE: &[Attribute] = &[ACTIVE, computed("system_name")];
const SOLUTION: &[Attribute] = &[ACTIVE];

const fn class(
    name: &'static str,
    table: &'static str,
    leaves: &'static [&'static str],
    groups: &'static [&'static [Attribute]],
) -> Class {
    Class { name, table, leaves, groups, order: &["friendlyname"], flavours: &[] }
}
const fn grown(
    name: &'static str,
    table: &'static str,
    groups: &'static [&'static [Attribute]],
) -> Class {
    Class { flavours: GROWN, ..class(name, table, &[], groups) }
}
const fn ci(
    name: &'static str,
    leaf: &'static [&'static str],
    own: &'static [&'static [Attribute]],
) -> Class {
    Class { order: &["name"], ..class(name, "ci", leaf, own) }
}
const fn ticket(
    name: &'static str,
    leaf: &'static [&'static str],
    groups: &'static [&'static [Attribute]],
    flavours: &'static [Flavour],
) -> Class {
    // The recordings list tickets of one class from the oldest start on.
    Class { order: &["start_date"], flavours, ..class(name, "ticket", leaf, groups) }
}

const GROWN: &[Flavour] = &[Flavour::Grown];

const DEVICES: &[&[Attribute]] = &[CI_HEAD, CI, DEVICE, TAIL];
const SOFTWARES: &[&[Attribute]] = &[CI_HEAD, CI, SOFTWARE, TAIL];
const SOLUTIONS: &[&[Attribute]] = &[CI_HEAD, CI, SOLUTION, TAIL];
const PHYSICAL: &[&str] = &["Server", "PC", "NetworkDevice", "StorageSystem", "Printer", "Rack"];

pub(super) static CLASSES: &[Class] = &[
    class("Organization", "organization", &[], &[HEAD, ORGANIZATION, TAIL]),
    class("Contact", "contact", &["Person", "Team"], &[HEAD, CONTACT, TAIL]),
    class("Person", "contact", &["Person"], &[HEAD, CONTACT, PERSON, TAIL]),
    class("Team", "contact", &["Team"], &[HEAD, CONTACT, TAIL]),
    class("DeliveryModel", "delivery_model", &[], &[PLAIN_HEAD, DELIVERY_MODEL, PLAIN_TAIL]),
    class(
        "lnkDeliveryModelToContact",
        "delivery_contact",
        &[],
        &[PLAIN_HEAD, DELIVERY_CONTACT, PLAIN_TAIL],
    ),
    class("CustomerContract", "customer_contract", &[], &[HEAD, CUSTOMER_CONTRACT, TAIL]),
    class(
        "lnkCustomerContractToService",
        "contract_service",
        &[],
        &[PLAIN_HEAD, CONTRACT_SERVICE, PLAIN_TAIL],
    ),
    class("Service", "service", &[], &[HEAD, SERVICE, TAIL]),
    Class {
        order: &["name", "service_name"],
        ..class("ServiceSubcategory", "service_element", &[], &[HEAD, ELEMENT, TAIL])
    },
    ci("FunctionalCI", &[], &[CI_HEAD, CI, TAIL]),
    ci("PhysicalDevice", PHYSICAL, &[CI_HEAD, CI, DEVICE, HARDWARE, TAIL]),
    ci("Server", &["Server"], &[CI_HEAD, CI, DEVICE, HARDWARE, IN_A_RACK, COMPUTER, TAIL]),
    ci("PC", &["PC"], &[CI_HEAD, CI, DEVICE, HARDWARE, COMPUTER, TAIL]),
    ci(
        "NetworkDevice",
        &["NetworkDevice"],
        &[CI_HEAD, CI, DEVICE, HARDWARE, IN_A_RACK, NETWORK, TAIL],
    ),
    ci("StorageSystem", &["StorageSystem"], &[CI_HEAD, CI, DEVICE, HARDWARE, IN_A_RACK, TAIL]),
    ci("Printer", &["Printer"], &[CI_HEAD, CI, DEVICE, HARDWARE, TAIL]),
    ci("Rack", &["Rack"], &[CI_HEAD, CI, DEVICE, HARDWARE, TAIL]),
    ci("Farm", &["Farm"], DEVICES),
    ci("Hypervisor", &["Hypervisor"], DEVICES),
    ci("VirtualMachine", &["VirtualMachine"], &[CI_HEAD, CI, DEVICE, COMPUTER, MANAGED, TAIL]),
    ci("WebServer", &["WebServer"], SOFTWARES),
    ci("DBServer", &["DBServer"], SOFTWARES),
    ci("Middleware", &["Middleware"], SOFTWARES),
    ci("PCSoftware", &["PCSoftware"], SOFTWARES),
    ci("WebApplication", &["WebApplication"], SOLUTIONS),
    ci("DatabaseSchema", &["DatabaseSchema"], SOLUTIONS),
    ci("ApplicationSolution", &["ApplicationSolution"], SOLUTIONS),
    ci("BusinessProcess", &["BusinessProcess"], SOLUTIONS),
    class("Ticket", "ticket", &[], &[PLAIN_HEAD, TICKET, PLAIN_TAIL]),
    ticket("Incident", &["Incident"], &[PLAIN_HEAD, TICKET, HANDLED, PLAIN_TAIL], &[Flavour::Itil]),
    ticket("Incident", &["Incident"], &[PLAIN_HEAD, TICKET, HANDLED, PARENT, PLAIN_TAIL], GROWN),
    ticket(
        "UserRequest",
        &["UserRequest"],
        &[PLAIN_HEAD, TICKET, HANDLED, ITIL_REQUEST, PLAIN_TAIL],
        &[Flavour::Itil, Flavour::Grown],
    ),
    ticket(
        "UserRequest",
        &["UserRequest"],
        &[PLAIN_HEAD, TICKET, HANDLED, SIMPLE_REQUEST, PLAIN_TAIL],
        &[Flavour::Simple],
    ),
    ticket("NormalChange", &["NormalChange"], &[PLAIN_HEAD, TICKET, CHANGE, PLAIN_TAIL], GROWN),
    ticket(
        "SecurityIncident",
        &["SecurityIncident"],
        &[PLAIN_HEAD, TICKET, HANDLED, SEVERITY, PLAIN_TAIL],
        GROWN,
    ),
    Class {
        flavours: GROWN,
        ..ci("AccessPoint", &["AccessPoint"], &[CI_HEAD, CI, DEVICE, HARDWARE, ACCESS_POINT, TAIL])
    },
    grown("lnkContactToTicket", "ticket_contact", &[PLAIN_HEAD, TICKET_CONTACT, PLAIN_TAIL]),
    grown("FAQCategory", "faq_category", &[PLAIN_HEAD, CATEGORY, PLAIN_TAIL]),
    grown("FAQ", "faq", &[PLAIN_HEAD, FAQ, PLAIN_TAIL]),
    grown("KnownError", "known_error", &[PLAIN_HEAD, KNOWN_ERROR, PLAIN_TAIL]),
    grown("SiteVisit", "site_visit", &[PLAIN_HEAD, VISIT, PLAIN_TAIL]),
    class("lnkFunctionalCIToTicket", "ticket_ci", &[], &[PLAIN_HEAD, TICKET_CI, PLAIN_TAIL]),
    class("Attachment", "attachment", &[], &[PLAIN_HEAD, ATTACHMENT, PLAIN_TAIL]),
    class("Location", "location", &[], &[HEAD, LOCATION, TAIL]),
    class("Brand", "typology", &["Brand"], &[PLAIN_HEAD, TYPE, PLAIN_TAIL]),
    class("Model", "typology", &["Model"], &[PLAIN_HEAD, TYPE, MODEL, PLAIN_TAIL]),
    class("OSFamily", "typology", &["OSFamily"], &[PLAIN_HEAD, TYPE, PLAIN_TAIL]),
    class("OSVersion", "typology", &["OSVersion"], &[PLAIN_HEAD, TYPE, OS_VERSION, PLAIN_TAIL]),
    class("NetworkDeviceType", "typology", &["NetworkDeviceType"], &[PLAIN_HEAD, TYPE, PLAIN_TAIL]),
    class("User", "user", &[], &[PLAIN_HEAD, USER, PLAIN_TAIL]),
    class("ModuleInstallation", "module", &[], &[PLAIN_HEAD, MODULE, PLAIN_TAIL]),
    class("SynchroDataSource", "sync_source", &[], &[PLAIN_HEAD, SOURCE, PLAIN_TAIL]),
    Class {
        order: &["attcode"],
        ..class(
            "SynchroAttribute",
            "sync_attribute",
            &[],
            &[PLAIN_HEAD, SOURCE_ATTRIBUTE, PLAIN_TAIL],
        )
    },
    Class {
        order: &["attcode"],
        ..class(
            "SynchroAttExtKey",
            "sync_attribute",
            &["SynchroAttExtKey"],
            &[PLAIN_HEAD, SOURCE_ATTRIBUTE, SOURCE_KEY, PLAIN_TAIL],
        )
    },
    Class {
        order: &["attcode"],
        ..class(
            "SynchroAttLinkSet",
            "sync_attribute",
            &["SynchroAttLinkSet"],
            &[PLAIN_HEAD, SOURCE_ATTRIBUTE, PLAIN_TAIL],
        )
    },
    class("SynchroReplica", "sync_replica", &[], &[PLAIN_HEAD, REPLICA, PLAIN_TAIL]),
    class("SynchroLog", "sync_log", &[], &[PLAIN_HEAD, LOG, PLAIN_TAIL]),
    // The change log: a class that the users of the sandbox may not read.
    class("CMDBChangeOpCreate", "delivery_model", &[], &[PLAIN_HEAD, PLAIN_TAIL]),
];
