//! What usually becomes of the classes of the standard model. Nothing here knows an org.

/// What a class becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Records of an object.
    Becomes(Kind),
    /// Nothing, for this reason.
    Stays(&'static str),
    /// People say.
    Asked(&'static str),
}

/// Classes that become the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Account,
    Contact,
    Ci,
    Change,
    Case,
    Article,
    KnownError,
    Entitlement,
    CiOfTicket,
    ContactOfTicket,
}

/// How a field is proposed.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    /// The attribute, and more of the rule.
    Rule(&'static str),
    /// A rule of its own, in which attributes stand.
    Whole(&'static str),
    /// The class as a text.
    Class,
    /// A value for each value, by these candidates.
    Choice(&'static [(&'static str, &'static [&'static str])]),
    /// A reference to what has become one of these.
    To(&'static [Kind]),
    /// The same, left empty where it leads elsewhere.
    ToOrEmpty(&'static [Kind]),
    /// A reference among the same objects, in the second pass.
    Later,
}

/// Field, attribute, how.
pub(super) type Line = (&'static str, &'static str, How);

impl Kind {
    /// The object of Salesforce.
    pub(super) fn object(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::Contact => "Contact",
            Self::Ci => "CI__c",
            Self::Change => "Change_Request__c",
            Self::Case => "Case",
            Self::Article | Self::KnownError => "Knowledge__kav",
            Self::Entitlement => "Entitlement",
            Self::CiOfTicket => "Case_CI__c",
            Self::ContactOfTicket => "Case_Contact__c",
        }
    }

    pub(super) fn lines(self) -> &'static [Line] {
        match self {
            Self::Account => ACCOUNT,
            Self::Contact => CONTACT,
            Self::Ci => CI,
            Self::Change => CHANGE,
            Self::Case => CASE,
            Self::Article => ARTICLE,
            Self::KnownError => KNOWN_ERROR,
            Self::Entitlement => ENTITLEMENT,
            Self::CiOfTicket => CI_OF_TICKET,
            Self::ContactOfTicket => CONTACT_OF_TICKET,
        }
    }
}

/// What usually becomes of a class.
pub(super) fn fate(class: &str, is_ci: bool, is_change: bool, is_ticket: bool) -> Fate {
    const PEOPLE: &str = "a team is a queue, which an administrator makes";
    const SERVICES: &str =
        "services and agreements are rebuilt by people; the survey is their specification";
    const FILES: &str = "files move with what they hang on: [files]";
    match class {
        "Organization" => Fate::Becomes(Kind::Account),
        "Person" => Fate::Becomes(Kind::Contact),
        "Team" | "lnkPersonToTeam" | "lnkDeliveryModelToContact" | "lnkContactToService" => {
            Fate::Stays(PEOPLE)
        }
        "Location" => Fate::Stays("what stands in a location says so in a field of its own"),
        "CustomerContract" => Fate::Becomes(Kind::Entitlement),
        "DeliveryModel"
        | "ServiceFamily"
        | "Service"
        | "ServiceSubcategory"
        | "SLA"
        | "SLT"
        | "lnkSLAToSLT"
        | "ProviderContract"
        | "lnkCustomerContractToService" => Fate::Stays(SERVICES),
        "Attachment" | "InlineImage" => Fate::Stays(FILES),
        "FAQ" => Fate::Becomes(Kind::Article),
        "KnownError" => Fate::Becomes(Kind::KnownError),
        "FAQCategory" => Fate::Stays("an article says its category in a field of its own"),
        "lnkFunctionalCIToTicket" => Fate::Becomes(Kind::CiOfTicket),
        "lnkContactToTicket" => Fate::Becomes(Kind::ContactOfTicket),
        _ if is_change => Fate::Becomes(Kind::Change),
        _ if is_ticket => Fate::Becomes(Kind::Case),
        _ if is_ci => Fate::Becomes(Kind::Ci),
        _ if class.starts_with("User") => {
            Fate::Stays("an account is a licence; agents are users with the same e-mail address")
        }
        _ => Fate::Asked("what becomes of it?"),
    }
}

use How::{Choice, Class, Later, Rule, To, ToOrEmpty, Whole};

const TEXT: &str = ", as = \"text\"";
const TIME: &str = ", as = \"date_time\"";
const DATE: &str = ", as = \"date\"";

const ACCOUNT: &[Line] = &[
    ("Name", "name", Rule("")),
    ("AccountNumber", "code", Rule("")),
    ("ParentId", "parent_id", Later),
    ("iTop_Status__c", "status", Rule("")),
];

const CONTACT: &[Line] = &[
    ("LastName", "name", Rule("")),
    ("FirstName", "first_name", Rule("")),
    ("Email", "email", Rule(", as = \"email\"")),
    ("Phone", "phone", Rule("")),
    ("MobilePhone", "mobile_phone", Rule("")),
    ("Title", "function", Rule("")),
    ("AccountId", "org_id", To(&[Kind::Account])),
    ("ReportsToId", "manager_id", Later),
    ("iTop_Location__c", "location_name", Rule("")),
    ("iTop_Employee_Number__c", "employee_number", Rule("")),
    // Former ones are marked by it.
    ("iTop_Status__c", "status", Rule("")),
];

const CI: &[Line] = &[
    ("Name", "name", Rule("")),
    ("CI_Type__c", "", Class),
    ("Account__c", "org_id", To(&[Kind::Account])),
    ("Status__c", "status", Choice(&[("production", &["Production"]), ("stock", &["Stock"])])),
    ("Description__c", "description", Rule(TEXT)),
    ("Criticality__c", "business_criticity", Rule("")),
    ("In_Production_Since__c", "move2production", Rule(DATE)),
    ("Serial_Number__c", "serialnumber", Rule("")),
    ("Asset_Number__c", "asset_number", Rule("")),
    ("Location__c", "location_name", Rule("")),
    ("Brand__c", "brand_name", Rule("")),
    ("Model__c", "model_name", Rule("")),
    ("Management_IP__c", "managementip", Rule("")),
    ("Purchased__c", "purchase_date", Rule(DATE)),
    ("Warranty_Until__c", "end_of_warranty", Rule(DATE)),
];

const STATES: &[(&str, &[&str])] = &[
    ("new", &["New"]),
    ("assigned", &["Working", "In Progress", "Assigned"]),
    ("dispatched", &["Working", "In Progress", "New"]),
    ("redispatched", &["Working", "In Progress", "New"]),
    ("pending", &["On Hold", "Pending", "Waiting", "Waiting for Customer"]),
    ("waiting_for_approval", &["On Hold", "Pending", "Waiting"]),
    ("approved", &["Working", "In Progress"]),
    ("escalated_tto", &["Escalated"]),
    ("escalated_ttr", &["Escalated"]),
    ("resolved", &["Resolved", "Solved", "Closed"]),
    ("closed", &["Closed"]),
    ("rejected", &["Rejected", "Closed"]),
    ("plannedscheduled", &["Planned", "Scheduled"]),
    ("validated", &["Planned"]),
    ("monitored", &["Implemented"]),
];

const CASE: &[Line] = &[
    ("Subject", "title", Rule("")),
    ("Description", "description", Rule(TEXT)),
    ("Status", "status", Choice(STATES)),
    (
        "Priority",
        "priority",
        Choice(&[
            ("1", &["Critical", "High"]),
            ("2", &["High"]),
            ("3", &["Medium"]),
            ("4", &["Low"]),
        ]),
    ),
    (
        "Origin",
        "origin",
        Choice(&[
            ("mail", &["Email"]),
            ("phone", &["Phone"]),
            ("portal", &["Web", "Portal"]),
            ("monitoring", &["Monitoring"]),
            ("in_person", &["In Person"]),
            ("chat", &["Chat"]),
        ]),
    ),
    ("AccountId", "org_id", To(&[Kind::Account])),
    ("ContactId", "caller_id", To(&[Kind::Contact])),
    ("OwnerId", "agent_id", Rule(", as = \"owner\"")),
    ("ParentId", "parent_incident_id", Later),
    ("ParentId", "parent_request_id", Later),
    ("Change_Request__c", "parent_change_id", ToOrEmpty(&[Kind::Change])),
    ("CreatedDate", "start_date", Rule(TIME)),
    ("LastModifiedDate", "last_update", Rule(TIME)),
    ("ClosedDate", "close_date", Rule(TIME)),
    ("iTop_Closed__c", "close_date", Rule(TIME)),
    ("iTop_Ref__c", "ref", Rule("")),
    ("iTop_Solution__c", "solution", Rule(TEXT)),
    ("iTop_Resolution__c", "resolution_code", Rule("")),
    ("iTop_Resolved__c", "resolution_date", Rule(TIME)),
    ("iTop_Service__c", "service_name", Rule("")),
    ("iTop_Subcategory__c", "servicesubcategory_name", Rule("")),
    ("iTop_Team__c", "team_name", Rule("")),
    ("iTop_Agent__c", "agent_name", Rule("")),
    ("iTop_Impact__c", "impact", Rule("")),
    ("iTop_Urgency__c", "urgency", Rule("")),
    ("iTop_Satisfaction__c", "user_satisfaction", Rule("")),
    ("iTop_User_Comment__c", "user_comment", Rule(TEXT)),
    ("iTop_Pending_Reason__c", "pending_reason", Rule(TEXT)),
];

const CHANGE: &[Line] = &[
    ("Name", "ref", Rule("")),
    ("Title__c", "title", Rule("")),
    ("Description__c", "description", Rule(TEXT)),
    ("Status__c", "status", Choice(STATES)),
    ("Account__c", "org_id", To(&[Kind::Account])),
    ("Contact__c", "caller_id", To(&[Kind::Contact])),
    ("Requestor__c", "requestor_id", ToOrEmpty(&[Kind::Contact])),
    ("OwnerId", "agent_id", Rule(", as = \"owner\"")),
    ("Parent__c", "parent_id", Later),
    ("Type__c", "", Class),
    ("Start__c", "start_date", Rule(TIME)),
    ("End__c", "end_date", Rule(TIME)),
    ("Outage__c", "outage", Rule("")),
    ("Fallback__c", "fallback", Rule(TEXT)),
    ("Fallback_Plan__c", "fallback_plan", Rule(TEXT)),
    ("Reason__c", "reason", Rule("")),
    ("CreatedDate", "creation_date", Rule(TIME)),
    ("LastModifiedDate", "last_update", Rule(TIME)),
    ("iTop_Ref__c", "ref", Rule("")),
];

const ARTICLE: &[Line] = &[
    ("Title", "title", Rule("")),
    ("UrlName", "title", Rule(", as = \"url_name\"")),
    ("Summary", "summary", Rule(", as = \"text\", cut = true")),
    ("iTop_Body__c", "description", Rule(", as = \"rich\"")),
    ("iTop_Category__c", "category_name", Rule("")),
    ("iTop_Keywords__c", "key_words", Rule("")),
    ("iTop_Error_Code__c", "error_code", Rule("")),
];

const KNOWN_ERROR: &[Line] = &[
    ("Title", "name", Rule("")),
    ("UrlName", "name", Rule(", as = \"url_name\"")),
    (
        "iTop_Body__c",
        "symptom",
        Whole(
            "template = \"<h3>Symptom</h3>{symptom}<h3>Root cause</h3>{root_cause}<h3>Workaround</h3>{workaround}\
             <h3>Solution</h3>{solution}\", as = \"rich\"",
        ),
    ),
    ("iTop_Error_Code__c", "error_code", Rule("")),
];

const ENTITLEMENT: &[Line] = &[
    ("Name", "name", Rule("")),
    ("AccountId", "org_id", To(&[Kind::Account])),
    ("StartDate", "start_date", Rule(DATE)),
    ("EndDate", "end_date", Rule(DATE)),
];

const CI_OF_TICKET: &[Line] = &[
    ("Case__c", "ticket_id", ToOrEmpty(&[Kind::Case])),
    ("Change__c", "ticket_id", ToOrEmpty(&[Kind::Change])),
    ("CI__c", "functionalci_id", To(&[Kind::Ci])),
    ("Impact__c", "impact_code", Rule("")),
];

const CONTACT_OF_TICKET: &[Line] = &[
    ("Case__c", "ticket_id", ToOrEmpty(&[Kind::Case])),
    ("Change__c", "ticket_id", ToOrEmpty(&[Kind::Change])),
    ("Contact__c", "contact_id", ToOrEmpty(&[Kind::Contact])),
    // A team is no Contact, and is not lost.
    ("iTop_Contact__c", "contact_name", Rule("")),
    ("Role__c", "role_code", Rule("")),
];
