//! What each example needs before it is asked.

use salesforce_sandbox::{
    CLIENT_ID, CLIENT_SECRET, DuplicateSaid, Fault, FaultKind, Operation, Options, Switches,
};
use serde_json::{Value, json};

use super::Scene;
use crate::{
    bulk, files,
    login::{assertion, claims},
    metadata,
    org::Org,
};

const CASE: &str = "500xx000000aB1CAAU";
const OTHER_CASE: &str = "500xx000000aB1DAAU";
const ACCOUNT: &str = "001xx000003GYcFAAW";
const CONTACT: &str = "003xx000004TmiQAAS";

/// The scene of an example, by its name.
pub async fn scene(name: &str) -> Scene {
    let number: u32 = name[..2].parse().unwrap();
    match number {
        1..=9 => login(number).await,
        10..=14 | 22..=30 => cases(number).await,
        15..=21 => by_key(number).await,
        31..=34 | 54 | 55 => reading(number).await,
        35..=41 => many(number).await,
        52 => files::file().await,
        53 => files::articles().await,
        56 | 57 => metadata::scene(number).await,
        _ => bulk::scene(number).await,
    }
}

async fn login(number: u32) -> Scene {
    let versions = ["66.0", "67.0"].map(ToOwned::to_owned).to_vec();
    let scene = Scene::of(Org::with(Options { versions, ..Options::default() }).await);
    let org = &scene.org.sandbox;
    let mut said = claims();
    match number {
        3 => org.app(|app| app.approved = false),
        4 => said["aud"] = json!("https://example.com"),
        5 => said["exp"] = json!(1_000_000_000),
        6 => org.app(|app| app.run_as = None),
        8 => org.expire_sessions(),
        _ => {}
    }
    let secret = format!(
        "grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}"
    );
    let jwt = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    match number {
        1 | 3..=5 => scene.body(format!("{jwt}{}", assertion(&said))),
        2 | 6 => scene.body(secret),
        7 => scene.body(secret).header("X-Original-Host", "login.salesforce.com"),
        _ => scene,
    }
}

fn composite() -> String {
    let example = include_str!("../../fixtures/11-composite-create-and-read.json");
    let example: Value = serde_json::from_str(example).unwrap();
    example["request"]["body"].to_string()
}

async fn cases(number: u32) -> Scene {
    let duplicate = if number == 14 { DuplicateSaid::Unknown } else { DuplicateSaid::default() };
    let switches = Switches { duplicate, ..Switches::default() };
    let scene = Scene::of(Org::with(Options { switches, ..Options::default() }).await);
    let org = &scene.org.sandbox;
    if (12..=14).contains(&number) {
        org.seed("Case", json!({"Bridge_Ack__c": "k1"})).unwrap();
    }
    let kind = match number {
        27 => Some(FaultKind::LockRow),
        28 => Some(FaultKind::StorageLimit),
        30 => Some(FaultKind::RequestLimit),
        _ => None,
    };
    if let Some(kind) = kind {
        org.fail(Fault::new(Operation::Any, kind));
    }
    match number {
        12 => scene.body(composite()),
        23 => scene.body(json!({"Subject": "x".repeat(256)}).to_string()),
        27 => {
            let account = scene.org.id("Account", "Bakery Dubois");
            scene.instead(ACCOUNT, &account)
        }
        29 => {
            scene.instead("sobjects/Case", "sobjects/CI__c").instead("My_Date__c", "Last_Seen__c")
        }
        _ => scene,
    }
}

async fn by_key(number: u32) -> Scene {
    let duplicate_rule = number == 21;
    let scene = Scene::of(Org::with(Options { duplicate_rule, ..Options::default() }).await);
    let org = &scene.org.sandbox;
    match number {
        15 => {
            org.seed("Case", json!({"Bridge_Ack__c": "sn-prod:48213"})).unwrap();
        }
        18 | 19 => {
            org.set_key("Account", "Itop_Id__c", true, number == 18, true).unwrap();
            for _ in 17..number {
                org.seed("Account", json!({"Name": "Demo", "Itop_Id__c": "42"})).unwrap();
            }
        }
        21 => {
            org.seed("Contact", json!({"LastName": "Doe", "Email": "jane@example.com"})).unwrap();
        }
        _ => {}
    }
    scene
}

async fn reading(number: u32) -> Scene {
    let scene = Scene::new().await;
    let org = &scene.org.sandbox;
    match number {
        31 => {
            let demo = org.seed("Account", json!({"Name": "Demo"})).unwrap();
            for number in 0..201 {
                let key = number.to_string();
                let case = json!({"Status": "Closed", "AccountId": demo, "Bridge_Ack__c": key});
                org.seed("Case", case).unwrap();
            }
            scene.header("Sforce-Query-Options", "batchSize=200")
        }
        34 => {
            let kind = FaultKind::Refuse {
                status: 400,
                code: "QUERY_TIMEOUT".to_owned(),
                message: "Your query request was running for too long.".to_owned(),
            };
            org.fail(Fault::new(Operation::Query, kind));
            scene.instead("…", "SELECT+Id+FROM+Case")
        }
        _ => scene,
    }
}

async fn many(number: u32) -> Scene {
    let switches = Switches { rolled_back_with_id: true, ..Switches::default() };
    let duplicate_rule = number == 35;
    let options = Options { switches, duplicate_rule, ..Options::default() };
    let scene = Scene::of(Org::with(options).await);
    let org = &scene.org.sandbox;
    match number {
        35 => {
            org.seed("Account", json!({"Name": "A"})).unwrap();
            scene
        }
        37 => {
            let case = org.seed("Case", json!({"Status": "Working"})).unwrap();
            let hidden = org.seed("Case", json!({})).unwrap();
            org.hide("Case", &hidden, true).unwrap();
            scene.instead(CASE, &case).instead(OTHER_CASE, &hidden)
        }
        38 | 40 => {
            let account = org.seed("Account", json!({"Name": "A"})).unwrap();
            if number == 40 {
                org.delete("Account", &account).unwrap();
            }
            scene.instead(ACCOUNT, &account)
        }
        39 => {
            let contact = json!({"FirstName": "Jane", "LastName": "Doe"});
            let contact = org.seed("Contact", contact).unwrap();
            org.seed("Case", json!({"ContactId": contact})).unwrap();
            scene.instead(CONTACT, &contact)
        }
        _ => scene,
    }
}
