//! The examples, run as they stand there: what arrives in the ticket is what was written.

mod engines;
mod servicenav;
mod streams;
mod zabbix;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use itop_sandbox::Options;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Scope;

use crate::{
    program::{output, text},
    world::{ACKNOWLEDGEMENTS, World, token},
};

/// What breaks shells, JSON, forms and databases, and is only text.
pub const AWKWARD: &str =
    "it's \"97 %\" used & a+b=50%25 $HOME $$ \\ \\t `id` <b>\u{e9}\u{20ac}\u{1f600}</b> ; | end";

/// The token of the sender, and one that may stand in an address.
pub const SENDER: &str = "sender-0123456789";
pub const IN_PATH: &str = "in-path-0123456789";

/// A bridge that knows a sender, and what that has on its machine.
pub struct Place {
    pub world: World,
    folder: tempfile::TempDir,
}

impl Place {
    pub async fn start() -> Self {
        let mut world = World::with(Options::default(), |config| {
            let mut in_path = token(IN_PATH, &[Scope::Ingest]);
            in_path.in_path = true;
            config.auth.tokens =
                vec![token("all", &[Scope::Admin]), token(SENDER, &[Scope::Ingest]), in_path];
        })
        .await;
        world.token = Some("all".to_owned());
        world.link_demo().await;
        // For those who know no ids.
        world.link("name:Demo", json!({"organization": "Demo", "team": "Helpdesk"})).await;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bridge.token"), format!("{SENDER}\n")).unwrap();
        Self { world, folder }
    }

    /// A text of an example with what is here in the place of what it names.
    pub fn here(&self, example: &str) -> String {
        let token = self.folder.path().join("bridge.token");
        let mut here = example.to_owned();
        for named in ["/etc/nagios", "/etc/centreon-engine", "/etc/icinga2"] {
            here = here.replace(&format!("{named}/bridge.token"), token.to_str().unwrap());
        }
        here.replace("/usr/bin/servicenav-itop-bridge", program().to_str().unwrap())
            .replace("https://bridge.example", &self.world.base)
    }

    /// A command in the environment of an engine: nothing of ours, and a spool of its own.
    pub fn engine(&self, command: &str) -> Command {
        let mut command = Command::new(command);
        let programs = program().parent().unwrap().display().to_string();
        let path = std::env::var("PATH").unwrap();
        command
            .env_clear()
            .env("PATH", format!("{programs}:{path}"))
            .env("HOME", self.folder.path())
            .env("BRIDGE_SPOOL", self.folder.path().join("spool"));
        command
    }

    /// The same, which is told by its environment where the bridge is.
    pub fn script(&self, name: &str) -> Command {
        let mut command = self.engine(example(name).to_str().unwrap());
        command.env("BRIDGE_URL", &self.world.base);
        command.env("BRIDGE_TOKEN_FILE", self.folder.path().join("bridge.token"));
        command
    }

    /// The row of the only acknowledgement of a control, once it has its ticket.
    pub async fn created(&self, control: &str) -> Value {
        let rows = self.rows().await;
        let its: Vec<_> = rows.iter().filter(|row| row["control"]["id"] == control).collect();
        assert_eq!(its.len(), 1, "{rows:#?}");
        self.world.until_state(&its[0]["id"], "created").await
    }

    pub async fn rows(&self) -> Vec<Value> {
        let list = self.world.get(&format!("{ACKNOWLEDGEMENTS}?limit=1000")).await.expect(200);
        list["items"].as_array().unwrap().clone()
    }

    /// Checks that the ticket of a row shows a text, line by line.
    pub async fn shows(&self, row: &Value, written: &str) {
        let number = row["ticket"]["ref"].as_str().unwrap();
        let tickets = self.world.itop.tickets().await.unwrap();
        let ticket = tickets.iter().find(|ticket| ticket.reference == number).unwrap();
        let shown =
            [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
                .iter()
                .fold(ticket.description.clone(), |shown, (coded, plain)| {
                    shown.replace(coded, plain)
                });
        for line in written.lines() {
            assert!(shown.contains(line), "'{line}' is not in: {shown}");
        }
    }
}

pub async fn succeeds(command: Command) -> String {
    let output = output(command).await;
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_servicenav-itop-bridge"))
}

/// Where an example is.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

pub fn read(name: &str) -> String {
    fs::read_to_string(example(name)).unwrap()
}

/// Whether the programs are here that examples call; `tests/run` installs them, and then they must be.
pub fn is_there(tools: &[&str]) -> bool {
    let folders = std::env::var_os("PATH").unwrap();
    let has = |tool: &str| std::env::split_paths(&folders).any(|folder| folder.join(tool).exists());
    let missing: Vec<_> = tools.iter().filter(|tool| !has(tool)).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("BRIDGE_TESTS_WITH_EXAMPLES").is_none(), "there is no {missing:?}");
    eprintln!("SKIPPED: an example needs {missing:?}");
    false
}

#[test]
fn each_example_is_told_of() {
    let told = read("README.md");
    let mut files = 0;
    for folder in fs::read_dir(example("")).unwrap().map(|entry| entry.unwrap().path()) {
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.strip_prefix(example("")).unwrap().display().to_string();
            assert!(
                told.contains(&format!("]({name})")),
                "examples/README.md does not tell of {name}"
            );
            files += 1;
        }
    }
    assert!(files >= 9, "{files} files");
}
