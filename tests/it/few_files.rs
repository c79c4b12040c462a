//! The real program where it may open few files.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use itop_sandbox as sandbox;
use serde_json::json;

use crate::world::{World, event};

const PROGRAM: &str = env!("CARGO_BIN_EXE_servicenav-itop-bridge");

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn more_connections_than_files_do_not_stop_the_bridge() {
    let mut world = World::linked().await;
    world.stop_bridge().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let folder = tempfile::tempdir().unwrap();
    let (config, database) = (folder.path().join("config.toml"), world.database());
    let text = format!(
        "[server]\nlisten = \"{address}\"\n[store]\npath = {database:?}\n[itop]\nurl = \"{}\"\n\
         user = \"bridge\"\npassword = \"{}\"\n",
        world.itop.url(),
        sandbox::PASSWORD
    );
    std::fs::write(&config, text).unwrap();
    let bridge = Command::new("sh")
        .args(["-c", "ulimit -n 256 && exec \"$0\" serve --config \"$1\"", PROGRAM])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let bridge = Running(bridge.unwrap());
    world.base = format!("http://{address}");
    world
        .until("it listens", async || {
            world.http.get(format!("{}/healthz", world.base)).send().await.ok()
        })
        .await;

    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    // Somebody new: what was connected before has made room like the others.
    world.http = reqwest::Client::new();
    let patience = Duration::from_secs(30);
    let made = tokio::time::timeout(patience, world.acknowledge(&event("a"))).await;
    made.expect("it is answered although others say nothing").expect(201);
    let ready = world.get("/readyz").await.expect(200);
    assert_eq!(ready["gate"]["state"], json!("open"), "{ready}");
    drop((silent, bridge));
    world.itop.stop().await.unwrap();
}
