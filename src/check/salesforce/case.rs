//! What the user of the bridge may do with Cases, by what it sees of them.

use super::Examination;
use crate::salesforce::{CASE, CiObject, Described};

/// How many characters a marker has.
const MARKER_LENGTH: usize = 32;

const DEPLOY: &str = "Deploy the package ('salesforce package') and assign its permission set to the user of \
     the bridge. A field that exists and is not seen here lacks field-level security.";

impl Examination<'_, '_> {
    pub(super) async fn case(&mut self) -> Option<Described> {
        let what = "salesforce cases";
        self.report.examining(what);
        match self.client.describe(CASE).await {
            Ok(case) if case.createable => {
                self.report.ok(what, "may be made");
                Some(case)
            }
            Ok(_) => {
                self.report.failure(
                    what,
                    "the user of the bridge may not make Cases",
                    "Give it the permission to create Cases, by the package's permission set.",
                );
                None
            }
            Err(error) if error.is_missing() => {
                self.report.failure(
                    what,
                    "the user of the bridge sees no Cases",
                    "Give it a licence for Service Cloud and access to Cases.",
                );
                None
            }
            Err(error) => {
                self.failed(what, &error);
                None
            }
        }
    }

    /// All on which "exactly once" rests.
    pub(super) fn marker_field(&mut self, case: &Described) {
        let what = "salesforce external id";
        let name = &self.section.external_id_field;
        let Some(field) = case.field(name) else {
            let seen = format!("Case has no field {name} that the user of the bridge sees");
            return self.report.failure(what, seen, DEPLOY);
        };
        let length = format!("has less than {MARKER_LENGTH} characters");
        let faults: Vec<&str> = [
            (field.external_id, "is no external id"),
            (field.unique, "is not unique"),
            (field.case_sensitive, "does not tell capitals from small letters"),
            (field.createable, "may not be set by the user of the bridge"),
            (field.kind == "string", "is no text"),
            (field.length >= MARKER_LENGTH, &length),
        ]
        .into_iter()
        .filter_map(|(is_right, fault)| (!is_right).then_some(fault))
        .collect();
        if faults.is_empty() {
            self.report.ok(what, format!("{name} is unique and case-sensitive"));
        } else {
            let seen = format!("{name} {}", faults.join(", and it "));
            let mend = "Without it acknowledgements could become two Cases: deploy the package \
                        ('salesforce package'), or set these properties in Setup.";
            self.report.failure(what, seen, mend);
        }
    }

    /// The fields that the bridge sets beside, and those that the org asks for.
    pub(super) async fn references(&mut self, case: &Described) {
        let what = "salesforce fields";
        let mapping = self.section.mapping();
        let always = ["AccountId", "ContactId", "OwnerId", "Subject", "Description", "Priority"];
        let optional = [
            mapping.service.field(),
            mapping.ci_field(),
            mapping.origin.as_ref().map(|_| "Origin"),
            mapping.status.as_ref().map(|_| "Status"),
            mapping.record_type.as_ref().map(|_| "RecordTypeId"),
        ];
        let own = always.into_iter().chain(optional.into_iter().flatten());
        let all: Vec<_> = own.chain(self.section.fields.keys().map(String::as_str)).collect();
        let lacks = |name: &&str| !case.field(name).is_some_and(|field| field.createable);
        let lacking: Vec<_> = all.iter().copied().filter(lacks).collect();
        if lacking.is_empty() {
            self.report.ok(what, format!("all {} may be set", all.len()));
        } else {
            let mut mend =
                "Give the user of the bridge edit access to them (field-level security)."
                    .to_owned();
            if lacking.contains(&"EntitlementId") {
                mend.push_str(
                    " EntitlementId is there only where Entitlement Management is enabled; else set \
                     salesforce.service = \"none\" or \"product\".",
                );
            }
            if mapping.ci == CiObject::Ci && lacking.contains(&mapping.ci_field.as_str()) {
                mend.push_str(" Deploy the package, or set salesforce.ci = \"asset\" or \"none\".");
            }
            let seen = format!("may not be set, or do not exist: {}", lacking.join(", "));
            self.report.failure(what, seen, mend);
        }
        let marker = mapping.external_id_field.as_str();
        let unset: Vec<_> = case
            .mandatory()
            .map(|field| field.name.as_str())
            .filter(|name| *name != marker && !all.contains(name))
            .collect();
        if !unset.is_empty() {
            self.report.failure(
                what,
                format!(
                    "the org asks for fields that the bridge does not set: {}",
                    unset.join(", ")
                ),
                "Set them by templates in salesforce.fields, or give them defaults in the org.",
            );
        }
        if mapping.ci == CiObject::Ci {
            self.ci_object(&mapping.ci_account_field).await;
        }
    }

    async fn ci_object(&mut self, account: &str) {
        let what = "salesforce CIs";
        match self.client.describe("CI__c").await {
            Ok(ci) if ci.field(account).is_some() => self.report.ok(what, "CI__c can be read"),
            Ok(_) => {
                let seen = format!("CI__c has no field {account} that the user of the bridge sees");
                self.report.failure(what, seen, DEPLOY);
            }
            Err(error) if error.is_missing() => {
                let mend = format!("{DEPLOY} Or set salesforce.ci = \"asset\" or \"none\".");
                self.report.failure(what, "the user of the bridge sees no object CI__c", mend);
            }
            Err(error) => self.failed(what, &error),
        }
    }
}
