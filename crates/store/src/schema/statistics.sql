-- The log of statistics: one row for each leaf, dense from 0. `note` is the entry itself, a signed statement byte for byte; `key` the
-- verifier key that it was checked with; the period is in microseconds since 1970; `corrects` the leaf that it takes the place of.
CREATE TABLE statistics_log (
    leaf INTEGER PRIMARY KEY,
    at BIGINT NOT NULL,
    period_from BIGINT NOT NULL,
    period_until BIGINT NOT NULL,
    corrects BIGINT,
    key TEXT NOT NULL,
    note BYTEA NOT NULL,
    hash BYTEA NOT NULL
);
CREATE UNIQUE INDEX statistics_log_by_hash ON statistics_log (hash);
CREATE UNIQUE INDEX statistics_log_by_correction ON statistics_log (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX statistics_log_by_period ON statistics_log (period_from);

-- Complete inner nodes of its tree, level 1 and up.
CREATE TABLE statistics_nodes (
    level BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (level, position)
) WITHOUT ROWID;
