//! The examples of docs/hooks.md can be used as they stand.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Hook, load},
    domain::{
        hook_body::{HookBody, members, sample},
        hook_event::HookEvent,
    },
    secret::Secret,
};

use super::{
    receiver::{Receiver, Reply},
    world,
};
use crate::world::{event, with};

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hooks.md")).unwrap()
}

/// The examples of a language, without their indentation.
fn examples(language: &str) -> Vec<String> {
    let text = document();
    let mut examples = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        match (&mut open, trimmed) {
            (Some(lines), "```") => {
                examples.push(lines.join("\n"));
                open = None;
            }
            (Some(lines), _) => lines.push(line),
            (None, _) if trimmed == format!("```{language}") => open = Some(Vec::new()),
            (None, _) => {}
        }
    }
    examples
}

/// All hooks of the document, by a configuration that has nothing else, with secrets that are no files.
fn hooks() -> Vec<Hook> {
    let mut hooks = Vec::new();
    for example in examples("toml") {
        let plain = |line: &str| match line.split_once(" = ") {
            Some(("url_file", _)) => "url = 'https://receiver.example/s3cret'".to_owned(),
            Some(("token_file", _)) => "token = 't0ken'".to_owned(),
            Some(("secret_file", _)) => format!("secret = '{}'", super::SECRET),
            _ => line.to_owned(),
        };
        let plain: Vec<_> = example.lines().map(plain).collect();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let itop = "[itop]\nurl = 'https://itop.example/'\nuser = 'u'\npassword = 'p'\n";
        fs::write(&file, format!("{itop}{}", plain.join("\n"))).unwrap();
        let config = load(Some(&file), []).unwrap_or_else(|error| panic!("{example}\n{error}"));
        assert_eq!(config.hooks.len(), 1, "{example}");
        hooks.extend(config.hooks);
    }
    hooks
}

#[test]
fn each_example_of_a_hook_can_be_used() {
    let hooks = hooks();
    let names: Vec<_> = hooks.iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(names, ["noc", "slack", "mattermost", "teams", "zabbix", "servicenav"]);
    for hook in &hooks {
        let body =
            HookBody::new(hook.template.as_deref(), &hook.content_type, &hook.events).unwrap();
        for event in &hook.events {
            let text = body.render(&sample(*event, true)).unwrap().unwrap();
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }
}

/// The members of a value, without what they say.
fn names(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), names(member))).collect()
        }
        _ => Value::Null,
    }
}

#[test]
fn the_message_of_the_document_is_one() {
    let shown: Value = serde_json::from_str(&examples("json")[0]).unwrap();
    let mut expected = members();
    // What an event does not have is null as a whole.
    expected["site"] = Value::Null;
    // Of iTop nothing is said.
    expected["ticket"].as_object_mut().unwrap().remove("desk");
    expected["gate"] = Value::Null;
    expected["acknowledgement"]["problem"] = Value::Null;
    assert_eq!(names(&shown["data"]), expected);
    let text = document();
    for event in HookEvent::ALL {
        assert!(text.contains(&format!("`{}`", event.as_str())), "{}", event.as_str());
    }
}

#[tokio::test]
async fn receivers_get_what_the_examples_say() {
    let receiver = Receiver::start().await;
    receiver.answers(|_| Reply::ok());
    let mut hooks = hooks();
    for hook in &mut hooks {
        hook.url = Some(Secret::new(format!("{}/{}", receiver.url, hook.name)));
        hook.instance = None;
    }
    let world = world(|config| config.hooks = hooks).await;
    let first = with(event("a"), "/source/reference", json!("90417"));
    let made = world.acknowledge(&first).await.expect(201);
    let number = made["ticket"]["ref"].as_str().unwrap();
    let unlinked = with(event("waits"), "/company", json!({"id": 9, "name": "New"}));
    world.acknowledge(&unlinked).await.expect(202);
    let id = world.itop.tickets().await.unwrap()[0].id;
    world.itop.apply_stimulus("Incident", id, "ev_assign").await.unwrap();
    world.clock.advance(Duration::from_mins(2));
    // What each is to be told: created, blocked, another status.
    let expected: BTreeMap<_, _> = [
        ("noc", 1),
        ("slack", 1),
        ("mattermost", 2),
        ("teams", 2),
        ("zabbix", 2),
        ("servicenav", 2),
    ]
    .into();
    let told = world
        .until("all are told", async || {
            let mut told = BTreeMap::<String, Vec<Value>>::new();
            for post in receiver.posts() {
                told.entry(post.name()).or_default().push(post.body);
            }
            let counts: BTreeMap<_, _> =
                told.iter().map(|(name, bodies)| (name.as_str(), bodies.len())).collect();
            (counts == expected).then_some(told)
        })
        .await;
    let slack = told["slack"][0]["text"].as_str().unwrap();
    assert!(slack.starts_with(":warning: *Disk C:* of New has no ticket: "), "{slack}");
    let said = |name: &str, member: &str| -> Vec<String> {
        let bodies = told[name].iter();
        bodies.map(|body| body.pointer(member).unwrap().as_str().unwrap().to_owned()).collect()
    };
    let mattermost = said("mattermost", "/text");
    let new = format!("**{number}** Disk C:: new http");
    assert!(mattermost[0].starts_with(&new), "{mattermost:?}");
    assert!(mattermost[1].contains(" Disk C:: assigned, "), "{mattermost:?}");
    let teams = said("teams", "/attachments/0/content/body/0/text");
    assert!(teams.contains(&format!("Disk C:: {number}")), "{teams:?}");
    assert!(teams.contains(&"Disk C:: no ticket".to_owned()), "{teams:?}");
    // Zabbix is only told a message, of the problem that was acknowledged.
    for body in &told["zabbix"] {
        assert_eq!(body["method"], "event.acknowledge");
        assert_eq!(
            (&body["params"]["eventids"], &body["params"]["action"]),
            (&json!("90417"), &json!(4))
        );
        assert!(body["params"]["message"].as_str().unwrap().contains(number), "{body}");
    }
    let servicenav = &told["servicenav"];
    assert_eq!(servicenav[0]["control_id"], "control-a");
    assert_eq!(
        (&servicenav[0]["status"], &servicenav[1]["status"]),
        (&json!("new"), &json!("assigned"))
    );
    assert_eq!(told["noc"][0]["type"], "acknowledgement.blocked");
    world.finish().await;
}
