-- The database of the bridge. Compiled into the program and applied in fenced steps: each runs once,
-- in its own transaction, and leaves its number in PRAGMA user_version. A step that has been released
-- is never edited; a change is a new step at the end.
-- Times are milliseconds since 1970 (UTC).

-- step 1: nothing; what was meant as the first step was counted as the second

-- step 2: inbox, tickets of controls, company links

-- Single values: the epoch of this file, the key of signed links, the highest ticket id seen.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The inbox: one row an acknowledgement, kept until `retention` after it has ended.
CREATE TABLE acknowledgements (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    instance        TEXT NOT NULL,
    event_id        TEXT,              -- NULL only for a rejected body without a usable one
    event_type      TEXT NOT NULL,
    marker          TEXT,              -- 32 hexadecimal digits
    fingerprint     TEXT,              -- what must be equal for a repeated post to be the same
    company_key     TEXT,
    company_name    TEXT,
    site_key        TEXT,
    site_name       TEXT,
    control_id      TEXT,
    control_name    TEXT,
    request_id      TEXT,              -- of the request that brought it, for the log
    trusted_names   INTEGER NOT NULL DEFAULT 1, -- 0: by a token that is limited to companies
    body            TEXT NOT NULL,     -- as received; of a rejected one at most its beginning
    -- Not state IN (...): SQLite would build a tree of the words for each row that is stored.
    state           TEXT NOT NULL CHECK (
        state = 'accepted' OR state = 'creating' OR state = 'unknown' OR state = 'created'
        OR state = 'reused' OR state = 'failed' OR state = 'blocked' OR state = 'recorded'
        OR state = 'discarded' OR state = 'rejected'),
    problem_code    TEXT,
    problem         TEXT,
    warnings        TEXT NOT NULL DEFAULT '[]',
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    waited          INTEGER NOT NULL DEFAULT 0,  -- milliseconds between attempts, gate open
    id_floor        INTEGER,           -- the highest ticket id seen before the write was sent
    sent_at         INTEGER,           -- when a write was last decided on
    late_look_at    INTEGER,           -- when its marker is looked for once more
    ticket_class    TEXT,              -- the ticket; while creating: the one a line is added to
    ticket_id       INTEGER,
    ticket_ref      TEXT,
    reason          TEXT,              -- why an operator discarded it
    received_at     INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    ended_at        INTEGER
) STRICT;
CREATE UNIQUE INDEX acknowledgements_event
    ON acknowledgements (instance, event_id) WHERE state <> 'rejected';
CREATE INDEX acknowledgements_waiting
    ON acknowledgements (company_key, id, next_attempt_at)
    WHERE state IN ('accepted', 'blocked');
-- SQLite uses a partial index only where a query states the very same condition.
CREATE INDEX acknowledgements_under_way
    ON acknowledgements (instance, control_id, id)
    WHERE state IN ('accepted', 'creating', 'unknown');
CREATE INDEX acknowledgements_control ON acknowledgements (instance, control_id, id);
CREATE INDEX acknowledgements_late_look
    ON acknowledgements (late_look_at) WHERE late_look_at IS NOT NULL;
CREATE INDEX acknowledgements_state ON acknowledgements (state, id);
CREATE INDEX acknowledgements_ended
    ON acknowledgements (ended_at) WHERE ended_at IS NOT NULL;

-- What came of the attempts at a row; the same cause again only counts up.
CREATE TABLE attempts (
    acknowledgement_id INTEGER NOT NULL
        REFERENCES acknowledgements (id) ON DELETE CASCADE,
    number             INTEGER NOT NULL,
    code               TEXT NOT NULL,
    message            TEXT NOT NULL,
    times              INTEGER NOT NULL,
    first_at           INTEGER NOT NULL,
    last_at            INTEGER NOT NULL,
    PRIMARY KEY (acknowledgement_id, number)
) STRICT, WITHOUT ROWID;

-- What is known of each ticket that a control points at.
CREATE TABLE tickets (
    class              TEXT NOT NULL,
    id                 INTEGER NOT NULL,
    ref                TEXT NOT NULL,
    org_id             INTEGER NOT NULL,
    status             TEXT NOT NULL,
    operational_status TEXT NOT NULL,
    priority           INTEGER,
    title              TEXT NOT NULL,
    last_update        INTEGER,
    team               TEXT,
    agent              TEXT,
    presence           TEXT NOT NULL CHECK (
        presence = 'present' OR presence = 'deleted' OR presence = 'not_visible'),
    as_of              INTEGER NOT NULL,
    PRIMARY KEY (class, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_ref ON tickets (ref);

-- One row a control: a new ticket overwrites the earlier one.
CREATE TABLE control_tickets (
    instance           TEXT NOT NULL,
    control_id         TEXT NOT NULL,
    control_name       TEXT NOT NULL,
    company_key        TEXT NOT NULL,
    ticket_class       TEXT NOT NULL,
    ticket_id          INTEGER NOT NULL,
    acknowledgement_id INTEGER NOT NULL,
    mapped_at          INTEGER NOT NULL,
    PRIMARY KEY (instance, control_id),
    FOREIGN KEY (ticket_class, ticket_id) REFERENCES tickets (class, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX control_tickets_ticket ON control_tickets (ticket_class, ticket_id);

-- Company or site -> organization. `site_key` is '' for the company itself.
CREATE TABLE company_links (
    instance             TEXT NOT NULL,
    company_key          TEXT NOT NULL,
    site_key             TEXT NOT NULL DEFAULT '',
    name                 TEXT,          -- of the company or site in ServiceNav, for people
    org_id               INTEGER NOT NULL,
    org_name             TEXT NOT NULL,
    tickets              INTEGER NOT NULL CHECK (tickets IN (0, 1)),
    team_id              INTEGER,
    team_name            TEXT,
    contact_id           INTEGER,
    contact_name         TEXT,
    service_id           INTEGER,
    service_name         TEXT,
    service_element_id   INTEGER,
    service_element_name TEXT,
    updated_at           INTEGER NOT NULL,
    PRIMARY KEY (instance, company_key, site_key)
) STRICT, WITHOUT ROWID;

-- step 3: which tickets to read again; one index of controls instead of two

CREATE INDEX tickets_open ON tickets (as_of)
    WHERE presence = 'present' AND operational_status NOT IN ('resolved', 'closed');
CREATE INDEX tickets_ended ON tickets (as_of)
    WHERE presence = 'present' AND operational_status IN ('resolved', 'closed');

-- What is under way of a control is found among all that there is of it: there is little.
DROP INDEX acknowledgements_under_way;
DROP INDEX acknowledgements_control;
CREATE INDEX acknowledgements_control ON acknowledgements (instance, control_id, id, state);

-- step 4: whose turn it is, found without a look at those that wait for later

DROP INDEX acknowledgements_waiting;
CREATE INDEX acknowledgements_due
    ON acknowledgements (next_attempt_at, id)
    WHERE state IN ('accepted', 'blocked');

-- step 5: lines are read back; what a ticket and its control were when the one was mapped

-- The words of a line for a ticket that is there, and the organization that the ticket belonged to;
-- when the line is looked for in the log, and how often it was added again.
ALTER TABLE acknowledgements ADD COLUMN line TEXT;
ALTER TABLE acknowledgements ADD COLUMN line_org_id INTEGER;
ALTER TABLE acknowledgements ADD COLUMN read_back_at INTEGER;
ALTER TABLE acknowledgements ADD COLUMN lost_lines INTEGER NOT NULL DEFAULT 0;
CREATE INDEX acknowledgements_read_back
    ON acknowledgements (read_back_at) WHERE read_back_at IS NOT NULL;
-- The state of the control then, and the organization of the ticket; NULL where that is not known.
ALTER TABLE control_tickets ADD COLUMN control_state TEXT;
ALTER TABLE control_tickets ADD COLUMN org_id INTEGER;
UPDATE control_tickets SET org_id = (
    SELECT org_id FROM tickets
    WHERE class = control_tickets.ticket_class AND id = control_tickets.ticket_id);

-- Names of companies and sites are kept in the one spelling that all equal names share. What was
-- spelt otherwise is no longer told from the same event by its fingerprint.
UPDATE acknowledgements
SET company_key = respelt(company_key), site_key = respelt(site_key), fingerprint = NULL
WHERE company_key <> respelt(company_key) OR site_key <> respelt(site_key);
UPDATE OR REPLACE company_links
SET company_key = respelt(company_key), site_key = respelt(site_key)
WHERE company_key <> respelt(company_key) OR site_key <> respelt(site_key);
UPDATE control_tickets SET company_key = respelt(company_key)
WHERE company_key <> respelt(company_key);

-- step 6: keys of the ticket system are texts

-- A STRICT column cannot change its type. Where new tables take the place of old ones, the renaming
-- carries the reference along.
CREATE TABLE new_tickets (
    class              TEXT NOT NULL,
    id                 TEXT NOT NULL,
    ref                TEXT NOT NULL,
    org_id             TEXT NOT NULL,
    status             TEXT NOT NULL,
    operational_status TEXT NOT NULL,
    priority           INTEGER,
    title              TEXT NOT NULL,
    last_update        INTEGER,
    team               TEXT,
    agent              TEXT,
    presence           TEXT NOT NULL CHECK (
        presence = 'present' OR presence = 'deleted' OR presence = 'not_visible'),
    as_of              INTEGER NOT NULL,
    PRIMARY KEY (class, id)
) STRICT, WITHOUT ROWID;
INSERT INTO new_tickets
SELECT class, id, ref, org_id, status, operational_status, priority, title, last_update, team,
    agent, presence, as_of
FROM tickets;

CREATE TABLE new_control_tickets (
    instance           TEXT NOT NULL,
    control_id         TEXT NOT NULL,
    control_name       TEXT NOT NULL,
    company_key        TEXT NOT NULL,
    ticket_class       TEXT NOT NULL,
    ticket_id          TEXT NOT NULL,
    acknowledgement_id INTEGER NOT NULL,
    mapped_at          INTEGER NOT NULL,
    control_state      TEXT,
    org_id             TEXT,
    PRIMARY KEY (instance, control_id),
    FOREIGN KEY (ticket_class, ticket_id) REFERENCES new_tickets (class, id)
) STRICT, WITHOUT ROWID;
INSERT INTO new_control_tickets
SELECT instance, control_id, control_name, company_key, ticket_class, ticket_id,
    acknowledgement_id, mapped_at, control_state, org_id
FROM control_tickets;

DROP TABLE control_tickets;
DROP TABLE tickets;
ALTER TABLE new_tickets RENAME TO tickets;
ALTER TABLE new_control_tickets RENAME TO control_tickets;
CREATE INDEX tickets_ref ON tickets (ref);
CREATE INDEX tickets_open ON tickets (as_of)
    WHERE presence = 'present' AND operational_status NOT IN ('resolved', 'closed');
CREATE INDEX tickets_ended ON tickets (as_of)
    WHERE presence = 'present' AND operational_status IN ('resolved', 'closed');
CREATE INDEX control_tickets_ticket ON control_tickets (ticket_class, ticket_id);

CREATE TABLE new_company_links (
    instance             TEXT NOT NULL,
    company_key          TEXT NOT NULL,
    site_key             TEXT NOT NULL DEFAULT '',
    name                 TEXT,
    org_id               TEXT NOT NULL,
    org_name             TEXT NOT NULL,
    tickets              INTEGER NOT NULL CHECK (tickets IN (0, 1)),
    team_id              TEXT,
    team_name            TEXT,
    contact_id           TEXT,
    contact_name         TEXT,
    service_id           TEXT,
    service_name         TEXT,
    service_element_id   TEXT,
    service_element_name TEXT,
    updated_at           INTEGER NOT NULL,
    PRIMARY KEY (instance, company_key, site_key)
) STRICT, WITHOUT ROWID;
INSERT INTO new_company_links
SELECT instance, company_key, site_key, name, org_id, org_name, tickets, team_id, team_name,
    contact_id, contact_name, service_id, service_name, service_element_id, service_element_name,
    updated_at
FROM company_links;
DROP TABLE company_links;
ALTER TABLE new_company_links RENAME TO company_links;

-- step 7: a time of change before 2000 is none

-- What was stored with one is no longer told from the same event by its fingerprint.
UPDATE acknowledgements SET fingerprint = NULL
WHERE fingerprint IS NOT NULL AND CASE WHEN json_valid(body)
    THEN json_extract(body, '$.control.status_changed_at') < '2000' ELSE FALSE END;

-- step 8: a fresh row is in as few trees as can be; each filter of a list has an index

-- The body stands last: what does not ask for it does not read past it. Ids are not given out twice
-- without AUTOINCREMENT either, because the newest row is never removed. Keys of the ticket system are
-- texts here, too.
CREATE TABLE new_acknowledgements (
    id              INTEGER PRIMARY KEY,
    instance        TEXT NOT NULL,
    event_id        TEXT,              -- NULL only for a rejected body without a usable one
    event_type      TEXT NOT NULL,
    marker          TEXT,              -- 32 hexadecimal digits
    fingerprint     TEXT,              -- what must be equal for a repeated post to be the same
    company_key     TEXT,
    company_name    TEXT,
    site_key        TEXT,
    site_name       TEXT,
    control_id      TEXT,
    control_name    TEXT,
    request_id      TEXT,              -- of the request that brought it, for the log
    trusted_names   INTEGER NOT NULL DEFAULT 1, -- 0: by a token that is limited to companies
    -- Not state IN (...): SQLite would build a tree of the words for each row that is stored.
    state           TEXT NOT NULL CHECK (
        state = 'accepted' OR state = 'creating' OR state = 'unknown' OR state = 'created'
        OR state = 'reused' OR state = 'failed' OR state = 'blocked' OR state = 'recorded'
        OR state = 'discarded' OR state = 'rejected'),
    problem_code    TEXT,
    problem         TEXT,
    warnings        TEXT NOT NULL DEFAULT '[]',
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    waited          INTEGER NOT NULL DEFAULT 0,  -- milliseconds between attempts, gate open
    id_floor        INTEGER,           -- the highest ticket id seen before the write was sent
    sent_at         INTEGER,           -- when a write was last decided on
    late_look_at    INTEGER,           -- when its marker is looked for once more
    ticket_class    TEXT,              -- the ticket; while creating: the one a line is added to
    ticket_id       TEXT,
    ticket_ref      TEXT,
    reason          TEXT,              -- why an operator discarded it
    received_at     INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    line            TEXT,              -- the words of a line for a ticket that is there
    line_org_id     TEXT,              -- the organization that the ticket belonged to
    read_back_at    INTEGER,           -- when the line is looked for in the log
    lost_lines      INTEGER NOT NULL DEFAULT 0,  -- how often it was added again
    body            TEXT NOT NULL      -- as received; of a rejected one at most its beginning
) STRICT;
INSERT INTO new_acknowledgements
SELECT id, instance, event_id, event_type, marker, fingerprint, company_key, company_name, site_key,
    site_name, control_id, control_name, request_id, trusted_names, state, problem_code, problem,
    warnings, attempts, next_attempt_at, waited, id_floor, sent_at, late_look_at, ticket_class,
    ticket_id, ticket_ref, reason, received_at, updated_at, ended_at, line, line_org_id,
    read_back_at, lost_lines, body
FROM acknowledgements;
DROP TABLE acknowledgements;
ALTER TABLE new_acknowledgements RENAME TO acknowledgements;

-- SQLite uses a partial index only where a query states the very same condition.
CREATE UNIQUE INDEX acknowledgements_event
    ON acknowledgements (instance, event_id) WHERE state <> 'rejected';
CREATE INDEX acknowledgements_control ON acknowledgements (instance, control_id, id, state);
CREATE INDEX acknowledgements_due
    ON acknowledgements (instance, company_key, next_attempt_at, id) WHERE state = 'accepted';
-- These have nothing of a row that has just been stored.
CREATE INDEX acknowledgements_blocked
    ON acknowledgements (next_attempt_at, id, instance, company_key) WHERE state = 'blocked';
CREATE INDEX acknowledgements_state
    ON acknowledgements (state, id, instance) WHERE state <> 'accepted';
CREATE INDEX acknowledgements_company
    ON acknowledgements (instance, company_key, state, id) WHERE state <> 'accepted';
CREATE INDEX acknowledgements_instance
    ON acknowledgements (instance, id) WHERE state <> 'accepted';
CREATE INDEX acknowledgements_unlinked
    ON acknowledgements (instance, company_key, site_key, state, received_at, company_name)
    WHERE problem_code = 'company-not-linked';
CREATE INDEX acknowledgements_late_look
    ON acknowledgements (late_look_at) WHERE late_look_at IS NOT NULL;
CREATE INDEX acknowledgements_read_back
    ON acknowledgements (read_back_at) WHERE read_back_at IS NOT NULL;
CREATE INDEX acknowledgements_ended
    ON acknowledgements (ended_at) WHERE ended_at IS NOT NULL;

-- What the board is filtered by stands beside its order. The trigger keeps it true.
ALTER TABLE control_tickets ADD COLUMN ticket_status TEXT NOT NULL DEFAULT '';
ALTER TABLE control_tickets ADD COLUMN ticket_open INTEGER NOT NULL DEFAULT 0;
UPDATE control_tickets SET (ticket_status, ticket_open) = (
    SELECT status, presence = 'present' AND operational_status NOT IN ('resolved', 'closed')
    FROM tickets WHERE class = control_tickets.ticket_class AND id = control_tickets.ticket_id);
CREATE TRIGGER tickets_board
AFTER UPDATE OF status, operational_status, presence ON tickets
WHEN OLD.status IS NOT NEW.status OR OLD.operational_status IS NOT NEW.operational_status
    OR OLD.presence IS NOT NEW.presence
BEGIN
    UPDATE control_tickets
    SET ticket_status = NEW.status,
        ticket_open = NEW.presence = 'present'
            AND NEW.operational_status NOT IN ('resolved', 'closed')
    WHERE ticket_class = NEW.class AND ticket_id = NEW.id;
END;
CREATE INDEX control_tickets_company ON control_tickets (company_key, instance, control_id);
CREATE INDEX control_tickets_status ON control_tickets (ticket_status, instance, control_id);
CREATE INDEX control_tickets_open ON control_tickets (ticket_open, instance, control_id);

-- step 9: which ticket is the control's, when iTop gives ids anew; tickets that were missing

-- When work on the ticket began, by iTop: with number, title and organization what it is known by.
ALTER TABLE tickets ADD COLUMN started_at INTEGER;
-- The marker that the ticket bears for this control; whether number and beginning are enough, because
-- it was not made for it; and what it was that the ticket was mapped for.
ALTER TABLE control_tickets ADD COLUMN marker TEXT;
ALTER TABLE control_tickets ADD COLUMN by_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE control_tickets ADD COLUMN equipment_name TEXT;
-- The number of the ticket that is gone because iTop gave its id to another one; NULL while it is there.
ALTER TABLE control_tickets ADD COLUMN replaced TEXT;
UPDATE control_tickets AS m SET marker = (
    SELECT marker FROM acknowledgements AS a
    WHERE a.instance = m.instance AND a.control_id = m.control_id AND a.state = 'created'
      AND a.ticket_class = m.ticket_class AND a.ticket_id = m.ticket_id
    ORDER BY a.id LIMIT 1);
UPDATE control_tickets SET by_number = 1 WHERE marker IS NULL;
-- A ticket that was missing from an answer is looked for again as seldom as one that has ended.
DROP INDEX tickets_ended;
CREATE INDEX tickets_ended ON tickets (as_of)
    WHERE presence <> 'present' OR operational_status IN ('resolved', 'closed');
-- Of a ticket that is gone the board keeps no status, and finds it by the number that it had.
DROP TRIGGER tickets_board;
CREATE TRIGGER tickets_board
AFTER UPDATE OF status, operational_status, presence ON tickets
WHEN OLD.status IS NOT NEW.status OR OLD.operational_status IS NOT NEW.operational_status
    OR OLD.presence IS NOT NEW.presence
BEGIN
    UPDATE control_tickets
    SET ticket_status = NEW.status,
        ticket_open = NEW.presence = 'present'
            AND NEW.operational_status NOT IN ('resolved', 'closed')
    WHERE ticket_class = NEW.class AND ticket_id = NEW.id AND replaced IS NULL;
END;
CREATE TRIGGER control_tickets_replaced
AFTER UPDATE OF replaced ON control_tickets WHEN NEW.replaced IS NOT NULL
BEGIN
    UPDATE control_tickets SET ticket_status = '', ticket_open = 0
    WHERE instance = NEW.instance AND control_id = NEW.control_id;
END;
CREATE INDEX control_tickets_by_replaced ON control_tickets (replaced) WHERE replaced IS NOT NULL;

-- step 10: what a row of the board shows, is found by and is ordered by

-- Of the acknowledgement that the ticket was mapped for: NULL where it is not known any more.
ALTER TABLE control_tickets ADD COLUMN company_name TEXT;
ALTER TABLE control_tickets ADD COLUMN site_key TEXT;
ALTER TABLE control_tickets ADD COLUMN site_name TEXT;
ALTER TABLE control_tickets ADD COLUMN element_type TEXT;
ALTER TABLE control_tickets ADD COLUMN author TEXT;
ALTER TABLE control_tickets ADD COLUMN author_login TEXT;
-- When it came; where that is not known any more, when the ticket was mapped.
ALTER TABLE control_tickets ADD COLUMN received_at INTEGER NOT NULL DEFAULT 0;
-- Of the ticket: open, resolved, closed or gone; its number; its priority, 9 for none.
ALTER TABLE control_tickets ADD COLUMN ticket_group TEXT NOT NULL DEFAULT 'open';
ALTER TABLE control_tickets ADD COLUMN ticket_number TEXT NOT NULL DEFAULT '';
ALTER TABLE control_tickets ADD COLUMN ticket_priority INTEGER NOT NULL DEFAULT 9;
-- The same as it is compared and searched: without capitals and accents. All that is known of the
-- control, and all that is known of the ticket, are one text each, the control's a line for each name:
-- in their order a name comes before all that it is the beginning of.
ALTER TABLE control_tickets ADD COLUMN company_words TEXT NOT NULL DEFAULT '';
ALTER TABLE control_tickets ADD COLUMN author_words TEXT NOT NULL DEFAULT '';
ALTER TABLE control_tickets ADD COLUMN login_words TEXT NOT NULL DEFAULT '';
ALTER TABLE control_tickets ADD COLUMN team_words TEXT NOT NULL DEFAULT '';
ALTER TABLE control_tickets ADD COLUMN agent_words TEXT NOT NULL DEFAULT '';
ALTER TABLE control_tickets ADD COLUMN control_words TEXT NOT NULL DEFAULT '';
ALTER TABLE control_tickets ADD COLUMN ticket_words TEXT NOT NULL DEFAULT '';

UPDATE control_tickets SET received_at = mapped_at;
UPDATE control_tickets AS m
SET company_name = a.company_name, site_key = a.site_key, site_name = a.site_name,
    received_at = a.received_at,
    element_type = CASE WHEN json_valid(a.body) THEN lower(a.body ->> '$.control.element_type') END,
    author = CASE
        WHEN NOT json_valid(a.body) THEN NULL
        WHEN json_type(a.body, '$.acknowledgement.author') = 'text'
            THEN a.body ->> '$.acknowledgement.author'
        ELSE coalesce(a.body ->> '$.acknowledgement.author.name',
            a.body ->> '$.acknowledgement.author.login',
            a.body ->> '$.acknowledgement.author.email') END,
    author_login = CASE
        WHEN NOT json_valid(a.body) THEN NULL
        WHEN json_type(a.body, '$.acknowledgement.author') = 'text'
            THEN a.body ->> '$.acknowledgement.author'
        ELSE a.body ->> '$.acknowledgement.author.login' END
FROM acknowledgements AS a WHERE a.id = m.acknowledgement_id;
UPDATE control_tickets AS m
SET ticket_group = CASE WHEN t.presence <> 'present' THEN 'gone'
        WHEN t.operational_status IN ('resolved', 'closed') THEN t.operational_status
        ELSE 'open' END,
    ticket_number = t.ref, ticket_priority = coalesce(t.priority, 9),
    team_words = searchable(t.team), agent_words = searchable(t.agent),
    ticket_words = searchable(concat_ws(' ', t.ref, t.title, t.team, t.agent))
FROM tickets AS t WHERE t.class = m.ticket_class AND t.id = m.ticket_id;
UPDATE control_tickets
SET ticket_group = 'gone', ticket_number = replaced, ticket_priority = 9, team_words = '',
    agent_words = '', ticket_words = searchable(replaced)
WHERE replaced IS NOT NULL;
UPDATE control_tickets
SET company_words = concat_ws(char(10), searchable(company_name),
        nullif(searchable(site_name), '')),
    author_words = searchable(author), login_words = searchable(author_login),
    control_words = concat_ws(char(10), searchable(control_name),
        nullif(searchable(equipment_name), ''), nullif(searchable(company_name), ''),
        nullif(searchable(site_name), ''), nullif(searchable(author), ''),
        nullif(searchable(author_login), ''));

-- What needs no function of the program; the rest is kept true by triggers of the one that writes.
DROP TRIGGER tickets_board;
CREATE TRIGGER tickets_board
AFTER UPDATE OF status, operational_status, presence, priority, ref ON tickets
WHEN OLD.status IS NOT NEW.status OR OLD.operational_status IS NOT NEW.operational_status
    OR OLD.presence IS NOT NEW.presence OR OLD.priority IS NOT NEW.priority
    OR OLD.ref IS NOT NEW.ref
BEGIN
    UPDATE control_tickets
    SET ticket_status = NEW.status,
        ticket_open = NEW.presence = 'present'
            AND NEW.operational_status NOT IN ('resolved', 'closed'),
        ticket_group = CASE WHEN NEW.presence <> 'present' THEN 'gone'
            WHEN NEW.operational_status IN ('resolved', 'closed') THEN NEW.operational_status
            ELSE 'open' END,
        ticket_number = NEW.ref, ticket_priority = coalesce(NEW.priority, 9)
    WHERE ticket_class = NEW.class AND ticket_id = NEW.id AND replaced IS NULL;
END;
DROP TRIGGER control_tickets_replaced;
CREATE TRIGGER control_tickets_replaced
AFTER UPDATE OF replaced ON control_tickets WHEN NEW.replaced IS NOT NULL
BEGIN
    UPDATE control_tickets
    SET ticket_status = '', ticket_open = 0, ticket_group = 'gone', ticket_number = NEW.replaced,
        ticket_priority = 9
    WHERE instance = NEW.instance AND control_id = NEW.control_id;
END;
-- The order in which the board is mostly looked at, and all that it is then filtered by.
CREATE INDEX control_tickets_age
    ON control_tickets (received_at, instance, control_id, ticket_group, ticket_priority);

-- step 11: who did what

-- What operators did to a row; it goes with the row.
CREATE TABLE operator_actions (
    id                 INTEGER PRIMARY KEY,
    acknowledgement_id INTEGER NOT NULL
        REFERENCES acknowledgements (id) ON DELETE CASCADE,
    at                 INTEGER NOT NULL,
    by                 TEXT NOT NULL,      -- the name of the token or person
    what               TEXT NOT NULL,      -- 'retried', 'discarded', 'linked'
    reason             TEXT
) STRICT;
CREATE INDEX operator_actions_acknowledgement ON operator_actions (acknowledgement_id);
-- NULL where it has made itself, and where it is older than this.
ALTER TABLE company_links ADD COLUMN updated_by TEXT;

-- step 12: the requests that iTop refused

-- The last one of a row, for whoever asks why; only the newest are kept.
CREATE TABLE refused_requests (
    number             INTEGER PRIMARY KEY,
    acknowledgement_id INTEGER NOT NULL UNIQUE
        REFERENCES acknowledgements (id) ON DELETE CASCADE,
    refused_at         INTEGER NOT NULL,
    request            TEXT NOT NULL
) STRICT;

-- step 13: companies and sites of which something came, however long ago

-- `site_key` is '' for the company itself. `seen_at` is when something of it was last received, to the day.
CREATE TABLE companies_seen (
    instance    TEXT NOT NULL,
    company_key TEXT NOT NULL,
    site_key    TEXT NOT NULL DEFAULT '',
    name        TEXT,
    seen_at     INTEGER NOT NULL,
    PRIMARY KEY (instance, company_key, site_key)
) STRICT, WITHOUT ROWID;
INSERT INTO companies_seen
SELECT instance, company_key, '', company_name, max(received_at) FROM acknowledgements
WHERE company_key IS NOT NULL AND state <> 'rejected'
GROUP BY instance, company_key;
INSERT INTO companies_seen
SELECT instance, company_key, site_key, site_name, max(received_at) FROM acknowledgements
WHERE company_key IS NOT NULL AND site_key <> '' AND state <> 'rejected'
GROUP BY instance, company_key, site_key;
INSERT OR IGNORE INTO companies_seen
SELECT instance, company_key, '', NULL, max(mapped_at) FROM control_tickets
GROUP BY instance, company_key;
-- Not when a row is stored, which would be slower for it. Of one company most rows change nothing here.
CREATE TRIGGER acknowledgement_company_seen
AFTER UPDATE OF state ON acknowledgements
WHEN OLD.state = 'accepted' AND NEW.state <> 'accepted' AND NEW.company_key IS NOT NULL
BEGIN
    INSERT INTO companies_seen (instance, company_key, site_key, name, seen_at)
    VALUES (NEW.instance, NEW.company_key, '', NEW.company_name, NEW.received_at)
    ON CONFLICT (instance, company_key, site_key) DO UPDATE
    SET name = excluded.name, seen_at = excluded.seen_at
    WHERE excluded.seen_at - seen_at > 86400000
       OR (excluded.seen_at >= seen_at AND name IS NOT excluded.name);
    INSERT INTO companies_seen (instance, company_key, site_key, name, seen_at)
    SELECT NEW.instance, NEW.company_key, NEW.site_key, NEW.site_name, NEW.received_at
    WHERE NEW.site_key <> ''
    ON CONFLICT (instance, company_key, site_key) DO UPDATE
    SET name = excluded.name, seen_at = excluded.seen_at
    WHERE excluded.seen_at - seen_at > 86400000
       OR (excluded.seen_at >= seen_at AND name IS NOT excluded.name);
END;

-- step 14: how the last days were, by quarters of an hour; when the gate has changed

-- A value is JSON: what it says depends on its kind.
CREATE TABLE history (
    start INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (start, kind)
) STRICT, WITHOUT ROWID;
-- No reason: it was opened.
CREATE TABLE gate_changes (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    reason TEXT,
    message TEXT
) STRICT;
CREATE INDEX gate_changes_at ON gate_changes (at);

-- step 15: what hooks are still to be told, and how it has gone so far

-- Written by triggers in the commit of what it tells of, while a hook wants it. Messages of one queue (a
-- control, or the gate) go one after another. `next_attempt_at` and `first_failed_at` are moments.
CREATE TABLE hook_messages (
    id                 INTEGER PRIMARY KEY,
    hook               TEXT NOT NULL,
    queue              TEXT NOT NULL,
    message_id         TEXT NOT NULL,     -- the same each time it is sent
    event              TEXT NOT NULL,
    occurred_at        INTEGER NOT NULL,
    attempts           INTEGER NOT NULL DEFAULT 0,
    next_attempt_at    INTEGER NOT NULL DEFAULT 0,
    first_failed_at    INTEGER,
    acknowledgement_id INTEGER,           -- it may be purged before the message is sent
    data               TEXT NOT NULL      -- JSON: how it was then
) STRICT;
CREATE INDEX hook_messages_queue ON hook_messages (hook, queue, id);
CREATE INDEX hook_messages_turn
    ON hook_messages (hook, attempts, id, next_attempt_at, occurred_at, queue);

-- One row a hook that was ever configured and still is. `failing_since` is a moment, NULL while its
-- receiver takes what it is sent.
CREATE TABLE hooks (
    name            TEXT PRIMARY KEY,
    delivered       INTEGER NOT NULL DEFAULT 0,
    failed_attempts INTEGER NOT NULL DEFAULT 0,
    given_up        INTEGER NOT NULL DEFAULT 0,
    delivered_at    INTEGER,
    failing_since   INTEGER,
    error           TEXT
) STRICT, WITHOUT ROWID;

-- step 16: whose trace an acknowledgement belongs to

-- The 'traceparent' with which it came. NULL: there was none, and the digits of its marker stand for it.
ALTER TABLE acknowledgements ADD COLUMN traceparent TEXT;

-- step 17: the messages of senders that sign, by their ids

-- A known id with an equal body is answered as before, with another body refused. `sender` is the name of
-- the token, `digest` the SHA-256 of the body as it came.
CREATE TABLE signed_messages (
    sender      TEXT NOT NULL,
    id          TEXT NOT NULL,
    digest      BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (sender, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX signed_messages_age ON signed_messages (received_at);

-- step 18: the equipment that is kept in iTop's CMDB

-- One row an equipment of a company. `wanted` is JSON (domain::equipment::Equipment), `wanted_hash` is of it.
-- What is not `listed` is gone from the list of its company. While `held` a person must say yes first, to
-- exactly what `held_for` says; a yes copies it into `allowed`. `class` is written before a load is sent: a
-- row without it was never given to iTop. `sent_hash` is of class, organization and values that iTop was last
-- given and that were read back.
CREATE TABLE equipment (
    instance        TEXT NOT NULL,
    company_key     TEXT NOT NULL,     -- 'id:…' or 'name:…', as in company_links
    equipment_id    TEXT NOT NULL,
    wanted          TEXT NOT NULL,
    wanted_hash     BLOB NOT NULL,
    words           TEXT NOT NULL,     -- what it is found by, as it is searched
    state           TEXT NOT NULL CHECK (
        state = 'new' OR state = 'changed' OR state = 'synchronized' OR state = 'failed'
        OR state = 'retiring' OR state = 'retired'),
    listed          INTEGER NOT NULL,
    held            TEXT CHECK (held = 'retire' OR held = 'adopt' OR held = 'move'),
    held_for        TEXT,
    allowed         TEXT,
    class           TEXT,
    sent_hash       BLOB,
    org_id          TEXT,              -- the organization that it was loaded for
    ci_class        TEXT,              -- its CI, read back
    ci_id           TEXT,
    problem_code    TEXT,
    problem         TEXT,
    changed_at      INTEGER NOT NULL,  -- when the bridge was last told otherwise
    synchronized_at INTEGER,
    PRIMARY KEY (instance, company_key, equipment_id)
) STRICT, WITHOUT ROWID;
-- What is counted and filtered by; pages of a state go by its first four.
CREATE INDEX equipment_state
    ON equipment (state, instance, company_key, equipment_id, class, listed);
-- What waits for its turn, in its order: first what nothing keeps back.
CREATE INDEX equipment_waiting ON equipment (problem_code, changed_at)
    WHERE held IS NULL AND (state = 'new' OR state = 'changed' OR state = 'retiring');
CREATE INDEX equipment_held ON equipment (held, instance, company_key) WHERE held IS NOT NULL;

-- Each company of which there is equipment, with its last whole list; NULL where none ever came.
CREATE TABLE equipment_lists (
    instance     TEXT NOT NULL,
    company_key  TEXT NOT NULL,
    company_name TEXT,                 -- as it was last written, where it is told by its name
    listed_at    INTEGER,              -- to the hour: the same list again changes nothing
    listed_by    TEXT,                 -- the name of the token or person
    row_count    INTEGER,
    PRIMARY KEY (instance, company_key)
) STRICT, WITHOUT ROWID;

-- Who did what to the equipment of a company; only the newest are kept.
CREATE TABLE equipment_actions (
    id           INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    by           TEXT,
    what         TEXT NOT NULL,        -- 'listed', 'patched', 'removed', 'approved', 'kept', 'retried'
    instance     TEXT NOT NULL,
    company_key  TEXT NOT NULL,
    equipment_id TEXT,                 -- NULL: of more than one
    row_count    INTEGER NOT NULL
) STRICT;
CREATE INDEX equipment_actions_company ON equipment_actions (instance, company_key, id);

-- step 19: the data sources of iTop into which equipment is loaded, as "cmdb setup" has left them
-- The account that loads cannot read them. `made_for` says which attributes it was set up to feed, and how.
CREATE TABLE cmdb_sources (
    class     TEXT NOT NULL PRIMARY KEY,
    source_id TEXT NOT NULL,
    name      TEXT NOT NULL,
    made_for  TEXT NOT NULL,
    set_up_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- step 20: bringing equipment to iTop

-- Class, organization and name under which a CI is made for it, or was: what is found there later is its own.
ALTER TABLE equipment ADD COLUMN begun TEXT;
-- Whose CI it is. Two rows never have one.
CREATE INDEX equipment_ci ON equipment (ci_id) WHERE ci_id IS NOT NULL;
-- What was given to iTop and never read back as it was sent: iTop may try these again in each run.
CREATE INDEX equipment_unproven ON equipment (class) WHERE class IS NOT NULL AND sent_hash IS NULL;

-- Sources of which nothing is loaded until somebody says that it may go on.
CREATE TABLE equipment_halts (
    class  TEXT NOT NULL PRIMARY KEY,
    at     INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- step 21: more than one ticket system

-- Which one a company's tickets go to; the same for all links of a company.
ALTER TABLE company_links ADD COLUMN desk TEXT NOT NULL DEFAULT 'itop';
-- To which one the write of a row was sent; NULL: to iTop, or to none yet.
ALTER TABLE acknowledgements ADD COLUMN desk TEXT;

-- step 22: changes of the gate of each ticket system

-- Whose gate; NULL: iTop's.
ALTER TABLE gate_changes ADD COLUMN desk TEXT;

-- step 23: companies that move to another ticket system, and the way back

-- What the links of companies were before they moved, as in company_links.
CREATE TABLE switched_links (
    instance             TEXT NOT NULL,
    company_key          TEXT NOT NULL,
    site_key             TEXT NOT NULL,
    name                 TEXT,
    desk                 TEXT NOT NULL,
    org_id               TEXT NOT NULL,
    org_name             TEXT NOT NULL,
    tickets              INTEGER NOT NULL,
    team_id              TEXT,
    team_name            TEXT,
    contact_id           TEXT,
    contact_name         TEXT,
    service_id           TEXT,
    service_name         TEXT,
    service_element_id   TEXT,
    service_element_name TEXT,
    updated_at           INTEGER NOT NULL,
    updated_by           TEXT,
    switched_at          INTEGER NOT NULL,
    PRIMARY KEY (instance, company_key, site_key)
) STRICT, WITHOUT ROWID;

-- Which ticket a control had, with what was known of it; `moved_to` is the one that it was given instead.
CREATE TABLE switched_controls (
    instance           TEXT NOT NULL,
    control_id         TEXT NOT NULL,
    company_key        TEXT NOT NULL,
    moved_to           TEXT NOT NULL,
    ticket_class       TEXT NOT NULL,
    ticket_id          TEXT NOT NULL,
    mapped_org         TEXT,
    mapped_at          INTEGER NOT NULL,
    marker             TEXT,
    by_number          INTEGER NOT NULL,
    ref                TEXT NOT NULL,
    org_id             TEXT NOT NULL,
    status             TEXT NOT NULL,
    operational_status TEXT NOT NULL,
    priority           INTEGER,
    title              TEXT NOT NULL,
    started_at         INTEGER,
    last_update        INTEGER,
    team               TEXT,
    agent              TEXT,
    presence           TEXT NOT NULL,
    as_of              INTEGER NOT NULL,
    PRIMARY KEY (instance, control_id)
) STRICT, WITHOUT ROWID;
