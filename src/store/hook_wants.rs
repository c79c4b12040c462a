//! Noting what hooks are told: triggers of the connection that writes, which are there only while a hook
//! wants something, write a message in the commit of what it tells of. So no method of the store can
//! forget to, and without hooks nothing costs more. Only what is refused has no trigger, which would be
//! asked for each row that is stored: whoever keeps that calls [`note_rejected`].

use rusqlite::functions::FunctionFlags;

use super::{
    Store, StoreError, Term, as_json,
    db::{self, Connection, params},
};
use crate::{
    clock::Clock,
    domain::{hook_event::HookEvent, visible::Visible},
};

/// What a hook is told of.
#[derive(Clone, Debug)]
pub struct HookWants {
    /// The hook.
    pub name: String,
    /// What has to have happened.
    pub events: Vec<HookEvent>,
    /// Of whom.
    pub visible: Visible,
}

/// Each thing that a hook is told of, of each company that it is limited to.
const WANTS: &str = "CREATE TEMP TABLE hook_wants (
    hook TEXT NOT NULL, event TEXT NOT NULL, instance TEXT, company TEXT)";

const TRIGGERS: [&str; 4] = ["hook_acknowledgement", "hook_status", "hook_replaced", "hook_gate"];

/// The hooks `w` that want an event of this instance and company.
fn wanting(event: &str, instance: &str, company: &str) -> String {
    format!(
        "hook_wants AS w WHERE w.event = {event}
           AND (w.instance IS NULL OR w.instance = {instance})
           AND (w.company IS NULL OR w.company = {company})"
    )
}

/// Milliseconds by which a message is put off at most, and more.
const MOST_AHEAD: i64 = 60 * 60 * 1_000;

const INSERT: &str = "INSERT INTO hook_messages
     (hook, event, queue, message_id, occurred_at, acknowledgement_id, data)";

/// Nobody can guess it, and it is never given twice, whatever becomes of the database.
const MESSAGE_ID: &str = "'msg_' || lower(hex(randomblob(16)))";

/// A message for each hook that wants to know of the acknowledgement NEW: a trigger's, or of this table.
fn of_acknowledgement(table: &str) -> String {
    let event =
        "CASE NEW.state WHEN 'created' THEN 'ticket.created' WHEN 'reused' THEN 'ticket.reused'
             ELSE 'acknowledgement.' || NEW.state END";
    let wanting = wanting(event, "NEW.instance", "NEW.company_key");
    format!(
        "{INSERT}
         SELECT w.hook, w.event, NEW.instance || char(10) || coalesce(NEW.control_id, ''), {MESSAGE_ID},
             NEW.updated_at, NEW.id, json_object(
                 'instance', NEW.instance,
                 'company', CASE WHEN NEW.company_key IS NOT NULL THEN
                     json_object('key', NEW.company_key, 'name', NEW.company_name) END,
                 'site', CASE WHEN NEW.site_key IS NOT NULL THEN
                     json_object('key', NEW.site_key, 'name', NEW.site_name) END,
                 'control', CASE WHEN coalesce(NEW.control_id, NEW.control_name) IS NOT NULL THEN
                     json_object('id', NEW.control_id, 'name', NEW.control_name) END,
                 'acknowledgement', json_object('id', NEW.id, 'event_id', NEW.event_id,
                     'event_type', NEW.event_type, 'state', NEW.state,
                     'problem', CASE WHEN NEW.problem_code IS NOT NULL THEN
                         json_object('code', NEW.problem_code, 'message', NEW.problem) END),
                 'ticket', CASE WHEN NEW.state = 'created' OR NEW.state = 'reused' THEN json((
                     SELECT json_object('class', t.class, 'id', t.id, 'number', t.ref,
                         'status', t.status, 'operational_status', t.operational_status,
                         'priority', t.priority, 'title', t.title, 'team', t.team, 'agent', t.agent,
                         'presence', t.presence)
                     FROM tickets AS t WHERE t.class = NEW.ticket_class AND t.id = NEW.ticket_id)) END)
         FROM {table} {wanting}"
    )
}

/// The control `m`, as messages about its ticket have it.
const CONTROL: &str = "'instance', m.instance,
    'company', json_object('key', m.company_key, 'name', m.company_name),
    'site', CASE WHEN m.site_key IS NOT NULL THEN
        json_object('key', m.site_key, 'name', m.site_name) END,
    'control', json_object('id', m.control_id, 'name', m.control_name)";

/// A message for each hook that wants to know of another status of the ticket NEW, and each of its
/// controls. Of a ticket that was moved to another company those are not told who see only the first.
fn of_status() -> String {
    let wanting = wanting("'ticket.status_changed'", "m.instance", "m.company_key");
    format!(
        "{INSERT}
         SELECT w.hook, w.event, m.instance || char(10) || m.control_id, {MESSAGE_ID}, hook_time(),
             m.acknowledgement_id, json_object({CONTROL}, 'ticket', json_object(
                 'class', NEW.class, 'id', NEW.id, 'number', NEW.ref, 'status', NEW.status,
                 'operational_status', NEW.operational_status, 'priority', NEW.priority,
                 'title', NEW.title, 'team', NEW.team, 'agent', NEW.agent, 'presence', NEW.presence,
                 'previous_status', OLD.status, 'previous_presence', OLD.presence))
         FROM control_tickets AS m CROSS JOIN {wanting}
           AND m.ticket_class = NEW.class AND m.ticket_id = NEW.id AND m.replaced IS NULL
           AND (w.company IS NULL OR m.org_id IS NULL OR m.org_id = NEW.org_id OR NEW.org_id IN (
               SELECT l.org_id FROM company_links AS l
               WHERE l.instance = w.instance AND l.company_key IN (
                   SELECT o.company FROM hook_wants AS o WHERE o.hook = w.hook)))"
    )
}

/// The same for a control whose ticket is gone because iTop gave its id to another one.
fn of_replaced() -> String {
    let wanting = wanting("'ticket.status_changed'", "m.instance", "m.company_key");
    format!(
        "{INSERT}
         SELECT w.hook, w.event, m.instance || char(10) || m.control_id, {MESSAGE_ID}, hook_time(),
             m.acknowledgement_id, json_object({CONTROL}, 'ticket', json_object(
                 'class', m.ticket_class, 'id', m.ticket_id, 'number', NEW.replaced,
                 'presence', 'deleted', 'previous_status', OLD.ticket_status,
                 'previous_presence', 'present'))
         FROM control_tickets AS m CROSS JOIN {wanting}
           AND m.instance = NEW.instance AND m.control_id = NEW.control_id"
    )
}

/// A message for each hook that wants to know of the change NEW of the gate.
fn of_gate() -> String {
    let event = "CASE WHEN NEW.reason IS NULL THEN 'gate.opened' ELSE 'gate.closed' END";
    format!(
        "{INSERT}
         SELECT w.hook, w.event, '', {MESSAGE_ID}, NEW.at, NULL, json_object('gate', json_object(
             'desk', NEW.desk,
             'state', CASE WHEN NEW.reason IS NULL THEN 'open' ELSE 'closed' END,
             'reason', NEW.reason, 'message', NEW.message))
         FROM {}",
        wanting(event, "NULL", "NULL")
    )
}

/// Gives a connection the function `hook_time`: the time of day, as it is stored.
pub(super) fn register(connection: &rusqlite::Connection, clock: Clock) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    connection
        .create_scalar_function("hook_time", 0, flags, move |_| Ok(clock.now().as_millisecond()))
}

impl Store {
    /// These hooks are told from now on, and no others. What others were still to be told goes; gives
    /// back how many messages that were. It is for whoever leads to say: where another instance does, nothing is
    /// done.
    pub async fn set_hooks(&self, hooks: Vec<HookWants>) -> Result<usize, StoreError> {
        let now = self.moment().as_millis();
        match self.write_where_led(move |db| begin(db, now, &hooks)).await {
            Err(StoreError::Deposed) => Ok(0),
            set => set,
        }
    }
}

impl Term {
    /// The same of whoever has begun to lead.
    pub async fn set_hooks(&self, hooks: Vec<HookWants>) -> Result<usize, StoreError> {
        let now = self.moment().as_millis();
        self.write(move |db| begin(db, now, &hooks)).await
    }
}

fn begin(db: &Connection, now: i64, hooks: &[HookWants]) -> db::Result<usize> {
    bring_back(db, now)?;
    set(db, hooks)
}

/// Somebody may have put the clock back since an earlier process has written moments: none of them lies
/// an hour ahead, and nothing has failed in the future.
fn bring_back(db: &Connection, now: i64) -> db::Result<()> {
    db.execute(
        "UPDATE hook_messages SET next_attempt_at = 0 WHERE next_attempt_at > ?1",
        [now + MOST_AHEAD],
    )?;
    db.execute("UPDATE hook_messages SET first_failed_at = ?1 WHERE first_failed_at > ?1", [now])?;
    db.execute("UPDATE hooks SET failing_since = ?1 WHERE failing_since > ?1", [now]).map(drop)
}

fn set(db: &Connection, hooks: &[HookWants]) -> db::Result<usize> {
    forget(db)?;
    let names: Vec<_> = hooks.iter().map(|hook| hook.name.as_str()).collect();
    let names = as_json(&names);
    let none_of = |column| format!("{column} NOT IN (SELECT value FROM json_each(?1))");
    db.execute(&format!("DELETE FROM hooks WHERE {}", none_of("name")), [&names])?;
    let gone =
        db.execute(&format!("DELETE FROM hook_messages WHERE {}", none_of("hook")), [&names])?;
    if hooks.is_empty() {
        return Ok(gone);
    }
    begin_wants(db)?;
    for hook in hooks {
        db.execute("INSERT INTO hooks (name) VALUES (?1) ON CONFLICT DO NOTHING", [&hook.name])?;
        want(db, hook)?;
    }
    let wanted = |some: &[HookEvent]| {
        hooks.iter().any(|hook| hook.events.iter().any(|event| some.contains(event)))
    };
    if wanted(&[
        HookEvent::TicketCreated,
        HookEvent::TicketReused,
        HookEvent::AcknowledgementFailed,
        HookEvent::AcknowledgementBlocked,
    ]) {
        trigger(
            db,
            "hook_acknowledgement AFTER UPDATE OF state ON acknowledgements",
            "OLD.state <> NEW.state AND (NEW.state = 'created' OR NEW.state = 'reused'
                 OR NEW.state = 'failed' OR NEW.state = 'blocked')",
            &of_acknowledgement(""),
        )?;
    }
    if wanted(&[HookEvent::TicketStatusChanged]) {
        trigger(
            db,
            "hook_status AFTER UPDATE OF status, presence ON tickets",
            "OLD.status <> '' AND (OLD.status <> NEW.status OR OLD.presence <> NEW.presence)",
            &of_status(),
        )?;
        trigger(
            db,
            "hook_replaced AFTER UPDATE OF replaced ON control_tickets",
            "NEW.replaced IS NOT NULL AND OLD.replaced IS NULL",
            &of_replaced(),
        )?;
    }
    if wanted(&[HookEvent::GateClosed, HookEvent::GateOpened]) {
        trigger(db, "hook_gate AFTER INSERT ON gate_changes", "true", &of_gate())?;
    }
    Ok(gone)
}

/// No hook is told any more.
fn forget(db: &Connection) -> db::Result<()> {
    match db {
        Connection::Sqlite(db) => {
            for trigger in TRIGGERS {
                db.execute_batch(&format!("DROP TRIGGER IF EXISTS temp.{trigger}"))?;
            }
            Ok(db.execute_batch("DROP TABLE IF EXISTS temp.hook_wants")?)
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(session) => {
            for trigger in TRIGGERS {
                session.batch(&format!("DROP FUNCTION IF EXISTS {trigger} CASCADE"))?;
            }
            session.batch("DELETE FROM hook_wants")
        }
    }
}

/// Makes room for what hooks want; a server has it already.
fn begin_wants(db: &Connection) -> db::Result<()> {
    match db {
        Connection::Sqlite(db) => Ok(db.execute_batch(WANTS)?),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(()),
    }
}

/// Writes messages when a table is changed. `when` begins with the name of the trigger.
fn trigger(db: &Connection, when: &str, condition: &str, messages: &str) -> db::Result<()> {
    match db {
        Connection::Sqlite(db) => {
            let when = when.replace(" ON ", " ON main.");
            Ok(db.execute_batch(&format!(
                "CREATE TEMP TRIGGER {when} WHEN {condition} BEGIN {messages}; END"
            ))?)
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(session) => {
            let name = when.split(' ').next().unwrap_or_default();
            let messages = super::postgres::translated(messages);
            session.batch(&format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN {messages}; RETURN NULL; END $$;
                 CREATE TRIGGER {when} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {name}()"
            ))
        }
    }
}

fn want(db: &Connection, hook: &HookWants) -> db::Result<()> {
    let instance = hook.visible.instance().map(ToString::to_string);
    let companies = match hook.visible.companies() {
        None => vec![None],
        Some(companies) => companies.iter().map(Some).collect(),
    };
    let mut insert = db.prepare("INSERT INTO temp.hook_wants VALUES (?1, ?2, ?3, ?4)")?;
    for event in &hook.events {
        for company in &companies {
            insert.execute(params![hook.name, event.as_str(), instance, company])?;
        }
    }
    Ok(())
}

/// A message for each hook that wants to know that these rows were refused.
pub(super) fn note_rejected(db: &Connection, ids: &[i64]) -> db::Result<()> {
    let is_wanted = db
        .prepare_cached("SELECT 1 FROM temp.sqlite_schema WHERE name = 'hook_wants'")?
        .exists([])?;
    if !is_wanted {
        return Ok(());
    }
    // The table is called as a trigger calls its row.
    let messages = of_acknowledgement("acknowledgements AS NEW CROSS JOIN");
    let of_these = "NEW.id IN (SELECT value FROM json_each(?1)) ORDER BY NEW.id";
    db.prepare_cached(&format!("{messages} AND {of_these}"))?.execute([as_json(ids)]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate::tests::empty;

    #[test]
    fn a_clock_that_was_put_back_holds_up_nothing() {
        let db = empty();
        db.execute_batch(
            "INSERT INTO hooks (name, failing_since) VALUES ('h', 9000000000000), ('k', 5);
             INSERT INTO hook_messages (hook, queue, message_id, event, occurred_at, next_attempt_at,
                 first_failed_at, data)
             VALUES ('h', 'a', 'm', 'ticket.created', 1, 9000000000000, 9000000000000, '{}'),
                 ('h', 'b', 'm', 'ticket.created', 1, 1005, 7, '{}');",
        )
        .unwrap();
        bring_back(&db, 1_000).unwrap();
        let numbers = |sql: &str| -> Vec<i64> {
            let mut select = db.prepare(sql).unwrap();
            select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!(numbers("SELECT next_attempt_at FROM hook_messages"), [0, 1_005]);
        assert_eq!(numbers("SELECT first_failed_at FROM hook_messages"), [1_000, 7]);
        assert_eq!(numbers("SELECT failing_since FROM hooks ORDER BY name"), [1_000, 5]);
    }
}
