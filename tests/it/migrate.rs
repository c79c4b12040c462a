//! Moving house: everything is read from iTop into a folder; its submodules have the other steps.

mod map;
mod org;
mod survey;
mod target;
mod whole;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Output, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use itop_sandbox::{Fault, FaultKind, Operations, Options};
use rusqlite::Connection;
use serde_json::{Value, json};
use servicenav_itop_bridge::migrate::staging::Staging;

use crate::{
    cmdb_setup::cmdb as program,
    program::{command, text},
    world::World,
};

/// An administrator who may use the web services.
const ADMIN: &str = "labadmin";

/// Reads iTop into the folder `move` as an administrator, with these words more.
async fn extract(world: &World, around: &Path, more: &[&str]) -> Output {
    let folder = around.join("move");
    let step = ["migrate", "extract", "--folder", folder.to_str().unwrap()];
    let done = program(world, around, ADMIN, &[&step[..], more].concat()).await;
    assert!(done.status.success(), "{}", text(&done));
    done
}

/// Values of the staging file, as JSON.
fn read(around: &Path, sql: &str) -> Value {
    let db = Connection::open(around.join("move/staging.db")).unwrap();
    let text: String =
        db.query_row(&format!("SELECT json_group_array({sql}"), [], |row| row.get(0)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn db(around: &Path) -> Connection {
    Connection::open(around.join("move/staging.db")).unwrap()
}

async fn ids(world: &World, class: &str) -> Value {
    json!(world.itop.select(&format!("SELECT {class}")).await.unwrap())
}

async fn ticket(world: &World, title: &str) {
    let fields = json!({
        "org_id": 3, "title": title, "description": "<p>It <b>broke</b></p>",
        "private_log": {"add_item": {"message": "looked at", "format": "text"}},
    });
    world.itop_creates("Incident", fields).await;
}

#[tokio::test]
async fn all_that_moves_lies_in_the_folder() {
    let world = World::with(Options { servers: 20, ..Options::default() }, |_| {}).await;
    for title in ["Disk full", "Printer jammed", "No light"] {
        ticket(&world, title).await;
    }
    let tickets = world.itop.select("SELECT Incident").await.unwrap();
    let [first, second, third] = tickets[..] else { panic!("{tickets:?}") };
    let key = u64::try_from(first).unwrap();
    world.itop_changes("Incident", key, json!({"public_log": "<p>on its way</p>"})).await;
    let letter = "Chère madame, …".as_bytes();
    let attachment = json!({
        "item_class": "Incident", "item_id": second, "item_org_id": 3,
        "contents": {"data": BASE64_STANDARD.encode(letter), "mimetype": "text/plain",
                     "filename": "lettre é.txt"},
    });
    world.itop.create("Attachment", attachment).await.unwrap();

    let around = tempfile::tempdir().unwrap();
    let around = around.path();
    let done = extract(&world, around, &[]).await;
    for class in ["Organization", "Person", "Server", "Incident", "lnkDeliveryModelToContact"] {
        let kept = read(around, &format!("id) FROM objects WHERE class = '{class}'"));
        assert_eq!(kept, ids(&world, class).await, "{class}");
    }
    assert_eq!(
        read(
            around,
            "json_array(id, log, position, user, html)) FROM log_entries ORDER BY id, log"
        ),
        json!([
            [first, "private_log", 0, "bridge", "looked at"],
            [first, "public_log", 0, "bridge", "<p>on its way</p>"],
            [second, "private_log", 0, "bridge", "looked at"],
            [third, "private_log", 0, "bridge", "looked at"],
        ])
    );
    // Links are tables of their own, and what a reference leads to is not read twice.
    let kept = read(around, "json(fields)) FROM objects WHERE class = 'Incident' ORDER BY id");
    assert_eq!(kept[0]["title"], "Disk full");
    for absent in ["functionalcis_list", "private_log", "org_id_friendlyname"] {
        assert!(kept[0].get(absent).is_none(), "{absent}: {kept}");
    }
    assert_eq!(
        read(
            around,
            "json_array(owner_class, owner_id, name, mimetype, bytes, problem)) FROM files"
        ),
        json!([["Incident", second, "lettre é.txt", "text/plain", letter.len(), null]])
    );
    let digest = read(around, "sha256) FROM files");
    let digest = digest[0].as_str().unwrap();
    assert_eq!(
        fs::read(around.join("move/files").join(&digest[..2]).join(digest)).unwrap(),
        letter
    );
    // What this iTop does not have is told, and stops nothing.
    let told = text(&done);
    assert!(told.contains("KnownError\t0\t\t\t\t\tiTop does not have this class"), "{told}");
    assert!(told.contains("1 files, 1 MB; 0 cannot be read"), "{told}");

    // All is read: the same once more asks for no object again.
    let asked = world.itop.requests_seen().of("core/get");
    extract(&world, around, &[]).await;
    let questions = world.itop.requests_seen().of("core/get") - asked;
    assert!(questions < 40, "{questions} questions");

    world.itop.delete("Incident", third).await.unwrap();
    world.itop_changes("Incident", key, json!({"title": "Disk very full"})).await;
    extract(&world, around, &["--again"]).await;
    assert_eq!(
        read(
            around,
            "json_array(id, gone, fields ->> 'title')) FROM objects WHERE class = 'Incident'"
        ),
        json!([
            [first, 0, "Disk very full"],
            [second, 0, "Printer jammed"],
            [third, 1, "No light"],
        ])
    );
    // One contents, however often it was read.
    assert_eq!(read(around, "id) FROM files"), json!([1]));

    let path = around.join("move");
    let forget = ["migrate", "forget", "--yes", "--folder", path.to_str().unwrap()];
    let forgotten = program(&world, around, "", &forget).await;
    assert!(forgotten.status.success() && !path.exists(), "{}", text(&forgotten));
    world.finish().await;
}

#[tokio::test]
async fn a_later_pass_reads_what_has_changed_and_what_is_not_known() {
    let world = World::start().await;
    for title in ["Disk full", "Printer jammed", "No light"] {
        ticket(&world, title).await;
    }
    let tickets = world.itop.select("SELECT Incident").await.unwrap();
    let [first, second, third] = tickets[..] else { panic!("{tickets:?}") };
    let around = tempfile::tempdir().unwrap();
    let around = around.path();
    extract(&world, around, &[]).await;
    // As if it had been read so late that nothing was changed since; one ticket came back with a backup.
    let staging = db(around);
    staging
        .execute("UPDATE about SET value = '2100-01-01T00:00:00Z' WHERE name = 'begun 1'", [])
        .unwrap();
    let note =
        "UPDATE objects SET fields = json_set(fields, '$.title', 'as it was read') WHERE id = ?1";
    staging.execute(note, [first]).unwrap();
    staging.execute("DELETE FROM objects WHERE class = 'Incident' AND id = ?1", [second]).unwrap();
    drop(staging);
    world.itop.delete("Incident", third).await.unwrap();
    extract(&world, around, &["--again"]).await;
    let kept = "json_array(id, gone, fields ->> 'title')) FROM objects WHERE class = 'Incident'";
    assert_eq!(
        read(around, kept),
        json!([
            [first, 0, "as it was read"],
            [second, 0, "Printer jammed"],
            [third, 1, "No light"]
        ])
    );
    // What was read late is as old as it is: the next pass reads all that changed in the last day.
    extract(&world, around, &["--again"]).await;
    assert_eq!(
        read(around, kept),
        json!([[first, 0, "Disk full"], [second, 0, "Printer jammed"], [third, 1, "No light"]])
    );
    world.finish().await;
}

#[tokio::test]
async fn a_process_that_is_killed_goes_on_where_it_was() {
    let world = World::with(Options { servers: 200, ..Options::default() }, |_| {}).await;
    for title in ["Disk full", "Printer jammed"] {
        ticket(&world, title).await;
    }
    let slow = FaultKind::Slow { before_ms: 0, after_ms: 20 };
    world.itop.faults().switch_on(Fault::new(slow).on(Operations::Read));
    let around = tempfile::tempdir().unwrap();
    let around = around.path();
    // Writes the configuration and the password, and asks for nothing.
    program(&world, around, ADMIN, &["migrate", "extract", "--help"]).await;
    let password = around.join("admin");
    let folder = around.join("move");
    let arguments = ["migrate", "extract", "--json", "--folder", folder.to_str().unwrap()];
    for ending in ["Person", "Server"] {
        let mut process = command(&arguments);
        process
            .args(["--admin-user", ADMIN, "--admin-password-file", password.to_str().unwrap()])
            .env("BRIDGE_CONFIG", around.join("config.toml"))
            .stdout(Stdio::piped());
        let killed = tokio::task::spawn_blocking(move || {
            let mut process = process.spawn().unwrap();
            let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
            let rows = lines.find_map(|line| {
                let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
                (event["event"] == "rows" && event["class"] == ending).then_some(event)
            });
            process.kill().unwrap();
            process.wait().unwrap();
            rows
        });
        assert!(killed.await.unwrap().is_some(), "it ended before {ending} was read");
    }
    world.itop.faults().clear();
    let before = read(around, "json_array(class, above, up_to)) FROM ranges ORDER BY class, above");
    assert!(before.as_array().unwrap().len() > 10, "{before}");
    extract(&world, around, &[]).await;
    let after = read(around, "json_array(class, above, up_to)) FROM ranges ORDER BY class, above");
    // Nothing was read twice: each range that was kept is still there as it was.
    for range in before.as_array().unwrap() {
        assert!(after.as_array().unwrap().contains(range), "{range} of {before}, now {after}");
    }
    for class in ["Organization", "Person", "Server", "Incident"] {
        let kept = read(around, &format!("id) FROM objects WHERE class = '{class}'"));
        assert_eq!(kept, ids(&world, class).await, "{class}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_folder_is_of_one_itop_and_of_one_step_at_a_time() {
    let [world, other] = [World::start().await, World::start().await];
    let around = tempfile::tempdir().unwrap();
    let around = around.path();
    extract(&world, around, &[]).await;
    let folder = around.join("move");
    let step = ["migrate", "extract", "--folder", folder.to_str().unwrap()];
    let refused = program(&other, around, ADMIN, &step).await;
    let told = text(&refused);
    assert!(!refused.status.success() && told.contains("holds a migration of http"), "{told}");

    let held = Staging::open(&folder.join("staging.db")).unwrap();
    let refused = program(&world, around, ADMIN, &step).await;
    let told = text(&refused);
    assert!(!refused.status.success() && told.contains("is under way"), "{told}");
    drop(held);
    world.finish().await;
    other.finish().await;
}
