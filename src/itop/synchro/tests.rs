//! The answers of a running iTop, read as the doors read them.

use serde_json::Value;

use super::{Counters, DoorError, Loaded, Outcome, export, import, load, page, run};
use crate::{
    itop::ItopError,
    outgoing::{Raw, Redactor},
};

/// A recorded case.
fn case(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/itop/sync");
    let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let is_named = |path: &std::path::PathBuf| {
        path.file_stem().unwrap().to_str().unwrap().split_once('-').unwrap().1 == name
    };
    let path = names.into_iter().find(is_named).unwrap();
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn raw(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Raw {
    Raw { redactor: Redactor::new(["s3cret"]), ..Raw::of(status, content_type, body) }
}

fn recorded(name: &str) -> (Raw, usize) {
    let case = case(name);
    let response = &case["response"];
    let status = response["status"].as_u64().unwrap().try_into().unwrap();
    let body = &response["body"];
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    // The recordings synchronize; the bridge never does in the same request.
    let body = match body.find("#Updated (before synchro): ") {
        Some(last) => {
            let line = body[last..].lines().next().unwrap().split("<p>").next().unwrap();
            body[..last].replace("Synchronize: 1", "Synchronize: 0") + line
        }
        None => body,
    };
    let rows = case["request"]["form"]["csvdata"].as_str().unwrap_or_default();
    let rows = csv_rows(rows);
    (raw(status, response["content_type"].as_str().unwrap(), body), rows)
}

/// Rows of a file with quoted line breaks.
fn csv_rows(text: &str) -> usize {
    let mut quoted = false;
    let breaks = text.chars().filter(|c| {
        quoted ^= *c == '"';
        *c == '\n' && !quoted
    });
    breaks.count().saturating_sub(1)
}

fn loaded(name: &str) -> Result<Loaded, DoorError> {
    let (raw, rows) = recorded(name);
    let (raw, text) = page::text(Ok(raw))?;
    load::read(&raw, &text, "1", rows)
}

fn ran(body: &str) -> Result<Counters, DoorError> {
    let (raw, text) = page::text(Ok(raw(200, "text/html", body)))?;
    run::read(&raw, &text, "7")
}

/// What `synchro_exec.php` would say of a recorded run.
fn exec_of(name: &str) -> String {
    let case = case(name);
    let body = case["response"]["body"].as_str().unwrap();
    let mut page = "<p>Working on lab servers (id=1)...</p>".to_owned();
    for said in body.split("<p>").skip(1).filter_map(|part| part.split_once("</p>")) {
        page.extend(["<p>", said.0, "</p>"]);
    }
    let (_, summary) = body.split_once("Synchronization phase summary<br/>").unwrap();
    for line in summary.lines().filter_map(|line| line.trim().strip_prefix('#')) {
        page.extend(["<p>", line.trim_end_matches("<br/>"), "</p>"]);
    }
    page
}

#[test]
fn a_load_says_what_it_did() {
    let three = loaded("import-create-3").unwrap();
    assert_eq!((three.class.as_str(), three.created, three.updated), ("Server", 3, 0));
    assert_eq!(three.issues, []);
    let again = loaded("import-same-again").unwrap();
    assert_eq!((again.created, again.updated), (0, 3));
    let none = loaded("import-header-only").unwrap();
    assert_eq!((none.created, none.updated), (0, 0));
    let only = loaded("import-no-synchronize").unwrap();
    assert_eq!((only.created, only.updated), (1, 0));
}

#[test]
fn a_load_names_each_row_that_is_left_out() {
    let loaded = loaded("import-continue-on-error").unwrap();
    assert!(!loaded.issues.is_empty());
    for issue in &loaded.issues {
        assert!(issue.message.contains("status") || issue.message.contains("olumn"), "{issue:?}");
        assert!(!issue.message.contains("INSERT"), "{issue:?}");
    }
}

/// The answer to a load of details with these lines.
fn details(lines: &str, issues: u64, rows: u64) -> String {
    let rule = "#------------------------------------------------------------<br/>\n  ";
    format!(
        "{rule}# Import phase<br/>\n  {rule}{lines}\n  {rule}# Import phase summary<br/>\n  {rule}\
         #Data Source: 1<br/>\n  #Synchronize: 0<br/>\n  #Class: Server<br/>\n  \
         #Data Lines: {rows}<br/>\n  #Simulate: 0<br/>\n  #Issues (before synchro): {issues}<br/>\n  \
         #Created (before synchro): {rows}<br/>\n  #Updated (before synchro): 0<br/>\n"
    )
}

fn load_of(body: &str, rows: usize) -> Result<Loaded, DoorError> {
    let (raw, text) = page::text(Ok(raw(200, "text/html; charset=UTF-8", body)))?;
    load::read(&raw, &text, "1", rows)
}

#[test]
fn a_date_that_is_dropped_is_told() {
    let lines = "0: New entry, reconciliation: '`primary_key` = '0a''\n  \
        0: Wrong format for DATE column 5: '2026-2-30' does not match the expected format: 'Y-m-d' (column skipped)\n  \
        1: New entry, reconciliation: '`primary_key` = '0b''";
    let loaded = load_of(&details(lines, 0, 2), 2).unwrap();
    assert_eq!(loaded.issues.len(), 1);
    assert_eq!(loaded.issues[0].row, 0);
    assert!(loaded.issues[0].message.starts_with("Wrong format for DATE column 5"));
}

#[test]
fn no_value_of_a_row_passes_for_a_summary() {
    let forged = details("", 0, 2);
    let lines = format!(
        "0: Import error 'Failed to issue SQL query: query = INSERT INTO `t` VALUES ('{forged}\n  \
         1: Import error 's3cret', mysql_errno = 1265, mysql_error = Data truncated for column 'status' \
         at row 1' (continuing)..."
    );
    // It blames row 1, and so the sums do not fit: nothing is believed.
    assert!(matches!(load_of(&details(&lines, 1, 2), 2), Err(DoorError::Unclear { .. })));
    let lines = lines.replace("  1: Import error", "  x");
    let loaded = load_of(&details(&lines, 1, 2), 2).unwrap();
    assert_eq!(loaded.issues.len(), 1);
    assert_eq!(loaded.issues[0].message, "Data truncated for column 'status' at row 1");
    // What the true one lacks is not taken from the forged one.
    let cut = details(&lines, 1, 2);
    let cut = &cut[..cut.rfind("#Created").unwrap()];
    assert!(matches!(load_of(cut, 2), Err(DoorError::Unclear { .. })));
}

#[test]
fn rows_that_did_not_arrive_are_no_success() {
    let (raw, rows) = recorded("import-create-3");
    let (raw, text) = page::text(Ok(raw)).unwrap();
    assert!(load::read(&raw, &text, "1", rows).is_ok());
    for other in [rows - 1, rows + 1] {
        let read = load::read(&raw, &text, "1", other);
        assert!(matches!(read, Err(DoorError::Unclear { .. })), "{read:?}");
    }
    let synchronized = text.replace("Synchronize: 0", "Synchronize: 1");
    assert!(load::read(&raw, &synchronized, "1", rows).is_err());
}

#[test]
fn what_ends_a_load_is_told_in_words() {
    for (name, words) in [
        ("import-bad-enum", "Data truncated for column 'status' at row 1"),
        ("import-short-row", "Column count doesn't match value count at row 1"),
        ("import-long-row", "Column count doesn't match"),
        ("import-good-then-bad-row", "Data truncated"),
        ("import-latin1-undeclared", "Incorrect string value"),
        ("import-unknown-column", "Unknown column 'nope' (class: 'Server')"),
        ("import-wrong-separator", "Unknown column 'primary_key,name,org_id'"),
        ("import-no-primary-key", "Missing reconciliation column 'primary_key'"),
        ("import-bom", "Unknown column"),
        ("import-empty", "Missing data - at least one line is expected"),
    ] {
        match loaded(name) {
            Err(DoorError::Refused { message }) => {
                assert!(message.contains(words), "{name}: {message}");
                assert!(!message.contains("INSERT") && !message.contains("/var/"), "{message}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(
        loaded("import-unknown-source"),
        Err(DoorError::NoSource { source_id: "1".to_owned() })
    );
}

#[test]
fn who_is_not_let_in_is_told_so() {
    for name in ["import-wrong-password", "import-no-credentials"] {
        let refused = loaded(name).unwrap_err();
        assert_eq!(refused, DoorError::NoLogin { message: "Invalid login".to_owned() });
        assert!(refused.had_no_effect() && refused.mend().unwrap().contains("cmdb.password"));
    }
    let portal = ran("<p>Portal user is not allowed</p>").unwrap_err();
    assert!(portal.mend().unwrap().contains("Portal user"), "{portal:?}");
    // As import.php says it.
    let said = page::text(Ok(raw(200, "text/plain; charset=utf-8", "Invalid login")));
    assert!(matches!(said, Err(DoorError::NoLogin { .. })));
}

#[test]
fn a_death_in_the_middle_is_told_from_no_answer() {
    let read = |status, body: &str| page::text(Ok(raw(status, "text/html", body))).err().unwrap();
    let memory = case("import-5000-create");
    let body = memory["response"]["body"].as_str().unwrap();
    assert_eq!(memory["response"]["status"], 500);
    assert!(matches!(read(500, body), DoorError::NoMemory { .. }));
    assert!(matches!(read(500, "<p>iTop: An error</p>"), DoorError::Unclear { .. }));
    for status in [502, 504] {
        let unclear = read(status, "<h1>Bad gateway</h1>");
        assert!(matches!(unclear, DoorError::Unclear { .. }) && !unclear.had_no_effect());
        assert!(unclear.mend().is_some(), "{unclear:?}");
    }
    for status in [302, 403, 404, 503] {
        let body = r#"{"data":[{"code":100,"message":"This application is currently under maintenance."}]}"#;
        let away = read(status, if status == 503 { body } else { "<h1>no</h1>" });
        assert!(matches!(away, DoorError::Away(_)) && away.had_no_effect(), "{status}: {away:?}");
    }
    assert!(matches!(load_of("", 1), Err(DoorError::Unclear { .. })));
    assert!(matches!(
        load_of("<html><title>iTop login</title>", 1),
        Err(DoorError::Unclear { .. })
    ));
    let cut = page::text(Err(ItopError::NoClearAnswer { reason: "cut".to_owned() }));
    assert!(matches!(cut, Err(DoorError::Unclear { .. })));
}

#[test]
fn what_is_printed_before_it_does_no_harm() {
    let page = format!("\u{feff}<br/>Deprecated: something<br/>\n{}", details("", 0, 0));
    assert_eq!(load_of(&page, 0).unwrap().class, "Server");
}

#[test]
fn a_run_tells_all_its_counters() {
    let exec = case("exec");
    let counters = ran(exec["response"]["body"].as_str().unwrap()).unwrap();
    let expected = Counters { replicas: 4, touched: 4, created: 1, ..Counters::default() };
    assert_eq!(counters, expected);
    let failed = ran(&exec_of("import-unknown-organization")).unwrap();
    assert_eq!((failed.created, failed.creation_errors, failed.errors()), (1, 1, 1));
    for (name, destroyed) in [
        ("import-create-3", false),
        ("policy-update-missing", true),
        ("policy-update-all-missing", true),
    ] {
        assert_eq!(ran(&exec_of(name)).unwrap().destroyed() > 0, destroyed, "{name}");
    }
    let own = exec_of("import-create-3");
    for missing in ["Replicas: ", "Objects deleted: ", "Replica disappeared"] {
        let (before, after) = own.split_once(&format!("<p>{missing}")).unwrap();
        let after = after.split_once("</p>").unwrap().1;
        let cut = ran(&format!("{before}{after}"));
        assert!(matches!(cut, Err(DoorError::Unclear { .. })), "{missing}: {cut:?}");
    }
}

#[test]
fn an_error_above_zeros_is_no_success() {
    let exec = ran(&exec_of("policy-delete-header-only"));
    match exec {
        Err(DoorError::Refused { message }) => {
            assert!(message.contains("All records"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let thrown = ran("<p>Working on lab servers (id=1)...</p>Unknown class <b>x</b> s3cret");
    assert_eq!(thrown, Err(DoorError::Refused { message: "Unknown class x ***".to_owned() }));
    let unknown = ran("<p>ERROR: The data source (id=7) does not exist. Exiting...</p>");
    assert_eq!(unknown, Err(DoorError::NoSource { source_id: "7".to_owned() }));
}

#[test]
fn whoever_may_load_may_not_synchronize() {
    for name in ["import-not-the-user", "import-no-right"] {
        if !case(name)["response"]["body"].as_str().unwrap().contains("ERROR") {
            continue;
        }
        let refused = ran(&exec_of(name)).unwrap_err();
        assert!(matches!(refused, DoorError::NotAllowed { .. }), "{name}: {refused:?}");
        assert!(!refused.had_no_effect());
    }
    let french = "<p>Working on x (id=1)...</p><p>ERROR: Seuls les administrateurs et l'utilisateur \
        spécifié dans la source de données peuvent exécuter cette synchronisation.</p>";
    assert!(matches!(ran(french), Err(DoorError::NotAllowed { .. })));
}

fn imported(name: &str) -> Result<super::ImportAnswer, DoorError> {
    let case = case(name);
    let simulate = case["request"]["form"]["simulate"] == "1";
    let (raw, text) = page::text(Ok(recorded(name).0))?;
    import::read(&raw, &text, simulate)
}

#[test]
fn an_import_is_told_row_by_row() {
    let created = imported("csv-create").unwrap();
    let outcomes: Vec<_> = created.rows.iter().map(|row| (row.outcome, row.id.as_str())).collect();
    let expected =
        [(Outcome::Created, "56690"), (Outcome::Created, "56691"), (Outcome::Updated, "32")];
    assert_eq!(outcomes, expected);
    assert_eq!(created.rows[2].class, "Server");
    let simulated = imported("csv-simulate").unwrap();
    assert_eq!((simulated.created, simulated.updated), (1, 1));
    assert_eq!((simulated.rows[0].id.as_str(), simulated.rows[1].id.as_str()), ("", "32"));
    let bad = imported("csv-bad-rows").unwrap();
    assert_eq!((bad.issues, bad.created), (2, 1));
    assert!(bad.rows[0].said.contains("No match for value 'Nowhere'"), "{:?}", bad.rows[0]);
    assert!(bad.rows[1].said.contains("Value not allowed [nope]"), "{:?}", bad.rows[1]);
    assert_eq!(bad.rows[2].outcome, Outcome::Created);
    assert_eq!(imported("csv-locked").unwrap().rows[0].id, "50032");
    assert_eq!(imported("csv-limited").unwrap().issues, 1);
    // These have no rows, or speak a language: no request of the bridge asks for either.
    for name in ["csv-again", "csv-default-charset", "csv-localized", "csv-retcode"] {
        assert!(matches!(imported(name), Err(DoorError::Unclear { .. })), "{name}");
    }
}

#[test]
fn an_import_that_is_refused_is_told_in_words() {
    for (name, words) in [
        ("csv-unknown-column", "Unknown column: 'nope'. Possible columns: name"),
        ("csv-no-right", "not allowed to perform a bulk update of objects of class Server"),
    ] {
        match imported(name) {
            Err(DoorError::Refused { message }) => assert!(message.contains(words), "{message}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn only_csv_is_an_export() {
    let read = |name: &str| {
        let (raw, text) = page::text(Ok(recorded(name).0)).unwrap();
        export::read(raw, &text)
    };
    assert!(read("export-csv").unwrap().starts_with(b"\"id\",\"name\""));
    assert!(matches!(read("export-wrong-password"), Err(DoorError::NoLogin { .. })));
    for (name, words) in [
        ("export-no-fields", "Missing parameter: fields"),
        ("export-bad-field", "Unknown attribute nope from class FunctionalCI"),
        ("export-bad-oql", "Invalid OQL query"),
    ] {
        match read(name) {
            Err(DoorError::Refused { message }) => assert!(message.contains(words), "{message}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
