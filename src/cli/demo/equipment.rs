//! The equipment of the companies: federated as an administrator sets it up, and listed as ServiceNav tells it.

use anyhow::Context as _;
use itop_sandbox as sandbox;
use serde_json::{Value, json};

use super::{
    day::Team,
    shown::Shown,
    story::{EQUIPMENT, Piece},
};
use crate::{
    clock::Clock,
    cmdb::setup::{Plan, SetUp},
    config::{Adopt, Cmdb, Creatable},
    desk::DeskName,
    itop::{Client, Login, Settings},
    secret::Secret,
};

/// Who may set data sources up in the simulated iTop.
const ADMINISTRATOR: &str = "labadmin";

/// How it is kept. The switches of the day are there already, so that no type of new ones is needed.
pub(super) fn section() -> Cmdb {
    let classes = [
        ("Windows server", "Server"),
        ("Linux server", "Server"),
        ("Switch", "NetworkDevice"),
        ("Printer", "Printer"),
    ];
    Cmdb {
        user: "cmdb".to_owned(),
        password: Some(Secret::new(sandbox::PASSWORD.to_owned())),
        classes: classes.map(|(category, class)| (category.to_owned(), class.to_owned())).into(),
        create: [Creatable::Brand, Creatable::OsFamily].into(),
        // What the tickets of the day point at is there already.
        adopt: Adopt::Yes,
        ..Cmdb::default()
    }
}

/// Sets the sources up, and lists what each company of iTop has. iTop gets it while the day goes on.
pub(super) async fn list(team: &Team<'_>, shown: Shown, itop: Settings) -> anyhow::Result<()> {
    let password = Secret::new(sandbox::PASSWORD.to_owned());
    let login = Login::Form { user: ADMINISTRATOR.to_owned(), password };
    let admin = Client::new(&Settings { login, ..itop })?;
    let done = Plan::make(&admin, &section()).await?.apply(&admin, |_| {}).await?;
    let item = |source: SetUp| {
        let SetUp { class, source_id, name, made_for } = source;
        json!({"class": class, "source_id": source_id, "name": name, "made_for": made_for})
    };
    let items: Vec<_> = done.into_iter().map(item).collect();
    team.send("put", "/api/v1/cmdb/sources", &json!({"items": items})).await?;
    let of_itop = EQUIPMENT.iter().filter(|(company, _)| company.desk(shown) == DeskName::Itop);
    for (company, pieces) in of_itop {
        let rows: Vec<_> = pieces.iter().map(Piece::row).collect();
        let path = format!("/api/v1/equipment?company={}", company.id);
        team.send("put", &path, &Value::Array(rows)).await?;
    }
    Ok(())
}

/// Waits until all of it is in iTop, or has failed; not for long: the page shows the rest as it comes.
pub(super) async fn settled(team: &Team<'_>) -> anyhow::Result<()> {
    const LOOKS: u32 = 200;
    let real = Clock::system();
    for _ in 0..LOOKS {
        let told = team.get("/api/v1/equipment?limit=1&count=true").await?;
        let counts = told["counts"].as_object().context("the equipment is not counted")?;
        if ["new", "changed"].into_iter().all(|state| counts[state] == 0) {
            break;
        }
        real.sleep(std::time::Duration::from_millis(10)).await;
    }
    Ok(())
}
