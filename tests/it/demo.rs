//! The demo as an evaluator meets it: the real program.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::command;

/// What the demo says until it has told its address, and where it then is.
struct Demo {
    child: std::process::Child,
    base: String,
    token: Option<String>,
}

impl Demo {
    fn start(listen: &str) -> Self {
        Self::of_desk(listen, "itop")
    }

    fn of_desk(listen: &str, desk: &str) -> Self {
        let (anywhere, shown) = ("127.0.0.1:0", ["demo", "--listen", listen, "--desk", desk]);
        let beside = ["--sandbox-listen", anywhere, "--salesforce-listen", anywhere];
        let mut child = command(&[&shown[..], &beside[..]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().expect("the demo says something");
        let base =
            first.strip_prefix("The console: ").expect(&first).trim_end_matches('/').to_owned();
        let guide: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with("Ctrl-C")).collect();
        let token = guide.iter().find_map(|line| line.strip_prefix("Sign in with the token "));
        Self { child, base, token: token.map(str::to_owned) }
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.1).unwrap()
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let request = http().get(format!("{}{path}", self.base));
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

fn http() -> reqwest::Client {
    let http = reqwest::Client::builder().no_proxy();
    http.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_has_a_day_behind_it() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let demo = Demo::start("127.0.0.1:0");
    let (status, board) = demo.get("/?group=all").await;
    assert_eq!(status, 200);
    for seen in ["srv-imagerie", "Waits for a link", "Assigned", "Pending", "Resolved", "Closed"] {
        assert!(board.contains(seen), "{seen}");
    }
    let (_, inbox) = demo.get("/api/v1/acknowledgements?limit=100").await;
    let inbox: Value = serde_json::from_str(&inbox).unwrap();
    let seen: Vec<_> = inbox["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["state"].as_str().unwrap())
        .collect();
    let count = |state: &str| seen.iter().filter(|seen| **seen == state).count();
    assert_eq!((count("created"), count("failed"), count("blocked")), (26, 1, 2), "{seen:?}");
    let (_, figures) = demo.get("/api/v1/tickets/summary").await;
    let figures: Value = serde_json::from_str(&figures).unwrap();
    let hours = figures["hours"].as_array().expect("hours");
    assert!(hours.iter().filter(|hour| hour["tickets"] != 0).count() >= 15, "{figures}");
    let (_, equipment) = demo.get("/api/v1/equipment?limit=100").await;
    let equipment: Value = serde_json::from_str(&equipment).unwrap();
    let rows = equipment["items"].as_array().unwrap();
    let count = |state: &str| rows.iter().filter(|row| row["state"] == state).count();
    assert_eq!((count("synchronized"), count("failed")), (28, 2), "{equipment}");
    let (_, page) = demo.get("/equipment").await;
    for seen in [
        "30 pieces, 28 in iTop, 2 failed",
        "srv-intranet",
        "Another piece of equipment has this name",
        "vm-dossier-patient",
    ] {
        assert!(page.contains(seen), "{seen}");
    }
    demo.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_loopback_the_demo_wants_the_token_that_it_prints() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut demo = Demo::start("0.0.0.0:0");
    assert_eq!(demo.get("/").await.0, 200);
    assert!(demo.token.take().is_some());
    assert_eq!(demo.get("/").await.0, 303);
    assert_eq!(demo.get("/api/v1/tickets").await.0, 401);
    demo.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_the_same_day_with_salesforce_alone_and_beside_itop() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // How many tickets of which ticket system, and which pieces of equipment.
    for (desk, cases, incidents, pieces) in [("salesforce", 26, 0, 0), ("both", 14, 12, 17)] {
        let demo = Demo::of_desk("127.0.0.1:0", desk);
        let inbox = demo.json("/api/v1/acknowledgements?limit=100").await;
        let rows = inbox["items"].as_array().unwrap();
        let count = |state: &str| rows.iter().filter(|row| row["state"] == state).count();
        assert_eq!((count("created"), count("failed"), count("blocked")), (26, 1, 2), "{rows:?}");
        assert!(rows.iter().all(|row| row["warnings"] == serde_json::json!([])), "{rows:?}");
        let of = |is_case: bool| {
            let made = rows.iter().filter(|row| row["state"] == "created");
            made.filter(|row| (row["ticket"]["class"] == "Case") == is_case).count()
        };
        assert_eq!((of(true), of(false)), (cases, incidents), "{desk}");
        let equipment = demo.get("/api/v1/equipment?limit=100").await;
        let equipment: Value = serde_json::from_str(&equipment.1).unwrap();
        assert_eq!(equipment["items"].as_array().map_or(0, Vec::len), pieces, "{desk}");

        // The link of a Case leads to its page; what is done there shows on the board.
        let tickets = demo.json("/api/v1/tickets?q=db01&open=true").await;
        let open = &tickets["items"][0];
        assert_eq!(open["ticket"]["class"], "Case", "{tickets}");
        let url = open["ticket"]["url"].as_str().unwrap();
        let page = http().get(url).send().await.unwrap();
        assert_eq!(page.status(), 200, "{url}");
        let page = page.text().await.unwrap();
        assert!(page.contains(open["ticket"]["ref"].as_str().unwrap()), "{page}");
        let pressed = http().post(url).body("status=Closed").send().await.unwrap();
        assert_eq!(pressed.status(), 303);
        let control = open["control"]["id"].as_str().unwrap();
        let path = format!("/api/v1/controls/{control}/ticket");
        loop {
            let now = demo.json(&path).await;
            if now["ticket"]["status"] == "Closed" && now["ticket"]["open"] == false {
                break;
            }
            tokio::task::yield_now().await;
        }
        demo.stop();
    }
}
