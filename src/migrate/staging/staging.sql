-- The staging file of a migration, layout 1: what was read. Compiled into the program; steps follow in files of
-- their own.
-- Dates are as iTop writes them, in its own time zone: what they mean is said once, by the mapping.

-- Single values: the layout, the iTop that is read, its time zone.
CREATE TABLE about (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Each class that is read, in the order in which it is. `pass` counts how often all was read; a class is done
-- with a pass when `read_in` says so.
CREATE TABLE classes (
    class    TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    fields   TEXT NOT NULL,            -- JSON: the attributes that are read
    logs     TEXT NOT NULL,            -- JSON: those of them that are logs
    counted  INTEGER NOT NULL,         -- how many iTop said there are
    problem  TEXT,                     -- why it is not read: no such class, no right
    read_in  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What of a class was read in this pass: the ids above `above`, up to `up_to`. Written together with its rows.
CREATE TABLE ranges (
    class  TEXT NOT NULL,
    above  INTEGER NOT NULL,
    up_to  INTEGER NOT NULL,
    rows   INTEGER NOT NULL,
    micros INTEGER NOT NULL,           -- how long iTop took
    PRIMARY KEY (class, above)
) STRICT, WITHOUT ROWID;

-- An object as it was when it was last read; `seen_in` is that pass. `gone` where a later one did not see it.
CREATE TABLE objects (
    class   TEXT NOT NULL,
    id      INTEGER NOT NULL,
    seen_in INTEGER NOT NULL,
    gone    INTEGER NOT NULL DEFAULT 0,
    fields  TEXT NOT NULL,             -- JSON, without logs
    PRIMARY KEY (class, id)
) STRICT, WITHOUT ROWID;

-- The entries of its logs, the oldest first.
CREATE TABLE log_entries (
    class    TEXT NOT NULL,
    id       INTEGER NOT NULL,
    log      TEXT NOT NULL,
    position INTEGER NOT NULL,
    date     TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    user     TEXT NOT NULL,            -- the name of the person, not a login
    html     TEXT NOT NULL,
    PRIMARY KEY (class, id, log, position)
) STRICT, WITHOUT ROWID;

-- Attachments: `sha256` names the file with its contents, NULL until it was read.
CREATE TABLE files (
    class       TEXT NOT NULL,
    id          INTEGER NOT NULL,
    attribute   TEXT NOT NULL,         -- the attribute of that object which holds it
    owner_class TEXT NOT NULL,
    owner_id    INTEGER NOT NULL,
    name        TEXT,
    mimetype    TEXT,
    bytes       INTEGER,
    sha256      TEXT,
    problem     TEXT,                  -- why it could not be read
    PRIMARY KEY (class, id, attribute)
) STRICT, WITHOUT ROWID;
