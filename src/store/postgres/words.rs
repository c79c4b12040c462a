//! What a row of the board is found by, and what it takes of a body: SQLite has functions of this program for
//! both, and a server has not.

use serde_json::Value as Json;

use crate::{
    domain::{
        keys::{OrgId, TicketKey},
        names,
        ticket_status::TicketStatus,
    },
    store::{
        board_words::Told,
        db::{self, Connection, OptionalExtension as _, named_params, params},
    },
};

/// What a ticket is found by.
struct Words {
    team: String,
    agent: String,
    ticket: String,
}

impl Words {
    fn of(number: &str, title: &str, team: Option<&str>, agent: Option<&str>) -> Self {
        let all: Vec<_> = [Some(number), Some(title), team, agent].into_iter().flatten().collect();
        Self {
            team: team.map(names::searchable).unwrap_or_default(),
            agent: agent.map(names::searchable).unwrap_or_default(),
            ticket: names::searchable(&all.join(" ")),
        }
    }

    /// Of a ticket that is known.
    fn of_known(db: &Connection, ticket: &TicketKey) -> db::Result<Option<Self>> {
        db.prepare_cached(
            "SELECT ref, title, team, agent FROM tickets WHERE class = ?1 AND id = ?2",
        )?
        .query_row(params![ticket.class, ticket.id], |row| {
            let (number, title): (String, String) = (row.get(0)?, row.get(1)?);
            let [team, agent]: [Option<String>; 2] = [row.get(2)?, row.get(3)?];
            Ok(Self::of(&number, &title, team.as_deref(), agent.as_deref()))
        })
        .optional()
    }
}

/// Keeps the words of a ticket true that was saved.
pub(in crate::store) fn follow_ticket(db: &Connection, saved: &TicketStatus) -> db::Result<()> {
    let Connection::Postgres(_) = db else { return Ok(()) };
    let (team, agent) = (saved.team.as_deref(), saved.agent.as_deref());
    let Words { team, agent, ticket } = Words::of(&saved.number, &saved.title, team, agent);
    db.prepare_cached(
        "UPDATE control_tickets SET team_words = ?3, agent_words = ?4, ticket_words = ?5
         WHERE ticket_class = ?1 AND ticket_id = ?2 AND replaced IS NULL
           AND (team_words, agent_words, ticket_words) <> (?3, ?4, ?5)",
    )?
    .execute(params![saved.key.class, saved.key.id, team, agent, ticket])
    .map(drop)
}

/// The same for controls whose ticket is gone because its id was given to another one.
pub(in crate::store) fn follow_replaced(db: &Connection, lost: &TicketKey) -> db::Result<()> {
    let Connection::Postgres(_) = db else { return Ok(()) };
    let numbers: Vec<String> = db
        .prepare_cached(
            "SELECT DISTINCT replaced FROM control_tickets
             WHERE ticket_class = ?1 AND ticket_id = ?2 AND replaced IS NOT NULL",
        )?
        .query_map(params![lost.class, lost.id], |row| row.get(0))?
        .collect::<db::Result<_>>()?;
    for number in numbers {
        db.prepare_cached(
            "UPDATE control_tickets SET team_words = '', agent_words = '', ticket_words = ?4
             WHERE ticket_class = ?1 AND ticket_id = ?2 AND replaced = ?3",
        )?
        .execute(params![lost.class, lost.id, number, names::searchable(&number)])?;
    }
    Ok(())
}

/// What is taken of a body.
#[derive(Default)]
struct Said {
    state: Option<String>,
    equipment: Option<String>,
    names_ticket: bool,
}

impl Said {
    /// Of a body that is no JSON nothing.
    fn of(body: &str) -> Self {
        let Ok(body) = serde_json::from_str::<Json>(body) else { return Self::default() };
        let text = |pointer: &str| match body.pointer(pointer)? {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let equipment = match body.get("equipment") {
            Some(Json::String(name)) => Some(name.clone()),
            _ => text("/equipment/name"),
        };
        Self {
            state: text("/control/state"),
            equipment,
            names_ticket: text("/ticket/existing_ref").is_some(),
        }
    }
}

/// Points a control at a ticket, in place of the one that it had. `marker`: the one by which the ticket was known
/// to it.
pub(in crate::store) fn map_control(
    db: &Connection,
    acknowledgement: i64,
    ticket: &TicketKey,
    (now, marker): (i64, Option<&String>),
    told: &Told,
) -> db::Result<()> {
    let body: Option<String> = db
        .prepare_cached("SELECT body FROM acknowledgements WHERE id = ?1")?
        .query_row([acknowledgement], |row| row.get(0))
        .optional()?;
    let words = Words::of_known(db, ticket)?;
    let (Some(body), Some(words)) = (body, words) else { return Ok(()) };
    let said = Said::of(&body);
    db.prepare_cached(MAP)?
        .execute(named_params! {
            ":id": acknowledgement, ":class": ticket.class, ":ticket": ticket.id, ":now": now,
            ":marker": marker, ":state": said.state, ":equipment": said.equipment,
            ":names_ticket": said.names_ticket, ":team_words": words.team,
            ":agent_words": words.agent, ":ticket_words": words.ticket,
            ":element_type": told.element_type, ":author": told.author, ":login": told.login,
            ":company_words": told.company_words, ":author_words": told.author_words,
            ":login_words": told.login_words, ":control_words": told.control_words,
        })
        .map(drop)
}

const MAP: &str = "
    INSERT OR REPLACE INTO control_tickets (instance, control_id, control_name, company_key,
        ticket_class, ticket_id, acknowledgement_id, mapped_at, control_state, equipment_name, org_id,
        ticket_status, ticket_open, marker, by_number, company_name, site_key, site_name, received_at,
        ticket_group, ticket_number, ticket_priority, team_words, agent_words, ticket_words,
        element_type, author, author_login, company_words, author_words, login_words, control_words)
    SELECT a.instance, a.control_id, a.control_name, a.company_key, :class, :ticket, a.id, :now,
        :state, :equipment, t.org_id, t.status,
        CASE WHEN t.presence = 'present' AND t.operational_status NOT IN ('resolved', 'closed')
            THEN 1 ELSE 0 END,
        CASE WHEN a.state = 'created' THEN a.marker ELSE coalesce(:marker, a.marker) END,
        CASE WHEN a.state <> 'created' AND (:marker IS NULL OR :names_ticket = 1) THEN 1 ELSE 0 END,
        a.company_name, a.site_key, a.site_name, a.received_at,
        CASE WHEN t.presence <> 'present' THEN 'gone'
             WHEN t.operational_status IN ('resolved', 'closed') THEN t.operational_status
             ELSE 'open' END,
        t.ref, coalesce(t.priority, 9), :team_words, :agent_words, :ticket_words,
        :element_type, :author, :login, :company_words, :author_words, :login_words, :control_words
    FROM acknowledgements AS a CROSS JOIN tickets AS t
    WHERE a.id = :id AND t.class = :class AND t.id = :ticket";

/// Points a control at another ticket that is known; what it was told of stays. `known` is the ticket's organization
/// then, its marker, whether it is known by its number, and since when.
pub(in crate::store) fn point_at(
    db: &Connection,
    (instance, control): (&str, &str),
    ticket: &TicketKey,
    (org, marker, by_number, mapped_at): (Option<&OrgId>, Option<&str>, bool, i64),
) -> db::Result<()> {
    let Some(words) = Words::of_known(db, ticket)? else { return Ok(()) };
    db.prepare_cached(
        "UPDATE control_tickets AS m
         SET ticket_class = t.class, ticket_id = t.id, mapped_at = :mapped_at, org_id = :org,
             marker = :marker, by_number = :by_number, replaced = NULL, ticket_status = t.status,
             ticket_open = CASE WHEN t.presence = 'present'
                 AND t.operational_status NOT IN ('resolved', 'closed') THEN 1 ELSE 0 END,
             ticket_group = CASE WHEN t.presence <> 'present' THEN 'gone'
                 WHEN t.operational_status IN ('resolved', 'closed') THEN t.operational_status
                 ELSE 'open' END,
             ticket_number = t.ref, ticket_priority = coalesce(t.priority, 9),
             team_words = :team_words, agent_words = :agent_words, ticket_words = :ticket_words
         FROM tickets AS t
         WHERE m.instance = :instance AND m.control_id = :control
           AND t.class = :class AND t.id = :id",
    )?
    .execute(named_params! {
        ":instance": instance, ":control": control, ":class": ticket.class, ":id": ticket.id,
        ":mapped_at": mapped_at, ":org": org, ":marker": marker, ":by_number": by_number,
        ":team_words": words.team, ":agent_words": words.agent, ":ticket_words": words.ticket,
    })
    .map(drop)
}
