//! What only a real ticket shows: time zone, priorities, marker.

use jiff::SignedDuration;
use serde_json::{Map, json};

use super::{Finding, examine::failed};
use crate::{
    catalog::{Catalog, Freshness, TicketModel},
    clock::Clock,
    config::Config,
    domain::{
        keys::{EventId, Instance},
        marker::Marker,
        priority::Priority,
    },
    itop::{Client, CreatedTicket, ItopError, Organization, Within},
};

/// How far iTop's clock may be from ours.
const CLOCKS_AGREE: SignedDuration = SignedDuration::from_secs(120);

/// Creates one ticket of the lowest priority and examines it; it stays, and is named.
pub(super) async fn examine(
    config: &Config,
    client: &Client,
    catalog: &Catalog,
    clock: &Clock,
    model: &TicketModel,
    company: &Organization,
) -> Vec<Finding> {
    let event = format!("check:{}", clock.now());
    let Ok(event) = event.parse::<EventId>() else { return Vec::new() };
    let marker = Marker::new(&Instance::default(), &event);
    let field = &config.ticket.marker_field;
    let created = create(client, catalog, model, company, &marker, field).await;
    let created = match created {
        Ok(created) => created,
        Err(error) => return vec![failed("ticket", &error)],
    };
    let number = &created.status.number;
    let mut findings = vec![Finding::ok(
        "ticket",
        format!(
            "{number} ({}) was created for '{}'; close it in iTop",
            created.status.key, company.name
        ),
    )];
    findings.push(marker_finding(client, &created, &marker, field).await);
    findings.push(time_finding(config, clock, &created));
    findings.push(priority_finding(client, &created).await);
    findings
}

async fn create(
    client: &Client,
    catalog: &Catalog,
    model: &TicketModel,
    company: &Organization,
    marker: &Marker,
    field: &str,
) -> Result<CreatedTicket, ItopError> {
    let mut fields = Map::new();
    let mut set = |name: &str, value| fields.insert(name.to_owned(), value);
    set("org_id", json!(company.id));
    set("title", json!("Check of the ServiceNav bridge: please close"));
    set("description", json!("<p>Created by <i>check --create-ticket</i>; nothing is wrong.</p>"));
    set("impact", json!("2"));
    set("urgency", json!("4"));
    if model.sets_origin {
        set("origin", json!("monitoring"));
    }
    if model.sets_request_type {
        set("request_type", json!("incident"));
    }
    let teams = catalog.teams(company.id, Freshness::Cached).await?;
    if let Some(team) = teams.listed.items.first() {
        set("team_id", json!(team.id));
    }
    let operation = Client::create_operation(model.class, &fields, marker, field);
    client.create(&operation, marker, field).await
}

async fn marker_finding(
    client: &Client,
    created: &CreatedTicket,
    marker: &Marker,
    field: &str,
) -> Finding {
    let mend = "The account must be able to write, read and search the attribute \
                ticket.marker_field; without it a ticket cannot be found again after a lost \
                answer.";
    if !created.has_marker {
        let seen = format!("was written to {field} and could not be read back");
        return Finding::failure("marker", seen, mend);
    }
    match client.find_marked(&[(field, marker)], &Within::Anywhere).await {
        Ok(found) if found.iter().any(|marked| marked.key == created.status.key) => {
            Finding::ok("marker", format!("was read back from {field} and found by a search"))
        }
        Ok(_) => {
            let seen = format!("was read back from {field} and not found by a search");
            Finding::failure("marker", seen, mend)
        }
        Err(error) => failed("marker", &error),
    }
}

fn time_finding(config: &Config, clock: &Clock, created: &CreatedTicket) -> Finding {
    let zone = &config.itop.time_zone;
    let Some(theirs) = created.status.last_update else {
        return Finding::warning(
            "time zone",
            "iTop's last_update could not be read",
            "Check that iTop writes dates as Y-m-d H:i:s.",
        );
    };
    let ahead = theirs.duration_since(clock.now());
    if ahead.abs() <= CLOCKS_AGREE {
        return Finding::ok("time zone", format!("{zone} fits iTop's clock"));
    }
    // iTop writes whole seconds, and the call itself took a moment.
    let minutes = (ahead.as_secs() + 30).div_euclid(60);
    // Time zones differ by quarters of an hour; anything else is a clock that is wrong.
    let off_quarter = (minutes + 7).rem_euclid(15).abs_diff(7);
    let direction = if minutes > 0 { "ahead of" } else { "behind" };
    let seen = format!(
        "read in {zone}, iTop's clock is {} h {:02} min {direction} ours",
        minutes.abs() / 60,
        minutes.abs() % 60
    );
    let mend = if off_quarter <= 2 {
        "Set itop.time_zone to the time zone in iTop's configuration ('timezone')."
    } else {
        "Set the clocks of both machines by NTP."
    };
    Finding::failure("time zone", seen, mend)
}

async fn priority_finding(client: &Client, created: &CreatedTicket) -> Finding {
    let mut wrong = Vec::new();
    // The lowest last, so that the ticket ends as it was created.
    for number in 1..=4 {
        let Ok(wanted) = Priority::try_from(number) else { continue };
        let (impact, urgency) = wanted.impact_and_urgency();
        match client.priority_of(&created.status.key, impact, urgency).await {
            Ok(Some(computed)) if computed == wanted => {}
            Ok(computed) => wrong.push(format!(
                "impact {impact} and urgency {urgency} give {} instead of {number}",
                computed.map_or_else(|| "none".to_owned(), |p| u8::from(p).to_string())
            )),
            Err(error) => return failed("priorities", &error),
        }
    }
    if wrong.is_empty() {
        return Finding::ok("priorities", "1 to 4 are computed as expected");
    }
    Finding::warning(
        "priorities",
        wrong.join("; "),
        "This iTop has another table of impact and urgency: tickets will warn of the priority \
         that they got instead.",
    )
}
