-- Accounts whose person lost every means to sign in: one administrator asks, another approves. `link` is the hash of the link that came of it.
CREATE TABLE recoveries (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    person TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    decided_by TEXT,
    decided BIGINT,
    approved BIGINT,
    link BYTEA,
    used BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX recoveries_by_time ON recoveries (realm, asked);
