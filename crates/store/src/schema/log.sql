-- One row for each accepted version (kind 0), for each that was removed since (1), and for each removal (2); the
-- latter two have an empty body. `body` are the bytes as their producer wrote them. `sequence` is the node's, over all realms, and never given twice.
-- `is_last`, `is_first`: 1 yes; 0 no, and whoever sees this version sees the other one too; 2 no, but the other
-- one bears another label, so it is for those who do not see that.
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
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    version TEXT,
    version_key TEXT NOT NULL,
    spec_version TEXT NOT NULL,
    hash BYTEA NOT NULL,
    body BYTEA NOT NULL
);
CREATE UNIQUE INDEX log_by_id ON log (realm, id, version_key, collection) WHERE kind < 2;
CREATE UNIQUE INDEX log_by_date ON log (realm, collection, date_added);
CREATE INDEX log_by_label ON log (realm, collection, type, label, is_last, date_added) WHERE kind = 0;

-- How many versions (kind 0) stand under each beginning of the index `log_by_label`: what a plan is chosen by, and
-- what is counted with.
CREATE TABLE tallies (
    realm BIGINT NOT NULL,
    collection BIGINT NOT NULL,
    type TEXT NOT NULL,
    label BIGINT NOT NULL,
    is_last BIGINT NOT NULL,
    versions BIGINT NOT NULL,
    revoked BIGINT NOT NULL,
    PRIMARY KEY (realm, collection, type, label, is_last)
);

CREATE TABLE cursors (
    realm BIGINT NOT NULL,
    consumer TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (realm, consumer)
);
