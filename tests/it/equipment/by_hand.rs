//! What operators do by hand, through the program.

use std::{fs, process::Output};

use serde_json::{Value, json};

use super::{LOADED, OF_42, change, rows, states, world};
use crate::{
    program::{command, output, text},
    world::World,
};

async fn run(world: &World, arguments: &[&str]) -> Output {
    let mut command = command(&[&["equipment"], arguments].concat());
    command.env("BRIDGE_URL", &world.base);
    output(command).await
}

#[tokio::test]
async fn a_file_is_shown_first_and_then_sent() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("park.csv");
    fs::write(&file, "id;name;rack\n1;srv-1;B2\n2;=srv\n").unwrap();
    let file = file.to_str().unwrap();
    let dry = run(&world, &["push", file, "--company", "42", "--dry-run"]).await;
    assert!(dry.status.success(), "{}", text(&dry));
    assert_eq!(String::from_utf8_lossy(&dry.stdout), "1\tsrv-1\tcreated\t\n2\t=srv\tcreated\t\n");
    let said = String::from_utf8_lossy(&dry.stderr).into_owned();
    assert!(said.contains("2 rows: 2 created. To do this and nothing else: --digest "), "{said}");
    assert!(said.contains("There is no column 'rack' here"), "{said}");
    assert_eq!(states(&world).await, []);
    let digest = said.split("--digest ").nth(1).unwrap().split_whitespace().next().unwrap();
    let pushed = run(&world, &["push", file, "--company", "42", "--digest", digest]).await;
    assert!(pushed.status.success(), "{}", text(&pushed));
    assert_eq!(String::from_utf8_lossy(&pushed.stdout), "2 rows of id:42: 2 new\n");
    let again = run(&world, &["push", file, "--company", "42", "--json"]).await;
    let answer: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(answer["unchanged"], 2);
    // Wrong rows are named by file and line, as compilers do.
    fs::write(file, "id;name\n1;srv-1\n;b\n").unwrap();
    let refused = run(&world, &["push", file, "--company", "42"]).await;
    assert!(!refused.status.success());
    let said = text(&refused);
    assert!(said.contains(&format!("{file}:3: id: 'id' is missing or empty")), "{said}");
    assert!(said.contains("1 of 2 rows are wrong"), "{said}");
    let listed = run(&world, &["list", "srv", "--state", "new"]).await;
    let lines = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(lines.lines().count(), 2, "{}", text(&listed));
    assert!(lines.starts_with("id:42\t1\tsrv-1\tnew\t"), "{lines}");
    world.finish().await;
}

#[tokio::test]
async fn a_list_comes_from_standard_input_in_any_form() {
    let world = world().await;
    for (number, list) in [
        (1, "[{\"id\": 1, \"name\": \"a\"}]"),
        (2, "{\"id\": 2, \"name\": \"b\"}\n"),
        (3, "id,name\n3,c\n"),
    ] {
        let mut command = command(&["equipment", "push", "-", "--company", "42", "--partial"]);
        command.env("BRIDGE_URL", &world.base);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list");
        fs::write(&file, list).unwrap();
        command.stdin(fs::File::open(&file).unwrap());
        let pushed = output(command).await;
        assert!(pushed.status.success(), "{}", text(&pushed));
        assert_eq!(states(&world).await.len(), number);
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_held_is_approved_or_kept() {
    let world = world().await;
    world.put(OF_42, &rows(1..=30)).await.expect(200);
    change(&world, LOADED).await;
    world.put(OF_42, &rows(1..=15)).await.expect(200);
    let companies = run(&world, &["companies"]).await;
    let told = String::from_utf8_lossy(&companies.stdout).into_owned();
    assert!(told.contains("15 Server to retire"), "{}", text(&companies));
    // Nobody is there to be asked.
    let asked = run(&world, &["approve", "--company", "42"]).await;
    assert!(!asked.status.success());
    let said = text(&asked);
    assert!(said.contains("Approve 15 Server to be retired of 42?"), "{said}");
    let kept = run(&world, &["keep", "--company", "42", "16", "17"]).await;
    assert_eq!(String::from_utf8_lossy(&kept.stdout), "2 kept as they are\n", "{}", text(&kept));
    let approved = run(&world, &["approve", "--company", "42", "--yes"]).await;
    assert_eq!(String::from_utf8_lossy(&approved.stdout), "13 approved\n", "{}", text(&approved));
    let nothing = run(&world, &["approve", "--company", "42", "--yes"]).await;
    assert!(text(&nothing).contains("Nothing is held there"), "{}", text(&nothing));
    change(
        &world,
        "UPDATE equipment SET state = 'failed', problem_code = 'refused' \
                    WHERE equipment_id = '1'",
    )
    .await;
    let retried = run(&world, &["retry", "--company", "42", "--problem", "refused"]).await;
    assert_eq!(
        String::from_utf8_lossy(&retried.stdout),
        "1 to be tried again\n",
        "{}",
        text(&retried)
    );
    let answer = json!(world.get(&format!("{OF_42}&state=failed")).await.expect(200)["items"]);
    assert_eq!(answer, json!([]));
    world.finish().await;
}
