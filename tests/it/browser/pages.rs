//! Every page, for everybody: without barriers, in both schemes, on a screen and on a phone.

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use serde_json::json;
use servicenav_itop_bridge::web::{Access, calls};

use super::{Browser, Look};
use crate::{
    console_migration::shows_migration,
    equipment::{LOADED, change, keeps_equipment},
    world::{World, event, with},
};

/// The ways in which pages are looked at.
pub const LOOKS: [Look; 4] = [
    Look { width: 1320, dark: false, language: "en" },
    Look { width: 1320, dark: true, language: "en" },
    Look { width: 390, dark: false, language: "en" },
    Look { width: 390, dark: true, language: "en" },
];

/// The addresses of all pages that are about no object.
fn pages() -> impl Iterator<Item = &'static str> {
    let pages =
        calls().filter(|call| matches!(call.access, Access::Page(_) | Access::PageOfOverseers));
    pages.map(|call| call.path).filter(|path| !path.contains('{'))
}

/// A board and an inbox with something of everything.
async fn world() -> (World, Vec<String>) {
    let world = World::with(Options::default(), |config| {
        keeps_equipment(config);
        shows_migration(config);
    })
    .await;
    world.link_demo().await;
    equipment(&world).await;
    let mut rows = Vec::new();
    for (key, equipment, control, state, criticality) in [
        ("one", "srv-compta-02", "Disk C:", "CRITICAL", "high"),
        (
            "two",
            "fw-quimper",
            "Availability of the internet access of the town hall",
            "DOWN",
            "high",
        ),
        ("three", "sw-core-1", "Fan tray 2", "WARNING", "low"),
        ("four", "srv-mail", "SMTP queue", "CRITICAL", "medium"),
    ] {
        let event = with(event(key), "/equipment", json!({"name": equipment}));
        let event = with(event, "/control/name", json!(control));
        let event = with(event, "/control/state", json!(state));
        let event = with(event, "/control/criticality", json!(criticality));
        let event = with(event, "/site", json!({"id": 7, "name": "Data centre north"}));
        rows.push(world.acknowledge(&event).await.expect(201)["id"].to_string());
    }
    let tickets = world.itop.tickets().await.unwrap();
    for (ticket, stimuli) in tickets.iter().zip([
        &["ev_assign"][..],
        &[],
        &["ev_assign", "ev_pending"],
        &["ev_assign", "ev_resolve"],
    ]) {
        for stimulus in stimuli {
            world.itop.apply_stimulus(&ticket.class, ticket.id, stimulus).await.unwrap();
        }
    }
    world.clock.advance(std::time::Duration::from_mins(3));
    let refuse = FaultKind::Refuse { code: 100, message: "Error: Service is mandatory".to_owned() };
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(1));
    let failed = with(event("five"), "/control/name", json!("Backup"));
    rows.push(world.acknowledge(&failed).await.expect(202)["id"].to_string());
    for (key, company) in [("six", "Lycée de Cornouaille"), ("seven", "ACME Retail")] {
        let unlinked = with(event(key), "/company", json!({"id": key.len() + 96, "name": company}));
        rows.push(world.acknowledge(&unlinked).await.expect(202)["id"].to_string());
    }
    (world, rows)
}

/// Equipment of each state, and with each question.
async fn equipment(world: &World) {
    let list: Vec<_> = [
        ("srv-compta-02", "Windows server", "192.0.2.17", "Data centre north"),
        ("srv-mail", "Linux server", "192.0.2.25", "Data centre north"),
        ("fw-quimper", "Firewall", "198.51.100.1", "Town hall"),
        ("sw-core-1", "Switch", "198.51.100.2", "Data centre north"),
        ("prn-accueil-with-a-name-that-is-rather-long", "Printer", "203.0.113.9", "Town hall"),
        ("srv-old-01", "Windows server", "192.0.2.90", "Data centre north"),
    ]
    .into_iter()
    .zip(1..)
    .map(|((name, category, address, site), id)| {
        json!({"id": id, "name": name, "category": category, "address": address, "site": site,
            "manufacturer": "Dell", "model": "R740", "serial_number": format!("CN-{id}")})
    })
    .chain(
        (10..40)
            .map(|id| json!({"id": id, "name": format!("vm-{id}"), "category": "Virtual machine"})),
    )
    .collect();
    let path = "/api/v1/equipment?company=name:Mairie%20de%20Quimper";
    world.put(path, &json!(list)).await.expect(200);
    change(world, LOADED).await;
    world.put(path, &json!(list[..6])).await.expect(200);
    change(
        world,
        "UPDATE equipment SET state = 'new', held = 'adopt', held_for = 'Server::4', class = NULL,
             problem_code = 'adopt', problem = 'Server::4 (srv-mail) has this name.' WHERE equipment_id = '2';
         UPDATE equipment SET state = 'failed', problem_code = 'refused-by-itop',
             problem = 'iTop says: Unexpected value for attribute serialnumber: String too long.'
             WHERE equipment_id = '3';
         UPDATE equipment SET state = 'failed', problem_code = 'not-moved', problem = 'x'
             WHERE equipment_id = '4';
         UPDATE equipment SET state = 'retired', listed = 0 WHERE equipment_id = '6'",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_barriers_or_scrolls_sideways() {
    let (world, rows) = world().await;
    let mut pages: Vec<_> = pages().map(str::to_owned).collect();
    pages.retain(|page| page != "/tickets/detail");
    pages.extend(["one", "six"].map(|key| format!("/tickets/detail?control=control-{key}")));
    pages.extend([&rows[4], &rows[5]].map(|row| format!("/inbox/{row}")));
    // Which everybody may see.
    pages.push("/api".to_owned());
    pages.extend(["company=id:42", "new=1"].map(|query| format!("/companies?{query}")));
    pages.push("/equipment?state=failed&company=name:mairie%20de%20quimper&one=3&of=name:mairie%20de%20quimper".to_owned());
    let mut found = Vec::new();
    for language in ["en", "fr"] {
        let start = Browser::start(Look { language, ..Look::default() });
        let Some(browser) = start.await else { return };
        for page in &pages {
            browser.open(&format!("{}{page}", world.base)).await;
            // A form beside the list reads what it offers.
            browser
                .until(
                    "!document.getElementById('chosen') || document.querySelector('#editor form')",
                )
                .await;
            for look in LOOKS {
                browser.look(Look { language, ..look }).await;
                let scheme = if look.dark { "dark" } else { "light" };
                let way = format!("{page} {language} {} {scheme}", look.width);
                // What is a barrier is one in every language.
                if language == "en" {
                    let barriers = browser.barriers().await;
                    found.extend(barriers.into_iter().map(|line| format!("{way}: {line}")));
                }
                let is_wide = "document.documentElement.scrollWidth > innerWidth";
                if browser.js(is_wide).await == json!(true) {
                    found.push(format!("{way}: it scrolls sideways"));
                }
                if let Some(folder) = std::env::var_os("BRIDGE_PICTURES") {
                    let name: String = way
                        .chars()
                        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                        .collect();
                    let file = std::path::Path::new(&folder).join(format!("{name}.png"));
                    std::fs::write(file, browser.picture().await).unwrap();
                }
            }
        }
        browser.quit().await;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    world.finish().await;
}
