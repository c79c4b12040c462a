//! The files of the package.

use std::fmt::Write as _;

use super::super::{CiObject, Mapping, ServiceObject};

/// The name of the permission set.
pub const PERMISSION_SET: &str = "ServiceNav_Bridge";

const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";

/// Name and text of each file.
pub(super) fn files(mapping: &Mapping, version: &str) -> Vec<(String, String)> {
    let mut files = vec![
        ("package.xml".to_owned(), list(mapping, version)),
        ("objects/Case.object".to_owned(), case(mapping)),
    ];
    if mapping.ci == CiObject::Ci {
        files.push(("objects/CI__c.object".to_owned(), ci(mapping)));
    }
    files.push((format!("permissionsets/{PERMISSION_SET}.permissionset"), permissions(mapping)));
    files
}

/// An element around others.
pub(crate) fn document(name: &str, inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name} xmlns=\"{NAMESPACE}\">\n{inner}</{name}>\n"
    )
}

/// An element of members, each an element with a text.
pub(crate) fn element(name: &str, members: &[(&str, &str)]) -> String {
    let mut text = format!("    <{name}>\n");
    for (member, value) in members {
        // What stands here are names of fields, words and numbers; nothing else is taken as one.
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(text, "        <{member}>{value}</{member}>");
    }
    let _ = writeln!(text, "    </{name}>");
    text
}

fn list(mapping: &Mapping, version: &str) -> String {
    let marker = format!("Case.{}", mapping.external_id_field);
    let of_ci = format!("Case.{}", mapping.ci_field);
    let mut inner = String::new();
    if mapping.ci == CiObject::Ci {
        let fields = [("members", marker.as_str()), ("members", &of_ci), ("name", "CustomField")];
        inner += &element("types", &fields);
        inner += &element("types", &[("members", "CI__c"), ("name", "CustomObject")]);
    } else {
        inner += &element("types", &[("members", marker.as_str()), ("name", "CustomField")]);
    }
    inner += &element("types", &[("members", PERMISSION_SET), ("name", "PermissionSet")]);
    let _ = writeln!(inner, "    <version>{version}</version>");
    document("Package", &inner)
}

fn case(mapping: &Mapping) -> String {
    let mut inner = element(
        "fields",
        &[
            ("fullName", &mapping.external_id_field),
            (
                "description",
                "The acknowledgement that this Case was made of; set by the bridge alone",
            ),
            ("label", "Bridge Ack"),
            ("type", "Text"),
            ("length", "64"),
            ("externalId", "true"),
            ("unique", "true"),
            ("caseSensitive", "true"),
            ("required", "false"),
        ],
    );
    if mapping.ci == CiObject::Ci {
        inner += &element(
            "fields",
            &[
                ("fullName", &mapping.ci_field),
                ("label", "CI"),
                ("type", "Lookup"),
                ("referenceTo", "CI__c"),
                ("relationshipName", "Cases"),
                ("deleteConstraint", "SetNull"),
                ("required", "false"),
            ],
        );
    }
    document("CustomObject", &inner)
}

fn ci(mapping: &Mapping) -> String {
    let mut inner = String::new();
    inner.push_str(
        "    <deploymentStatus>Deployed</deploymentStatus>\n    <label>CI</label>\n    \
         <pluralLabel>CIs</pluralLabel>\n    <sharingModel>ReadWrite</sharingModel>\n",
    );
    inner += &element("nameField", &[("label", "Name"), ("type", "Text")]);
    inner += &element(
        "fields",
        &[
            ("fullName", &mapping.ci_account_field),
            ("label", "Account"),
            ("type", "Lookup"),
            ("referenceTo", "Account"),
            ("relationshipName", "CIs"),
            ("deleteConstraint", "SetNull"),
            ("required", "false"),
        ],
    );
    inner += &element(
        "fields",
        &[
            ("fullName", "CI_Type__c"),
            ("label", "CI Type"),
            ("type", "Text"),
            ("length", "80"),
            ("required", "false"),
        ],
    );
    document("CustomObject", &inner)
}

fn permissions(mapping: &Mapping) -> String {
    let mut fields = vec![format!("Case.{}", mapping.external_id_field)];
    // Required fields must not stand here, nor those that everybody sees.
    let standard = ["AccountId", "ContactId", "Description", "Origin", "Priority"];
    fields.extend(standard.map(|field| format!("Case.{field}")));
    fields.extend(mapping.service.field().map(|field| format!("Case.{field}")));
    fields.extend(mapping.ci_field().map(|field| format!("Case.{field}")));
    fields.sort();
    let mut read = Vec::new();
    if mapping.ci == CiObject::Ci {
        read.extend([format!("CI__c.{}", mapping.ci_account_field), "CI__c.CI_Type__c".to_owned()]);
        read.sort();
    }
    let mut inner = String::new();
    inner.push_str("    <description>What the user of the ServiceNav bridge needs</description>\n");
    let fields = fields.iter().map(|field| (field, "true"));
    for (field, editable) in fields.chain(read.iter().map(|field| (field, "false"))) {
        inner += &element(
            "fieldPermissions",
            &[("editable", editable), ("field", field), ("readable", "true")],
        );
    }
    inner.push_str("    <hasActivationRequired>false</hasActivationRequired>\n");
    inner.push_str("    <label>ServiceNav Bridge</label>\n");
    let of_service = match mapping.service {
        ServiceObject::Entitlement => Some("Entitlement"),
        ServiceObject::Product => Some("Product2"),
        ServiceObject::None => None,
    };
    let of_ci = match mapping.ci {
        CiObject::Ci => Some("CI__c"),
        CiObject::Asset => Some("Asset"),
        CiObject::None => None,
    };
    let others = ["Account", "Contact"].into_iter().chain(of_service).chain(of_ci);
    for (object, writes) in [("Case", "true")].into_iter().chain(others.map(|name| (name, "false")))
    {
        inner += &element(
            "objectPermissions",
            &[
                ("allowCreate", writes),
                ("allowDelete", "false"),
                ("allowEdit", writes),
                ("allowRead", "true"),
                ("modifyAllRecords", "false"),
                ("object", object),
                // A Case that it does not see would be one that it cannot find again; what belongs to
                // whichever company must be seen to be named.
                ("viewAllRecords", if object == "Product2" { "false" } else { "true" }),
            ],
        );
    }
    inner += &element("userPermissions", &[("enabled", "true"), ("name", "ApiEnabled")]);
    document("PermissionSet", &inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_used_is_not_deployed() {
        let mapping = Mapping {
            ci: CiObject::Asset,
            service: ServiceObject::None,
            external_id_field: "Ack__c".to_owned(),
            ..Mapping::default()
        };
        let all = files(&mapping, "66.0").into_iter().map(|(_, text)| text).collect::<String>();
        for (text, is_there) in [
            ("<members>Case.Ack__c</members>", true),
            ("<version>66.0</version>", true),
            ("<unique>true</unique>", true),
            ("<caseSensitive>true</caseSensitive>", true),
            ("<field>Case.AssetId</field>", true),
            ("<object>Asset</object>", true),
            ("CI__c", false),
            ("Entitlement", false),
        ] {
            assert_eq!(all.contains(text), is_there, "{text}");
        }
    }

    #[test]
    fn each_file_is_xml_whose_elements_end() {
        for (name, text) in files(&Mapping::default(), "67.0") {
            let mut open = Vec::new();
            for tag in text.split('<').skip(2) {
                let tag = tag.split(['>', ' ']).next().unwrap();
                match tag.strip_prefix('/') {
                    Some(ended) => assert_eq!(open.pop(), Some(ended), "{name}"),
                    None => open.push(tag),
                }
            }
            assert_eq!(open, [""; 0], "{name}");
        }
    }
}
