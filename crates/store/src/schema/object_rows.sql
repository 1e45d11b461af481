-- The log anew: `object` is a number made of the identifier (module `objects::place`), `line` tells the organisations apart that
-- brought the same identifier without seeing each other's: 0 the first one, and so on.
DROP INDEX log_by_id;
DROP INDEX log_by_date;
DROP INDEX log_by_label;
ALTER TABLE log RENAME TO log_before;
CREATE TABLE log (
    sequence INTEGER PRIMARY KEY,
    realm BIGINT NOT NULL,
    collection BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    label BIGINT NOT NULL,
    date_added BIGINT NOT NULL,
    is_last BIGINT NOT NULL,
    is_first BIGINT NOT NULL,
    revoked BIGINT NOT NULL,
    originator BIGINT NOT NULL,
    object BIGINT NOT NULL,
    line BIGINT NOT NULL,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    version TEXT,
    version_key TEXT NOT NULL,
    spec_version TEXT NOT NULL,
    hash BYTEA NOT NULL,
    body BYTEA NOT NULL
);

-- Where the versions of an object stand (kinds 0 and 1): the few newest rows apart from all others, so that a batch of new objects
-- touches few pages. The newest are moved over together.
CREATE TABLE object_rows (
    object BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (object, sequence)
) WITHOUT ROWID;
CREATE TABLE object_rows_new (
    object BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (object, sequence)
) WITHOUT ROWID;
