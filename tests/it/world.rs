//! The world of a test: the real bridge over HTTP, with a simulated iTop behind it, on ports of
//! their own.

use std::{collections::BTreeSet, fmt::Display, path::PathBuf, sync::Mutex, time::Duration};

use itop_sandbox::{self as sandbox, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::{App, Leader, Reload, RunError, StartError},
    clock::Clock,
    config::{Config, ItopSection, Scope, StoreSection, Token},
    secret::Secret,
    store::StoreError,
    web::hash_token,
};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::server_database::Database;

/// How long a condition may take to come true before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A bridge, its iTop, and a way to talk to both. End a test with [`World::finish`].
pub struct World {
    pub itop: Sandbox,
    pub clock: Clock,
    pub config: Config,
    pub http: reqwest::Client,
    pub base: String,
    /// Sent as bearer token with each request, if there is one.
    pub token: Option<String>,
    running: Option<Running>,
    /// Whether a test says when the bridge leads.
    led_apart: bool,
    _folder: tempfile::TempDir,
    /// Where the database is not a file.
    server: Option<Database>,
    reads_at_start: u64,
}

/// The bridge has a runtime of its own: when that ends, nothing of the bridge goes on.
struct Running {
    stop: CancellationToken,
    reload: Reload,
    leader: Leader,
    /// What leads apart from what answers.
    leading: Mutex<Option<JoinHandle<Result<(), RunError>>>>,
    ended: JoinHandle<Result<(), RunError>>,
    runtime: Option<Runtime>,
}

impl Running {
    fn lead(&self) {
        let (leader, stop) = (self.leader.clone(), self.stop.clone());
        let runtime = self.runtime.as_ref().expect("it runs");
        *self.leading.lock().unwrap() = Some(runtime.spawn(async move { leader.lead(stop).await }));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    /// `null` where the body is not JSON.
    pub body: Value,
}

impl Answer {
    pub async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails the test with the whole answer unless it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Checks that this is a problem document of that status and type, and gives its detail.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], format!("urn:servicenav-itop-bridge:problem:{code}"));
        assert_eq!(self.body["status"], status);
        assert!(!self.header("x-request-id").is_empty());
        self.body["detail"].as_str().unwrap().to_owned()
    }
}

impl World {
    /// Defaults: ITIL tickets, the data of the demo, companies not linked.
    pub async fn start() -> Self {
        Self::with(sandbox::Options::default(), |_| {}).await
    }

    /// The same with Demo (ServiceNav's company 42) linked, and its tickets for the Helpdesk.
    pub async fn linked() -> Self {
        let world = Self::start().await;
        world.link_demo().await;
        world
    }

    /// The same, where these tokens may call and nobody else, beside `all`, which may do everything. What a
    /// test asks for without further words, `all` asks for.
    pub async fn closed(tokens: Vec<Token>, change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Self::with(sandbox::Options::default(), |config| {
            config.auth.tokens = tokens;
            config.auth.tokens.push(token("all", &[Scope::Admin]));
            change(config);
        })
        .await;
        world.token = Some("all".to_owned());
        world.link_demo().await;
        world
    }

    /// A world with another iTop or another configuration.
    pub async fn with(options: sandbox::Options, change: impl FnOnce(&mut Config)) -> Self {
        Self::with_clock(Clock::system(), options, change).await
    }

    /// The same by a clock by which others go too.
    pub async fn with_clock(
        clock: Clock,
        options: sandbox::Options,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::built(clock, options, false, change).await
    }

    /// The same where the test says when the bridge leads: it does at each start, until [`World::lose_term`].
    pub async fn led_apart(
        clock: Clock,
        options: sandbox::Options,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::built(clock, options, true, change).await
    }

    async fn built(
        clock: Clock,
        options: sandbox::Options,
        led_apart: bool,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        // RUST_LOG shows what the bridge says, as it would in production.
        if let Ok(filter) = std::env::var("RUST_LOG") {
            let log = servicenav_itop_bridge::config::Log { filter, ..Default::default() };
            servicenav_itop_bridge::telemetry::start(&log).unwrap();
        }
        // A second call finds the provider installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let itop = Sandbox::start(listener().await, options, clock.elsewhere()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let server = Database::make().await;
        let mut config = Config {
            itop: Some(ItopSection {
                url: itop.url(),
                user: "bridge".to_owned(),
                password: Some(Secret::new(sandbox::PASSWORD.to_owned())),
                ..ItopSection::default()
            }),
            store: StoreSection {
                path: folder.path().join("bridge.db"),
                url: server.as_ref().map(Database::url),
                ..StoreSection::default()
            },
            ..Config::default()
        };
        change(&mut config);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // Those of tests are of no authority; what a certificate is worth is looked at where it counts.
            .tls_danger_accept_invalid_certs(true)
            // The bridge closes what is idle, and the clock that tells it so jumps.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let mut world = Self {
            itop,
            clock,
            config,
            http,
            base: String::new(),
            token: None,
            running: None,
            led_apart,
            _folder: folder,
            server,
            reads_at_start: 0,
        };
        world.start_bridge().await;
        if world.config.itop.as_ref().is_some_and(|itop| itop.url == world.itop.url()) {
            // Whatever it reads by itself when it starts is not what a test counts.
            let reads = || world.itop.requests_seen().of("core/get");
            world
                .until("the bridge has looked at iTop", async || {
                    // Whether it answers, and how high the ids of tickets are.
                    (reads() > 1 && world.itop.requests_seen().in_flight == 0).then_some(())
                })
                .await;
            world.reads_at_start = reads();
        }
        world
    }

    /// How many reads iTop was asked since the bridge has started.
    pub fn reads(&self) -> u64 {
        self.itop.requests_seen().of("core/get") - self.reads_at_start
    }

    /// The database, where it is not a file.
    pub fn server(&self) -> Option<&Database> {
        self.server.as_ref()
    }

    /// Where the database is.
    pub fn database(&self) -> PathBuf {
        self.config.store.path.clone()
    }

    /// The events whose lines in logs still have to be looked for, or may be added once more.
    pub async fn not_read_back(&self) -> BTreeSet<String> {
        let waiting = "SELECT event_id FROM acknowledgements
             WHERE read_back_at IS NOT NULL
                OR (state IN ('creating', 'unknown') AND ticket_id IS NOT NULL)";
        if let Some(server) = &self.server {
            return server.texts(waiting).await;
        }
        self.in_database(move |db| {
            db.prepare(waiting)
                .unwrap()
                .query_map([], |row| row.get(0))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap()
        })
        .await
    }

    /// What one look into the database beside the bridge gives.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> T {
        self.in_database(|db| look(db).unwrap()).await
    }

    /// Looks into the database beside the bridge.
    async fn in_database<T: Send + 'static>(
        &self,
        look: impl FnOnce(&rusqlite::Connection) -> T + Send + 'static,
    ) -> T {
        let database = self.database();
        tokio::task::spawn_blocking(move || {
            let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
            look(&rusqlite::Connection::open_with_flags(database, flags).unwrap())
        })
        .await
        .unwrap()
    }

    /// Starts the bridge on the same database, at a new address.
    pub async fn start_bridge(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        // After a crash the database is given back when the last of its readers has ended.
        let app = self
            .until("the bridge starts", async || {
                let (config, clock) = (self.config.clone(), self.clock.of_new_process());
                let build = async move { App::build(config, clock, listener().await).await };
                match runtime.spawn(build).await.unwrap() {
                    Ok(app) => Some(app),
                    Err(StartError::Store(StoreError::Locked { .. })) => None,
                    Err(error) => panic!("{error}"),
                }
            })
            .await;
        let scheme = if self.config.server.has_tls() { "https" } else { "http" };
        self.base = format!("{scheme}://{}", app.address());
        let (stop, reload, leader) = (CancellationToken::new(), app.reload(), app.leader());
        let ended = if self.led_apart {
            runtime.spawn(app.serve(stop.clone()))
        } else {
            runtime.spawn(app.run(stop.clone()))
        };
        let runtime = Some(runtime);
        let leading = Mutex::default();
        let running = Running { stop, reload, leader, leading, ended, runtime };
        if self.led_apart {
            running.lead();
        }
        self.running = Some(running);
    }

    /// Takes the Term from the bridge between two instructions: it goes on to answer, and leads no more.
    pub async fn lose_term(&self) {
        let running = self.running.as_ref().expect("the bridge runs");
        let leading = running.leading.lock().unwrap().take();
        let leading = leading.expect("it leads, apart from what answers");
        leading.abort();
        assert!(leading.await.is_err_and(|error| error.is_cancelled()), "it has ended by itself");
    }

    /// Has the bridge lead again.
    pub fn gain_term(&self) {
        self.running.as_ref().expect("the bridge runs").lead();
    }

    /// Whether it leads, apart from what answers.
    pub fn is_led(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.leading.lock().unwrap().is_some())
    }

    /// Has the running bridge read its configuration again; tells whether more was changed than it
    /// can take over.
    pub async fn reload(&self) -> Result<bool, StartError> {
        let running = self.running.as_ref().expect("the bridge runs");
        running.reload.configuration(&self.config).await
    }

    /// Stops the bridge in good order.
    pub async fn stop_bridge(&mut self) {
        let mut running = self.running.take().expect("the bridge runs");
        running.stop.cancel();
        (&mut running.ended).await.unwrap().unwrap();
        let leading = running.leading.get_mut().unwrap().take();
        if let Some(leading) = leading {
            leading.await.unwrap().unwrap();
        }
        // The end of a process ends all its threads: nothing of it holds the database any more.
        tokio::task::spawn_blocking(move || drop(running.runtime.take())).await.unwrap();
    }

    /// Ends the bridge between two instructions, as a crash would.
    pub fn crash_bridge(&mut self) {
        drop(self.running.take().expect("the bridge runs"));
    }

    /// Ends everything, and checks that nothing had ended before and nothing is left over: no fault that
    /// was to strike a number of times and did not, and after an end in good order no write of which
    /// nobody knows whether it was sent. iTop may still be at work for a client that is gone.
    pub async fn finish(mut self) {
        let stopped_in_order = self.running.is_some();
        if stopped_in_order {
            self.stop_bridge().await;
        }
        let faults = self.itop.faults().switched_on();
        let undrawn: Vec<_> = faults.iter().filter(|(_, fault)| fault.times.is_some()).collect();
        assert!(undrawn.is_empty(), "these were to strike and did not: {undrawn:?}");
        if let Some(server) = self.server.take() {
            if stopped_in_order {
                let writes = "SELECT count(*) FROM acknowledgements WHERE state = 'creating'";
                assert_eq!(server.number(writes).await, 0, "writes of unknown outcome");
            }
            server.remove().await;
        } else if stopped_in_order {
            let left = self.in_database(|db| {
                let writes = "SELECT count(*) FROM acknowledgements WHERE state = 'creating'";
                let broken = "SELECT count(*) FROM pragma_foreign_key_check";
                [writes, broken]
                    .map(|sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap())
            });
            assert_eq!(left.await, [0, 0], "writes of unknown outcome, keys that lead nowhere");
        }
        self.itop.stop().await.unwrap();
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// Asks for a list read anew, when the last one is old enough for that.
    pub async fn insist(&self, list: &str) -> Answer {
        self.clock.advance(Duration::from_secs(5));
        self.get(&format!("{list}?refresh=true")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], Some(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[], Some(body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }

    /// Posts an acknowledgement and waits for its outcome.
    pub async fn acknowledge(&self, event: &Value) -> Answer {
        let wait = [("prefer", "wait=20")];
        self.send(Method::POST, ACKNOWLEDGEMENTS, &wait, Some(event.to_string())).await
    }

    /// Sends any request; a body is JSON unless a header says otherwise.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if !headers.iter().any(|(name, _)| *name == "content-type") && body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = request.body(body.unwrap_or_default()).send().await.unwrap();
        let answer = Answer::read(sent).await;
        // What the description does not know nobody could be ready for.
        crate::description::assert_described(&method, path, &answer);
        answer
    }

    /// Links a company of ServiceNav by its id.
    pub async fn link(&self, company: impl Display, link: Value) -> Value {
        let answer = self.put(&format!("/api/v1/links/{company}"), &link).await;
        assert!(answer.status < 300, "{}", answer.text);
        answer.body
    }

    /// Creates an object in iTop, as an administrator there does.
    pub async fn itop_creates(&self, class: &str, fields: Value) {
        let operation = json!({"operation": "core/create", "class": class, "fields": fields});
        self.itop_does(operation).await;
    }

    /// Changes an object in iTop, as an administrator there does.
    pub async fn itop_changes(&self, class: &str, key: u64, fields: Value) {
        let operation =
            json!({"operation": "core/update", "class": class, "key": key, "fields": fields});
        self.itop_does(operation).await;
    }

    async fn itop_does(&self, mut operation: Value) {
        operation["comment"] = json!("test");
        operation["output_fields"] = json!("id");
        let form = [
            ("auth_user", "bridge"),
            ("auth_pwd", sandbox::PASSWORD),
            ("json_data", &operation.to_string()),
        ];
        let url = format!("{}/webservices/rest.php?version=1.3", self.itop.url());
        let answer = self.http.post(url).form(&form).send().await.unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(answer["code"], 0, "{answer}");
    }

    pub async fn link_demo(&self) {
        self.link(42, json!({"organization": "Demo", "team": "Helpdesk"})).await;
    }

    /// Has the bridge read the lists of Demo, so that no delivery makes it read them later.
    pub async fn read_lists(&self) {
        for list in ["contacts", "teams", "services", "cis"] {
            self.get(&format!("/api/v1/companies/3/{list}")).await.expect(200);
        }
    }

    /// Asks again and again until an acknowledgement is in this state; gives its row.
    pub async fn until_state(&self, id: &Value, state: &str) -> Value {
        let path = format!("{ACKNOWLEDGEMENTS}/{id}");
        self.until(&format!("acknowledgement {id} is {state}"), async || {
            let row = self.get(&path).await.expect(200);
            (row["state"] == state).then_some(row)
        })
        .await
    }

    /// Asks again and again until there is an answer.
    pub async fn until<T>(&self, what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
        let patience = Clock::system();
        let deadline = patience.now() + PATIENCE;
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            assert!(patience.now() < deadline, "it did not come true that {what}");
            patience.sleep(Duration::from_millis(10)).await;
        }
    }
}

pub const ACKNOWLEDGEMENTS: &str = "/api/v1/acknowledgements";

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// A token that is limited to nothing. What is sent of it is its name.
pub fn token(name: &str, scopes: &[Scope]) -> Token {
    let (hash, scopes) = (hash_token(name), scopes.to_vec());
    Token { name: name.to_owned(), hash, scopes, ..Token::default() }
}

/// The same, limited to an instance and to companies, unless there are none.
pub fn limited(name: &str, scopes: &[Scope], instance: &str, companies: &[&str]) -> Token {
    Token {
        instance: (!instance.is_empty()).then(|| instance.to_owned()),
        companies: (!companies.is_empty())
            .then(|| companies.iter().map(ToString::to_string).collect()),
        ..token(name, scopes)
    }
}

/// An acknowledgement of company Demo in which everything resolves; each key is another event of
/// another control.
pub fn event(key: &str) -> Value {
    json!({
        "event_id": format!("event-{key}"),
        "created_at": "2026-11-21T09:15:02+01:00",
        "company": {"id": 42, "name": "Demo"},
        "team": "Helpdesk",
        "contact": {"email": "agatha.christie@demo.com"},
        "service": "Telecom and connectivity",
        "service_element": "Network Troubleshooting",
        "equipment": {"id": 1207, "name": "Server4", "itsm_id": "4"},
        "control": {
            "id": format!("control-{key}"), "element_type": "service", "name": "Disk C:",
            "criticality": "high", "state": "CRITICAL",
            "status_changed_at": "2026-11-21T08:14:09Z", "output": "C: 97% used",
            "url": "https://sn.example/#c=48213"
        },
        "acknowledgement": {
            "author": {"login": "jdupont", "name": "Jean Dupont"}, "comment": "Purge in progress"
        }
    })
}

/// The same event with one member set, by JSON pointer; parents are made as needed.
pub fn with(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    if event.pointer(parent).is_none() {
        event = with(event, parent, json!({}));
    }
    event.pointer_mut(parent).unwrap()[name] = value;
    event
}
