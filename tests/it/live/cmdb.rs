//! Data synchronization of a real iTop: a source is set up, rows are loaded, made real, changed, retired and
//! read back, in a company that the test makes and takes away. Beside the administrator of the other tests it
//! needs an account with the profiles *Configuration Manager* and *REST Services User*:
//! `BRIDGE_LIVE_ITOP_CMDB_USER` and `BRIDGE_LIVE_ITOP_CMDB_PASSWORD`.

use std::{ops::Range, time::Duration};

use serde_json::{Value, json};
use servicenav_itop_bridge::{
    app::client_settings,
    clock::Stopwatch,
    cmdb::{
        may_unlock,
        model::{Known, Model, Named, Names},
        setup::Plan,
        unlock,
    },
    config::{Cmdb, Config, Creatable, ItopSection},
    domain::equipment::Equipment,
    itop::{
        Client, Settings, Use,
        synchro::{Counters, DoorError, Doors, LEAVE, Loaded, Table},
    },
    secret::Secret,
};

use super::{company::Account, named, skip, variable};

/// How that iTop is called by whoever logs in as this.
fn settings(itop: &ItopSection, user: &str, password: &str) -> Settings {
    let itop = ItopSection {
        user: user.to_owned(),
        password: Some(Secret::new(password.to_owned())),
        ..itop.clone()
    };
    client_settings(&Config { itop: Some(itop), ..Config::default() }).unwrap()
}

fn client(itop: &ItopSection, user: &str, password: &str) -> Client {
    Client::new(&settings(itop, user, password)).unwrap()
}

/// A source that was set up, and a company of the test's own.
struct Lab {
    admin: Account,
    own: Client,
    doors: Doors,
    source: String,
    model: Model,
    known: Known,
    org: u64,
    stamp: String,
}

impl Lab {
    /// Sets a source up, which the second time finds nothing to do.
    async fn set_up(itop: &ItopSection) -> Option<Self> {
        let admin = Account::admin()?;
        let (Some(user), Some(password)) = (variable("CMDB_USER"), variable("CMDB_PASSWORD"))
        else {
            skip(
                "no account for the CMDB. Set BRIDGE_LIVE_ITOP_CMDB_USER and \
                 BRIDGE_LIVE_ITOP_CMDB_PASSWORD to one with the profiles Configuration Manager and REST \
                 Services User",
            );
            return None;
        };
        let admin_password = variable("ADMIN_PASSWORD").unwrap();
        let administrator = client(itop, &variable("ADMIN_USER").unwrap(), &admin_password);
        let stamp = format!("{:x}", std::process::id());
        let cmdb = Cmdb {
            user: user.clone(),
            password: Some(Secret::new(password.clone())),
            label: Some(format!("live test {stamp}")),
            default_class: "Server".to_owned(),
            create: [Creatable::Brand, Creatable::Model].into(),
            ..Cmdb::default()
        };
        let plan = Plan::make(&administrator, &cmdb).await.unwrap();
        assert_eq!(plan.changes(), 1);
        let set_up = plan.apply(&administrator, |_| {}).await.unwrap();
        let source = set_up[0].source_id.clone();
        let again = Plan::make(&administrator, &cmdb).await.unwrap();
        assert_eq!(again.changes(), 0, "{again:?}");

        let org = admin.create("Organization", json!({"name": format!("Live CMDB {stamp}")})).await;
        let own = client(itop, &user, &password);
        let account = settings(itop, &user, &password);
        let doors = Doors::new(&own, &account, Duration::from_mins(5)).unwrap();
        let model = Model::of(&cmdb, "Server").unwrap();
        assert_eq!(doors.try_columns(&source, &model.columns()).await.unwrap(), "Server");
        let known = Known::default();
        let mut lab = Self { admin, own, doors, source, model, known, org, stamp };
        let wanted = lab.model.named(&lab.wanted(0, ""), &org.to_string());
        let names = Names::new(cmdb.create.clone());
        lab.known = names.known(lab.doors.rest(), wanted, true).await.unwrap();
        Some(lab)
    }

    fn brand(&self) -> String {
        format!("Live brand {}", self.stamp)
    }

    fn brand_id(&self) -> &str {
        self.known.id(&Named::Brand { name: self.brand() }).unwrap()
    }

    fn wanted(&self, n: usize, serial: &str) -> Equipment {
        Equipment {
            address: Some(format!("10.9.{}.{}", n / 250, n % 250)),
            manufacturer: Some(self.brand()),
            model: Some("L-1".to_owned()),
            serial_number: Some(serial.to_owned()),
            description: Some("ligne \"un\"; deux\né".to_owned()),
            ..Equipment::named(format!("live-{}-{n:03}", self.stamp))
        }
    }

    fn table(&self, range: Range<usize>, serial: &str, status: &str) -> Table {
        let org = self.org.to_string();
        let row = |n| {
            let row = self.model.values(&self.wanted(n, serial), &org, status, &self.known);
            assert_eq!(row.warnings, [""; 0]);
            [format!("{n:032x}")].into_iter().chain(row.values).collect()
        };
        Table { columns: self.model.columns(), rows: range.map(row).collect() }
    }

    /// The same with one value of a row.
    fn with(&self, range: Range<usize>, row: usize, column: &str, value: &str) -> Table {
        let mut table = self.table(range, "S3", LEAVE);
        let at = table.columns.iter().position(|known| known == column).unwrap();
        value.clone_into(&mut table.rows[row][at]);
        table
    }

    async fn load(&self, table: &Table) -> Loaded {
        self.doors.load(&self.source, table).await.unwrap()
    }

    async fn run(&self) -> Counters {
        self.doors.run(&self.source).await.unwrap()
    }

    async fn servers(&self, condition: &str, fields: &str) -> Vec<Value> {
        let query = format!("SELECT Server WHERE org_id = {}{condition}", self.org);
        let found = self.admin.read(&query, fields).await;
        found.into_iter().map(|server| server.fields).collect()
    }

    /// 500 rows in chunks; each is as it was sent.
    async fn makes_many(&self) {
        let watch = Stopwatch::start();
        let mut made = 0;
        for chunk in [0..200, 200..400, 400..500] {
            let rows = u64::try_from(chunk.len()).unwrap();
            let loaded = self.load(&self.table(chunk, "S1", LEAVE)).await;
            assert_eq!((loaded.created, loaded.issues.as_slice()), (rows, &[][..]));
            made += rows;
            let expected =
                Counters { replicas: made, touched: made, created: rows, ..Counters::default() };
            assert_eq!(self.run().await, expected);
        }
        eprintln!("500 servers loaded and made in {} ms", watch.micros() / 1_000);
        let servers = self.servers("", "name,status,brand_id,managementip,description").await;
        assert_eq!(servers.len(), 500);
        let first =
            servers.iter().find(|server| server["name"] == self.wanted(0, "").name).unwrap();
        assert_eq!(first["brand_id"], self.brand_id());
        assert_eq!(
            (&first["status"], &first["managementip"]),
            (&json!("production"), &json!("10.9.0.0"))
        );
        assert!(first["description"].as_str().unwrap().contains("ligne \"un\"; deux"), "{first}");
    }

    /// Nothing changes nothing; a change changes its row alone; it is retired, and comes back.
    async fn changes_and_retires(&self) {
        self.load(&self.table(0..200, "S1", LEAVE)).await;
        assert_eq!(self.run().await.written(), 0);
        for (status, now) in [
            (LEAVE, "production"),
            ("obsolete", "obsolete"),
            ("production", "production"),
            (LEAVE, "production"),
        ] {
            self.load(&self.table(7..8, "S2", status)).await;
            let run = self.run().await;
            assert_eq!(run.errors(), 0, "{run:?}");
            assert_eq!(
                self.servers(" AND serialnumber = 'S2'", "status").await,
                [json!({"status": now})]
            );
        }
    }

    /// What is not known of a CI that is taken over stays as it is, dates too.
    async fn takes_over(&self) {
        let name = self.wanted(550, "").name;
        let old =
            json!({"name": name, "org_id": self.org, "purchase_date": "2020-02-29", "cpu": "4"});
        self.admin.create("Server", old).await;
        assert_eq!(self.load(&self.table(550..551, "S4", LEAVE)).await.issues, []);
        let run = self.run().await;
        assert_eq!((run.reconciled_updated, run.created, run.errors()), (1, 0, 0), "{run:?}");
        let taken_over = self.servers(" AND serialnumber = 'S4'", "purchase_date,cpu").await;
        assert_eq!(taken_over, [json!({"purchase_date": "2020-02-29", "cpu": "4"})]);
    }

    /// A row that cannot be fails alone, with its number where the database says so.
    async fn refuses(&self, itop: &ItopSection) {
        let stray = self.with(600..602, 0, "org_id", "99999999");
        assert_eq!(self.load(&stray).await.issues, []);
        let run = self.run().await;
        assert_eq!((run.created, run.errors()), (1, 1), "{run:?}");
        let bad = self.with(602..604, 1, "status", "nope");
        let issues = self.load(&bad).await.issues;
        assert_eq!((issues.len(), issues[0].row), (1, 1));
        assert!(issues[0].message.contains("status"), "{issues:?}");
        let nowhere = self.doors.load("99999999", &bad).await;
        assert!(matches!(nowhere, Err(DoorError::NoSource { .. })), "{nowhere:?}");
        // Whoever is not named in the source may load, and not synchronize.
        let bridge =
            client_settings(&Config { itop: Some(itop.clone()), ..Config::default() }).unwrap();
        let stranger = Doors::new(&self.own, &bridge, Duration::from_mins(1)).unwrap();
        let refused = stranger.run(&self.source).await;
        assert!(matches!(refused, Err(DoorError::NotAllowed { .. })), "{refused:?}");
    }

    /// CIs that are given back stay as they are, and people may change them; the same rows take them over again.
    async fn gives_back(&self, itop: &ItopSection) {
        let password = variable("ADMIN_PASSWORD").unwrap();
        let administrator = client(itop, &variable("ADMIN_USER").unwrap(), &password);
        let read = async || {
            let query =
                format!("SELECT Server WHERE org_id = {} AND serialnumber = 'S5'", self.org);
            self.admin.read(&query, "name,description,status").await
        };
        self.load(&self.table(20..23, "S5", LEAVE)).await;
        assert_eq!(self.run().await.errors(), 0);
        let before = read().await;
        let ids: Vec<_> = before.iter().map(|server| server.id.to_string()).collect();
        assert_eq!(ids.len(), 3);
        let change = json!({
            "operation": "core/update", "class": "Server", "key": before[0].id, "comment": "live test",
            "fields": {"description": "by a person"}, "output_fields": "id",
        });
        let locked = administrator.call(Use::Write, &change).await.unwrap_err();
        eprintln!("while it is kept: {locked}");
        may_unlock(&administrator).await.unwrap();
        may_unlock(&self.own).await.unwrap_err();
        assert_eq!(unlock(&administrator, &self.source, "Server", &ids).await.unwrap(), 3);
        assert_eq!(unlock(&administrator, &self.source, "Server", &ids).await.unwrap(), 0);
        let after: Vec<_> = read().await.into_iter().map(|server| server.fields).collect();
        assert_eq!(after, before.iter().map(|server| server.fields.clone()).collect::<Vec<_>>());
        administrator.call(Use::Write, &change).await.unwrap();
        // A run that has nothing of them leaves them alone.
        self.load(&self.table(30..31, "S6", LEAVE)).await;
        assert_eq!(self.run().await.written(), 1);
        let by_person = self.servers(" AND description = 'by a person'", "id").await;
        assert_eq!(by_person.len(), 1);
        // Approved, they are taken over again: found by name and organization, and none is made twice.
        let (issues, servers) = (
            self.load(&self.table(20..23, "S5", LEAVE)).await.issues,
            self.servers("", "id").await.len(),
        );
        let run = self.run().await;
        eprintln!("taken over again: {run:?}");
        assert_eq!((issues.len(), run.created, run.errors()), (0, 0, 0), "{run:?}");
        assert_eq!(run.reconciled_updated + run.reconciled_unchanged, 3, "{run:?}");
        assert_eq!(self.servers("", "id").await.len(), servers);
        administrator.call(Use::Write, &change).await.unwrap_err();
    }

    /// The objects stay when the source goes, and can be taken away then.
    async fn end(self) {
        self.admin.delete("SynchroDataSource", self.source.parse().unwrap()).await;
        assert!(self.servers("", "id").await.len() > 500);
        let brand = self.brand_id();
        for query in [
            format!("SELECT FunctionalCI WHERE org_id = {}", self.org),
            format!("SELECT Model WHERE brand_id = {brand}"),
            format!("SELECT Brand WHERE id = {brand}"),
        ] {
            self.admin.delete_all(&query).await;
        }
        self.admin.delete("Organization", self.org).await;
    }
}

#[tokio::test]
async fn live_equipment_is_loaded_changed_and_retired() {
    let Some(itop) = named() else { return };
    let Some(lab) = Lab::set_up(&itop).await else { return };
    lab.makes_many().await;
    lab.changes_and_retires().await;
    lab.takes_over().await;
    lab.gives_back(&itop).await;
    lab.refuses(&itop).await;
    lab.end().await;
}
