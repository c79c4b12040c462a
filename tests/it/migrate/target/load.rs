//! What arrives, whatever happens on the way.

use salesforce_sandbox::{Fault, FaultKind, Operation, Options, Switches};
use serde_json::{Value, json};

use super::{MAPPING, Move};

#[tokio::test]
async fn all_that_moves_arrives_once_with_faults_on_the_way() {
    let tickets = 120;
    let move_ = Move::of(tickets).await;
    // Somebody's CI has the key of one of ours already.
    let server = move_.world.itop.select("SELECT Server").await.unwrap()[3];
    let key = format!("Server::{server}");
    let foreign = json!({"Name": "theirs", "CI_Type__c": "Server", "Itop_Id__c": key});
    let foreign = move_.org.seed("CI__c", foreign).unwrap();

    // Whom all belongs to that nobody else has is decided first.
    move_.map(
        &MAPPING.replace("owner = \"First line\"", "owner = \"First line\"\ndecide = \"whose\""),
    );
    let told = move_.refused(&["load"]).await;
    assert!(told.contains("not decided yet: people.owner;"), "{told}");
    move_.map(MAPPING);
    let told = move_.refused(&["load"]).await;
    assert!(told.contains("first one closed Case"), "{told}");
    move_.trial().await;
    let cases = move_.org.records("Case");
    let [trial] = cases.as_slice() else { panic!("{cases:?}") };
    assert_eq!((&trial["IsClosed"], &trial["Itop_Id__c"]), (&json!(true), &Value::Null));
    assert_eq!(move_.org.records("CaseComment").len(), 1);
    let told = move_.refused(&["load"]).await;
    assert!(told.contains("--silent-confirmed"), "{told}");

    for (at, object, kind, skip, times) in [
        (Operation::Create, "Account", FaultKind::Cut { after: true }, 0, 1),
        (Operation::Create, "Contact", FaultKind::LockRow, 2, 3),
        (Operation::Create, "Contact", FaultKind::Html { status: 503, after: false }, 0, 1),
        (Operation::Create, "CI__c", FaultKind::Truncated, 0, 1),
        (Operation::Update, "Account", FaultKind::Cut { after: true }, 0, 1),
        (Operation::Create, "Case", FaultKind::LockRow, 5, 20),
        (Operation::Create, "CaseComment", FaultKind::Cut { after: true }, 0, 1),
        (Operation::Create, "CaseComment", FaultKind::LockRow, 3, 2),
        (Operation::Create, "ContentVersion", FaultKind::Cut { after: true }, 1, 1),
        (Operation::Create, "ContentVersion", FaultKind::Html { status: 503, after: false }, 2, 1),
    ] {
        move_.org.fail(Fault::new(at, kind).object(object).skip(skip).times(times));
    }
    move_.org.fail(Fault::new(Operation::Bulk, FaultKind::SessionExpired).skip(2).times(1));
    move_.org.fail(Fault::new(Operation::Bulk, FaultKind::Cut { after: true }).skip(1).times(1));
    move_.org.fail(Fault::new(Operation::Query, FaultKind::SessionExpired).skip(3).times(1));
    let quick = ["load", "--silent-confirmed", "--bulk-from", "60", "--settled-after", "0"];
    move_.done(&quick).await;

    // Incidents went as a job, whose results are kept.
    let jobs = std::fs::read_dir(move_.folder().join("jobs")).unwrap().count();
    assert!(jobs >= 3, "{jobs}");
    for (object, class) in
        [("Account", "Organization"), ("Contact", "Person"), ("Case", "Incident")]
    {
        let records = move_.keyed(object, class);
        assert_eq!(records.len(), move_.count(class).await, "{class}");
    }
    // The trial is gone.
    assert_eq!(move_.org.records("Case").len(), tickets);
    let accounts = move_.keyed("Account", "Organization");
    let (parent, child) = (&accounts["Organization::5001"], &accounts["Organization::5002"]);
    assert_eq!(child["ParentId"], parent["Id"]);
    let cases = move_.keyed("Case", "Incident");
    let first = cases.values().find(|case| case["Subject"] == "Disk 0 is full").unwrap();
    assert_eq!(first["AccountId"], child["Id"]);
    assert_eq!(first["CreatedDate"], "2024-01-10T07:00:00.000+0000", "08:00 in Paris");
    let description = first["Description"].as_str().unwrap();
    assert!(description.ends_with("Number 0 & more, \"quoted\", twice"), "{description}");
    let comments = move_.org.records("CaseComment");
    let of_first: Vec<_> =
        comments.iter().filter(|comment| comment["ParentId"] == first["Id"]).collect();
    let public = of_first.iter().filter(|comment| comment["IsPublished"] == true).count();
    assert_eq!((of_first.len(), public), (5, 1), "{of_first:?}");
    assert_eq!(comments.len(), tickets + tickets.div_ceil(3) + 3);
    assert_eq!(move_.org.records("ContentVersion").len(), tickets.div_ceil(10));
    // What was there is found, and stays as it was.
    let theirs = move_.keyed("CI__c", "Server")[&key].clone();
    assert_eq!((&theirs["Id"], &theirs["Name"]), (&json!(foreign), &json!("theirs")));

    let report = move_.verified(&[]).await;
    assert_eq!(report["is_sound"], true, "{report}");
    assert_eq!((&report["failed"], &report["differences"]), (&json!([]), &json!([])));
    let incidents = report["classes"].as_array().unwrap().iter();
    let incidents = incidents.clone().find(|class| class["class"] == "Incident").unwrap();
    assert_eq!((&incidents["created"], &incidents["compared"]), (&json!(tickets), &json!(tickets)));
    let servers = report["classes"].as_array().unwrap().iter();
    let servers = servers.clone().find(|class| class["class"] == "Server").unwrap();
    assert_eq!(servers["found"], 1, "{servers}");
    for page in ["verify.html", "verify.json"] {
        assert!(move_.folder().join(page).exists(), "{page}");
    }

    // The same once more changes nothing.
    let before = move_.dump();
    move_.org.forget_requests();
    move_.done(&["load"]).await;
    assert_eq!(move_.writes(), Vec::<String>::new());
    assert_eq!(move_.dump(), before);
    move_.finish().await;
}

#[tokio::test]
async fn wherever_it_is_killed_it_goes_on_and_makes_nothing_twice() {
    let move_ = Move::of(90).await;
    move_.trial().await;
    move_.done(&["load", "--silent-confirmed", "--limit", "1", "--settled-after", "0"]).await;
    // Each answer to a create takes its time: what is killed has sent something.
    let slow = FaultKind::Slow { before_ms: 0, after_ms: 30 };
    move_.org.fail(Fault::new(Operation::Create, slow.clone()));
    move_.org.fail(Fault::new(Operation::Bulk, slow));
    let words = ["load", "--bulk-from", "50", "--settled-after", "0"];
    for event in ["class", "rows", "job", "commented", "file"] {
        for which in [1, 2] {
            let seen = std::sync::atomic::AtomicUsize::new(0);
            move_
                .killed(&words, move |said| {
                    said["event"] == event
                        && seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == which
                })
                .await;
        }
    }
    move_.org.clear_faults();
    move_.done(&words).await;
    assert_eq!(move_.org.records("Case").len(), 90);
    assert_eq!(move_.org.records("CaseComment").len(), 90 + 30 + 3);
    assert_eq!(move_.org.records("ContentVersion").len(), 9);
    let report = move_.verified(&[]).await;
    assert_eq!(report["is_sound"], true, "{report}");
    // All of it is known as ours: nothing is left by a rollback.
    move_.done(&["rollback", "--yes"]).await;
    for (object, class) in [("Account", "Organization"), ("Case", "Incident")] {
        assert!(move_.keyed(object, class).is_empty(), "{class}");
    }
    move_.finish().await;
}

#[tokio::test]
async fn where_jobs_take_no_line_breaks_collections_do() {
    let switches = Switches { breaks_in_cells_refused: true, ..Switches::default() };
    let move_ = Move::into(Options { switches, ..Options::default() }, 25).await;
    move_.trial().await;
    move_.done(&["load", "--silent-confirmed", "--bulk-from", "20"]).await;
    assert!(move_.writes().iter().any(|write| write.contains("/jobs/ingest")));
    assert_eq!(move_.org.records("Case").len(), 25);
    assert_eq!(move_.verified(&[]).await["is_sound"], true);
    move_.finish().await;
}

#[tokio::test]
async fn a_folder_is_loaded_into_one_org() {
    let move_ = Move::of(3).await;
    move_.trial().await;
    move_.done(&["load", "--silent-confirmed"]).await;
    // Every simulated org has the same id: here it was another one.
    let staging = rusqlite::Connection::open(move_.folder().join("staging.db")).unwrap();
    let other = "UPDATE about SET value = '00Dxx0000000002AAA' WHERE name = 'org'";
    assert_eq!(staging.execute(other, []).unwrap(), 1);
    drop(staging);
    let before = move_.dump();
    for step in [&["load"][..], &["verify"], &["rollback", "--yes"]] {
        let told = move_.refused(step).await;
        assert!(told.contains("was loaded into the org 00Dxx0000000002AAA"), "{told}");
    }
    assert_eq!(move_.dump(), before);
    move_.finish().await;
}

#[tokio::test]
async fn what_does_not_go_is_named_and_the_rest_goes() {
    let move_ = Move::of(12).await;
    // Names of people that are too long, an address that only the org refuses, a state that it does not know.
    let long =
        json!({"first_name": "A", "name": "x".repeat(100), "org_id": 5002, "status": "active"});
    let person = move_.world.itop.create("Person", long).await.unwrap();
    move_.extracts_again().await;
    move_.map(
        &MAPPING.replace(
            "LastName = { from = \"name\", cut = true }",
            "LastName = { from = \"name\" }",
        ),
    );
    move_.org.set_picklist("Case", "Status", &["*New", "#Closed"], true).unwrap();
    let refuse = FaultKind::Refuse {
        status: 400,
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "Not on a Friday".to_owned(),
    };
    move_.trial().await;
    move_.org.fail(Fault::new(Operation::Create, refuse).object("Account").skip(2).times(1));
    let told = move_.refused(&["load", "--silent-confirmed"]).await;
    assert!(told.contains("FIELD_CUSTOM_VALIDATION_EXCEPTION: Not on a Friday"), "{told}");
    let report = move_.verified(&[]).await;
    let failed = report["failed"].as_array().unwrap();
    let of = |of: &str| {
        failed.iter().find(|row| row["of"] == of).unwrap_or_else(|| panic!("{of}: {report}"))
    };
    assert_eq!(of(&format!("Person::{person}"))["code"], "too-long");
    let working = failed.iter().filter(|row| row["code"] == "no-value").count();
    assert_eq!(working, 4, "a state that the list does not offer: {report}");
    // Whatever was refused is accounted for, and is no difference.
    assert_eq!((&report["is_sound"], &report["differences"]), (&json!(true), &json!([])));
    // Mended, it goes with the next load.
    move_.org.set_picklist("Case", "Status", &["*New", "Working", "#Closed"], true).unwrap();
    move_.map(MAPPING);
    move_.done(&["load"]).await;
    assert_eq!(move_.verified(&[]).await["failed"], json!([]));
    move_.finish().await;
}

#[tokio::test]
async fn verify_finds_what_others_have_changed() {
    let move_ = Move::of(30).await;
    move_.trial().await;
    move_.done(&["load", "--silent-confirmed"]).await;
    let cases = move_.keyed("Case", "Incident");
    let mut ids = cases.values().map(|case| case["Id"].as_str().unwrap());
    move_.org.change("Case", ids.next().unwrap(), json!({"Subject": "another"})).unwrap();
    move_.org.change("Case", ids.next().unwrap(), json!({"AccountId": null})).unwrap();
    let lost = cases.values().last().unwrap()["Id"].as_str().unwrap();
    move_.org.delete("Case", lost).unwrap();
    let comment = move_.org.records("CaseComment")[1]["Id"].as_str().unwrap().to_owned();
    move_.org.change("CaseComment", &comment, json!({"CommentBody": "corrected"})).unwrap();
    let report = move_.verified(&[]).await;
    assert_eq!(report["is_sound"], false);
    let differences = report["differences"].as_array().unwrap();
    let named: Vec<_> = differences.iter().map(|one| one["field"].as_str().unwrap()).collect();
    for field in ["Subject", "AccountId", "", "CommentBody"] {
        assert!(named.contains(&field), "{field}: {named:?}");
    }
    // A sample is the same for the same seed.
    let sample = ["--sample", "5", "--seed", "7"];
    let (one, again) = (move_.verified(&sample).await, move_.verified(&sample).await);
    assert_eq!(one["classes"], again["classes"]);
    let incidents =
        one["classes"].as_array().unwrap().iter().find(|class| class["class"] == "Incident");
    assert_eq!(incidents.unwrap()["compared"], 5);
    let page = std::fs::read_to_string(move_.folder().join("verify.html")).unwrap();
    assert!(page.contains("5 records of each class were compared"), "{page}");
    move_.finish().await;
}
