//! The lines for nginx and Apache that docs/install.md shows, with these servers behind them.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use itop_sandbox::Options;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Scope;

use crate::{
    documents::shown_in,
    world::{ACKNOWLEDGEMENTS, Answer, World, event, token, with},
};

/// A web server, until it is dropped.
pub struct WebServer {
    process: Child,
    folder: tempfile::TempDir,
}

impl WebServer {
    /// One with this configuration, which is given the server's folder. `None` where there is no such program;
    /// `tests/run` installs it, and then it must be there.
    pub fn start(program: &str, config: impl FnOnce(&Path) -> String) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.conf");
        std::fs::write(&file, config(folder.path())).unwrap();
        let (arguments, needed): (&[&str], _) = match program {
            "nginx" => (&["-c"], "BRIDGE_TESTS_WITH_NGINX"),
            _ => (&["-D", "FOREGROUND", "-f"], "BRIDGE_TESTS_WITH_APACHE"),
        };
        let started = Command::new(program)
            .args(arguments)
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(process) => Some(Self { process, folder }),
            Err(error) => {
                let is_needed = std::env::var_os(needed).is_some();
                assert!(!is_needed, "{program} cannot be started: {error}");
                eprintln!("left out, for there is no {program}: tests/run installs it");
                None
            }
        }
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        // SIGKILL would leave its workers behind.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// What nginx needs besides its servers to run from a folder.
pub fn nginx(folder: &Path, servers: &str) -> String {
    let at = folder.display();
    format!(
        "daemon off; pid {at}/pid; error_log {at}/errors; worker_processes 1; events {{}}
         http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p;
           fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
           {servers} }}"
    )
}

/// The same for Apache: as Debian has it, with the modules that the document names.
fn apache(folder: &Path, address: SocketAddr, servers: &str) -> String {
    let at = folder.display();
    let modules =
        ["mpm_event", "authz_core", "proxy", "proxy_http", "headers", "ssl", "socache_shmcb"];
    let load = |name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
    let modules: String = modules.into_iter().map(load).collect();
    format!(
        "{modules}User nobody\nGroup nogroup\nServerRoot {at}\nPidFile {at}/pid\nErrorLog {at}/errors\nDefaultRuntimeDir {at}\n\
         ServerName bridge.example\nListen {address}\n{servers}"
    )
}

/// A certificate for the name in the document, and its key.
fn identity(folder: &Path) -> [PathBuf; 2] {
    let made = rcgen::generate_simple_self_signed(vec!["bridge.example".to_owned()]).unwrap();
    let files = ["bridge.pem", "bridge.key"].map(|name| folder.join(name));
    std::fs::write(&files[0], made.cert.pem()).unwrap();
    std::fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
    files
}

/// What the document shows for this server, with what is elsewhere in a test.
fn lines_for(server: &str, world: &World, address: SocketAddr, folder: &Path) -> String {
    let [shown] = &shown_in("docs/install.md", server)[..] else {
        panic!("one example for {server}")
    };
    let [certificate, key] = identity(folder);
    let mut lines = shown.clone();
    for (theirs, here) in [
        ("http://127.0.0.1:8080", world.base.clone()),
        ("/etc/ssl/certs/bridge.pem", certificate.display().to_string()),
        ("/etc/ssl/private/bridge.key", key.display().to_string()),
        (
            if server == "nginx" { "listen 443 ssl" } else { "*:443" },
            match server {
                "nginx" => format!("listen {address} ssl"),
                _ => address.to_string(),
            },
        ),
    ] {
        assert!(lines.contains(theirs), "{server}: {theirs}");
        lines = lines.replace(theirs, &here);
    }
    lines
}

/// Whoever comes through it, as from another machine.
struct Outside {
    http: Client,
    base: String,
}

impl Outside {
    fn of(server: &WebServer, address: SocketAddr) -> Self {
        let certificate = std::fs::read(server.folder.path().join("bridge.pem")).unwrap();
        let certificate = reqwest::Certificate::from_pem(&certificate).unwrap();
        let http = Client::builder()
            .add_root_certificate(certificate)
            .resolve("bridge.example", address)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let base = format!("https://bridge.example:{}", address.port());
        Self { http: http.unwrap(), base }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.bearer_auth("admin");
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::read(request.send().await.unwrap()).await
    }
}

/// What is acknowledged arrives on a stream when it comes, not when a buffer is full.
pub async fn each_change_arrives(mut stream: Response, acknowledge: impl AsyncFn(Value)) {
    let mut read = String::new();
    for (awaited, next) in
        [("event: ready", Some("a")), ("control-a", Some("b")), ("control-b", None)]
    {
        while !read.contains(awaited) {
            let chunk = tokio::time::timeout(Duration::from_mins(1), stream.chunk()).await;
            let chunk = chunk.expect("it is passed on").unwrap().expect("it goes on");
            read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        if let Some(next) = next {
            acknowledge(event(next)).await;
        }
    }
}

/// All that goes through a proxy and that proxies like to break.
async fn is_passed_through(server: &str) {
    let address = free_address();
    let mut world = World::with(Options::default(), |config| {
        config.server.public_url = Some(format!("https://bridge.example:{}", address.port()));
        config.auth.tokens = vec![token("admin", &[Scope::Admin])];
    })
    .await;
    world.token = Some("admin".to_owned());
    world.link_demo().await;
    let program = if server == "nginx" { "nginx" } else { "apache2" };
    let config = |folder: &Path| {
        let lines = lines_for(server, &world, address, folder);
        if server == "nginx" { nginx(folder, &lines) } else { apache(folder, address, &lines) }
    };
    let Some(running) = WebServer::start(program, config) else { return world.finish().await };
    let outside = Outside::of(&running, address);
    world
        .until("it answers", async || {
            outside.http.get(format!("{}/healthz", outside.base)).send().await.ok()
        })
        .await;

    let stream = format!("{}/api/v1/tickets/stream", outside.base);
    let stream = outside.http.get(stream).bearer_auth("admin").send().await.unwrap();
    each_change_arrives(stream, async |event| {
        outside.ask(Method::POST, ACKNOWLEDGEMENTS, Some(&event)).await.expect(201);
    })
    .await;

    // Whatever a control is called.
    let slash = with(event("c"), "/control/id", json!("web1/HTTP b"));
    outside.ask(Method::POST, ACKNOWLEDGEMENTS, Some(&slash)).await.expect(201);
    let known = "/api/v1/controls/web1%2FHTTP%20b/ticket";
    let known = outside.ask(Method::GET, known, None).await.expect(200);
    assert_eq!(known["control"]["id"], "web1/HTTP b");

    // A list that is longer than what nginx takes by itself.
    let long = "x".repeat(2_000);
    let test = |n: usize| {
        let test = with(event(&format!("test-{n}")), "/event_type", json!("test"));
        with(test, "/control/output", json!(long))
    };
    let list: Vec<_> = (0..1_000).map(test).collect();
    let answer = outside.ask(Method::POST, ACKNOWLEDGEMENTS, Some(&json!(list))).await.expect(200);
    assert_eq!(answer["items"].as_array().unwrap().len(), 1_000);

    // A person signs in, and is told over TLS alone who that is.
    let form = outside.http.post(format!("{}/session", outside.base));
    let form = form.header("origin", &outside.base).form(&[("token", "admin")]);
    let signed_in = Answer::read(form.send().await.unwrap()).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/"));
    assert!(signed_in.header("set-cookie").starts_with("__Host-bridge_session="));
    drop(running);
    world.finish().await;
}

#[tokio::test]
async fn nginx_passes_everything_on_as_the_document_sets_it_up() {
    is_passed_through("nginx").await;
}

#[tokio::test]
async fn apache_passes_everything_on_as_the_document_sets_it_up() {
    is_passed_through("apache").await;
}
