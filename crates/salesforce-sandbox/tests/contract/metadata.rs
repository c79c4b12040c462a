//! Metadata that is deployed.

use std::io::Write as _;

use flate2::{Compression, Crc, write::DeflateEncoder};
use salesforce_sandbox::Options;
use serde_json::{Value, json};

use crate::{
    examples::Scene,
    org::{BASE, Org, Said},
};

/// A zip of small files, deflated.
fn zip(files: &[(&str, String)]) -> Vec<u8> {
    let (mut zip, mut list) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        let packed = encoder.finish().unwrap();
        let size = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
        let mut header = [20_u16, 0, 8, 0, 33].map(u16::to_le_bytes).concat();
        header.extend(crc.sum().to_le_bytes());
        header.extend([size(packed.len()), size(text.len())].concat());
        header.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        header.extend([0; 2]);
        list.extend(
            [
                b"PK\x01\x02\x14\x00".as_slice(),
                &header,
                &[0; 10],
                &size(zip.len()),
                name.as_bytes(),
            ]
            .concat(),
        );
        zip.extend([b"PK\x03\x04".as_slice(), &header, name.as_bytes(), &packed].concat());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let sizes = [list.len(), zip.len()].map(|length| u32::try_from(length).unwrap().to_le_bytes());
    let end = [b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &sizes.concat(), &[0; 2]].concat();
    [zip, list, end].concat()
}

/// The package of an object, a field on Case, and a permission set for this field.
pub fn package(field: &str) -> Vec<u8> {
    let xml = |root: &str, inner: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<{root} xmlns=\"http://soap.sforce.com/2006/04/metadata\">\n{inner}</{root}>\n"
        )
    };
    zip(&[
        ("package.xml", xml("Package", "<version>67.0</version>\n")),
        (
            "objects/Case.object",
            xml(
                "CustomObject",
                "<fields><fullName>Bridge_Ack__c</fullName><label>Ack</label><type>Text</type><length>64</length><externalId>true</externalId><unique>true</unique><caseSensitive>true</caseSensitive></fields>\n<fields><fullName>CI__c</fullName><label>CI</label><type>Lookup</type><referenceTo>CI__c</referenceTo></fields>\n",
            ),
        ),
        (
            "objects/CI__c.object",
            xml(
                "CustomObject",
                "<deploymentStatus>Deployed</deploymentStatus><label>CI</label><pluralLabel>CIs</pluralLabel><sharingModel>ReadWrite</sharingModel><nameField><label>Name</label><type>Text</type></nameField>\n",
            ),
        ),
        (
            "permissionsets/Bridge.permissionset",
            xml(
                "PermissionSet",
                &format!(
                    "<label>Bridge</label><fieldPermissions><editable>true</editable><field>{field}</field><readable>true</readable></fieldPermissions>\n"
                ),
            ),
        ),
    ])
}

/// The body of a deployment, and its type.
fn deployment(zip: &[u8], check_only: bool) -> Vec<u8> {
    let options = json!({"deployOptions": {"checkOnly": check_only, "singlePackage": true, "rollbackOnError": true}});
    let head = format!(
        "--b\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n{options}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"deploy.zip\"\r\nContent-Type: application/zip\r\n\r\n"
    );
    [head.as_bytes(), zip, b"\r\n--b--\r\n"].concat()
}

async fn deploy(org: &Org, field: &str, check_only: bool) -> Value {
    let request = org.client.post(format!("{}{BASE}/metadata/deployRequest", org.url));
    let request =
        request.bearer_auth(&org.token).header("Content-Type", "multipart/form-data; boundary=b");
    let said =
        Said::of(request.body(deployment(&package(field), check_only)).send().await.unwrap()).await;
    assert_eq!(said.status, 201, "{}", said.text);
    let id = said.json()["id"].as_str().unwrap().to_owned();
    org.get(&format!("/metadata/deployRequest/{id}?includeDetails=true")).await.json()["deployResult"].clone()
}

/// The scenes of examples 56 and 57.
pub async fn scene(number: u32) -> Scene {
    let scene = Scene::of(Org::with(Options { package: false, ..Options::default() }).await);
    if number == 56 {
        return scene.bytes(deployment(&package("Case.Bridge_Ack__c"), true));
    }
    let xml = "<CustomObject><deploymentStatus>Deployed</deploymentStatus><label>CI</label><pluralLabel>CIs</pluralLabel><sharingModel>ReadWrite</sharingModel><nameField><label>Name</label><type>Text</type></nameField><fields><fullName>CI_Type__c</fullName><label>CI Type</label><type>Nothing</type></fields></CustomObject>";
    let zip =
        zip(&[("package.xml", "<Package/>".to_owned()), ("objects/CI__c.object", xml.to_owned())]);
    let org = &scene.org;
    let request = org.client.post(format!("{}{BASE}/metadata/deployRequest", org.url));
    let request =
        request.bearer_auth(&org.token).header("Content-Type", "multipart/form-data; boundary=b");
    let said = Said::of(request.body(deployment(&zip, true)).send().await.unwrap()).await;
    let id = said.json()["id"].as_str().unwrap().to_owned();
    scene.instead("0Afxx0000000001CAA", &id)
}

#[tokio::test]
async fn what_is_deployed_is_there_and_seen_with_its_permission_set() {
    let org = Org::with(Options { package: false, ..Options::default() }).await;
    let body = json!({"Bridge_Ack__c": "k"});
    let said = deploy(&org, "Case.Wrong__c", false).await;
    assert_eq!((&said["status"], &said["numberComponentErrors"]), (&json!("Failed"), &json!(1)));
    assert_eq!(org.post("/sobjects/Case", body.clone()).await.code(), "INVALID_FIELD");
    let said = deploy(&org, "Case.Bridge_Ack__c", true).await;
    assert_eq!(said["status"], "Succeeded", "{said}");
    assert_eq!(org.get("/sobjects/CI__c/describe").await.status, 404);
    let said = deploy(&org, "Case.Bridge_Ack__c", false).await;
    assert_eq!(said["status"], "Succeeded", "{said}");
    org.made("CI__c", json!({"Name": "srv"})).await;
    // Nobody sees it yet.
    assert_eq!(org.post("/sobjects/Case", body.clone()).await.code(), "INVALID_FIELD");
    let set = org.id("PermissionSet", "Bridge");
    let user = org.id("User", "Integration Bridge");
    org.made("PermissionSetAssignment", json!({"AssigneeId": user, "PermissionSetId": set})).await;
    org.made("Case", body.clone()).await;
    assert_eq!(org.post("/sobjects/Case", body).await.code(), "DUPLICATE_VALUE");
}
