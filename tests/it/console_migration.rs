//! The page of a migration: what its folder says, for those who see all, while a step may be at work.

use std::{fs, path::Path, time::Duration};

use itop_sandbox::Options;
use reqwest::Method;
use rusqlite::Connection;
use servicenav_itop_bridge::{
    config::{Config, MigrateSection, Scope},
    migrate::{folder::Folder, staging::Staging},
};

use crate::world::{Answer, World, limited, token};

const PAGE: &str = "/migration";

/// The configuration shows a migration that was loaded and compared, which lies beside the database.
pub fn shows_migration(config: &mut Config) {
    let folder = config.store.path.parent().unwrap().join("migration");
    sample(&folder);
    config.migrate = Some(MigrateSection { folder });
}

/// The staging file of that migration.
pub fn staging(world: &World) -> std::path::PathBuf {
    world.config.migrate.as_ref().unwrap().folder.join("staging.db")
}

fn sample(path: &Path) {
    let folder = Folder::make(path).unwrap();
    drop(Staging::open(&folder.staging()).unwrap());
    write(&folder.staging(), SAMPLE);
    let report =
        "<!doctype html><title>Compared</title><style>p { color: navy }</style><p>All of it</p>";
    fs::write(folder.file("verify.html"), report).unwrap();
}

/// Writes into a staging file, as a step does.
pub fn write(staging: &Path, sql: &str) {
    Connection::open(staging).unwrap().execute_batch(sql).unwrap();
}

const SAMPLE: &str = r#"
    CREATE TEMP TABLE numbers AS
        WITH RECURSIVE n (value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n WHERE value < 2000)
        SELECT value FROM n;
    INSERT INTO about VALUES ('source', 'https://itop.example/');
    INSERT INTO classes (class, position, fields, logs, counted, problem) VALUES
        ('Organization', 1, '[]', '[]', 3, NULL),
        ('Incident', 2, '[]', '["public_log"]', 2000, NULL),
        ('KnownError', 3, '[]', '[]', 0, 'iTop does not have this class');
    INSERT INTO objects (class, id, seen_in, fields)
        SELECT 'Organization', value, 1, '{}' FROM numbers WHERE value <= 3;
    INSERT INTO objects (class, id, seen_in, fields)
        SELECT 'Incident', value, 1, '{}' FROM numbers;
    INSERT INTO records (class, id, object, target, how, at)
        SELECT 'Organization', value, 'Account', 'A' || value, 'created', 'x' FROM numbers
        WHERE value <= 3;
    INSERT INTO records (class, id, object, target, how, at)
        SELECT 'Incident', value, 'Case', 'C' || value, 'created', 'x' FROM numbers
        WHERE value <= 1200;
    INSERT INTO row_failures VALUES
        ('Incident', 1201, '', 'too-long', 'Subject: 300 characters <b>, 255 fit', 3, 'x'),
        ('Incident', 1202, '', 'too-long', 'Subject: 301 characters, 255 fit', 3, 'x'),
        ('Incident', 7, 'public_log:0:0', 'refused', 'UNKNOWN_EXCEPTION: an e-mail flow failed', 3, 'x');
    INSERT INTO log_entries VALUES ('Incident', 7, 'public_log', 0, '', '', '', '');
    INSERT INTO steps (step, began, ended, json) VALUES
        ('extract', '2026-11-26T08:00:00Z', NULL, NULL),
        ('extract', '2026-11-26T08:01:00Z', '2026-11-26T08:02:00Z', '{"objects": 2003, "gone": 0}'),
        ('load', '2026-11-26T09:00:00Z', '2026-11-26T09:05:00Z', '{"created": 1203, "found": 0, "failed": 3}'),
        ('verify', '2026-11-26T10:00:00Z', '2026-11-26T10:01:00Z', '{"is_sound": false, "classes": [
            {"class": "Organization", "compared": 3, "differing": 0, "left_out": 0},
            {"class": "Incident", "compared": 1200, "differing": 4, "left_out": 12}]}');
"#;

/// A load that is at work, by the number of its run.
pub const LOADING: &str =
    "INSERT INTO steps (step, began) VALUES ('load', '2026-11-27T08:00:00Z');
     INSERT INTO batches (class, object, pass, way, begun) VALUES ('Incident', 'Case', 1, 'bulk', 'x')";

/// More records.
pub const MORE: &str = "INSERT INTO records (class, id, object, target, how, at)
     SELECT 'Incident', id, 'Case', 'C' || id, 'created', 'x' FROM objects
     WHERE class = 'Incident' AND id BETWEEN 1301 AND 1500";

async fn asked(world: &World, language: &str) -> Answer {
    world.send(Method::GET, PAGE, &[("accept-language", language)], None).await
}

#[tokio::test]
async fn what_became_of_each_class_is_told_with_its_reasons_and_its_reports() {
    let world = World::with(Options::default(), shows_migration).await;
    let page = asked(&world, "en").await;
    assert_eq!(page.status, 200, "{}", page.text);
    for said in [
        "itop.example&#x2f; → Salesforce",
        "Nothing is under way.",
        "12 left out by the mapping",
        "iTop does not have this class",
        "Read </span>2,000</td>",
        "In Salesforce </span>1,200</td>",
        "<code>too-long</code>",
        "Subject: 300 characters &lt;b&gt;, 255 fit",
        "1,203 records made, 0 there before, 3 refused",
        "1,203 compared, 4 differ, or not all is there",
        "ended before its end; the same command goes on",
        "4 a second",
        "href=\"&#x2f;migration&#x2f;reports&#x2f;verify\"",
    ] {
        assert!(page.text.contains(said), "no '{said}' in {}", page.text);
    }
    assert!(!page.text.contains("reports&#x2f;survey"), "{}", page.text);
    let french = asked(&world, "fr").await.text;
    for said in
        ["Rien n’est en cours.", "12 écartés par la correspondance", "Ce que devient chaque classe"]
    {
        assert!(french.contains(said), "no '{said}' in {french}");
    }
    assert!(world.get("/").await.text.contains("href=\"&#x2f;migration\""));

    // A report is shown as it is, and can do nothing.
    let report = world.get("/migration/reports/verify").await;
    assert_eq!(report.status, 200);
    assert!(report.text.contains("<p>All of it</p>"), "{}", report.text);
    let policy = report.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    assert_eq!(report.header("cache-control"), "no-store");
    for other in ["survey", "staging.db", "..%2Fbridge.db"] {
        assert_eq!(world.get(&format!("/migration/reports/{other}")).await.status, 404, "{other}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_under_way_is_seen_while_it_is_at_work() {
    let world = World::with(Options::default(), shows_migration).await;
    let path = staging(&world);
    // A step has it for itself, and is read beside that.
    let step = Staging::open(&path).unwrap();
    write(&path, LOADING);
    let first = asked(&world, "en").await.text;
    for said in [
        "Loading <span class=\"sub\">since:",
        "1,203 of 2,003 objects are in Salesforce",
        "Incident – 1 request without an answer yet",
        ">under way<",
    ] {
        assert!(first.contains(said), "no '{said}' in {first}");
    }
    write(&path, MORE);
    // However many look on, it is not read for each of them.
    assert!(asked(&world, "en").await.text.contains("1,203 of 2,003"));
    world.clock.advance(Duration::from_mins(1));
    let later = asked(&world, "en").await.text;
    assert!(later.contains("1,403 of 2,003 objects"), "{later}");
    assert!(later.contains("<span class=\"sub\">3 a second</span>"), "{later}");
    // It ends before its end.
    drop(step);
    world.clock.advance(Duration::from_mins(1));
    let ended = asked(&world, "en").await.text;
    assert!(ended.contains("Nothing is under way.") && !ended.contains(">under way<"), "{ended}");
    world.finish().await;
}

#[tokio::test]
async fn without_a_folder_there_is_no_page_and_nobody_else_sees_one() {
    let world = World::start().await;
    assert_eq!(world.get(PAGE).await.status, 404);
    assert_eq!(world.get("/migration/reports/verify").await.status, 404);
    assert!(!world.get("/").await.text.contains("&#x2f;migration"));
    world.finish().await;

    let mut world = World::with(Options::default(), |config| {
        shows_migration(config);
        config.auth.tokens = vec![
            token("admin", &[Scope::Admin]),
            token("reader", &[Scope::Read]),
            limited("of-some", &[Scope::Admin], "", &["id:42"]),
        ];
    })
    .await;
    for (name, status) in [("admin", 200), ("reader", 403), ("of-some", 403)] {
        world.token = Some(name.to_owned());
        for path in [PAGE, "/migration/reports/verify"] {
            assert_eq!(world.get(path).await.status, status, "{name} {path}");
        }
        let board = world.get("/").await.text;
        assert_eq!(board.contains("href=\"&#x2f;migration\""), status == 200, "{name}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_says_why() {
    let world = World::with(Options::default(), |config| {
        let folder = config.store.path.parent().unwrap().join("nothing");
        config.migrate = Some(MigrateSection { folder });
    })
    .await;
    let page = asked(&world, "en").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("is no folder of a migration"), "{}", page.text);
    let folder = &world.config.migrate.as_ref().unwrap().folder;
    Folder::make(folder).unwrap();
    world.clock.advance(Duration::from_mins(1));
    assert!(asked(&world, "en").await.text.contains("Nothing was read yet"));
    world.finish().await;
}
