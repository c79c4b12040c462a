//! Data synchronization of a real iTop: a source is set up, rows are loaded, made real, changed, retired and
//! read back, in a company that the test makes and takes away. Beside the administrator of the other tests it
//! needs an account with the profiles *Configuration Manager* and *REST Services User*:
//! `BRIDGE_LIVE_ITOP_CMDB_USER` and `BRIDGE_LIVE_ITOP_CMDB_PASSWORD`.

use std::time::Duration;

use serde_json::json;
use servicenav_itop_bridge::{
    app::client_settings,
    clock::Stopwatch,
    cmdb::{
        model::{Known, Model, Named, Names},
        setup::Plan,
    },
    config::{Cmdb, Config, Creatable, ItopSection},
    domain::equipment::Equipment,
    itop::{
        Client,
        synchro::{Counters, DoorError, Doors, LEAVE, Table},
    },
    secret::Secret,
};

use super::{company::Account, named, skip, variable};

/// A client of that iTop that logs in as this.
fn client(itop: &ItopSection, user: &str, password: &str) -> Client {
    let itop = ItopSection {
        user: user.to_owned(),
        password: Some(Secret::new(password.to_owned())),
        ..itop.clone()
    };
    let config = Config { itop, ..Config::default() };
    Client::new(&client_settings(&config).unwrap()).unwrap()
}

#[tokio::test]
async fn live_equipment_is_loaded_changed_and_retired() {
    let Some(itop) = named() else { return };
    let Some(admin) = Account::admin() else { return };
    let (Some(user), Some(password)) = (variable("CMDB_USER"), variable("CMDB_PASSWORD")) else {
        skip(
            "no account for the CMDB. Set BRIDGE_LIVE_ITOP_CMDB_USER and BRIDGE_LIVE_ITOP_CMDB_PASSWORD to \
             one with the profiles Configuration Manager and REST Services User",
        );
        return;
    };
    let admin_password = variable("ADMIN_PASSWORD").unwrap();
    let administrator = client(&itop, &variable("ADMIN_USER").unwrap(), &admin_password);
    let stamp = format!("{:x}", std::process::id());
    let cmdb = Cmdb {
        user: user.clone(),
        password: Some(Secret::new(password.clone())),
        label: Some(format!("live test {stamp}")),
        default_class: "Server".to_owned(),
        create: [Creatable::Brand, Creatable::Model].into(),
        ..Cmdb::default()
    };

    // Set up, and nothing the second time.
    let plan = Plan::make(&administrator, &cmdb).await.unwrap();
    assert_eq!(plan.changes(), 1);
    let set_up = plan.apply(&administrator, |_| {}).await.unwrap();
    let source = set_up[0].source_id.clone();
    let again = Plan::make(&administrator, &cmdb).await.unwrap();
    assert_eq!(again.changes(), 0, "{again:?}");

    let org = admin.create("Organization", json!({"name": format!("Live CMDB {stamp}")})).await;
    let own = client(&itop, &user, &password);
    let config = Config {
        itop: ItopSection { user, password: Some(Secret::new(password)), ..itop.clone() },
        ..Config::default()
    };
    let account = client_settings(&config).unwrap();
    let doors = Doors::new(&own, &account, Duration::from_mins(5)).unwrap();
    let model = Model::of(&cmdb, "Server").unwrap();
    assert_eq!(doors.try_columns(&source, &model.columns()).await.unwrap(), "Server");

    let brand = format!("Live brand {stamp}");
    let names = Names::new(cmdb.create.clone());
    let wanted = |n: usize, serial: &str| Equipment {
        address: Some(format!("10.9.{}.{}", n / 250, n % 250)),
        manufacturer: Some(brand.clone()),
        model: Some("L-1".to_owned()),
        serial_number: Some(serial.to_owned()),
        description: Some("ligne \"un\"; deux\né".to_owned()),
        ..Equipment::named(format!("live-{stamp}-{n:03}"))
    };
    let org_id = org.to_string();
    let known =
        names.known(doors.rest(), model.named(&wanted(0, ""), &org_id), true).await.unwrap();
    let brand_id = known.id(&Named::Brand { name: brand.clone() }).unwrap().to_owned();
    let table = |range: std::ops::Range<usize>, serial: &str, status: &str, known: &Known| Table {
        columns: model.columns(),
        rows: range
            .map(|n| {
                let row = model.values(&wanted(n, serial), &org_id, status, known);
                assert_eq!(row.warnings, [""; 0]);
                [format!("{n:032x}")].into_iter().chain(row.values).collect()
            })
            .collect(),
    };

    // 500 rows in chunks; each is as it was sent.
    let watch = Stopwatch::start();
    let mut made = 0;
    for chunk in [0..200, 200..400, 400..500] {
        let rows = u64::try_from(chunk.len()).unwrap();
        let loaded = doors.load(&source, &table(chunk, "S1", LEAVE, &known)).await.unwrap();
        assert_eq!((loaded.created, loaded.issues.len()), (rows, 0));
        let run = doors.run(&source).await.unwrap();
        made += rows;
        let expected =
            Counters { replicas: made, touched: made, created: rows, ..Counters::default() };
        assert_eq!(run, expected);
    }
    eprintln!("500 servers loaded and made in {} ms", watch.micros() / 1_000);
    let of_company = format!("SELECT Server WHERE org_id = {org}");
    let fields = "name,org_id,serialnumber,status,brand_id,managementip,description";
    let servers = admin.read(&of_company, fields).await;
    assert_eq!(servers.len(), 500);
    let first = servers.iter().find(|server| server.fields["name"] == wanted(0, "").name).unwrap();
    assert_eq!(first.fields["brand_id"], brand_id);
    assert_eq!(first.fields["status"], "production");
    assert_eq!(first.fields["managementip"], "10.9.0.0");
    assert!(
        first.fields["description"].as_str().unwrap().contains("ligne \"un\"; deux"),
        "{}",
        first.fields
    );

    // Nothing changes nothing; a change changes its row alone; it is retired, and comes back.
    doors.load(&source, &table(0..200, "S1", LEAVE, &known)).await.unwrap();
    assert_eq!(doors.run(&source).await.unwrap().written(), 0);
    for (serial, status, now) in [
        ("S2", LEAVE, "production"),
        ("S2", "obsolete", "obsolete"),
        ("S2", "production", "production"),
        ("S2", LEAVE, "production"),
    ] {
        doors.load(&source, &table(7..8, serial, status, &known)).await.unwrap();
        let run = doors.run(&source).await.unwrap();
        assert_eq!(run.errors(), 0, "{run:?}");
        let query = format!("{of_company} AND serialnumber = 'S2'");
        let changed = admin.read(&query, "status").await;
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].fields["status"], now);
    }

    // What is not known of a CI that is taken over stays as it is, dates too.
    let old = json!({
        "name": wanted(550, "").name, "org_id": org, "purchase_date": "2020-02-29", "cpu": "4",
    });
    admin.create("Server", old).await;
    let loaded = doors.load(&source, &table(550..551, "S4", LEAVE, &known)).await.unwrap();
    assert_eq!(loaded.issues, []);
    let run = doors.run(&source).await.unwrap();
    assert_eq!((run.reconciled_updated, run.created, run.errors()), (1, 0, 0), "{run:?}");
    let query = format!("{of_company} AND serialnumber = 'S4'");
    let taken_over = &admin.read(&query, "purchase_date,cpu").await[0].fields;
    assert_eq!(*taken_over, json!({"purchase_date": "2020-02-29", "cpu": "4"}));

    // An organization that is not there fails its row alone, and is not made something else.
    let mut bad = table(600..602, "S3", LEAVE, &known);
    let at = bad.columns.iter().position(|column| column == "org_id").unwrap();
    bad.rows[0][at] = "99999999".to_owned();
    let loaded = doors.load(&source, &bad).await.unwrap();
    assert_eq!(loaded.issues, []);
    let run = doors.run(&source).await.unwrap();
    assert_eq!((run.created, run.errors()), (1, 1), "{run:?}");
    // A value that the database refuses is told with its row.
    let mut bad = table(602..604, "S3", LEAVE, &known);
    let at = bad.columns.iter().position(|column| column == "status").unwrap();
    bad.rows[1][at] = "nope".to_owned();
    let loaded = doors.load(&source, &bad).await.unwrap();
    assert_eq!(loaded.issues.len(), 1);
    assert_eq!(loaded.issues[0].row, 1);
    assert!(loaded.issues[0].message.contains("status"), "{:?}", loaded.issues);
    assert!(matches!(doors.load("99999999", &bad).await, Err(DoorError::NoSource { .. })));

    // Whoever is not named in the source may load, and not synchronize.
    let bridge = client_settings(&Config { itop: itop.clone(), ..Config::default() }).unwrap();
    let stranger = Doors::new(&own, &bridge, Duration::from_mins(1)).unwrap();
    assert!(matches!(stranger.run(&source).await, Err(DoorError::NotAllowed { .. })));

    // The objects stay when the source goes, and can be changed then.
    admin.delete("SynchroDataSource", source.parse().unwrap()).await;
    for query in [
        format!("SELECT FunctionalCI WHERE org_id = {org}"),
        format!("SELECT Model WHERE brand_id = {brand_id}"),
        format!("SELECT Brand WHERE id = {brand_id}"),
    ] {
        admin.delete_all(&query).await;
    }
    admin.delete("Organization", org).await;
}
