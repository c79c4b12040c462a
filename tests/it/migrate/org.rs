//! A simulated org for a migration, and the program with both systems in its configuration.

use std::{
    path::Path,
    process::{Command, Output},
};

use itop_sandbox as sandbox;
use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET, Options, Sandbox};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::ADMIN;
use crate::{
    program::{command, output, text},
    world::World,
};

pub struct Org {
    pub salesforce: Sandbox,
    pub url: String,
    stop: CancellationToken,
}

impl Drop for Org {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Org {
    /// An org where dates may be set.
    pub async fn start() -> Self {
        let salesforce = Sandbox::new(Options::default()).unwrap();
        salesforce.access(|access| access.sets_audit_fields = true);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(salesforce.clone().serve(listener, stop.clone()));
        Self { salesforce, url, stop }
    }

    /// `migrate` with these words on the folder `move`.
    pub async fn run(&self, world: &World, around: &Path, words: &[&str]) -> Output {
        let section = format!(
            "[salesforce]\nlogin_url = '{}'\nlogin = 'client-credentials'\nclient_id = '{CLIENT_ID}'\n\
             client_secret = '{CLIENT_SECRET}'\n",
            self.url
        );
        migrate(world, around, &section, words).await
    }

    /// The same, where it must succeed; gives what it said.
    pub async fn done(&self, world: &World, around: &Path, words: &[&str]) -> String {
        let done = self.run(world, around, words).await;
        assert!(done.status.success(), "{words:?}: {}", text(&done));
        text(&done)
    }

    /// Gives the user of the API what a permission set of this name allows.
    pub async fn assign(&self, set: &str) {
        let of = |object: &str, field: &str, value: &str| {
            let records = self.salesforce.records(object);
            let record = records.iter().find(|record| record[field] == value);
            record.unwrap_or_else(|| panic!("no {object} {value}"))["Id"].clone()
        };
        let user = of("User", "LastName", "Bridge");
        let assigned =
            json!({"AssigneeId": user, "PermissionSetId": of("PermissionSet", "Name", set)});
        let url = format!("{}services/data/v67.0/sobjects/PermissionSetAssignment", self.url);
        let session = self.salesforce.session();
        let request = reqwest::Client::new().post(url).bearer_auth(session).json(&assigned);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    }
}

/// `migrate` with these words on the folder `move`, with a section more in the configuration, and with the login
/// of an administrator where it takes one.
pub async fn migrate(world: &World, around: &Path, section: &str, words: &[&str]) -> Output {
    let mut command = program(world, around, section, words);
    if matches!(words[0], "survey" | "extract") {
        let secret = around.join("admin");
        std::fs::write(&secret, sandbox::PASSWORD).unwrap();
        command.args(["--admin-user", ADMIN]).arg("--admin-password-file").arg(&secret);
    }
    output(command).await
}

/// The same with the bridge's own account.
pub fn program(world: &World, around: &Path, section: &str, words: &[&str]) -> Command {
    let path = around.join("both.toml");
    let database = around.join("program.db");
    let config = format!(
        "[store]\npath = '{}'\n[itop]\nurl = '{}'\nuser = 'bridge'\npassword = '{pass}'\n{section}",
        database.display(),
        world.itop.url(),
        pass = sandbox::PASSWORD,
    );
    std::fs::write(&path, config).unwrap();
    let folder = around.join("move");
    let mut command = command(&["migrate"]);
    command.args(words).arg("--folder").arg(&folder).env("BRIDGE_CONFIG", &path);
    command
}
