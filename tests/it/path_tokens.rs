//! Tokens in the address, for senders that can set nothing else.

use reqwest::Method;
use serde_json::json;
use servicenav_itop_bridge::config::Scope;

use crate::{
    program::{command, output, text},
    world::{ACKNOWLEDGEMENTS, Answer, World, event, limited, token, with},
};

/// Stands in an address, and nowhere else.
const TOKEN: &str = "snb_pathpathpathpathpath";
const OWN_SHAPE: &str = "sh4pe-of-its-own-0123456789";

async fn world() -> World {
    let mut tokens = vec![
        token(TOKEN, &[Scope::Ingest]),
        token(OWN_SHAPE, &[Scope::Ingest]),
        limited("acme", &[Scope::Ingest], "acme", &["id:42"]),
    ];
    for token in &mut tokens {
        token.in_path = true;
    }
    // The name is told in the log.
    "by-address".clone_into(&mut tokens[0].name);
    "by-address-too".clone_into(&mut tokens[1].name);
    tokens.push(token("bearer", &[Scope::Ingest]));
    let mut world = World::closed(tokens, |_| {}).await;
    world.token = None;
    world
}

async fn post(world: &World, token: &str, key: &str) -> Answer {
    let path = format!("{ACKNOWLEDGEMENTS}/by/{token}");
    let wait = [("prefer", "wait=20")];
    world.send(Method::POST, &path, &wait, Some(event(key).to_string())).await
}

#[tokio::test]
async fn only_a_token_that_may_stand_there_posts() {
    let mut world = world().await;
    post(&world, TOKEN, "one").await.expect(201);
    post(&world, TOKEN, "one").await.expect(200);
    let list = json!([event("two"), event("three")]).to_string();
    let path = format!("{ACKNOWLEDGEMENTS}/by/{TOKEN}/");
    world.send(Method::POST, &path, &[], Some(list)).await.expect(200);
    for other in ["bearer", "all", "nobody", "%FF", "snb_"] {
        post(&world, other, "four").await.problem(401, "unauthorized");
    }
    // What stands in the address goes before what stands in the header.
    world.token = Some("bearer".to_owned());
    post(&world, "nobody", "four").await.problem(401, "unauthorized");
    world.token = Some(TOKEN.to_owned());
    let path = format!("{ACKNOWLEDGEMENTS}/by/{TOKEN}");
    world.send(Method::GET, &path, &[], None).await.problem(405, "method-not-allowed");
    // It reads nothing.
    world.get("/api/v1/tickets").await.problem(403, "forbidden");
    world.token = None;
    // One of some companies stays among them.
    let foreign = with(event("five"), "/company/id", json!(43)).to_string();
    let path = format!("{ACKNOWLEDGEMENTS}/by/acme");
    world.send(Method::POST, &path, &[], Some(foreign)).await.problem(403, "forbidden");
    world.finish().await;
}

#[tokio::test]
async fn a_form_is_an_event_unless_a_page_elsewhere_sends_it() {
    let mut world = world().await;
    let form = "company.id=42&company.name=Demo&equipment.name=Server4&control.id=form&\
                control.name=Disk+C%3A&control.element_type=service&control.state=CRITICAL&\
                acknowledgement.author=Ren%E9+Dupont&acknowledgement.comment=100%25+%2B+%26+%C3%A9";
    let content = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let path = format!("{ACKNOWLEDGEMENTS}/by/{TOKEN}");
    let foreign = [content, ("origin", "https://evil.example")];
    let refused = world.send(Method::POST, &path, &foreign, Some(form.to_owned())).await;
    refused.problem(415, "unsupported-media-type");
    let answer = world.send(Method::POST, &path, &[content], Some(form.to_owned())).await;
    let id = answer.expect(201)["id"].clone();
    world.token = Some("bearer".to_owned());
    let answer =
        world.send(Method::POST, ACKNOWLEDGEMENTS, &[content], Some(form.to_owned())).await;
    assert_eq!(answer.expect(200)["id"], id);
    let wrong = Some("control=a&control.id=b".to_owned());
    let answer = world.send(Method::POST, ACKNOWLEDGEMENTS, &[content], wrong).await;
    assert!(answer.problem(400, "unreadable").contains("'control'"));
    world.token = Some("all".to_owned());
    let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
    assert_eq!(row["body"]["acknowledgement"]["author"], "René Dupont");
    assert_eq!(row["body"]["acknowledgement"]["comment"], "100% + & é");
    world.finish().await;
}

#[tokio::test]
async fn no_answer_and_no_line_tells_it() {
    // A program of its own, whose log is all of it.
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let tokens = format!(
        "[log]\nfilter = 'trace,hyper=info,h2=info,reqwest=info'\n\
         [[auth.tokens]]\nname = 'a'\nhash = '{}'\nscopes = ['ingest']\nin_path = true\n\
         [[auth.tokens]]\nname = 'b'\nhash = '{}'\nscopes = ['ingest']\nin_path = true\n",
        servicenav_itop_bridge::web::hash_token(TOKEN),
        servicenav_itop_bridge::web::hash_token(OWN_SHAPE),
    );
    let config = crate::program::configuration(&world, folder.path(), &tokens);
    let said = folder.path().join("log");
    let mut serve = command(&["serve", "--config", config.to_str().unwrap()]);
    let file = std::fs::File::create(&said).unwrap();
    serve.stdout(file.try_clone().unwrap()).stderr(file);
    let mut serve = serve.spawn().unwrap();
    let base = world
        .until("the program listens", async || {
            let said = std::fs::read_to_string(&said).unwrap();
            let (_, listens) = said.split_once("the bridge listens")?;
            let (_, address) = listens.split_once("address=")?;
            Some(format!("http://{}", address.split_once(char::is_whitespace)?.0))
        })
        .await;
    for token in [TOKEN, OWN_SHAPE] {
        for (path, content) in [
            (format!("{ACKNOWLEDGEMENTS}/by/{token}"), "application/json"),
            (format!("{ACKNOWLEDGEMENTS}/by/{token}"), "text/plain"),
            (format!("{ACKNOWLEDGEMENTS}/by/{token}x"), "application/json"),
            (format!("{ACKNOWLEDGEMENTS}/by/{token}/more"), "application/json"),
            (format!("{ACKNOWLEDGEMENTS}/by/{token}?x=1"), "application/json"),
            (format!("/elsewhere/by/{token}"), "application/json"),
        ] {
            for method in [Method::POST, Method::GET] {
                let request = world.http.request(method, format!("{base}{path}"));
                let request = request.header("content-type", content).header("prefer", "wait=0");
                let answer = request.body(event("one").to_string()).send().await.unwrap();
                let answer = Answer::read(answer).await;
                let told = format!("{}{:?}", answer.text, answer.headers);
                assert!(!told.contains(token), "{path}: {told}");
            }
        }
    }
    // Of the right shape, at an address that was mistyped.
    let mistyped = format!("{base}/api/v1/acknowledgement/{TOKEN}");
    world.http.post(mistyped).send().await.unwrap();
    serve.kill().unwrap();
    serve.wait().unwrap();
    let said = std::fs::read_to_string(&said).unwrap();
    assert!(said.contains("/api/v1/acknowledgements"), "{said}");
    for token in [TOKEN, OWN_SHAPE] {
        let line = said.lines().find(|line| line.contains(token));
        assert_eq!(line, None);
    }
    world.finish().await;
}

#[tokio::test]
async fn the_command_makes_one() {
    let made = text(&output(command(&["token", "--in-path"])).await);
    assert!(made.contains("in_path = true") && made.contains("scopes = [\"ingest\"]"), "{made}");
    assert!(made.contains("/api/v1/acknowledgements/by/snb_"), "{made}");
}
