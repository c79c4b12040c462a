//! `serve` as people start it: what it says first, which database it takes, and what signals do.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use servicenav_itop_bridge::web::hash_token;

use crate::{
    program::{command, configuration, output, text},
    world::{ACKNOWLEDGEMENTS, Answer, World, event},
};

/// `serve` with a configuration file, and its log.
pub struct Serving {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    base: String,
}

impl Serving {
    pub async fn start(world: &World, config: &Path) -> Self {
        Self::of(world, command(&["serve", "--config", config.to_str().unwrap()])).await
    }

    /// The same with another environment.
    pub async fn of(world: &World, mut command: Command) -> Self {
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
    pub async fn until_said(&self, world: &World, words: &str) -> String {
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

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    async fn get(&self, world: &World, path: &str, token: &str) -> Answer {
        let request = world.http.request(Method::GET, format!("{}{path}", self.base));
        Answer::read(request.bearer_auth(token).send().await.unwrap()).await
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// All lines of its log so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Ends it between two instructions.
    pub async fn kill(mut self) {
        let killed = tokio::task::spawn_blocking(move || {
            self.child.kill().unwrap();
            self.child.wait().unwrap()
        });
        assert!(!killed.await.unwrap().success());
    }

    pub async fn stop(mut self) {
        self.signal(Signal::TERM);
        tokio::task::spawn_blocking(move || assert!(self.child.wait().unwrap().success()))
            .await
            .unwrap();
    }
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

/// The program, with nothing in its environment but what is needed; it stands in `folder`.
fn serve(folder: &Path, state: &Path) -> Child {
    let config = folder.join("bridge.toml");
    let text = "[server]\nlisten = '127.0.0.1:0'\n[itop]\nurl = 'http://127.0.0.1:1/'\n\
                user = 'bridge'\npassword = 'secret'\n";
    std::fs::write(&config, text).unwrap();
    command(&["serve", "--config", config.to_str().unwrap()])
        .current_dir(folder)
        .env_clear()
        .env("STATE_DIRECTORY", state)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_first_line_names_what_is_served() {
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The folder is made with the database.
    let state = state.path().join("bridge");
    for _ in 0..2 {
        let mut bridge = serve(folder.path(), &state);
        let mut lines = BufReader::new(bridge.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        bridge.kill().unwrap();
        bridge.wait().unwrap();
        let database = state.join("servicenav-itop-bridge.db").canonicalize().unwrap();
        let config = folder.path().join("bridge.toml").canonicalize().unwrap();
        for part in [
            config.display().to_string(),
            database.display().to_string(),
            "acknowledgements=0".to_owned(),
            "itop=\"http://127.0.0.1:1/\"".to_owned(),
        ] {
            assert!(first.contains(&part), "{part} in {first}");
        }
        assert!(!first.contains("secret"), "{first}");
    }
    assert!(!folder.path().join("servicenav-itop-bridge.db").exists());
}

#[test]
fn a_database_that_an_earlier_version_has_left_stops_it() {
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let earlier = folder.path().join("servicenav-itop-bridge.db");
    std::fs::write(&earlier, "").unwrap();
    let ended = serve(folder.path(), state.path()).wait_with_output().unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8(ended.stderr).unwrap();
    let database = state.path().join("servicenav-itop-bridge.db");
    for path in [&earlier.canonicalize().unwrap(), &database] {
        assert!(said.contains(&path.display().to_string()), "{said}");
    }
    assert!(!database.exists());
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
    // The database with its log and index, the lock, the token of this machine, the copy.
    assert_eq!(check(), 6);
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
async fn what_names_are_spelt_with_is_there_before_the_first_ticket_needs_it() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&world, folder.path(), "[log]\nfilter = 'debug'\n");
    let serving = Serving::start(&world, &config).await;
    serving.until_said(&world, "names can be spelt").await;
    serving.stop().await;
    world.finish().await;
}
