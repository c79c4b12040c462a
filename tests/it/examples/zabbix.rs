//! The script of Zabbix's media type, under node, with a stand-in of what Zabbix gives it.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{AWKWARD, Place, SENDER, is_there, read};

const STAND_IN: &str = include_str!("zabbix_stand_in.js");

/// Parameters and script of the media type.
fn media_type() -> (BTreeMap<String, String>, String) {
    let text = read("zabbix/media-type.yaml");
    let (parameters, rest) = text.split_once("      script: |\n").unwrap();
    let mut of = BTreeMap::new();
    let mut name = String::new();
    let (_, parameters) = parameters.split_once("      parameters:\n").unwrap();
    for line in parameters.lines() {
        if let Some(told) = line.strip_prefix("        - name: ") {
            told.clone_into(&mut name);
        } else if let Some(value) = line.strip_prefix("          value: ") {
            of.insert(name.clone(), value.trim_matches('\'').to_owned());
        }
    }
    let script = rest.lines().take_while(|line| line.is_empty() || line.starts_with("        "));
    let script = script.map(|line| line.strip_prefix("        ").unwrap_or(line));
    (of, script.collect::<Vec<_>>().join("\n"))
}

/// What Zabbix makes of its macros for an acknowledgement.
fn macros() -> BTreeMap<&'static str, String> {
    let actions = json!({"acknowledge": true, "message": AWKWARD, "timestamp": 1_763_713_211});
    [
        ("{EVENT.ID}", "90417"),
        ("{EVENT.NAME}", "Disk C: is full"),
        ("{EVENT.NSEVERITY}", "4"),
        ("{EVENT.OPDATA}", AWKWARD),
        ("{EVENT.VALUE}", "1"),
        ("{EVENT.DATE}", "2025.11.21"),
        ("{EVENT.TIME}", "08:14:09"),
        ("{EVENT.TIMESTAMP}", "1763712849"),
        ("{HOST.ID}", "10084"),
        ("{HOST.IP}", "10.1.2.3"),
        ("{HOST.NAME}", "Server4"),
        ("{TRIGGER.ID}", "17034"),
        ("{TRIGGER.NAME}", "Disk C:"),
        ("{TRIGGER.URL}", ""),
        ("{EVENT.UPDATE.STATUS}", "1"),
        ("{EVENT.UPDATE.ACTION}", "acknowledged, commented"),
        ("{EVENT.UPDATE.ACTIONJSON}", &actions.to_string()),
        ("{EVENT.UPDATE.DATE}", "2025.11.21"),
        ("{EVENT.UPDATE.TIME}", "08:20:11"),
        ("{EVENT.UPDATE.TIMESTAMP}", "1763713211"),
        ("{EVENT.UPDATE.MESSAGE}", &format!("{AWKWARD}\nsecond line")),
        ("{USER.USERNAME}", "rdupont"),
        ("{USER.FULLNAME}", "René Dupont (rdupont)"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// Runs the script; a macro that is not known stays as it is.
async fn run(place: &Place, url: &str, macros: &BTreeMap<&str, String>) -> Value {
    let (mut parameters, script) = media_type();
    for value in parameters.values_mut() {
        if let Some(known) = macros.get(value.as_str()) {
            value.clone_from(known);
        }
    }
    parameters.insert("bridge_url".to_owned(), url.to_owned());
    parameters.insert("bridge_token".to_owned(), SENDER.to_owned());
    parameters.insert("company_id".to_owned(), "42".to_owned());
    let input = json!({"script": script, "parameters": parameters}).to_string();
    let mut node: Command = place.engine("node");
    node.args(["-e", STAND_IN]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut node = node.spawn().unwrap();
        node.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        node.wait_with_output().unwrap()
    });
    serde_json::from_slice(&output.await.unwrap().stdout).unwrap()
}

#[tokio::test]
async fn an_acknowledgement_arrives_as_it_was_written_and_counts_once() {
    if !is_there(&["node"]) {
        return;
    }
    let place = Place::start().await;
    let url = place.world.base.clone();
    for _ in 0..2 {
        let outcome = run(&place, &format!("{url}/"), &macros()).await;
        let returned: Value = serde_json::from_str(outcome["returned"].as_str().unwrap()).unwrap();
        assert!(returned["acknowledgement"].is_number(), "{outcome}");
    }
    let row = place.created("17034").await;
    let body = &row["body"];
    let comment = format!("{AWKWARD}\nsecond line");
    assert_eq!(body["acknowledgement"]["comment"], comment);
    assert_eq!(body["acknowledgement"]["author"]["name"], "René Dupont (rdupont)");
    assert_eq!(body["control"]["output"], AWKWARD);
    // By which a hook writes the ticket's number into the problem.
    assert_eq!(body["source"]["reference"], "90417");
    assert_eq!(row["warnings"], json!([]), "{row}");
    for line in [&comment, AWKWARD, "René Dupont"] {
        place.shows(&row, line).await;
    }
    // Before 7.0 neither is told.
    let mut old = macros();
    old.retain(|name, _| !name.contains("TIMESTAMP") && !name.contains("JSON"));
    old.insert("{TRIGGER.ID}", "17035".to_owned());
    let outcome = run(&place, &url, &old).await;
    assert!(outcome["returned"].is_string(), "{outcome}");
    place.created("17035").await;
    place.world.finish().await;
}

#[tokio::test]
async fn what_is_no_acknowledgement_sends_nothing() {
    if !is_there(&["node"]) {
        return;
    }
    let place = Place::start().await;
    let with = |name: &'static str, value: &str| {
        let mut macros = macros();
        if name == "{EVENT.UPDATE.ACTION}" {
            macros.remove("{EVENT.UPDATE.ACTIONJSON}");
        }
        macros.insert(name, value.to_owned());
        macros
    };
    for (name, value) in [
        // A new problem; and what a hook of the bridge writes.
        ("{EVENT.UPDATE.STATUS}", "0"),
        ("{EVENT.UPDATE.ACTIONJSON}", r#"{"message":"acknowledged: I-000109","timestamp":1}"#),
        ("{EVENT.UPDATE.ACTIONJSON}", r#"{"unacknowledge":true,"timestamp":1}"#),
        ("{EVENT.UPDATE.ACTION}", "commented"),
        ("{EVENT.UPDATE.ACTION}", "unacknowledged"),
        ("{EVENT.UPDATE.ACTION}", "changed severity from Warning to High, closed"),
    ] {
        // Nobody listens there: what was sent would be thrown.
        let outcome = run(&place, "http://127.0.0.1:9", &with(name, value)).await;
        assert_eq!(outcome["returned"], "no acknowledgement", "{name} {value}: {outcome}");
    }
    assert!(place.rows().await.is_empty());
    place.world.finish().await;
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_and_what_is_refused_is_not() {
    if !is_there(&["node"]) {
        return;
    }
    let place = Place::start().await;
    let outcome = run(&place, "http://127.0.0.1:9", &macros()).await;
    assert!(outcome["thrown"].as_str().unwrap().contains("cannot get URL"), "{outcome}");
    // Something else than the bridge answers.
    let elsewhere = format!("{}/elsewhere", place.world.base);
    let outcome = run(&place, &elsewhere, &macros()).await;
    assert!(outcome["thrown"].as_str().unwrap().contains("status 404"), "{outcome}");
    let mut nameless = macros();
    nameless.insert("{HOST.NAME}", String::new());
    nameless.insert("{HOST.ID}", String::new());
    let outcome = run(&place, &place.world.base, &nameless).await;
    assert!(outcome["returned"].as_str().unwrap().starts_with("refused: "), "{outcome}");
    assert_eq!(place.rows().await[0]["state"], "rejected");
    place.world.finish().await;
}

#[test]
fn the_script_is_one_that_zabbix_reads() {
    let (parameters, script) = media_type();
    // Its JavaScript is that of 2009.
    for new in ["=>", "let ", "const ", "`", "...", "class ", "??"] {
        assert!(!script.contains(new), "{new}");
    }
    let asked: Vec<_> =
        script.split("told('").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    assert!(asked.len() > 20);
    for name in asked {
        assert!(parameters.contains_key(name), "{name} is no parameter");
    }
}
