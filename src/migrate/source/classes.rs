//! Which classes are read, and in which order.

/// What a ticket refers to comes before it; links come after both of their ends.
const PEOPLE: [&str; 5] = ["Organization", "Location", "Person", "Team", "lnkPersonToTeam"];

const SERVICES: [&str; 12] = [
    "DeliveryModel",
    "lnkDeliveryModelToContact",
    "ServiceFamily",
    "Service",
    "ServiceSubcategory",
    "SLA",
    "SLT",
    "lnkSLAToSLT",
    "CustomerContract",
    "ProviderContract",
    "lnkCustomerContractToService",
    "lnkContactToService",
];

const AFTER_CIS: [&str; 2] = ["lnkContactToFunctionalCI", "lnkCustomerContractToFunctionalCI"];

const AFTER_TICKETS: [&str; 12] = [
    "lnkFunctionalCIToTicket",
    "lnkContactToTicket",
    "WorkOrder",
    "FAQCategory",
    "FAQ",
    "KnownError",
    "lnkErrorToFunctionalCI",
    "DocumentNote",
    "DocumentWeb",
    "DocumentFile",
    ATTACHMENT,
    INLINE_IMAGE,
];

const ATTACHMENT: &str = "Attachment";
const INLINE_IMAGE: &str = "InlineImage";

/// Files are no attributes that iTop lists; these are those of its own model.
const DOCUMENTS: [(&str, &str); 3] =
    [(ATTACHMENT, "contents"), (INLINE_IMAGE, "contents"), ("DocumentFile", "file")];

/// What comes through a reference: it is had where that leads.
const THROUGH_A_REFERENCE: [&str; 3] =
    ["_friendlyname", "_obsolescence_flag", "_finalclass_recall"];

/// The attributes of a class that hold files.
#[must_use]
pub fn documents(class: &str) -> Vec<String> {
    let own = DOCUMENTS.iter().filter(|(known, _)| *known == class);
    own.map(|(_, attribute)| (*attribute).to_owned()).collect()
}

/// The attributes of a class without what others have already.
#[must_use]
pub fn worth_reading(codes: Vec<String>) -> Vec<String> {
    let is_own = |code: &String| !THROUGH_A_REFERENCE.iter().any(|suffix| code.ends_with(suffix));
    codes.into_iter().filter(is_own).collect()
}

/// Whether a class is about organizations and persons.
#[must_use]
pub fn is_of_people(class: &str) -> bool {
    PEOPLE.contains(&class)
}

/// An abstract class, whose concrete ones are asked for: accounts.
pub const USER: &str = "User";
/// The same: CIs.
pub const CI: &str = "FunctionalCI";
/// The same: tickets.
pub const TICKET: &str = "Ticket";

/// The classes in their order: the concrete ones of accounts, CIs and tickets as iTop has them, and those that
/// were named. Each once.
#[must_use]
pub fn in_order(
    users: Vec<String>,
    cis: Vec<String>,
    tickets: Vec<String>,
    named: &[String],
) -> Vec<String> {
    let fixed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let groups = [
        fixed(&PEOPLE),
        users,
        fixed(&SERVICES),
        cis,
        fixed(&AFTER_CIS),
        tickets,
        named.to_vec(),
        fixed(&AFTER_TICKETS),
    ];
    let mut order: Vec<String> = Vec::new();
    for class in groups.into_iter().flatten() {
        if !order.contains(&class) {
            order.push(class);
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_come_after_both_of_their_ends_and_each_class_once() {
        let named = ["Contract", "Incident"].map(str::to_owned);
        let one = |class: &str| vec![class.to_owned()];
        let order = in_order(one("UserLocal"), one("Server"), one("Incident"), &named);
        let place = |name: &str| order.iter().position(|class| class == name).unwrap();
        assert!(place("Organization") < place("Person") && place("Person") < place("Server"));
        assert!(place("Server") < place("Incident"));
        assert!(place("Incident") < place("Contract"));
        assert!(place("Contract") < place("lnkFunctionalCIToTicket"));
        assert_eq!(order.iter().filter(|class| *class == "Incident").count(), 1);
    }
}
