//! Programs that are not ours run their calls against the sandbox.
//!
//! `tests/run` installs them; without them these tests are left out, and say so.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET, Options, PRIVATE_KEY, USERNAME};

use crate::{
    login::{assertion, claims},
    metadata::package,
    org::Org,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs")
}

/// Whether what a test needs is there; where `tests/run` has installed it, it must be.
fn is_there(what: &Path, name: &str) -> bool {
    let found = what.exists();
    let needed = std::env::var_os("BRIDGE_TESTS_WITH_SALESFORCE_PROGRAMS").is_some();
    assert!(found || !needed, "{name} is not installed: {}", what.display());
    if !found {
        eprintln!("left out, for there is no {name}: tests/run installs it");
    }
    found
}

async fn run(mut command: Command) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{}{}", said[0], said[1]);
    assert!(said[0].contains("all as expected"), "{}", said[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn jsforce_runs_its_calls() {
    if !is_there(&folder().join("node_modules/jsforce"), "jsforce") {
        return;
    }
    let org = Org::new().await;
    let mut command = Command::new("node");
    command.current_dir(folder()).arg("jsforce.mjs").args([&org.url, CLIENT_ID, CLIENT_SECRET]);
    command.arg(assertion(&claims())).arg(STANDARD.encode(package("Case.Bridge_Ack__c")));
    run(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simple_salesforce_runs_its_calls() {
    let python = std::env::var_os("BRIDGE_TESTS_SALESFORCE_PYTHON").unwrap_or_default();
    if !is_there(Path::new(&python), "simple-salesforce") {
        return;
    }
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), PRIVATE_KEY).unwrap();
    // It speaks https:// to whatever is said here, which its adapter leads to the sandbox.
    let instance_url = Some("https://sandbox.my.salesforce.com".to_owned());
    let org = Org::with(Options { instance_url, ..Options::default() }).await;
    let mut command = Command::new(python);
    command.current_dir(folder()).arg("simple.py").args([&org.url, CLIENT_ID, CLIENT_SECRET]);
    command.arg(USERNAME).arg(key.path());
    run(command).await;
}
