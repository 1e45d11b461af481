-- What edges found under authorisations, sealed: `sealed` is a record of the vault, and nothing of what is in it stands in a column.
-- `number` counts within an authorisation; `came` is the hour in which it came; `class_key` what it is sealed under.
CREATE TABLE selections (
    realm BIGINT NOT NULL,
    authorisation TEXT NOT NULL,
    number BIGINT NOT NULL,
    id TEXT NOT NULL,
    operator TEXT NOT NULL,
    edge TEXT NOT NULL,
    class_key TEXT NOT NULL,
    came BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (realm, authorisation, number)
);
CREATE UNIQUE INDEX selections_by_id ON selections (realm, id);
CREATE INDEX selections_by_class_key ON selections (class_key, edge);

-- How many came in an hour, at which operator: what the commission is told, also when the selections are gone.
CREATE TABLE selection_tallies (
    realm BIGINT NOT NULL,
    authorisation TEXT NOT NULL,
    hour BIGINT NOT NULL,
    operator TEXT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (realm, authorisation, hour, operator)
);

-- Each look at selections: who was given how many. `given` is a power of ten.
CREATE TABLE selection_looks (
    realm BIGINT NOT NULL,
    authorisation TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    person TEXT NOT NULL,
    given BIGINT NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (realm, authorisation, number)
);

-- What an edge that keeps to its grants never sends, once for each kind and day (UTC, counted from 1970).
CREATE TABLE selection_anomalies (
    realm BIGINT NOT NULL,
    authorisation TEXT NOT NULL,
    edge TEXT NOT NULL,
    day BIGINT NOT NULL,
    kind TEXT NOT NULL,
    operator TEXT NOT NULL,
    times BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (realm, authorisation, edge, day, kind)
);

-- Class keys whose end was decided, and the certificates of those that are gone. `intent` and `certificate` are the vault's, as JSON.
CREATE TABLE class_key_ends (
    realm BIGINT NOT NULL,
    class_key TEXT NOT NULL,
    authorisation TEXT NOT NULL,
    decided BIGINT NOT NULL,
    intent TEXT,
    certified BIGINT,
    certificate TEXT,
    PRIMARY KEY (realm, class_key)
);
CREATE INDEX class_key_ends_by_authorisation ON class_key_ends (realm, authorisation, class_key);

-- What must not be destroyed: two persons place a hold, two lift it. `scope` is the vault's, as JSON.
CREATE TABLE legal_holds (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked BIGINT NOT NULL,
    placed_with TEXT,
    placed BIGINT,
    lift_asked_by TEXT,
    lift_asked BIGINT,
    lifted_with TEXT,
    lifted BIGINT,
    PRIMARY KEY (realm, id)
);
