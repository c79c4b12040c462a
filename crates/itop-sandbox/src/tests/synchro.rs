//! Data synchronization where the recordings do not go: faults, locks by hand, the words of a load.

use std::time::Duration;

use super::*;

const HEADER: &str = "primary_key;name;org_id;status\n";

/// A sandbox with a source of servers, that `cmdb` may run, and finds organizations by id.
async fn with_source() -> Sandbox {
    let sandbox = start(Options::default()).await;
    let fields = json!({
        "name": "equipment", "scope_class": "Server", "status": "production",
        "reconciliation_policy": "use_attributes", "user_id": 4,
    });
    let create = json!({
        "operation": "core/create", "class": "SynchroDataSource", "comment": "test",
        "output_fields": "id", "fields": fields,
    });
    assert_eq!(call(&sandbox, "labadmin", create).await["code"], 0);
    sandbox
}

fn rows(numbers: std::ops::Range<u32>) -> String {
    let row = |n| format!("{n:x};eq-{n};5002;production\n");
    HEADER.to_owned() + &numbers.map(row).collect::<String>()
}

async fn page(sandbox: &Sandbox, path: &str, form: &[(&str, &str)]) -> (u16, String) {
    let url = format!("{}{path}", sandbox.url());
    let login = [("auth_user", "cmdb"), ("auth_pwd", PASSWORD)];
    let form: Vec<_> = login.iter().chain(form).collect();
    let response = reqwest::Client::new().post(url).form(&form).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn load(sandbox: &Sandbox, rows: &str) -> (u16, String) {
    let form =
        [("data_source_id", "1"), ("synchronize", "0"), ("output", "retcode"), ("csvdata", rows)];
    page(sandbox, "/synchro/synchro_import.php", &form).await
}

async fn exec(sandbox: &Sandbox) -> (u16, String) {
    page(sandbox, "/synchro/synchro_exec.php", &[("data_sources", "1")]).await
}

async fn servers(sandbox: &Sandbox) -> Vec<i64> {
    sandbox.select("SELECT Server WHERE name LIKE 'eq-%'").await.unwrap()
}

#[tokio::test]
async fn a_load_alone_answers_a_bare_number_and_an_exec_makes_the_objects() {
    let sandbox = with_source().await;
    assert_eq!(load(&sandbox, &rows(0..3)).await, (200, "0".to_owned()));
    assert!(servers(&sandbox).await.is_empty());
    let (status, answer) = exec(&sandbox).await;
    assert_eq!(status, 200);
    assert!(answer.contains("<p>Objects created: 3 (0 warnings)</p>"), "{answer}");
    assert_eq!(servers(&sandbox).await.len(), 3);
    let seen = sandbox.requests_seen();
    assert_eq!((seen.of("synchro_import"), seen.of("synchro_exec")), (1, 1));
}

#[tokio::test]
async fn a_row_that_itop_refuses_is_refused_in_each_run() {
    let sandbox = with_source().await;
    load(&sandbox, &format!("{HEADER}a;eq-a;99999;production\nb;eq-b;5002;production\n")).await;
    let created = ["Objects created: 1 ", "Objects created: 0 "];
    for created in created {
        let (_, answer) = exec(&sandbox).await;
        assert!(answer.contains("Objects creation errors: 1<"), "{answer}");
        assert!(answer.contains(created), "{answer}");
    }
}

#[tokio::test]
async fn what_a_dying_run_did_stays_and_is_not_done_twice() {
    let sandbox = with_source().await;
    load(&sandbox, &rows(0..10)).await;
    for (kind, status) in [
        (FaultKind::MemoryExhausted { objects: 4 }, 500),
        (FaultKind::Killed { after: 3, in_load: false }, 502),
    ] {
        let fault = Fault::new(kind).on(Operations::Synchronize).times(1);
        sandbox.faults().switch_on(fault);
        assert_eq!(exec(&sandbox).await.0, status);
    }
    // The last of the first four was found again, and was not made anew.
    assert_eq!(servers(&sandbox).await.len(), 7);
    let (_, answer) = exec(&sandbox).await;
    assert!(answer.contains("Objects created: 3 "), "{answer}");
    assert!(answer.contains("Objects reconciled (unchanged): 1 "), "{answer}");
    assert_eq!(servers(&sandbox).await.len(), 10);
}

#[tokio::test]
async fn a_killed_load_leaves_the_rows_before_it() {
    let sandbox = with_source().await;
    let killed = FaultKind::Killed { after: 2, in_load: true };
    sandbox.faults().switch_on(Fault::new(killed).on(Operations::Load).times(1));
    assert_eq!(load(&sandbox, &rows(0..5)).await.0, 502);
    exec(&sandbox).await;
    assert_eq!(servers(&sandbox).await.len(), 2);
}

#[tokio::test]
async fn a_body_that_is_too_long_reads_as_a_wrong_login() {
    let sandbox = with_source().await;
    sandbox.faults().switch_on(Fault::new(FaultKind::PostMaxSize { bytes: 1_000 }));
    let (status, answer) = load(&sandbox, &rows(0..100)).await;
    assert_eq!((status, &*answer), (200, "<p>Invalid login</p>"));
    assert_eq!(load(&sandbox, &rows(0..2)).await.1, "0");
}

#[tokio::test]
async fn what_a_source_masters_is_not_changed_or_deleted_by_hand() {
    let sandbox = with_source().await;
    load(&sandbox, &rows(0..1)).await;
    exec(&sandbox).await;
    let id = servers(&sandbox).await[0];
    let renamed = sandbox.rename("Server", id, "mine").await.unwrap_err().to_string();
    assert!(renamed.contains("The field Name (name) is not writable"), "{renamed}");
    let deleted = sandbox.delete("Server", id).await.unwrap_err().to_string();
    assert!(deleted.contains("owned by the external data source equipment"), "{deleted}");
    // Until the source is gone.
    let delete = json!({
        "operation": "core/delete", "class": "SynchroDataSource", "key": 1, "comment": "test",
    });
    assert_eq!(call(&sandbox, "cmdb", delete.clone()).await["code"], 1);
    assert_eq!(call(&sandbox, "labadmin", delete).await["code"], 0);
    sandbox.rename("Server", id, "mine").await.unwrap();
}

#[tokio::test]
async fn a_wrong_date_is_dropped_without_a_word() {
    let sandbox = with_source().await;
    let row = "primary_key;name;org_id;status;purchase_date\n";
    let load = load(&sandbox, &format!("{row}a;eq-a;5002;production;20/11/2026\n")).await;
    assert_eq!(load, (200, "0".to_owned()));
    let (_, answer) = exec(&sandbox).await;
    assert!(answer.contains("Objects created: 1 (0 warnings)"), "{answer}");
    let found = get("Server", "SELECT Server WHERE name = 'eq-a'", "purchase_date");
    let answer = call(&sandbox, "bridge", found).await;
    let server = answer["objects"].as_object().unwrap().values().next().unwrap();
    assert_eq!(server["fields"]["purchase_date"], "");
}

#[tokio::test]
async fn pages_answer_late_and_are_cut_by_the_faults_of_all() {
    let sandbox = with_source().await;
    let slow = FaultKind::Slow { before_ms: 3_600_000, after_ms: 0 };
    sandbox.faults().switch_on(Fault::new(slow).on(Operations::Load).times(1));
    let form = [("auth_user", "cmdb"), ("auth_pwd", PASSWORD)];
    let url = format!("{}/synchro/synchro_import.php", sandbox.url());
    let client = reqwest::Client::new();
    let late = client.post(&url).form(&form).timeout(Duration::from_millis(200)).send().await;
    assert!(late.unwrap_err().is_timeout());
    sandbox.faults().switch_on(Fault::new(FaultKind::CutAfter).on(Operations::Load).times(1));
    let rows = rows(0..1);
    let form = [
        ("auth_user", "cmdb"),
        ("auth_pwd", PASSWORD),
        ("data_source_id", "1"),
        ("csvdata", &*rows),
    ];
    client.post(&url).form(&form).send().await.unwrap_err();
    assert_eq!(servers(&sandbox).await.len(), 1);
}
