//! What a row of the board is found by: the words of its control, written when the control gets a
//! ticket, and those of its ticket, kept true by triggers of the connection that writes.

use rusqlite::functions::FunctionFlags;

use super::{
    db::{self, Connection, OptionalExtension as _},
    time,
};
use crate::domain::{
    acknowledgement::{Acknowledgement, Receipt, read},
    keys::Instance,
    names,
};

/// The ticket has another number, title, team or agent; or it is gone, with all but its number.
const TRIGGERS: &str = "
    CREATE TEMP TRIGGER ticket_words AFTER UPDATE OF ref, title, team, agent ON main.tickets
    WHEN OLD.ref IS NOT NEW.ref OR OLD.title IS NOT NEW.title OR OLD.team IS NOT NEW.team
        OR OLD.agent IS NOT NEW.agent
    BEGIN
        UPDATE control_tickets
        SET team_words = searchable(NEW.team), agent_words = searchable(NEW.agent),
            ticket_words = searchable(concat_ws(' ', NEW.ref, NEW.title, NEW.team, NEW.agent))
        WHERE ticket_class = NEW.class AND ticket_id = NEW.id AND replaced IS NULL;
    END;
    CREATE TEMP TRIGGER ticket_gone AFTER UPDATE OF replaced ON main.control_tickets
    WHEN NEW.replaced IS NOT NULL
    BEGIN
        UPDATE control_tickets
        SET team_words = '', agent_words = '', ticket_words = searchable(NEW.replaced)
        WHERE instance = NEW.instance AND control_id = NEW.control_id;
    END;";

/// Gives a connection the function `searchable`: a text as it is searched, an empty one for none.
pub(super) fn register(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("searchable", 1, flags, |call| {
        let text = call.get_raw(0).as_str_or_null()?;
        Ok(text.map(names::searchable).unwrap_or_default())
    })
}

/// Keeps the words of tickets true that are changed through this connection.
pub(super) fn watch(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    register(connection)?;
    connection.execute_batch(TRIGGERS)
}

/// What the board keeps of an acknowledgement beside the columns of its row.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) element_type: Option<&'static str>,
    pub(super) author: Option<String>,
    pub(super) login: Option<String>,
    pub(super) company_words: String,
    pub(super) author_words: String,
    pub(super) login_words: String,
    pub(super) control_words: String,
}

impl Told {
    /// Of a row of the inbox; nothing where it is gone.
    pub(super) fn of(db: &Connection, acknowledgement: i64) -> db::Result<Self> {
        let told = db
            .prepare_cached(
                "SELECT control_name, company_name, site_name, received_at, body
                 FROM acknowledgements WHERE id = ?1",
            )?
            .query_row([acknowledgement], |row| {
                let names: [Option<String>; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
                let at = time(row.get(3)?);
                // It was read when it was stored, and says the same now.
                let receipt = Receipt { at, instance: Instance::default() };
                Ok(Self::from_names(
                    &names,
                    read(row.get_ref(4)?.as_str()?, &receipt).ok().as_ref(),
                ))
            })
            .optional()?;
        Ok(told.unwrap_or_default())
    }

    fn from_names(
        [control, company, site]: &[Option<String>; 3],
        event: Option<&Acknowledgement>,
    ) -> Self {
        let said = event.and_then(|event| event.acknowledgement.author.as_ref());
        let author = said.map(|author| author.label().to_owned());
        let login = said.and_then(|author| author.login.clone());
        let equipment = event.and_then(|event| event.equipment.as_ref());
        let equipment = equipment.map(|equipment| equipment.name.clone());
        // A line for each: so a name comes before all that it is the beginning of.
        let words = |texts: &[&Option<String>]| {
            let texts = texts.iter().filter_map(|text| text.as_deref()).map(names::searchable);
            texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
        };
        Self {
            element_type: event.map(|event| event.control.element_type.as_str()),
            company_words: words(&[company, site]),
            author_words: words(&[&author]),
            login_words: words(&[&login]),
            control_words: words(&[control, &equipment, company, site, &author, &login]),
            author,
            login,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate::tests::empty_file;

    /// A database with one control and its ticket, kept true as the store keeps it.
    fn watched() -> Connection {
        let db = empty_file();
        watch(&db).unwrap();
        let db = Connection::from(db);
        db.execute_batch(
            "INSERT INTO tickets (class, id, ref, org_id, status, operational_status, title, team,
                 presence, as_of)
             VALUES ('Incident', '7', 'I-7', '3', 'new', 'ongoing', 'Été', 'Équipe', 'present', 1);
             INSERT INTO control_tickets (instance, control_id, control_name, company_key,
                 ticket_class, ticket_id, acknowledgement_id, mapped_at)
             VALUES ('default', 'c', 'C', 'id:42', 'Incident', '7', 1, 1);",
        )
        .unwrap();
        db
    }

    fn kept(db: &Connection) -> [String; 6] {
        let sql = "SELECT ticket_words, team_words, agent_words, ticket_group, ticket_number,
                       CAST(ticket_priority AS TEXT) FROM control_tickets";
        db.query_row(sql, [], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?])
        })
        .unwrap()
    }

    #[test]
    fn whatever_changes_a_ticket_changes_what_it_is_found_by() {
        let db = watched();
        for (change, expected) in [
            (
                "agent = 'Zoé Morel'",
                ["i-7 ete equipe zoe morel", "equipe", "zoe morel", "open", "", "9"],
            ),
            (
                "ref = 'R-7'",
                ["r-7 ete equipe zoe morel", "equipe", "zoe morel", "open", "R-7", "9"],
            ),
            (
                "priority = 2",
                ["r-7 ete equipe zoe morel", "equipe", "zoe morel", "open", "R-7", "2"],
            ),
            (
                "operational_status = 'resolved', team = NULL",
                ["r-7 ete zoe morel", "", "zoe morel", "resolved", "R-7", "2"],
            ),
            ("presence = 'deleted'", ["r-7 ete zoe morel", "", "zoe morel", "gone", "R-7", "2"]),
            (
                "presence = 'present', operational_status = 'closed', agent = NULL",
                ["r-7 ete", "", "", "closed", "R-7", "2"],
            ),
        ] {
            db.execute(&format!("UPDATE tickets SET {change}"), []).unwrap();
            assert_eq!(kept(&db), expected, "{change}");
        }
        db.execute("UPDATE control_tickets SET replaced = 'R-7'", []).unwrap();
        let gone = ["r-7", "", "", "gone", "R-7", "9"];
        assert_eq!(kept(&db), gone);
        // What has its id now is another one.
        db.execute("UPDATE tickets SET ref = 'I-8', title = 'Salaries', priority = 1", []).unwrap();
        assert_eq!(kept(&db), gone);
    }
}
