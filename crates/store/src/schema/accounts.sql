CREATE TABLE organisations (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    name_ja TEXT NOT NULL,
    name_en TEXT NOT NULL,
    role TEXT NOT NULL,
    sectors TEXT NOT NULL,
    prefecture BIGINT,
    identity TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (realm, id)
);

CREATE TABLE people (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    organisation TEXT NOT NULL,
    roles TEXT NOT NULL,
    password_hash TEXT,
    disabled BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (realm, id),
    UNIQUE (realm, login)
);

CREATE TABLE passkeys (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    person TEXT NOT NULL,
    credential_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    credential TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    PRIMARY KEY (realm, id),
    UNIQUE (realm, credential_id)
);
CREATE INDEX passkeys_by_person ON passkeys (realm, person);

CREATE TABLE sessions (
    realm BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    person TEXT NOT NULL,
    csrf TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    PRIMARY KEY (realm, hash)
);
CREATE INDEX sessions_by_person ON sessions (realm, person);
CREATE INDEX sessions_by_expiry ON sessions (realm, expires);

CREATE TABLE links (
    realm BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    person TEXT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (realm, hash)
);

CREATE TABLE tokens (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    organisation TEXT NOT NULL,
    roles TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    last_used BIGINT,
    revoked BIGINT,
    PRIMARY KEY (realm, id),
    UNIQUE (realm, hash)
);

CREATE TABLE edges (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    organisation TEXT NOT NULL,
    name TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    created BIGINT NOT NULL,
    hello TEXT,
    heard BIGINT,
    PRIMARY KEY (realm, id),
    UNIQUE (realm, token_hash)
);

CREATE TABLE edge_ledger (
    realm BIGINT NOT NULL,
    edge TEXT NOT NULL,
    sighting TEXT NOT NULL,
    at BIGINT NOT NULL,
    indicator TEXT NOT NULL,
    label BIGINT NOT NULL,
    contents TEXT NOT NULL,
    PRIMARY KEY (realm, edge, sighting)
);
CREATE INDEX edge_ledger_by_time ON edge_ledger (realm, edge, at);
