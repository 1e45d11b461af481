CREATE TABLE realms (
    realm BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
INSERT INTO realms (realm, name) VALUES (1, 'live');

CREATE TABLE settings (
    realm BIGINT NOT NULL,
    name TEXT NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (realm, name)
);

CREATE TABLE collections (
    collection INTEGER PRIMARY KEY,
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    created BIGINT NOT NULL,
    UNIQUE (realm, id)
);

-- `text` is the canonical form of the label.
CREATE TABLE labels (
    label INTEGER PRIMARY KEY,
    realm BIGINT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (realm, text)
);

CREATE TABLE originators (
    originator INTEGER PRIMARY KEY,
    realm BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    UNIQUE (realm, organisation)
);
