//! The program as people start it: what depends on its environment, and its output. What `serve` does is in
//! `serve`.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use itop_sandbox as sandbox;
use rustix::process::{Pid, Signal, kill_process};

use crate::world::World;

/// A proxy that answers nobody: whoever asks it fails.
const DEAD_PROXY: &str = "http://user:pr0xy-passw0rd@127.0.0.1:9";

/// The program, with nothing of this machine's configuration in its environment.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_servicenav-itop-bridge"));
    command.args(arguments);
    let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
    let ours = ["BRIDGE_CONFIG", "BRIDGE_URL", "BRIDGE_TOKEN_FILE", "BRIDGE_SPOOL"];
    let ours = proxies.into_iter().chain(ours);
    for name in ours {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

/// What comes of it.
pub async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// All that it says.
pub fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

/// A configuration for the world's iTop, listening anywhere, and where it is.
pub fn configuration(world: &World, folder: &Path, more: &str) -> PathBuf {
    let path = folder.join("config.toml");
    let database = folder.join("program.db");
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[store]\npath = '{}'\n\
         [itop]\nurl = '{}'\nuser = 'bridge'\npassword = '{}'\n{more}",
        database.display(),
        world.itop.url(),
        sandbox::PASSWORD
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn no_proxy_of_the_environment_stands_before_this_machine() {
    let world = World::linked().await;
    let address = world.base.strip_prefix("http://").unwrap();
    let mut healthcheck = command(&["healthcheck", "--address", address]);
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&world, folder.path(), "");
    let mut check = command(&["check", "--config", config.to_str().unwrap()]);
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        healthcheck.env(variable, DEAD_PROXY);
        check.env(variable, DEAD_PROXY);
    }
    let healthcheck = output(healthcheck).await;
    assert!(healthcheck.status.success(), "{}", text(&healthcheck));
    let check = output(check).await;
    assert!(check.status.success(), "{}", text(&check));
    assert!(!text(&check).contains("proxy"), "{}", text(&check));

    let mut demo = command(&["demo", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"]);
    demo.env("HTTP_PROXY", DEAD_PROXY).stdout(Stdio::piped());
    let mut demo = demo.spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let guide = tokio::task::spawn_blocking(move || {
        lines.any(|line| line.unwrap().contains("Ctrl-C ends the demo"))
    });
    assert!(guide.await.unwrap(), "the demo has printed no guide");
    kill_process(Pid::from_child(&demo), Signal::TERM).unwrap();
    tokio::task::spawn_blocking(move || demo.wait().unwrap()).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn the_proxy_of_another_machine_is_named_without_its_password() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&world, folder.path(), "");
    let text_of = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text_of.replace(&world.itop.url(), "http://itop.example/")).unwrap();
    let mut check = command(&["check", "--config", config.to_str().unwrap()]);
    check.env("HTTP_PROXY", DEAD_PROXY);
    let told = text(&output(check).await);
    assert!(told.contains("through the proxy http://127.0.0.1:9/ (HTTP_PROXY)"), "{told}");
    assert!(!told.contains("passw0rd"), "{told}");
    world.finish().await;
}

#[tokio::test]
async fn a_reader_that_is_gone_is_not_missed() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&world, folder.path(), "");
    let path = config.to_str().unwrap();
    let nobody = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let missing = folder.path().join("missing.toml");
    for (arguments, succeeds) in [
        (&["check", "--config", path] as &[&str], true),
        (&["check", "--json", "--config", path], true),
        (&["check", "--config", missing.to_str().unwrap()], false),
        (&["token"], true),
        (&["--help"], true),
        (&["links", "export", "--url", &world.base], true),
        (&["status", "--url", &world.base], true),
        (&["list", "--url", &world.base], true),
        (&["list", "--json", "--url", &world.base], true),
        (&["tickets", "--url", &world.base], true),
        (&["completions", "bash"], true),
    ] {
        let mut command = command(arguments);
        command.stdout(nobody()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // The child alone has the pipe's end now.
        drop(command);
        let ended = tokio::task::spawn_blocking(move || {
            let mut said = String::new();
            std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
            (child.wait().unwrap().code(), said)
        });
        let (code, said) = ended.await.unwrap();
        assert_eq!((code, said.as_str()), (Some(i32::from(!succeeds)), ""), "{arguments:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn an_empty_variable_names_no_configuration() {
    let world = World::start().await;
    let mut check = command(&["check"]);
    check.env("BRIDGE_CONFIG", "").env("BRIDGE__ITOP__URL", world.itop.url());
    check.env("BRIDGE__ITOP__USER", "bridge").env("BRIDGE__ITOP__PASSWORD", sandbox::PASSWORD);
    check.env("BRIDGE__ITOP__CA_FILE", "");
    let check = output(check).await;
    assert!(check.status.success(), "{}", text(&check));
    world.finish().await;
}

#[tokio::test]
async fn the_script_writes_the_digests_that_the_registry_tells() {
    let folder = tempfile::tempdir().unwrap();
    let dockerfile = concat!(env!("CARGO_MANIFEST_DIR"), "/docker/Dockerfile");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docker/pin-digests");
    let copy = folder.path().join("Dockerfile");
    std::fs::copy(dockerfile, &copy).unwrap();
    let before = std::fs::read_to_string(&copy).unwrap();
    let fake = folder.path().join("docker");
    let run = async |answers: &str| {
        std::fs::write(&fake, format!("#!/bin/sh\n{answers}\n")).unwrap();
        std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        let mut command = Command::new("bash");
        command.arg(script).arg(&copy);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", folder.path().display()));
        let ended = output(command).await;
        (ended.status.success(), std::fs::read_to_string(&copy).unwrap())
    };
    for unusable in ["exit 1", "echo no digest", "echo sha256:12"] {
        assert_eq!(run(unusable).await, (false, before.clone()));
    }
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    for digit in ["a", "b"] {
        let (succeeded, pinned) = run(&format!("echo {}", digest(digit))).await;
        assert!(succeeded);
        let froms: Vec<_> = pinned.lines().filter(|line| line.starts_with("FROM ")).collect();
        assert_eq!(froms.len(), 2);
        assert!(
            froms.iter().all(|from| from.contains(&format!("@{}", digest(digit)))),
            "{froms:?}"
        );
        assert!(froms[0].ends_with(" AS build") && froms[0].matches('@').count() == 1, "{froms:?}");
    }
}

#[tokio::test]
async fn the_simulated_salesforce_says_how_to_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.txt");
    let key_file = key.to_str().unwrap();
    let mut sandbox =
        command(&["sandbox", "--salesforce", "--listen", "127.0.0.1:0", "--key-file", key_file]);
    let mut sandbox = sandbox.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(sandbox.stdout.take().unwrap()).lines();
    let said = tokio::task::spawn_blocking(move || {
        let said: Vec<String> = lines.by_ref().take(3).map(Result::unwrap).collect();
        said
    })
    .await
    .unwrap();
    let url = said[0].strip_prefix("A simulated Salesforce: ").unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", salesforce_sandbox::CLIENT_ID),
        ("client_secret", salesforce_sandbox::CLIENT_SECRET),
    ];
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(format!("{url}/services/oauth2/token")).form(&form).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    assert!(said[1].contains(form[1].1) && said[1].contains(form[2].1), "{said:?}");
    assert!(said[2].contains(key_file), "{said:?}");
    assert!(std::fs::read_to_string(&key).unwrap().contains("PRIVATE KEY"));
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
}
