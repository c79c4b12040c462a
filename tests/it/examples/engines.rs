//! Engines that run a command for each notification: macros are expanded as each engine does it.

use std::{collections::BTreeMap, ffi::OsStr, os::unix::ffi::OsStrExt as _, process::Command};

use super::{AWKWARD, Place, read, succeeds};

/// A service of this host that was acknowledged, by the names of the macros.
fn acknowledged(host: &'static str) -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("NOTIFICATIONTYPE", "ACKNOWLEDGEMENT"),
        ("NOTIFICATIONAUTHOR", "jdupont"),
        ("NOTIFICATIONCOMMENT", AWKWARD),
        ("TIMET", "1763713000"),
        ("HOSTNAME", host),
        ("HOSTADDRESS", "10.1.2.3"),
        ("HOSTSTATE", "UP"),
        ("SERVICEDESC", "Disk C:"),
        ("SERVICESTATE", "CRITICAL"),
        ("SERVICEOUTPUT", AWKWARD),
        ("LONGSERVICEOUTPUT", "free: 3 GB\\nof: 99 GB"),
        ("LASTSERVICESTATECHANGE", "1763712849"),
        ("_HOSTCOMPANY", "Demo"),
        ("_HOSTCOMPANY_ID", "42"),
    ])
}

/// The command line of a command, from a file of objects.
fn command_line(file: &str, command: &str) -> String {
    let text = read(file);
    let of_it = text.split("define command").find(|object| {
        object.lines().any(|line| line.split_whitespace().eq(["command_name", command]))
    });
    let line = of_it.unwrap().lines().find_map(|line| line.trim().strip_prefix("command_line"));
    line.unwrap().trim().to_owned()
}

#[tokio::test]
async fn nagios_naemon_servicenav_and_centreon_by_the_environment() {
    let place = Place::start().await;
    for (file, host, product) in [
        ("nagios/commands.cfg", "nagios-host", "Nagios"),
        ("servicenav/commands.cfg", "servicenav-host", "ServiceNav"),
        ("centreon/commands.cfg", "centreon-host", "Centreon"),
    ] {
        let line = place.here(&command_line(file, "acknowledgement-to-itop"));
        // Nagios gives the line to a shell, Centreon splits it by itself: there is nothing in it to read.
        let mut command = if product == "Centreon" {
            let mut words = line.split(' ');
            let mut command = place.engine(words.next().unwrap());
            command.args(words);
            command
        } else {
            let mut command = place.engine("/bin/sh");
            command.args(["-c", &line]);
            command
        };
        for (name, value) in acknowledged(host) {
            command.env(format!("NAGIOS_{name}"), value);
        }
        // An alias in Latin-1, as old configurations have it.
        command.env("NAGIOS_NOTIFICATIONAUTHORALIAS", OsStr::from_bytes(b"Ren\xe9 Dupont"));
        succeeds(command).await;
        let row = place.created(&format!("{host}!Disk C:")).await;
        let body = &row["body"];
        assert_eq!(body["source"]["product"], product);
        assert_eq!(body["company"]["id"], "42");
        assert_eq!(body["acknowledgement"]["comment"], AWKWARD);
        assert_eq!(body["acknowledgement"]["author"]["name"], "René Dupont");
        let output = format!("{AWKWARD}\nfree: 3 GB\nof: 99 GB");
        assert_eq!(body["control"]["output"], output);
        place.shows(&row, &output).await;
        place.shows(&row, "René Dupont").await;
    }
    place.world.finish().await;
}

#[tokio::test]
async fn centreon_by_arguments() {
    let place = Place::start().await;
    let file = "centreon/commands.cfg";
    let text = read(file);
    let illegal = text.lines().find_map(|line| {
        line.trim_start_matches(['#', ' ']).strip_prefix("illegal_macro_output_chars=")
    });
    let illegal = illegal.unwrap();
    let mut line = place.here(&command_line(file, "acknowledgement-to-itop-by-arguments"));
    let macros = acknowledged("centreon-host");
    for (name, value) in &macros {
        line = line.replace(&format!("${name}$"), &value.replace(|c| illegal.contains(c), ""));
    }
    let mut command = place.engine("/bin/sh");
    command.args(["-c", &line]);
    succeeds(command).await;
    let row = place.created("centreon-host!Disk C:").await;
    let arrives = AWKWARD.replace(['\'', '\\'], "");
    assert_eq!(row["body"]["acknowledgement"]["comment"], arrives);
    assert_eq!(row["body"]["control"]["output"], arrives);
    place.shows(&row, &arrives).await;
    place.world.finish().await;
}

/// Icinga's command and environment, with these values of its macros; one that it does not know is empty.
fn icinga(place: &Place, values: &BTreeMap<&str, &str>) -> Command {
    let text = place.here(&read("icinga2/notification.conf"));
    let between = |begin: &str, end: &str| {
        let (_, rest) = text.split_once(begin).unwrap();
        rest.split_once(end).unwrap().0.to_owned()
    };
    let command = between("command = [", "]");
    let words: Vec<_> = command.split('"').skip(1).step_by(2).collect();
    let mut command = place.engine(words[0]);
    command.args(&words[1..]);
    for line in between("env = {", "\n  }").lines().filter(|line| line.contains('=')) {
        let (name, value) = line.split_once(" = ").unwrap();
        let named = value.trim().trim_matches('"').trim_matches('$');
        command.env(name.trim(), values.get(named).copied().unwrap_or_default());
    }
    command
}

#[tokio::test]
async fn icinga_by_a_notification_command() {
    let place = Place::start().await;
    let mut values = BTreeMap::from([
        ("notification.type", "ACKNOWLEDGEMENT"),
        ("notification.author", "Zoé Martin"),
        ("notification.comment", AWKWARD),
        ("icinga.timet", "1763713000"),
        ("host.name", "Server4"),
        ("host.state", "UP"),
        ("host.vars.company", "Demo"),
        ("service.name", "disk"),
        ("service.display_name", "Disk C:"),
        ("service.state", "CRITICAL"),
        ("service.output", AWKWARD),
        ("service.last_state_change", "1763712849.123456"),
    ]);
    succeeds(icinga(&place, &values)).await;
    let row = place.created("Server4!disk").await;
    assert_eq!(row["body"]["acknowledgement"]["comment"], AWKWARD);
    assert_eq!(row["body"]["control"]["name"], "Disk C:");
    assert_eq!(row["warnings"], serde_json::json!([]), "{row}");
    place.shows(&row, AWKWARD).await;
    place.shows(&row, "Zoé Martin").await;

    // Of a host, with an output of several lines.
    values.retain(|name, _| !name.starts_with("service."));
    let lines = format!("{AWKWARD}\nsecond line");
    values.extend([("host.state", "DOWN"), ("host.output", lines.as_str())]);
    succeeds(icinga(&place, &values)).await;
    let row = place.created("Server4").await;
    assert_eq!(row["body"]["control"]["output"], lines);
    place.shows(&row, &lines).await;

    // Whatever else it is called for is no acknowledgement.
    for kind in ["PROBLEM", "CUSTOM", "DOWNTIMESTART", "FLAPPINGEND"] {
        values.insert("notification.type", kind);
        assert!(succeeds(icinga(&place, &values)).await.contains("no acknowledgement"), "{kind}");
    }
    assert_eq!(place.rows().await.len(), 2);
    place.world.finish().await;
}
