//! The files of the database: whose they are, and what damage does.

use std::{
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{MetadataExt as _, chown, symlink},
};

use serde_json::json;
use servicenav_itop_bridge::{
    clock::Clock,
    store::{self, Store, StoreError},
};

use crate::world::{ACKNOWLEDGEMENTS, World, event};

#[tokio::test]
async fn a_second_bridge_finds_the_database_taken_by_whatever_name() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.db");
    symlink(world.database(), &link).unwrap();
    let through = folder.path().join("folder");
    symlink(world.database().parent().unwrap(), &through).unwrap();
    let hard = folder.path().join("hard.db");
    std::fs::hard_link(world.database(), &hard).unwrap();
    for name in [world.database(), link, through.join("bridge.db"), hard] {
        let refused = Store::open(&name, Clock::system()).err().unwrap();
        assert!(matches!(refused, StoreError::Locked { .. }), "{}: {refused}", name.display());
    }
    world.finish().await;
}

/// The first byte of a page of SQLite that holds rows (its file format, "B-tree Pages").
const LEAF_OF_A_TABLE: u8 = 13;

#[tokio::test]
async fn a_damaged_page_that_is_found_later_is_told() {
    let mut world = World::start().await;
    // Enough to be kept on pages of their own.
    let events: Vec<_> = (0..500)
        .map(|n| {
            crate::world::with(event(&n.to_string()), "/control/output", json!("x".repeat(6_000)))
        })
        .collect();
    for list in events.chunks(250) {
        world.post(ACKNOWLEDGEMENTS, &json!(list)).await.expect(200);
    }
    world.stop_bridge().await;
    // It stays open to the end: closing it would give back the locks that SQLite has on the file.
    let mut file =
        std::fs::OpenOptions::new().read(true).write(true).open(world.database()).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    // What is damaged at the start is found at the start.
    world.start_bridge().await;
    // What the leaves of the inbox say of themselves is lost: all, since a few are in memory.
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let mut spoilt = 0;
    for (number, leaf) in bytes.chunks(page).enumerate().skip(1) {
        if leaf[0] == LEAF_OF_A_TABLE && leaf.windows(6).any(|text| text == b"event-") {
            file.seek(SeekFrom::Start((number * page) as u64)).unwrap();
            file.write_all(&[0xff; 64]).unwrap();
            spoilt += 1;
        }
    }
    assert!(spoilt > 0);
    world
        .until("the damage is found", async || {
            world.get(&format!("{ACKNOWLEDGEMENTS}?limit=500")).await;
            let ready = world.get("/readyz").await;
            (ready.status == 503).then(|| ready.problem(503, "store-damaged"))
        })
        .await;
    world.get("/healthz").await.expect(200);
    // Nothing can be asked of what is left of it.
    world.stop_bridge().await;
    drop(file);
}

/// Root restores for a service with a user of its own, which has to open what root made.
#[tokio::test]
async fn what_root_restores_is_for_whoever_had_the_database() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out, for only root gives files away");
        return;
    }
    let mut world = World::start().await;
    world.stop_bridge().await;
    let folder = tempfile::tempdir().unwrap();
    let (copy, state) = (folder.path().join("copy.db"), folder.path().join("state"));
    store::backup(&world.database(), &copy).unwrap();
    std::fs::create_dir(&state).unwrap();
    let database = state.join("bridge.db");
    let owners =
        || ["bridge.db", "bridge.db.lock"].map(|name| state.join(name).metadata().unwrap().uid());
    // There is none yet: it is that of the folder.
    chown(&state, Some(12_345), Some(12_345)).unwrap();
    store::restore(&copy, &database, world.clock.now()).unwrap();
    assert_eq!(owners(), [12_345; 2]);
    chown(&database, Some(23_456), None).unwrap();
    store::restore(&copy, &database, world.clock.now()).unwrap();
    assert_eq!(owners(), [23_456; 2]);
    world.finish().await;
}
