//! What a running bridge takes over without a restart.

use itop_sandbox::{FaultKind, Options, PASSWORD};
use reqwest::Method;
use servicenav_itop_bridge::{app::StartError, config::Scope, secret::Secret};

use crate::world::{ACKNOWLEDGEMENTS, World, event, limited, token};

async fn status(world: &World, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    world.send(Method::GET, "/api/v1/links", &headers, None).await.status
}

#[tokio::test]
async fn a_token_that_was_taken_away_is_refused_and_its_stream_ends() {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![token("gone", &[Scope::Admin]), token("kept", &[Scope::Admin])];
    })
    .await;
    let stream = world.http.get(format!("{}/api/v1/tickets/stream", world.base));
    let mut stream = stream.bearer_auth("gone").send().await.unwrap();
    assert!(stream.chunk().await.unwrap().unwrap().starts_with(b"event: ready"));

    world.config.auth.tokens = vec![token("kept", &[Scope::Admin]), token("new", &[Scope::Admin])];
    assert!(!world.reload().await.unwrap());
    assert_eq!(stream.chunk().await.unwrap(), None);
    let known = [status(&world, "gone").await, status(&world, "kept").await];
    assert_eq!(known, [401, 200]);
    assert_eq!(status(&world, "new").await, 200);
    world.finish().await;
}

#[tokio::test]
async fn what_else_was_changed_is_told_and_left() {
    let mut world = World::start().await;
    world.config.board.batch = 7;
    assert!(world.reload().await.unwrap());
    world.config.itop.as_mut().unwrap().user = "nobody".to_owned();
    world.config.itop.as_mut().unwrap().client_cert_file = Some("/no/such.pem".into());
    world.config.itop.as_mut().unwrap().client_key_file = Some("/no/such.key".into());
    // Nothing of a configuration is taken that cannot be used as a whole.
    assert!(matches!(world.reload().await, Err(StartError::Client(_))));
    world.get("/api/v1/teams?refresh=true").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn another_key_of_links_revokes_those_that_were_given_out() {
    let mut world = World::linked().await;
    world.acknowledge(&event("a")).await.expect(201);
    let ticket = "/api/v1/controls/control-a/ticket";
    let link = async || {
        let body = world.get(ticket).await.expect(200);
        let link = body["links"]["open"].as_str().unwrap().to_owned();
        link.strip_prefix(&world.base).unwrap().to_owned()
    };
    let old = link().await;
    assert_eq!(world.get(&old).await.status, 302);
    let new_key = Secret::new("another key of at least 32 characters".to_owned());
    world.config.server.link_key = Some(new_key);
    world.reload().await.unwrap();
    assert_eq!(world.get(&old).await.status, 403);
    let body = world.get(ticket).await.expect(200);
    let new = body["links"]["open"].as_str().unwrap().strip_prefix(&world.base).unwrap();
    assert_eq!(world.get(new).await.status, 302);
    world.finish().await;
}

#[tokio::test]
async fn a_gate_that_is_closed_for_a_password_opens_when_its_file_is_right() {
    let mut world = World::linked().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("itop_password");
    std::fs::write(&file, "not yet changed\n").unwrap();
    world.stop_bridge().await;
    world.config.itop.as_mut().unwrap().password = None;
    world.config.itop.as_mut().unwrap().password_file = Some(file.clone());
    assert_eq!(world.config.read_secret_files_again(), [""; 0]);
    world.start_bridge().await;
    let posted = world.post(ACKNOWLEDGEMENTS, &event("a")).await.expect(202);
    let gate = async || world.get("/readyz").await.expect(200)["gate"].clone();
    world
        .until("the gate is closed", async || {
            (gate().await["reason"] == "credentials").then_some(())
        })
        .await;
    assert!(gate().await["mend"].as_str().unwrap().contains("reads a secret's file again"));
    // An editor empties a file before it writes it.
    for content in ["", PASSWORD] {
        std::fs::write(&file, content).unwrap();
        world.clock.advance(world.config.delivery.probe_max.duration());
    }
    world
        .until("the gate is open", async || {
            world.clock.advance(world.config.delivery.probe_max.duration());
            (gate().await["state"] == "open").then_some(())
        })
        .await;
    world.until_state(&posted["id"], "created").await;
    world.finish().await;
}

#[tokio::test]
async fn a_login_before_itop_is_given_and_taken_over() {
    let mut world = World::start().await;
    let front = FaultKind::FrontLogin { user: "gate".to_owned(), password: "p:4ß".to_owned() };
    world.itop.faults().set(front, true);
    let gate = async || world.get("/readyz").await.expect(200)["gate"].clone();
    world.get("/api/v1/teams?refresh=true").await;
    let closed = world
        .until("the gate is closed", async || {
            let gate = gate().await;
            (gate["state"] == "closed").then_some(gate)
        })
        .await;
    assert_eq!(closed["reason"], "not-itop");
    assert!(closed["mend"].as_str().unwrap().contains("itop.front_user"), "{closed}");
    world.config.itop.as_mut().unwrap().front_user = Some("gate".to_owned());
    world.config.itop.as_mut().unwrap().front_password = Some(Secret::new("p:4ß".to_owned()));
    assert!(!world.reload().await.unwrap());
    world
        .until("the gate is open", async || {
            world.clock.advance(world.config.delivery.probe_max.duration());
            let ready = world.get("/readyz").await.expect(200);
            (ready["gate"]["state"] == "open").then_some(())
        })
        .await;
    world.link_demo().await;
    world.acknowledge(&event("a")).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn a_token_that_would_reach_other_companies_leaves_all_as_it_was() {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![token("admin", &[Scope::Admin])];
    })
    .await;
    world.token = Some("admin".to_owned());
    world.link_demo().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let link = made["links"]["open"].as_str().unwrap().to_owned();
    let tenant =
        |company: &str| limited("tenant", &[Scope::Ingest, Scope::Read], "default", &[company]);
    // Company 42 has a control in the instance that is to be company 43's alone.
    world.config.auth.tokens = vec![tenant("id:43"), token("new", &[Scope::Admin])];
    world.config.server.link_key =
        Some(Secret::new("another key of at least 32 characters".to_owned()));
    world.config.itop.as_mut().unwrap().password = Some(Secret::new("wrong".to_owned()));
    let refused = world.reload().await.unwrap_err();
    assert!(matches!(&refused, StartError::Crowded(instance) if instance.as_str() == "default"));
    assert!(refused.to_string().contains("Give the token an instance of its own"), "{refused}");
    world.token = None;
    let statuses = [status(&world, "tenant").await, status(&world, "new").await];
    assert_eq!((statuses, status(&world, "admin").await), ([401, 401], 200));
    world.token = Some("admin".to_owned());
    // Nor is anything else of it taken.
    assert_eq!(world.get(link.strip_prefix(&world.base).unwrap()).await.status, 302);
    world.get("/api/v1/teams?refresh=true").await.expect(200);
    world.acknowledge(&event("b")).await.expect(201);

    world.config.auth.tokens = vec![tenant("id:42"), token("admin", &[Scope::Admin])];
    world.config.itop.as_mut().unwrap().password = Some(Secret::new(PASSWORD.to_owned()));
    assert!(!world.reload().await.unwrap());
    world.token = Some("tenant".to_owned());
    world.get("/api/v1/links").await.expect(200);
    world.finish().await;
}
