//! `send`: from what an engine says to a ticket, whatever becomes of the bridge meanwhile.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use servicenav_itop_bridge::sender::Spool;

use crate::{
    program::{command, output, text},
    world::{ACKNOWLEDGEMENTS, World, event, with},
};

/// What breaks shells, JSON, forms and databases, and is only text.
const AWKWARD: &str = "it's \"97 %\" used & $HOME + 50%25 \\ `id` <b>é€😀</b> ; | end";

/// `send` to this bridge; nothing listens on port 9.
fn send(base: &str, spool: &Path, arguments: &[&str]) -> Command {
    let mut command = command(&["send", "--url", base, "--spool", spool.to_str().unwrap()]);
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.as_bytes().starts_with(b"NAGIOS_") {
            command.env_remove(name);
        }
    }
    command
}

/// A service of `host`, acknowledged, as Nagios puts it into the environment.
fn acknowledged(command: &mut Command, host: &str) {
    command.envs([
        ("NAGIOS_NOTIFICATIONTYPE", "ACKNOWLEDGEMENT"),
        ("NAGIOS_HOSTNAME", host),
        ("NAGIOS_SERVICEDESC", "Disk C:"),
        ("NAGIOS_SERVICESTATE", "CRITICAL"),
        ("NAGIOS_SERVICEOUTPUT", AWKWARD),
        ("NAGIOS_LASTSERVICESTATECHANGE", "1763712849"),
        ("NAGIOS_SERVICEPROBLEMID", "4711"),
        ("NAGIOS_NOTIFICATIONAUTHORNAME", "jdupont"),
        ("NAGIOS_NOTIFICATIONCOMMENT", AWKWARD),
        ("NAGIOS__HOSTCOMPANY", "Demo"),
        ("NAGIOS__HOSTCOMPANY_ID", "42"),
    ]);
}

async fn succeeds(command: Command) -> String {
    let output = output(command).await;
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

/// The rows of the inbox by what they are about, oldest first.
async fn rows(world: &World) -> BTreeMap<String, Vec<Value>> {
    let list = world.get(&format!("{ACKNOWLEDGEMENTS}?limit=1000")).await.expect(200);
    let mut rows = BTreeMap::<String, Vec<Value>>::new();
    for row in list["items"].as_array().unwrap().iter().rev() {
        let control = row["control"]["id"].as_str().unwrap_or_default();
        rows.entry(control.to_owned()).or_default().push(row.clone());
    }
    rows
}

fn files(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    files.filter(|name| name.to_string_lossy().ends_with(".json")).count()
}

#[tokio::test]
async fn what_is_written_arrives() {
    let world = World::linked().await;
    let spool = tempfile::tempdir().unwrap();
    let mut sent = send(&world.base, spool.path(), &["--engine", "nagios"]);
    acknowledged(&mut sent, "Server4");
    sent.env("NAGIOS_NOTIFICATIONAUTHORALIAS", OsStr::from_bytes(b"Ren\xe9 Dupont"));
    sent.env("NAGIOS_LONGSERVICEOUTPUT", "one\\ntwo");
    succeeds(sent).await;
    let rows = rows(&world).await;
    let row = world.until_state(&rows["Server4!Disk C:"][0]["id"], "created").await;
    let body = &row["body"];
    assert_eq!(body["acknowledgement"]["comment"], AWKWARD);
    assert_eq!(body["acknowledgement"]["author"]["name"], "René Dupont");
    assert_eq!(body["control"]["output"], format!("{AWKWARD}\none\ntwo"));
    let ticket = &world.itop.tickets().await.unwrap()[0];
    let shown = "it's \"97 %\" used &amp; $HOME + 50%25 \\ `id` &lt;b&gt;é€😀&lt;/b&gt; ; | end";
    let shown = [shown.to_owned(), shown.replace('"', "&quot;").replace('\'', "&#39;")];
    assert!(shown.iter().any(|shown| ticket.description.contains(shown)), "{}", ticket.description);
    assert_eq!(files(spool.path()), 0);
    world.finish().await;
}

#[tokio::test]
async fn arguments_and_members_are_taken_as_the_environment_is() {
    let world = World::linked().await;
    let spool = tempfile::tempdir().unwrap();
    let arguments = [
        "--engine",
        "icinga",
        "--set",
        "company.id=42",
        "--set",
        "team=Helpdesk",
        "NOTIFICATIONTYPE=ACKNOWLEDGEMENT",
        "HOSTNAME=Server4",
        "HOSTSTATE=DOWN",
        "HOSTOUTPUT=a=b",
        "NOTIFICATIONAUTHOR=",
        "SERVICEDESC=",
    ];
    succeeds(send(&world.base, spool.path(), &arguments)).await;
    let rows = rows(&world).await;
    let row = world.until_state(&rows["Server4"][0]["id"], "created").await;
    assert_eq!(row["body"]["control"]["output"], "a=b");
    assert_eq!(row["body"]["team"], "Helpdesk");
    assert_eq!(row["body"]["acknowledgement"]["author"]["name"], "unknown");
    world.finish().await;
}

#[tokio::test]
async fn a_notification_that_acknowledges_nothing_is_not_sent() {
    let world = World::linked().await;
    let spool = tempfile::tempdir().unwrap();
    let mut problem = send(&world.base, spool.path(), &["--engine", "nagios"]);
    acknowledged(&mut problem, "Server4");
    problem.env("NAGIOS_NOTIFICATIONTYPE", "PROBLEM");
    assert!(succeeds(problem).await.contains("PROBLEM is no acknowledgement"));
    // What cannot be an event is said, with a code that the command definition chooses.
    let nothing = send(&world.base, spool.path(), &["--engine", "nagios", "--failure-code", "7"]);
    let nothing = output(nothing).await;
    assert_eq!(nothing.status.code(), Some(7));
    assert!(text(&nothing).contains("NAGIOS_NOTIFICATIONTYPE"), "{}", text(&nothing));
    assert!(rows(&world).await.is_empty());
    world.finish().await;
}

#[tokio::test]
async fn what_waits_is_sent_once_and_in_order() {
    let mut world = World::linked().await;
    let spool = tempfile::tempdir().unwrap();
    world.stop_bridge().await;
    let away = "http://127.0.0.1:9";
    for (host, comment) in [("web1", "first"), ("web2", "only"), ("web1", "second")] {
        let mut sent = send(away, spool.path(), &["--engine", "nagios", "--timeout", "1s"]);
        acknowledged(&mut sent, host);
        sent.env("NAGIOS_NOTIFICATIONCOMMENT", comment);
        let said = succeeds(sent).await;
        assert!(said.contains("kept in") && said.contains("does not answer"), "{said}");
    }
    assert_eq!(files(spool.path()), 3);
    let still = output(send(away, spool.path(), &["--flush", "--timeout", "1s"])).await;
    assert!(!still.status.success() && text(&still).contains("3 wait"), "{}", text(&still));

    world.start_bridge().await;
    succeeds(send(&world.base, spool.path(), &["--flush"])).await;
    assert_eq!(files(spool.path()), 0);
    let rows = rows(&world).await;
    let comments =
        |control: &str| -> Vec<_> { rows[control].iter().map(|row| row["id"].clone()).collect() };
    for (control, wanted) in
        [("web1!Disk C:", vec!["first", "second"]), ("web2!Disk C:", vec!["only"])]
    {
        let mut found = Vec::new();
        for id in comments(control) {
            let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
            found.push(row["body"]["acknowledgement"]["comment"].as_str().unwrap().to_owned());
        }
        assert_eq!(found, wanted);
    }
    world.finish().await;
}

#[tokio::test]
async fn senders_that_are_killed_and_overlap_send_each_event_once() {
    const EVENTS: usize = 60;
    let world = World::linked().await;
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    for number in 0..EVENTS {
        let event = with(event(&format!("k{number}")), "/equipment", Value::Null);
        let event = with(event, "/control/element_type", json!("user_service"));
        spool.keep(event.to_string().as_bytes()).unwrap();
    }
    // Each is killed when it has sent some more.
    for at_least in [10, 25, 40] {
        let mut killed = send(&world.base, folder.path(), &["--flush"]).spawn().unwrap();
        world
            .until("some are sent", async || {
                (files(folder.path()) <= EVENTS - at_least).then_some(())
            })
            .await;
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    let rest = (0..3).map(|_| output(send(&world.base, folder.path(), &["--flush"])));
    for output in futures_util::future::join_all(rest).await {
        assert!(output.status.success(), "{}", text(&output));
    }
    assert_eq!(files(folder.path()), 0);
    let rows = rows(&world).await;
    assert_eq!(rows.len(), EVENTS);
    assert!(rows.values().all(|rows| rows.len() == 1), "{rows:#?}");
    for rows in rows.values() {
        world.until_state(&rows[0]["id"], "created").await;
    }
    assert_eq!(world.itop.tickets().await.unwrap().len(), EVENTS);
    world.finish().await;
}

#[tokio::test]
async fn what_the_bridge_refuses_stops_nothing_else() {
    let world = World::linked().await;
    let spool = tempfile::tempdir().unwrap();
    let input = async |input: String, arguments: &[&str]| -> Output {
        let mut sent = send(&world.base, spool.path(), arguments);
        let file = spool.path().join("input");
        std::fs::write(&file, input).unwrap();
        sent.stdin(std::fs::File::open(&file).unwrap());
        output(sent).await
    };
    // Not JSON, no company, and what is right: a row for each.
    let broken = input(r#"{"event_id": "broken, "company": "Demo"}"#.to_owned(), &[]).await;
    assert!(broken.status.success() && text(&broken).contains("refused"), "{}", text(&broken));
    let list = json!([with(event("none"), "/company", Value::Null), event("right")]);
    let mixed = input(list.to_string(), &["--set", "site.name=Lyon"]).await;
    assert!(mixed.status.success() && text(&mixed).contains("refused: 422"), "{}", text(&mixed));
    let rows = rows(&world).await;
    assert_eq!(rows["control-none"][0]["state"], "rejected");
    assert_eq!(rows[""][0]["state"], "rejected");
    let right = world.until_state(&rows["control-right"][0]["id"], "created").await;
    assert_eq!(right["body"]["site"]["name"], "Lyon");
    assert_eq!((files(spool.path()), files(&spool.path().join("refused"))), (0, 2));
    world.finish().await;
}

#[tokio::test]
async fn without_a_place_for_the_spool_it_is_sent_all_the_same() {
    let world = World::linked().await;
    let spool = Path::new("/proc/no-spool");
    let mut sent = send(&world.base, spool, &["--engine", "nagios"]);
    acknowledged(&mut sent, "Server4");
    assert!(succeeds(sent).await.contains("the spool /proc/no-spool"));
    assert_eq!(rows(&world).await["Server4!Disk C:"].len(), 1);
    let mut lost = send("http://127.0.0.1:9", spool, &["--engine", "nagios", "--timeout", "1s"]);
    acknowledged(&mut lost, "Server4");
    assert_eq!(output(lost).await.status.code(), Some(1));
    world.finish().await;
}
