//! CIs as CSV, at once: out of iTop, and into it.

use std::{fs, path::Path, process::Output};

use itop_sandbox::{self as sandbox, Fault, FaultKind, Options};

use crate::{
    cmdb_setup::{cmdb, objects, section},
    program::text,
    world::World,
};

async fn world() -> World {
    let options = Options { servers: 3, ..Options::default() };
    World::with(options, |config| config.cmdb = Some(section())).await
}

async fn run(world: &World, folder: &Path, user: &str, arguments: &[&str]) -> Output {
    let done = cmdb(world, folder, user, arguments).await;
    assert!(!text(&done).contains(sandbox::PASSWORD), "{}", text(&done));
    done
}

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("servers.csv");
    let path = file.to_str().unwrap();
    let fields = "--fields=name,org_id,serialnumber";
    let export = ["cmdb", "export", "--class", "Server", "--company", "Demo", fields];
    let shown = run(&world, folder.path(), "", &export).await;
    assert!(shown.status.success(), "{}", text(&shown));
    let table = String::from_utf8(shown.stdout).unwrap();
    assert!(table.starts_with("\"name\",\"org_id\",\"serialnumber\"\n"), "{table}");
    assert!(
        table.lines().count() > 3 && table.lines().skip(1).all(|line| line.contains(",3,")),
        "{table}"
    );

    fs::write(&file, table.replace("\"srv-000001\"", "\"srv-neuf-é\"")).unwrap();
    let import = ["cmdb", "import", path, "--class", "Server", "--keys", "name,org_id"];
    let simulated = run(&world, folder.path(), "", &[&import[..], &["--simulate"]].concat()).await;
    assert!(simulated.status.success(), "{}", text(&simulated));
    assert!(text(&simulated).contains("1 new, 0 changed"), "{}", text(&simulated));
    let made = async || objects(&world, "Server", "name = 'srv-neuf-é'", "id").await;
    assert_eq!(made().await.len(), 0);
    let unsaid = run(&world, folder.path(), "", &import).await;
    assert!(!unsaid.status.success() && text(&unsaid).contains("add --yes"), "{}", text(&unsaid));

    let done = run(&world, folder.path(), "", &[&import[..], &["--yes"]].concat()).await;
    assert!(done.status.success(), "{}", text(&done));
    let made = made().await;
    assert_eq!(made.len(), 1);
    let told = fs::read_to_string(folder.path().join("servers.result.csv")).unwrap();
    let id = made[0]["id"].as_str().unwrap();
    assert!(told.contains(&format!(",created,Server,{id},created")), "{told}");
    assert_eq!(told.lines().count(), table.lines().count());
    // The same again changes nothing.
    let again = run(&world, folder.path(), "", &[&import[..], &["--yes"]].concat()).await;
    assert!(text(&again).contains("There is nothing to change"), "{}", text(&again));

    // All attributes that an import takes, references to nothing among them.
    let whole = run(&world, folder.path(), "", &export[..6]).await;
    fs::write(&file, whole.stdout).unwrap();
    let whole = run(&world, folder.path(), "", &[&import[..], &["--yes"]].concat()).await;
    assert!(whole.status.success(), "{}", text(&whole));
    assert!(text(&whole).contains("There is nothing to change"), "{}", text(&whole));

    // iTop leaves out what is obsolete, which is said.
    let retired = table.lines().take(2).collect::<Vec<_>>().join(",status\n") + ",obsolete\n";
    fs::write(&file, retired).unwrap();
    let done = run(&world, folder.path(), "", &[&import[..], &["--yes"]].concat()).await;
    assert!(text(&done).contains("0 new, 1 changed"), "{}", text(&done));
    let left = run(&world, folder.path(), "", &export).await;
    assert!(left.status.success() && text(&left).contains("1 of "), "{}", text(&left));
    assert_eq!(String::from_utf8(left.stdout).unwrap().lines().count(), table.lines().count());
    world.finish().await;
}

#[tokio::test]
async fn rows_that_are_left_out_are_told_by_their_lines() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.csv");
    // As a spreadsheet writes it.
    let table = "\u{feff}name;org_id->name;status\r\nnew-1;Nowhere;production\r\nnew-2;Demo;nope\r\nnew-3;Demo;production\r\n";
    fs::write(&file, table).unwrap();
    let import = [
        "cmdb",
        "import",
        file.to_str().unwrap(),
        "--class",
        "Server",
        "--keys",
        "name,org_id",
        "--yes",
    ];
    let done = run(&world, folder.path(), "", &import).await;
    assert_eq!(done.status.code(), Some(1), "{}", text(&done));
    assert!(text(&done).contains("1 new, 0 changed, 0 unchanged, 2 left out"), "{}", text(&done));
    let told = fs::read_to_string(folder.path().join("bad.result.csv")).unwrap();
    assert!(told.contains("\n2,left out,,,") && told.contains("Nowhere"), "{told}");
    assert!(told.contains("\n3,left out,,,") && told.contains("nope"), "{told}");
    assert!(told.contains("\n4,created,Server,"), "{told}");
    world.finish().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.csv");
    fs::write(&file, "name,org_id\nnew-1,3\n").unwrap();
    let path = file.to_str().unwrap();
    let import = ["cmdb", "import", path, "--class", "Server", "--keys", "name,org_id", "--yes"];
    let export = ["cmdb", "export", "--class", "Server"];
    for (user, arguments, says) in [
        ("bridge", &import[..], "not allowed to perform a bulk update"),
        ("nobody", &import, "does not accept"),
        (
            "",
            &["cmdb", "import", path, "--class", "Server", "--keys", "serialnumber"],
            "no column 'serialnumber'",
        ),
        ("", &["cmdb", "import", path, "--class", "Nothing", "--keys", "name"], "Unknown class"),
        ("", &["cmdb", "import", path, "--class", "Server"], "--keys"),
        ("nobody", &export, "the page that asks for a login came"),
        ("", &["cmdb", "export", "--class", "Server", "--fields", "nope"], "nope"),
        ("", &["cmdb", "export", "--class", "Nothing"], "Invalid OQL query: 'SELECT Nothing'"),
        ("", &["cmdb", "export", "--class", "Server WHERE 1"], "is not the code of a class"),
        (
            "",
            &["cmdb", "export", "--class", "Server", "--company", "No such"],
            "no organization 'No such'",
        ),
    ] {
        let refused = run(&world, folder.path(), user, arguments).await;
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(text(&refused).contains(says), "{says}: {}", text(&refused));
        assert!(refused.stdout.is_empty(), "{}", text(&refused));
    }
    // A death in the middle is told with the lines of which it is not known.
    world.itop.faults().switch_on(Fault::new(FaultKind::BadGateway));
    let cut = run(&world, folder.path(), "", &import).await;
    world.itop.faults().clear();
    assert!(
        text(&cut).contains("the rows of lines 2 to 2 were not answered for"),
        "{}",
        text(&cut)
    );
    world.finish().await;
}
