//! Companies with their people, contracts, equipment and visits.

use rusqlite::{Connection, params};

use super::{
    Agent, Companies, Company, Dice,
    words::{COMPANIES, DESCRIBED, FIRST, LAST, PLACES},
};
use crate::{Flavour, sanitize};

/// The first ids: far from those of the demo set and of its companies.
const ORGANIZATIONS: u32 = 7_000;
const PEOPLE: u32 = 70_000;
const CIS: u32 = 700_000;

/// The company that works for all others, and how many people of it do.
const PROVIDER: i64 = 2;
const AGENTS: u32 = 12;

pub(super) fn fill(db: &Connection, dice: &mut Dice, tickets: u32) -> rusqlite::Result<Companies> {
    let mut all = Vec::new();
    for number in 0..(tickets / 100).max(6) {
        all.push(company(db, dice, number)?);
    }
    let mut agents = Vec::new();
    for number in 0..AGENTS {
        let id = i64::from(PEOPLE - AGENTS + number);
        let name = person(db, dice, id, PROVIDER, &format!("agent{number}@provider.example"))?;
        agents.push(Agent { id, name });
    }
    for number in 0..(tickets / 4).max(24) {
        let place = number as usize % all.len();
        let company = &mut all[place];
        let id = i64::from(PEOPLE + number);
        let email = match dice.below(100) {
            0..5 => String::new(),
            // Two who share one address.
            5..7 => format!("reception@company{place}.example"),
            7 => "ask at the desk".to_owned(),
            _ => format!("person{number}@company{place}.example"),
        };
        person(db, dice, id, company.id, &email)?;
        if let Some(manager) = company.people.first() {
            let sql = "UPDATE base_contact SET manager_id = ?1 WHERE id = ?2";
            db.prepare_cached(sql)?.execute([manager, &id])?;
        }
        company.people.push(id);
    }
    equipment(db, dice, tickets, &mut all)?;
    visits(db, dice, tickets, &all, &agents)?;
    Ok(Companies { all, agents })
}

fn company(db: &Connection, dice: &mut Dice, number: u32) -> rusqlite::Result<Company> {
    let id = i64::from(ORGANIZATIONS + number);
    // Every fifth belongs to the one before it, and some have left.
    let parent = if number % 5 == 4 { id - 1 } else { 0 };
    let status = if dice.happens(6) { "inactive" } else { "active" };
    let name = format!("{} {} {number}", dice.one(COMPANIES), dice.one(PLACES));
    db.prepare_cached(
        "INSERT INTO base_organization (id, name, code, status, parent_id, deliverymodel_id)
         VALUES (?1, ?2, ?3, ?4, ?5, 501)",
    )?
    .execute(params![id, name, format!("C{number}"), status, parent])?;
    let ended = dice.happens(20);
    db.prepare_cached(
        "INSERT INTO base_customer_contract (id, name, org_id, status) VALUES (?1, ?2, ?1, ?3)",
    )?
    .execute(params![
        id,
        format!("Contract {name}"),
        if ended { "obsolete" } else { "production" }
    ])?;
    for service in [11, 12, 13] {
        if dice.happens(70) {
            db.prepare_cached(
                "INSERT INTO base_contract_service (customercontract_id, service_id) VALUES (?1, ?2)",
            )?
            .execute([id, service])?;
        }
    }
    Ok(Company { id, people: Vec::new(), cis: Vec::new() })
}

fn person(
    db: &Connection,
    dice: &mut Dice,
    id: i64,
    company: i64,
    email: &str,
) -> rusqlite::Result<String> {
    let first = dice.one(FIRST);
    let mut last = (*dice.one(LAST)).to_owned();
    // A title and all names of a family do not fit everywhere.
    if id == i64::from(PEOPLE) + 7 {
        last = format!("{last} {}", LAST[..12].join("-"));
    }
    let status = if company != PROVIDER && dice.happens(12) { "inactive" } else { "active" };
    let phone = format!("+33 {:09}", dice.below(1_000_000_000));
    db.prepare_cached(
        "INSERT INTO base_contact (id, finalclass, first_name, name, org_id, status, email, phone, function)
         VALUES (?1, 'Person', ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![id, first, last, company, status, email, phone, "user"])?;
    Ok(format!("{first} {last}"))
}

fn equipment(
    db: &Connection,
    dice: &mut Dice,
    tickets: u32,
    companies: &mut [Company],
) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO base_ci (id, finalclass, name, org_id, business_criticity, status, serialnumber,
             move2production, ssid)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for number in 0..(tickets / 4).max(20) {
        let id = i64::from(CIS + number);
        let class = ["Server", "VirtualMachine", "NetworkDevice", "Server", "AccessPoint"]
            [number as usize % 5];
        let place = dice.below(u32::try_from(companies.len()).unwrap_or(1)) as usize;
        let company = &mut companies[place];
        let since = dice.moment();
        let since = dice.written(since);
        insert.execute(params![
            id,
            class,
            format!("{}-{number:05}", class.to_lowercase()),
            company.id,
            dice.one(&["high", "medium", "low"]),
            dice.one(&["production", "production", "production", "obsolete", "stock"]),
            format!("SN{:08}", dice.below(100_000_000)),
            &since[..10],
            if class == "AccessPoint" { "guests é" } else { "" },
        ])?;
        company.cis.push(id);
    }
    Ok(())
}

fn visits(
    db: &Connection,
    dice: &mut Dice,
    tickets: u32,
    companies: &[Company],
    agents: &[Agent],
) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO base_site_visit (name, org_id, visitor_id, visited_on, hours, billed, report)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for number in 0..(tickets / 50).max(10) {
        let on = dice.moment();
        let on = dice.written(on);
        insert.execute(params![
            format!("Visit {number}"),
            dice.one(companies).id,
            dice.one(agents).id,
            &on[..10],
            format!("{}.5", dice.below(8)),
            dice.one(&["yes", "no"]),
            sanitize::clean(Flavour::Grown, dice.one::<&str>(DESCRIBED)),
        ])?;
    }
    Ok(())
}
