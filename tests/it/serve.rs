//! The program itself: what it says first, and which database it takes.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The program, with nothing in its environment but what is needed; it stands in `folder`.
fn serve(folder: &Path, state: &Path) -> Child {
    let config = folder.join("bridge.toml");
    let text = "[server]\nlisten = '127.0.0.1:0'\n[itop]\nurl = 'http://127.0.0.1:1/'\n\
                user = 'bridge'\npassword = 'secret'\n";
    std::fs::write(&config, text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_servicenav-itop-bridge"))
        .args(["serve", "--config"])
        .arg(config)
        .current_dir(folder)
        .env_clear()
        .env("STATE_DIRECTORY", state)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_first_line_names_what_is_served() {
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The folder is made with the database.
    let state = state.path().join("bridge");
    for _ in 0..2 {
        let mut bridge = serve(folder.path(), &state);
        let mut lines = BufReader::new(bridge.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        bridge.kill().unwrap();
        bridge.wait().unwrap();
        let database = state.join("servicenav-itop-bridge.db").canonicalize().unwrap();
        let config = folder.path().join("bridge.toml").canonicalize().unwrap();
        for part in [
            config.display().to_string(),
            database.display().to_string(),
            "acknowledgements=0".to_owned(),
            "itop=\"http://127.0.0.1:1/\"".to_owned(),
        ] {
            assert!(first.contains(&part), "{part} in {first}");
        }
        assert!(!first.contains("secret"), "{first}");
    }
    assert!(!folder.path().join("servicenav-itop-bridge.db").exists());
}

#[test]
fn a_database_that_an_earlier_version_has_left_stops_it() {
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let earlier = folder.path().join("servicenav-itop-bridge.db");
    std::fs::write(&earlier, "").unwrap();
    let ended = serve(folder.path(), state.path()).wait_with_output().unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8(ended.stderr).unwrap();
    let database = state.path().join("servicenav-itop-bridge.db");
    for path in [&earlier.canonicalize().unwrap(), &database] {
        assert!(said.contains(&path.display().to_string()), "{said}");
    }
    assert!(!database.exists());
}
