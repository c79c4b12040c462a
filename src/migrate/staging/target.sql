-- What a load has put into the org, and is about to: the step of a staging file from layout 1 to 2.

-- What stands in the org of what was read. Written in the transaction that reads the answer. `how` says whether
-- this migration made the record or found it there; what it found is never changed and never deleted.
CREATE TABLE records (
    class  TEXT NOT NULL,
    id     INTEGER NOT NULL,
    object TEXT NOT NULL,
    target TEXT NOT NULL,
    how    TEXT NOT NULL CHECK (how IN ('created', 'found')),
    sent   TEXT,                       -- JSON: what it was made with; NULL of one that was found
    pass   INTEGER NOT NULL DEFAULT 1, -- 2 once the fields that are set later are set
    at     TEXT NOT NULL,
    PRIMARY KEY (class, id)
) STRICT;
CREATE UNIQUE INDEX records_by_target ON records (target);

-- What did not go, and why; `part` is empty for a record, `later` for its later fields, else names a comment or
-- a file. `run` is the load that saw it last: the next one tries again.
CREATE TABLE row_failures (
    class  TEXT NOT NULL,
    id     INTEGER NOT NULL,
    part   TEXT NOT NULL,
    code   TEXT NOT NULL,
    reason TEXT NOT NULL,
    run    INTEGER NOT NULL,
    at     TEXT NOT NULL,
    PRIMARY KEY (class, id, part)
) STRICT, WITHOUT ROWID;

-- What is sent at once. Written before it is sent: after a kill what has no end is asked about first.
CREATE TABLE batches (
    id     INTEGER PRIMARY KEY,
    class  TEXT NOT NULL,
    object TEXT NOT NULL,
    pass   INTEGER NOT NULL,           -- 1 makes records, 2 sets their later fields
    way    TEXT NOT NULL CHECK (way IN ('collection', 'bulk', 'comments')),
    job    TEXT,                       -- the id of the bulk job
    begun  TEXT NOT NULL,
    ended  TEXT
) STRICT;

-- The rows of batches that have no end yet, and, without a batch, those that are to be sent again. `doubt` says
-- that one may be there from an attempt whose answer got lost.
CREATE TABLE batch_rows (
    class  TEXT NOT NULL,
    id     INTEGER NOT NULL,
    pass   INTEGER NOT NULL,
    batch  INTEGER REFERENCES batches,
    key    TEXT NOT NULL,              -- by which its answer is known again; of a change the id of the record
    parent TEXT NOT NULL,              -- rows of one parent go together: others would wait for its lock
    sent   TEXT NOT NULL,
    tries  INTEGER NOT NULL DEFAULT 0,
    doubt  INTEGER NOT NULL DEFAULT 0,
    why    TEXT,
    PRIMARY KEY (class, id)
) STRICT;
CREATE INDEX batch_rows_by_batch ON batch_rows (batch);

-- Entries of logs as comments, in parts where one is too long. Without a target it is under way, in its batch.
CREATE TABLE comments (
    class    TEXT NOT NULL,
    id       INTEGER NOT NULL,
    log      TEXT NOT NULL,
    position INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    batch    INTEGER,
    target   TEXT,
    PRIMARY KEY (class, id, log, position, part)
) STRICT, WITHOUT ROWID;

-- Files as versions of documents. Without a version it is under way.
CREATE TABLE contents (
    class     TEXT NOT NULL,
    id        INTEGER NOT NULL,
    attribute TEXT NOT NULL,
    how       TEXT NOT NULL DEFAULT 'created' CHECK (how IN ('created', 'found')),
    version   TEXT,
    document  TEXT,
    PRIMARY KEY (class, id, attribute)
) STRICT, WITHOUT ROWID;
CREATE INDEX contents_by_document ON contents (document);

-- The rows that a load of the first few takes, with what they refer to.
CREATE TABLE chosen (
    class TEXT NOT NULL,
    id    INTEGER NOT NULL,
    PRIMARY KEY (class, id)
) STRICT, WITHOUT ROWID;

-- What stays in the org when all else is rolled back, and why.
CREATE TABLE kept (
    class  TEXT NOT NULL,
    id     INTEGER NOT NULL,
    part   TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (class, id, part)
) STRICT, WITHOUT ROWID;

-- Each run of a step: when, and what it came to, for the reports.
CREATE TABLE steps (
    id    INTEGER PRIMARY KEY,
    step  TEXT NOT NULL,
    began TEXT NOT NULL,
    ended TEXT,
    json  TEXT
) STRICT;
