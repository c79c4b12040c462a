//! The program as people start it: what depends on its environment, its signals and its output.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use servicenav_itop_bridge::{sandbox, web::hash_token};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event};

const PROGRAM: &str = env!("CARGO_BIN_EXE_servicenav-itop-bridge");

/// A proxy that answers nobody: whoever asks it fails.
const DEAD_PROXY: &str = "http://user:pr0xy-passw0rd@127.0.0.1:9";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    let ours = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "BRIDGE_CONFIG"];
    for name in ours {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

/// `serve` with a configuration file, and its log.
struct Serving {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    base: String,
}

impl Serving {
    async fn start(world: &World, config: &Path) -> Self {
        let mut command = command(&["serve", "--config", config.to_str().unwrap()]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (stderr, lines) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                lines.lock().unwrap().push(line.unwrap());
            }
        });
        let mut serving = Self { child, log, base: String::new() };
        let said = serving.until_said(world, "the bridge listens").await;
        let (_, address) = said.split_once("address=").unwrap();
        serving.base = format!("http://{}", address.split(' ').next().unwrap());
        serving
    }

    /// Waits for a line with these words.
    async fn until_said(&self, world: &World, words: &str) -> String {
        world
            .until(&format!("the program says '{words}'"), async || {
                let log = self.log.lock().unwrap();
                log.iter().find(|line| line.contains(words)).cloned()
            })
            .await
    }

    fn said(&self, words: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    async fn get(&self, world: &World, path: &str, token: &str) -> Answer {
        let request = world.http.request(Method::GET, format!("{}{path}", self.base));
        Answer::read(request.bearer_auth(token).send().await.unwrap()).await
    }

    async fn stop(mut self) {
        self.signal(Signal::TERM);
        tokio::task::spawn_blocking(move || assert!(self.child.wait().unwrap().success()))
            .await
            .unwrap();
    }
}

/// A configuration for the world's iTop, listening anywhere, and where it is.
fn configuration(world: &World, folder: &Path, more: &str) -> PathBuf {
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

fn tokens(names: &[&str]) -> String {
    let of = |name: &&str| {
        format!(
            "[[auth.tokens]]\nname = '{name}'\nhash = '{}'\nscopes = ['admin']\n",
            hash_token(name)
        )
    };
    names.iter().map(of).collect()
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
async fn sighup_reads_tokens_secrets_and_log_filter_again() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&world, folder.path(), &tokens(&["first", "both"]));
    let serving = Serving::start(&world, &config).await;
    let get = async |token: &str| serving.get(&world, "/api/v1/teams", token).await.status;
    assert_eq!([get("first").await, get("both").await, get("second").await], [200, 200, 401]);
    assert_eq!(serving.said("path=\"/api/v1/teams\" status=200"), 0);

    let wrong = format!("{}\n[no_such_section]\n", tokens(&["second"]));
    configuration(&world, folder.path(), &wrong);
    serving.signal(Signal::HUP);
    serving.until_said(&world, "the configuration was not read again").await;
    assert_eq!([get("first").await, get("second").await], [200, 401]);

    let right =
        format!("{}[log]\nfilter = 'debug'\n[board]\nbatch = 7\n", tokens(&["second", "both"]));
    configuration(&world, folder.path(), &right);
    serving.signal(Signal::HUP);
    serving.until_said(&world, "needs a restart").await;
    assert_eq!([get("first").await, get("both").await, get("second").await], [401, 200, 200]);
    serving.until_said(&world, "path=\"/api/v1/teams\" status=200").await;
    serving.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_flood_without_a_token_leaves_one_line() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&world, folder.path(), &tokens(&["known"]));
    let serving = Serving::start(&world, &config).await;
    for number in 0..100 {
        let url = format!("{}{ACKNOWLEDGEMENTS}", serving.base);
        let request = world.http.post(url).bearer_auth(format!("guess-{number}"));
        let answer = request.body(event("a").to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(serving.get(&world, "/api/v1/teams", "guess").await.status, 401);
    }
    // What is said after it has come too.
    let last = world.http.post(format!("{}{ACKNOWLEDGEMENTS}/9/retry", serving.base));
    assert_eq!(last.bearer_auth("known").send().await.unwrap().status(), 404);
    serving.until_said(&world, "/9/retry").await;
    assert_eq!(serving.said("status=401"), 1);
    serving.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_the_program_writes_is_for_its_own_user() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&world, folder.path(), "");
    let serving = Serving::start(&world, &config).await;
    let copy = folder.path().join("copy.db");
    let [config, copy] = [config.to_str().unwrap(), copy.to_str().unwrap()];
    let backup = output(command(&["backup", "--config", config, copy])).await;
    assert!(backup.status.success(), "{}", text(&backup));
    let check = || {
        let mut seen = 0;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() != "config.toml" {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{:?}", entry.file_name());
                seen += 1;
            }
        }
        seen
    };
    // The database with its log and index, the lock, the copy.
    assert_eq!(check(), 5);
    serving.stop().await;
    std::fs::set_permissions(copy, std::fs::Permissions::from_mode(0o644)).unwrap();
    let restore = output(command(&["restore", "--config", config, copy])).await;
    assert!(restore.status.success(), "{}", text(&restore));
    std::fs::remove_file(copy).unwrap();
    assert!(check() >= 3);
    world.finish().await;
}

#[tokio::test]
async fn a_password_in_clear_is_warned_of_at_the_start() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&world, folder.path(), "");
    let text = std::fs::read_to_string(&config).unwrap();
    // A name that no name server knows.
    std::fs::write(&config, text.replace(&world.itop.url(), "http://itop.invalid/")).unwrap();
    let serving = Serving::start(&world, &config).await;
    assert_eq!(serving.said("the password crosses the network in clear"), 1);
    serving.stop().await;
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
