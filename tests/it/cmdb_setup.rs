//! The data sources in iTop: made, mended, examined, and what goes through the doors that they open.

use std::{path::Path, process::Output, time::Duration};

use itop_sandbox::{self as sandbox, Fault, FaultKind};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::client_settings,
    check::{Examined, Finding, Told, Verdict, examine},
    cmdb::{
        model::{Known, Model, Named, Names},
        setup::Plan,
    },
    config::{Cmdb, Config, Creatable},
    domain::equipment::Equipment,
    itop::{
        Client, Login, Settings, Use,
        synchro::{Counters, DoorError, Doors, LEAVE, Table},
    },
    secret::Secret,
};

use crate::{
    program::{command, output, text},
    world::World,
};

pub const SOURCES: &str = "/api/v1/cmdb/sources";

/// `[cmdb]` for the sandbox: servers, and printers by their category.
pub fn section() -> Cmdb {
    Cmdb {
        user: "cmdb".to_owned(),
        password: Some(Secret::new(sandbox::PASSWORD.to_owned())),
        classes: [("Printer".to_owned(), "Printer".to_owned())].into(),
        default_class: "Server".to_owned(),
        ..Cmdb::default()
    }
}

async fn world() -> World {
    World::with(sandbox::Options::default(), |config| config.cmdb = Some(section())).await
}

/// The settings of a client that logs in as this.
pub fn account(config: &Config, user: &str) -> Settings {
    let password = Secret::new(sandbox::PASSWORD.to_owned());
    let login = Login::Form { user: user.to_owned(), password };
    Settings { login, ..client_settings(config).unwrap() }
}

fn client(world: &World, user: &str) -> Client {
    Client::new(&account(&world.config, user)).unwrap()
}

/// Doors for the account of `[cmdb]`.
pub fn doors(world: &World) -> Doors {
    let own = Client::new(&client_settings(&world.config).unwrap()).unwrap();
    Doors::new(&own, &account(&world.config, "cmdb"), Duration::from_secs(30)).unwrap()
}

/// A command of `cmdb` for the world's iTop, with an administrator's login.
pub async fn cmdb(world: &World, folder: &Path, user: &str, arguments: &[&str]) -> Output {
    let config = folder.join("config.toml");
    let lines = format!(
        "[itop]\nurl = '{}'\nuser = 'bridge'\npassword = '{pass}'\n[store]\npath = '{}'\n\
         [cmdb]\nuser = 'cmdb'\npassword = '{pass}'\ndefault_class = 'Server'\n\
         classes = {{ 'Printer' = 'Printer' }}\n",
        world.itop.url(),
        folder.join("program.db").display(),
        pass = sandbox::PASSWORD,
    );
    std::fs::write(&config, lines).unwrap();
    let secret = folder.join("admin");
    std::fs::write(&secret, format!("{}\n", sandbox::PASSWORD)).unwrap();
    let mut command = command(arguments);
    command.env("BRIDGE_URL", &world.base).env("BRIDGE_CONFIG", &config);
    if !user.is_empty() {
        command.arg("--admin-user").arg(user).arg("--admin-password-file").arg(&secret);
    }
    output(command).await
}

/// Objects of a class with these fields, as an administrator reads them.
pub async fn objects(world: &World, class: &str, condition: &str, fields: &str) -> Vec<Value> {
    let operation = json!({
        "operation": "core/get", "class": class, "output_fields": fields,
        "key": format!("SELECT {class} WHERE {condition}"),
    });
    let answer = client(world, "labadmin").call(Use::Read, &operation).await.unwrap();
    answer.objects().map(|(_, _, fields)| json!(fields)).collect()
}

async fn change(world: &World, class: &str, key: &str, fields: Value) {
    let operation = json!({
        "operation": "core/update", "class": class, "key": key, "comment": "by hand",
        "output_fields": "id", "fields": fields,
    });
    client(world, "labadmin").call(Use::Write, &operation).await.unwrap();
}

/// Sets all up, and gives the id of the source of servers.
pub async fn set_up(world: &World) -> String {
    let folder = tempfile::tempdir().unwrap();
    let done = cmdb(world, folder.path(), "labadmin", &["cmdb", "setup", "--yes"]).await;
    assert!(done.status.success(), "{}", text(&done));
    let known = world.get(SOURCES).await.expect(200);
    assert_eq!(known["missing"], json!([]));
    let items = known["items"].as_array().unwrap();
    let servers = items.iter().find(|source| source["class"] == "Server").unwrap();
    servers["source_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_set_up_shows_each_difference_and_makes_it_once() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let run = async |arguments: &[&str]| {
        let done = cmdb(&world, folder.path(), "labadmin", arguments).await;
        assert!(!text(&done).contains(sandbox::PASSWORD), "{}", text(&done));
        done
    };
    let before = world.get(SOURCES).await.expect(200);
    assert_eq!(
        (&before["is_on"], &before["missing"]),
        (&json!(true), &json!(["Printer", "Server"]))
    );
    let dry = run(&["cmdb", "setup", "--dry-run"]).await;
    assert!(dry.status.success(), "{}", text(&dry));
    let said = text(&dry);
    for part in [
        "ServiceNav: Server: it is not there, and would be made",
        "fed and locked in iTop: name, org_id, description",
        "fed and free: status",
        "not fed, and not locked: all others",
        "2 changes would be made; nothing was.",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(objects(&world, "SynchroDataSource", "1", "id").await.len(), 0);
    // Nobody is there to say yes.
    let unsaid = run(&["cmdb", "setup"]).await;
    assert!(!unsaid.status.success() && text(&unsaid).contains("add --yes"), "{}", text(&unsaid));
    assert_eq!(objects(&world, "SynchroDataSource", "1", "id").await.len(), 0);

    let source = set_up(&world).await;
    let fields = "name,user_id_friendlyname,delete_policy,full_load_periodicity,status,scope_class";
    let sources = objects(&world, "SynchroDataSource", &format!("id = {source}"), fields).await;
    let expected = json!([{
        "name": "ServiceNav: Server", "user_id_friendlyname": "cmdb", "delete_policy": "ignore",
        "full_load_periodicity": "0", "status": "production", "scope_class": "Server",
    }]);
    assert_eq!(json!(sources), expected);
    let of_source = format!("sync_source_id = {source}");
    let attributes =
        objects(&world, "SynchroAttribute", &of_source, "attcode,update,reconcile,update_policy")
            .await;
    let fed: Vec<_> = attributes.iter().filter(|attribute| attribute["update"] == true).collect();
    let model = Model::of(&section(), "Server").unwrap();
    assert_eq!(fed.len(), model.fed().len(), "{fed:?}");
    let found_by: Vec<_> = attributes
        .iter()
        .filter(|attribute| attribute["reconcile"] == true)
        .map(|attribute| attribute["attcode"].as_str().unwrap())
        .collect();
    assert_eq!(found_by, ["name", "org_id"]);

    let again = run(&["cmdb", "setup", "--yes"]).await;
    assert!(
        text(&again).contains("0 changes made; the bridge knows 2 data sources."),
        "{}",
        text(&again)
    );
    // What somebody has changed by hand is shown, and mended.
    change(&world, "SynchroDataSource", &source, json!({"delete_policy": "delete"})).await;
    let cpu =
        objects(&world, "SynchroAttribute", &format!("{of_source} AND attcode = 'cpu'"), "id")
            .await;
    change(&world, "SynchroAttribute", cpu[0]["id"].as_str().unwrap(), json!({"update": 1})).await;
    let seen = text(&run(&["cmdb", "setup", "--dry-run"]).await);
    assert!(seen.contains("delete_policy: delete, should be ignore"), "{seen}");
    assert!(seen.contains("cpu: fed, locked; should be not fed"), "{seen}");
    let mended = text(&run(&["cmdb", "setup", "--yes"]).await);
    assert!(mended.contains("2 changes made"), "{mended}");
    assert_eq!(set_up(&world).await, source);
    world.finish().await;
}

#[tokio::test]
async fn who_cannot_set_up_is_told_why() {
    let mut world = world().await;
    let folder = tempfile::tempdir().unwrap();
    for (user, says) in [
        ("bridge", "needs the profiles \"Administrator\""),
        ("admin", "needs the profiles \"Administrator\""),
        ("nobody", "does not accept the credentials"),
        ("", "add --admin-user and --admin-password-file"),
    ] {
        let refused = cmdb(&world, folder.path(), user, &["cmdb", "setup", "--yes"]).await;
        assert!(!refused.status.success());
        assert!(text(&refused).contains(says), "{user}: {}", text(&refused));
    }
    assert_eq!(objects(&world, "SynchroDataSource", "1", "id").await.len(), 0);
    // A bridge without the section is none to set anything up for.
    world.stop_bridge().await;
    world.config.cmdb = None;
    world.start_bridge().await;
    let off = cmdb(&world, folder.path(), "labadmin", &["cmdb", "setup", "--yes"]).await;
    assert!(text(&off).contains("has no section [cmdb]"), "{}", text(&off));
    let known = world.get(SOURCES).await.expect(200);
    assert_eq!(known, json!({"is_on": false, "items": [], "missing": []}));
    world.put(SOURCES, &json!({"items": []})).await.problem(404, "not-found");
    world.finish().await;
}

#[tokio::test]
async fn a_default_that_itop_does_not_have_is_warned_of() {
    let world = world().await;
    let cmdb = |name: &str| Cmdb {
        default_class: "NetworkDevice".to_owned(),
        defaults: [(
            "NetworkDevice".to_owned(),
            [("networkdevicetype_id".to_owned(), name.to_owned())].into(),
        )]
        .into(),
        ..section()
    };
    let admin = client(&world, "labadmin");
    let plan = Plan::make(&admin, &cmdb("No such type")).await.unwrap();
    assert_eq!(plan.warnings.len(), 1, "{plan:?}");
    assert!(plan.warnings[0].contains("no NetworkDeviceType 'No such type'"), "{plan:?}");
    // An id is taken as it is.
    assert_eq!(Plan::make(&admin, &cmdb("1")).await.unwrap().warnings, [""; 0]);
    world.finish().await;
}

#[tokio::test]
async fn the_bridge_takes_only_what_can_be_a_source() {
    let world = world().await;
    let source = |class: &str, id: &str| json!({"class": class, "source_id": id, "name": "x", "made_for": "y"});
    for (items, pointer) in [
        (json!([source("Server", "x")]), "/items/0/source_id"),
        (json!([source("Server", "1"), source("Server", "2")]), "/items/1/class"),
        (json!([source("", "1")]), "/items/0/class"),
    ] {
        let refused = world.put(SOURCES, &json!({"items": items})).await;
        assert!(refused.problem(422, "invalid").contains(pointer), "{}", refused.text);
    }
    let told = world.put(SOURCES, &json!({"items": [source("Server", "1")]})).await.expect(200);
    assert_eq!(told["missing"], json!(["Printer"]));
    // It was set up for something else than this configuration sends.
    assert_eq!(told["items"][0]["outdated"], true);
    world.finish().await;
}

async fn findings(world: &World, admin: Option<&Settings>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut take = |told| match told {
        Told::Found(finding) => findings.push(finding),
        Told::Examining(_) => {}
    };
    let examined =
        Examined { company: Some("Demo"), admin, ..Examined::of(&world.config, &world.clock) };
    examine(examined, &mut take).await;
    findings.retain(|finding| ["cmdb account", "data sources"].contains(&finding.what));
    findings
}

fn shown(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn check_examines_the_account_and_sources_as_far_as_it_may() {
    let world = world().await;
    let admin = account(&world.config, "labadmin");
    let none = findings(&world, None).await;
    let said = shown(&none);
    assert!(said.contains("cmdb may make Printer, Server"), "{said}");
    assert!(said.contains("Server has none that the bridge knows"), "{said}");
    assert!(said.contains("was not looked at: iTop shows it to administrators alone"), "{said}");
    let source = set_up(&world).await;
    let before = objects(&world, "SynchroReplica", "1", "id").await.len();
    let all = findings(&world, Some(&admin)).await;
    assert!(all.iter().all(|finding| finding.verdict == Verdict::Ok), "{}", shown(&all));
    assert!(shown(&all).contains("are set up in iTop as they should be"), "{}", shown(&all));
    // To examine loads no rows, and synchronizes none.
    assert_eq!(objects(&world, "SynchroReplica", "1", "id").await.len(), before);
    assert_eq!(objects(&world, "SynchroLog", "1", "id").await.len(), 0);

    change(&world, "SynchroDataSource", &source, json!({"delete_policy": "delete"})).await;
    let changed = shown(&findings(&world, Some(&admin)).await);
    assert!(
        changed.contains("ServiceNav: Server: delete_policy: delete, should be ignore"),
        "{changed}"
    );
    let wrong = shown(&findings(&world, Some(&account(&world.config, "bridge"))).await);
    assert!(wrong.contains("needs the profiles"), "{wrong}");
    world.itop.faults().switch_on(Fault::new(FaultKind::WrongPassword));
    let locked_out = findings(&world, None).await;
    assert!(locked_out.iter().any(|finding| finding.verdict == Verdict::Failure));
    world.itop.faults().clear();
    world.finish().await;
}

/// Rows of servers.
fn table(rows: &[(&str, &str, &str)]) -> (Table, Model) {
    let model = Model::of(&section(), "Server").unwrap();
    let row = |(key, name, org): &(&str, &str, &str)| {
        let values = model.values(&Equipment::named(*name), org, LEAVE, &Known::default()).values;
        [(*key).to_owned()].into_iter().chain(values).collect()
    };
    (Table { columns: model.columns(), rows: rows.iter().map(row).collect() }, model)
}

#[tokio::test]
async fn rows_are_loaded_made_real_and_left_alone() {
    let world = world().await;
    let source = set_up(&world).await;
    let doors = doors(&world);
    let (first, _) = table(&[("0a", "snav-1", "3"), ("0b", "snav; \"2\" é", "3")]);
    let loaded = doors.load(&source, &first).await.unwrap();
    assert_eq!((loaded.class.as_str(), loaded.created, loaded.updated), ("Server", 2, 0));
    assert_eq!(objects(&world, "Server", "name LIKE 'snav%'", "name").await.len(), 0);
    let made = doors.run(&source).await.unwrap();
    let expected = Counters { replicas: 2, touched: 2, created: 2, ..Counters::default() };
    assert_eq!(made, expected);
    let servers = objects(&world, "Server", "name LIKE 'snav%'", "name,org_id").await;
    assert_eq!(json!(servers)[0]["org_id"], "3");
    // The same again is nothing; an organization that is not there is an error of its row.
    let again = doors.load(&source, &first).await.unwrap();
    assert_eq!((again.created, again.updated), (0, 2));
    assert_eq!(doors.run(&source).await.unwrap().written(), 0);
    let (next, _) = table(&[("0c", "snav-3", "99999"), ("0d", "snav-4", "3")]);
    doors.load(&source, &next).await.unwrap();
    let run = doors.run(&source).await.unwrap();
    assert_eq!((run.created, run.errors()), (1, 1), "{run:?}");
    world.finish().await;
}

#[tokio::test]
async fn what_is_not_known_stays_as_it_is_at_a_ci_that_is_taken_over() {
    let world = world().await;
    let source = set_up(&world).await;
    let known = json!({
        "name": "snav-old", "org_id": 3, "serialnumber": "S-1", "purchase_date": "2020-02-29",
        "end_of_warranty": "2025-02-28",
    });
    world.itop_creates("Server", known).await;
    let doors = doors(&world);
    let (mut rows, model) = table(&[("0a", "snav-old", "3"), ("0b", "snav-new", "3")]);
    let at = model.columns().iter().position(|column| column == "end_of_warranty").unwrap();
    rows.rows[1][at] = "2027-01-01".to_owned();
    let loaded = doors.load(&source, &rows).await.unwrap();
    assert_eq!((loaded.created, loaded.issues.len()), (2, 0));
    let run = doors.run(&source).await.unwrap();
    assert_eq!((run.created, run.reconciled_unchanged, run.errors()), (1, 1, 0), "{run:?}");
    let fields = "name,serialnumber,purchase_date,end_of_warranty";
    let servers = objects(&world, "Server", "name LIKE 'snav-%'", fields).await;
    let of = |name: &str| servers.iter().find(|server| server["name"] == name).unwrap().clone();
    let expected = json!({
        "name": "snav-old", "serialnumber": "S-1", "purchase_date": "2020-02-29",
        "end_of_warranty": "2025-02-28",
    });
    assert_eq!(of("snav-old"), expected);
    assert_eq!(of("snav-new")["end_of_warranty"], "2027-01-01");
    world.finish().await;
}

#[tokio::test]
async fn what_goes_wrong_at_a_door_is_told_apart() {
    let world = world().await;
    let source = set_up(&world).await;
    let doors = doors(&world);
    let (rows, _) = table(&[("0a", "snav-1", "3")]);
    assert!(matches!(doors.load("999", &rows).await, Err(DoorError::NoSource { .. })));
    assert!(matches!(doors.run("999").await, Err(DoorError::NoSource { .. })));
    let mut other = rows.clone();
    other.columns[3] = "nope".to_owned();
    assert!(matches!(doors.load(&source, &other).await, Err(DoorError::Refused { .. })));
    let long = Table {
        columns: vec!["primary_key".to_owned(), "description".to_owned()],
        rows: vec![vec!["0a".to_owned(), "x".repeat(2 << 20)]],
    };
    assert!(matches!(doors.load(&source, &long).await, Err(DoorError::TooLong { .. })));

    // Another account may load, and not synchronize.
    let own = Client::new(&client_settings(&world.config).unwrap()).unwrap();
    let stranger =
        Doors::new(&own, &account(&world.config, "reader"), Duration::from_secs(30)).unwrap();
    stranger.load(&source, &rows).await.unwrap();
    let refused = stranger.run(&source).await.unwrap_err();
    assert!(matches!(refused, DoorError::NotAllowed { .. }), "{refused:?}");
    let portal =
        Doors::new(&own, &account(&world.config, "portal"), Duration::from_secs(30)).unwrap();
    assert!(matches!(portal.load(&source, &rows).await, Err(DoorError::NoLogin { .. })));

    let faults = world.itop.faults();
    for (kind, is) in [
        (FaultKind::MemoryExhausted { objects: 0 }, "memory"),
        (FaultKind::BadGateway, "unclear"),
        (FaultKind::Maintenance, "away"),
    ] {
        faults.switch_on(Fault::new(kind));
        let error = doors.run(&source).await.unwrap_err();
        let found = match &error {
            DoorError::NoMemory { .. } => "memory",
            DoorError::Unclear { .. } => "unclear",
            DoorError::Away(_) => "away",
            _ => "",
        };
        assert_eq!(found, is, "{error:?}");
        assert_eq!(error.had_no_effect(), is == "away");
        faults.clear();
    }
    world.finish().await;
}

#[tokio::test]
async fn names_become_ids_and_what_may_be_made_is_made_once() {
    let world = world().await;
    let rest = doors(&world).rest().clone();
    let brand = |name: &str| Named::Brand { name: name.to_owned() };
    let model = Named::Model {
        brand: "Acme".to_owned(),
        name: "A-1".to_owned(),
        class: "Server".to_owned(),
    };
    let place = |org: &str| Named::Location { org: org.to_owned(), name: "Nowhere".to_owned() };
    let wanted = [brand("Acme"), brand("ACMÉ "), model.clone(), place("3")];
    let none = Names::new([Creatable::Brand, Creatable::Model].into());
    let known = none.known(&rest, wanted.clone(), false).await.unwrap();
    assert!(wanted.iter().all(|named| known.id(named).is_err()));
    assert_eq!(objects(&world, "Brand", "name = 'Acme'", "id").await.len(), 0);

    let names = Names::new([Creatable::Brand, Creatable::Model].into());
    let known = names.known(&rest, wanted.clone(), true).await.unwrap();
    let made = objects(&world, "Brand", "name = 'Acme'", "id").await;
    assert_eq!(made.len(), 1);
    assert_eq!(known.id(&brand("Acme")).unwrap(), made[0]["id"].as_str().unwrap());
    assert_eq!(known.id(&brand("acme")), known.id(&brand("Acme")));
    let models = objects(&world, "Model", "name = 'A-1'", "id,brand_id,type").await;
    assert_eq!((&models[0]["brand_id"], &models[0]["type"]), (&made[0]["id"], &json!("Server")));
    assert!(known.id(&place("3")).is_err());
    // What is known is not asked for again.
    let asked = || world.itop.requests_seen().of("core/get");
    let before = asked();
    names.known(&rest, [brand("Acme"), model.clone()], true).await.unwrap();
    assert_eq!(asked(), before);
    names.forget();
    assert_eq!(
        names.known(&rest, [model.clone()], true).await.unwrap().id(&model),
        known.id(&model)
    );
    assert_eq!(objects(&world, "Brand", "name = 'Acme'", "id").await.len(), 1);
    world.finish().await;
}
