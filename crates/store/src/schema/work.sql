CREATE TABLE sightings (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    indicator TEXT NOT NULL,
    organisation TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    count BIGINT NOT NULL,
    severity BIGINT NOT NULL,
    label BIGINT NOT NULL,
    added BIGINT NOT NULL,
    case_id TEXT,
    detail TEXT NOT NULL,
    PRIMARY KEY (realm, id)
);
CREATE INDEX sightings_by_time ON sightings (realm, added);
CREATE INDEX sightings_by_indicator ON sightings (realm, indicator);
CREATE INDEX sightings_by_case ON sightings (realm, case_id);

CREATE TABLE cases (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    label BIGINT NOT NULL,
    state TEXT NOT NULL,
    severity BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    title TEXT NOT NULL,
    assignee TEXT,
    members TEXT NOT NULL,
    objects TEXT NOT NULL,
    opened BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    marking TEXT NOT NULL,
    PRIMARY KEY (realm, id),
    UNIQUE (realm, number)
);
CREATE INDEX cases_by_state ON cases (realm, state, severity);

CREATE TABLE case_entries (
    realm BIGINT NOT NULL,
    case_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (realm, case_id, position)
);

CREATE TABLE statuses (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    submitter TEXT NOT NULL,
    created BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (realm, id)
);
CREATE INDEX statuses_by_time ON statuses (realm, created);
