//! What a connection to a file notes: triggers of its own call this program.

use rusqlite::functions::{Context, FunctionFlags};

use super::{Changes, Noted};
use crate::{
    domain::delivery_state::State,
    store::moves::{Moved, Standing},
};

/// An acknowledgement has moved, a control has another ticket, or something is known of its ticket.
/// The last argument of `control_changed` says whether that can be seen, other than by its age. What is
/// new in the inbox has no trigger, which would make storing it a third slower.
const TRIGGERS: &str = "
    CREATE TEMP TRIGGER acknowledgement_changed AFTER UPDATE ON main.acknowledgements
    WHEN NEW.control_id IS NOT NULL BEGIN
        SELECT control_changed(NEW.instance, NEW.control_id, NEW.company_key, 1);
    END;
    CREATE TEMP TRIGGER acknowledgement_moved
    AFTER UPDATE OF state, next_attempt_at ON main.acknowledgements BEGIN
        SELECT row_moved(NEW.id, NEW.instance, NEW.company_key, NEW.received_at, OLD.state, NEW.state,
            OLD.problem_code, NEW.problem_code);
    END;
    CREATE TEMP TRIGGER acknowledgement_gone AFTER DELETE ON main.acknowledgements BEGIN
        SELECT row_moved(OLD.id, OLD.instance, OLD.company_key, OLD.received_at, OLD.state, NULL,
            OLD.problem_code, NULL);
    END;
    CREATE TEMP TRIGGER hook_message_written AFTER INSERT ON main.hook_messages BEGIN
        SELECT hook_message_noted();
    END;
    CREATE TEMP TRIGGER control_mapped AFTER INSERT ON main.control_tickets BEGIN
        SELECT control_changed(NEW.instance, NEW.control_id, NEW.company_key, 1);
    END;
    CREATE TEMP TRIGGER control_lost_ticket AFTER UPDATE OF replaced ON main.control_tickets BEGIN
        SELECT control_changed(NEW.instance, NEW.control_id, NEW.company_key, 1);
    END;
    CREATE TEMP TRIGGER ticket_read AFTER UPDATE ON main.tickets BEGIN
        SELECT control_changed(instance, control_id, company_key,
            OLD.status IS NOT NEW.status OR OLD.operational_status IS NOT NEW.operational_status
            OR OLD.presence IS NOT NEW.presence OR OLD.priority IS NOT NEW.priority
            OR OLD.title IS NOT NEW.title OR OLD.team IS NOT NEW.team
            OR OLD.agent IS NOT NEW.agent OR OLD.ref IS NOT NEW.ref
            OR OLD.org_id IS NOT NEW.org_id
            OR OLD.last_update IS NOT NEW.last_update)
        FROM control_tickets WHERE ticket_class = NEW.class AND ticket_id = NEW.id;
    END;";

impl Changes {
    pub(super) fn watch_file(&self, connection: &rusqlite::Connection) -> rusqlite::Result<()> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        let this = self.clone();
        connection.create_scalar_function("control_changed", 4, flags, move |call| {
            let (instance, control) = (call.get_raw(0).as_str()?, call.get_raw(1).as_str()?);
            let company = call.get_raw(2).as_str_or_null()?;
            this.note_control(instance, control, company, call.get(3)?);
            Ok(false)
        })?;
        let this = self.clone();
        connection.create_scalar_function("row_moved", 8, flags, move |call| {
            this.lock().push(Noted::Row(moved(call)?));
            Ok(false)
        })?;
        let this = self.clone();
        connection.create_scalar_function("hook_message_noted", 0, flags, move |_| {
            this.lock().push(Noted::HookMessage);
            Ok(false)
        })?;
        connection.execute_batch(TRIGGERS)
    }
}

fn moved(call: &Context<'_>) -> rusqlite::Result<Moved> {
    let standing = |state: usize, code: usize| -> rusqlite::Result<Option<Standing>> {
        let Some(state) = call.get_raw(state).as_str_or_null()?.and_then(State::parse) else {
            return Ok(None);
        };
        Ok(Some(Standing::of(state, call.get_raw(code).as_str_or_null()?)))
    };
    Ok(Moved {
        id: call.get(0)?,
        instance: call.get(1)?,
        company: call.get::<Option<String>>(2)?.unwrap_or_default(),
        received_at: call.get(3)?,
        from: standing(4, 6)?,
        to: standing(5, 7)?,
    })
}
