//! The bridge behind a proxy: below a path of its own, and with the defaults of nginx.

use std::net::SocketAddr;

use itop_sandbox::Options;
use reqwest::Method;
use serde_json::json;
use servicenav_itop_bridge::{
    config::{Proxy, Scope},
    secret::Secret,
};

use crate::{
    web_servers::{WebServer, each_change_arrives, free_address, nginx},
    world::{ACKNOWLEDGEMENTS, Answer, World, event, with},
};

/// An nginx as it comes, with `/bridge/` leading to a bridge, until it is dropped.
struct Nginx {
    base: String,
    _server: WebServer,
}

impl Nginx {
    /// `None` where nginx is not installed.
    async fn start(world: &World, address: SocketAddr) -> Option<Self> {
        let server = format!("location /bridge/ {{ proxy_pass {}/; }}", world.base);
        Self::start_with(world, address, &server).await
    }

    /// The same with a configuration of its own.
    async fn start_with(world: &World, address: SocketAddr, server: &str) -> Option<Self> {
        let servers = format!("server {{ listen {address}; {server} }}");
        let server = WebServer::start("nginx", |folder| nginx(folder, &servers))?;
        let nginx = Self { base: format!("http://{address}/bridge"), _server: server };
        world
            .until("nginx answers", async || {
                world.http.get(format!("{}/healthz", nginx.base)).send().await.ok()
            })
            .await;
        Some(nginx)
    }
}

/// As `config.example.toml` shows it: people sign in for one place, programs come through another.
fn with_people(world: &World, users: &std::path::Path) -> String {
    format!(
        "proxy_set_header X-Forwarded-User \"\";
         proxy_set_header X-Forwarded-Groups \"\";
         proxy_set_header X-Bridge-Proxy-Secret \"\";
         location /programs/ {{ proxy_pass {0}/; }}
         location /bridge/healthz {{ proxy_pass {0}/healthz; }}
         location /bridge/ {{
           auth_basic bridge;
           auth_basic_user_file {1};
           proxy_set_header X-Forwarded-User $remote_user;
           proxy_set_header X-Forwarded-Groups noc;
           proxy_set_header X-Bridge-Proxy-Secret {SECRET};
           proxy_set_header Host $host;
           proxy_pass {0}/;
         }}",
        world.base,
        users.display()
    )
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn what_a_browser_sends_of_the_headers_of_nginx_is_dropped() {
    let (address, folder) = (free_address(), tempfile::tempdir().unwrap());
    let users = folder.path().join("users");
    std::fs::write(&users, "jd:{PLAIN}pw\n").unwrap();
    let world = World::with(Options::default(), |config| {
        config.server.public_url = Some(format!("http://{address}/bridge"));
        let scopes = [("noc", vec![Scope::Read, Scope::Operate]), ("boss", vec![Scope::Admin])];
        let groups = scopes.map(|(group, scopes)| (group.to_owned(), scopes));
        config.auth.proxy = Some(Proxy {
            secret: Some(Secret::new(SECRET.to_owned())),
            groups: groups.into(),
            ..Proxy::default()
        });
    })
    .await;
    let server = with_people(&world, &users);
    let Some(nginx) = Nginx::start_with(&world, address, &server).await else {
        return world.finish().await;
    };
    let ask = async |place: &str, path: &str, method: Method, user: Option<&str>| {
        let mut request = world.http.request(method, format!("http://{address}/{place}{path}"));
        for (name, value) in [
            ("X-Forwarded-User", "boss"),
            ("X-Forwarded-Groups", "boss"),
            ("X-Bridge-Proxy-Secret", SECRET),
        ] {
            request = request.header(name, value);
        }
        if let Some(user) = user {
            request = request.basic_auth(user, Some("pw"));
        }
        let origin = format!("http://{address}");
        let request = request.header("origin", origin).header("content-type", "application/json");
        Answer::read(request.send().await.unwrap()).await
    };
    let session = "/api/v1/session";
    let jd = ask("bridge", session, Method::GET, Some("jd")).await.expect(200);
    assert_eq!((&jd["name"], &jd["scopes"]), (&json!("jd"), &json!(["read", "operate"])));
    assert_eq!(ask("bridge", session, Method::GET, None).await.status, 401);
    let programs = ask("programs", session, Method::GET, Some("jd")).await;
    programs.problem(401, "unauthorized");
    // What its pages change is known by where browsers reach the bridge.
    let retry = format!("{ACKNOWLEDGEMENTS}/7/retry");
    ask("bridge", &retry, Method::POST, Some("jd")).await.problem(404, "not-found");
    drop(nginx);
    world.finish().await;
}

#[tokio::test]
async fn a_link_leads_through_nginx_to_the_ticket_whatever_the_control_is_called() {
    let address = free_address();
    let world = World::with(Options::default(), |config| {
        config.server.public_url = Some(format!("http://{address}/bridge"));
    })
    .await;
    world.link_demo().await;
    let Some(nginx) = Nginx::start(&world, address).await else { return world.finish().await };
    for (number, control) in
        ["web1;HTTP", "web1/HTTP", "..", "a%2Fb", "é b+c?d#e&f=g", "/"].into_iter().enumerate()
    {
        let event = with(event(&number.to_string()), "/control/id", json!(control));
        let body = event.to_string();
        let url = format!("{}{ACKNOWLEDGEMENTS}", nginx.base);
        let post = world.http.post(url).header("content-type", "application/json").body(body);
        let made = crate::world::Answer::read(post.send().await.unwrap()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        for link in [made.header("location"), made.body["links"]["self"].as_str().unwrap()] {
            let row = world.http.get(format!("http://{address}{link}")).send().await.unwrap();
            assert_eq!(row.status(), 200, "{link}");
        }
        let link = made.body["links"]["open"].as_str().unwrap();
        let opened = world.http.get(link).send().await.unwrap();
        assert_eq!(opened.status(), 302, "{link}");
        assert_eq!(opened.headers()["location"], made.body["ticket"]["url"].as_str().unwrap());
        let mut ticket: reqwest::Url =
            format!("{}/api/v1/controls/ticket", nginx.base).parse().unwrap();
        ticket.query_pairs_mut().append_pair("control", control);
        let known = crate::world::Answer::read(world.http.get(ticket).send().await.unwrap()).await;
        assert_eq!(known.expect(200)["control"]["id"], control);
    }
    drop(nginx);
    world.finish().await;
}

#[tokio::test]
async fn nginx_passes_each_change_on_as_it_comes() {
    let world = World::linked().await;
    let Some(nginx) = Nginx::start(&world, free_address()).await else {
        return world.finish().await;
    };
    let stream = world.http.get(format!("{}/api/v1/tickets/stream", nginx.base)).send().await;
    each_change_arrives(stream.unwrap(), async |event| {
        world.acknowledge(&event).await.expect(201);
    })
    .await;
    drop(nginx);
    world.finish().await;
}

#[tokio::test]
async fn what_answers_link_to_stands_below_the_path_of_the_public_address() {
    let world = World::with(Options::default(), |config| {
        config.server.public_url = Some("https://monitoring.example/tools/bridge/".to_owned());
    })
    .await;
    world.link_demo().await;
    let made = world.acknowledge(&event("a")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let own = format!("/tools/bridge{ACKNOWLEDGEMENTS}/{}", made.body["id"]);
    assert_eq!((made.header("location"), &made.body["links"]["self"]), (own.as_str(), &json!(own)));
    let link = made.body["links"]["open"].as_str().unwrap();
    assert!(
        link.starts_with(
            "https://monitoring.example/tools/bridge/controls/open?control=control-a&"
        ),
        "{link}"
    );
    let mistaken = json!({"organization": "Demo", "team": "Helpdesk"});
    let warned = world.put("/api/v1/links/Demo", &mistaken).await;
    let warning = warned.body["warnings"][0].as_str().unwrap();
    assert!(warning.contains("write /tools/bridge/api/v1/links/name:Demo instead"), "{warning}");
    world.finish().await;
}

#[tokio::test]
async fn a_tag_that_a_proxy_has_made_weak_or_strong_is_known() {
    let world = World::linked().await;
    world.acknowledge(&event("a")).await.expect(201);
    for path in ["/api/v1/controls/control-a/ticket", "/api/v1/teams", "/api/v1/tickets"] {
        let tag = world.get(path).await.header("etag").to_owned();
        let strong = tag.strip_prefix("W/").unwrap();
        for known in [&tag, strong, &format!("\"a, b\", {strong}"), "*"] {
            let answer = world.send(Method::GET, path, &[("if-none-match", known)], None).await;
            assert_eq!(answer.status, 304, "{path} {known}");
        }
        let other = [("if-none-match", "\"other\"")];
        assert_eq!(world.send(Method::GET, path, &other, None).await.status, 200);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_slash_at_the_end_of_an_address_changes_nothing() {
    let world = World::linked().await;
    world.acknowledge(&event("a")).await.expect(201);
    for (path, query) in [
        ("/healthz", ""),
        (ACKNOWLEDGEMENTS, "?limit=1"),
        ("/api/v1/controls/control-a/ticket", "?instance=default"),
    ] {
        let with_slash = world.get(&format!("{path}/{query}")).await.expect(200);
        assert_eq!(with_slash, world.get(&format!("{path}{query}")).await.expect(200));
    }
    world.finish().await;
}
