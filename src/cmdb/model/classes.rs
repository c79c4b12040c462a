//! The classes of iTop's standard data model that equipment can be, and what each has.
//!
//! Read in the public data model of iTop 3.2; 2.7 and 3.1 have the same.

/// Something that is known of equipment, and the attribute that it is in iTop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called what they are")]
pub enum Attribute {
    Name,
    Organization,
    Description,
    Criticality,
    Status,
    SerialNumber,
    Brand,
    Model,
    Location,
    PurchaseDate,
    EndOfWarranty,
    Address,
    OsFamily,
    OsVersion,
}

impl Attribute {
    /// All of them, in the order of columns.
    pub const ALL: [Self; 14] = [
        Self::Name,
        Self::Organization,
        Self::Description,
        Self::Criticality,
        Self::Status,
        Self::SerialNumber,
        Self::Brand,
        Self::Model,
        Self::Location,
        Self::PurchaseDate,
        Self::EndOfWarranty,
        Self::Address,
        Self::OsFamily,
        Self::OsVersion,
    ];

    /// Its code in iTop.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Organization => "org_id",
            Self::Description => "description",
            Self::Criticality => "business_criticity",
            Self::Status => "status",
            Self::SerialNumber => "serialnumber",
            Self::Brand => "brand_id",
            Self::Model => "model_id",
            Self::Location => "location_id",
            Self::PurchaseDate => "purchase_date",
            Self::EndOfWarranty => "end_of_warranty",
            Self::Address => "managementip",
            Self::OsFamily => "osfamily_id",
            Self::OsVersion => "osversion_id",
        }
    }

    /// Whether every CI has it.
    #[must_use]
    pub fn is_of_any_ci(self) -> bool {
        match self {
            Self::Name | Self::Organization | Self::Description | Self::Criticality => true,
            Self::Status
            | Self::SerialNumber
            | Self::Brand
            | Self::Model
            | Self::Location
            | Self::PurchaseDate
            | Self::EndOfWarranty
            | Self::Address
            | Self::OsFamily
            | Self::OsVersion => false,
        }
    }
}

/// The attributes that are always sent: by these iTop finds a CI that is there already.
pub const ALWAYS: &[&str] = &["name", "org_id"];

const CI: &[&str] = &["name", "org_id", "description", "business_criticity"];
const STATUS: &[&str] = &["status"];
const HARDWARE: &[&str] = &[
    "status",
    "serialnumber",
    "brand_id",
    "model_id",
    "location_id",
    "purchase_date",
    "end_of_warranty",
];
const ADDRESS: &[&str] = &["managementip"];
const OS: &[&str] = &["osfamily_id", "osversion_id"];

/// A class, and what it has beyond what every CI has.
type Class = (&'static str, &'static [&'static [&'static str]]);

const STANDARD: &[Class] = &[
    ("Server", &[HARDWARE, ADDRESS, OS]),
    ("VirtualMachine", &[STATUS, ADDRESS, OS]),
    ("NetworkDevice", &[HARDWARE, ADDRESS]),
    ("StorageSystem", &[HARDWARE, ADDRESS]),
    ("Printer", &[HARDWARE]),
    ("PC", &[HARDWARE, OS]),
    ("NAS", &[HARDWARE, ADDRESS]),
    ("SANSwitch", &[HARDWARE, ADDRESS]),
    ("TapeLibrary", &[HARDWARE, ADDRESS]),
    ("Hypervisor", &[STATUS]),
    ("Farm", &[STATUS]),
    ("Rack", &[HARDWARE]),
    ("Peripheral", &[HARDWARE]),
    ("Tablet", &[HARDWARE]),
    ("IPPhone", &[HARDWARE]),
    ("Phone", &[HARDWARE]),
    ("MobilePhone", &[HARDWARE]),
    ("ApplicationSolution", &[STATUS]),
    ("BusinessProcess", &[STATUS]),
];

/// External keys that ServiceNav knows nothing of, and the classes at which they point.
const TARGETS: &[(&str, &str)] = &[
    ("networkdevicetype_id", "NetworkDeviceType"),
    ("virtualhost_id", "VirtualHost"),
    ("iosversion_id", "IOSVersion"),
    ("rack_id", "Rack"),
    ("enclosure_id", "Enclosure"),
];

/// The codes that a class of the standard model has; `None` of another.
pub(super) fn standard(class: &str) -> Option<Vec<&'static str>> {
    let (_, groups) = STANDARD.iter().find(|(name, _)| *name == class)?;
    Some([CI].iter().chain(*groups).flat_map(|codes| codes.iter().copied()).collect())
}

/// Whether a class is of the standard model, as far as equipment can be one.
#[must_use]
pub fn is_standard(class: &str) -> bool {
    STANDARD.iter().any(|(name, _)| *name == class)
}

/// The classes of the standard model that equipment can be.
#[must_use]
pub fn standard_classes() -> Vec<&'static str> {
    STANDARD.iter().map(|(name, _)| *name).collect()
}

/// Whether an attribute is one for which something is known of equipment.
#[must_use]
pub fn is_known(code: &str) -> bool {
    Attribute::ALL.iter().any(|attribute| attribute.code() == code)
}

/// The codes of all attributes for which something is known of equipment.
#[must_use]
pub fn all_codes() -> Vec<&'static str> {
    Attribute::ALL.iter().map(|attribute| attribute.code()).collect()
}

/// What iTop demands of a new CI of a class, and ServiceNav does not know.
#[must_use]
pub fn demanded(class: &str) -> &'static [&'static str] {
    match class {
        "NetworkDevice" => &["networkdevicetype_id"],
        "VirtualMachine" => &["virtualhost_id"],
        _ => &[],
    }
}

/// The class at which an external key points of which ServiceNav knows nothing.
#[must_use]
pub fn target_of(code: &str) -> Option<&'static str> {
    TARGETS.iter().find(|(of, _)| *of == code).map(|(_, class)| *class)
}

/// Whether models of iTop can be of a class.
pub(super) fn has_models(class: &str) -> bool {
    const TYPES: [&str; 14] = [
        "Server",
        "NetworkDevice",
        "StorageSystem",
        "Printer",
        "PC",
        "NAS",
        "SANSwitch",
        "TapeLibrary",
        "Rack",
        "Peripheral",
        "Tablet",
        "IPPhone",
        "Phone",
        "MobilePhone",
    ];
    // Of a class of another make nobody knows: iTop says no.
    TYPES.contains(&class) || !is_standard(class)
}
