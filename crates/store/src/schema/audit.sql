-- One row for each leaf of the transparency log, dense from 0, over all realms.
CREATE TABLE audit (
    leaf INTEGER PRIMARY KEY,
    realm BIGINT NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor TEXT,
    organisation TEXT,
    record BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    hash BYTEA NOT NULL
);
CREATE INDEX audit_by_action ON audit (realm, action, leaf);
CREATE INDEX audit_by_organisation ON audit (realm, organisation, leaf);
CREATE INDEX audit_by_actor ON audit (realm, actor, leaf);

-- Complete inner nodes of the tree, level 1 and up.
CREATE TABLE audit_nodes (
    level BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (level, position)
) WITHOUT ROWID;
