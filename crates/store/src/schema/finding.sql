-- A search that somebody keeps. `cursor` is the log's sequence up to which hits were told of; `secret` signs what goes to
-- the webhook.
CREATE TABLE saved_searches (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    organisation TEXT NOT NULL,
    name TEXT NOT NULL,
    terms TEXT NOT NULL,
    alerts BIGINT NOT NULL,
    mail TEXT,
    webhook TEXT,
    secret BYTEA,
    cursor BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (realm, id)
);
CREATE INDEX saved_searches_by_owner ON saved_searches (realm, owner_kind, owner, created);
CREATE INDEX saved_searches_by_cursor ON saved_searches (realm, alerts, cursor);

-- An alert on its way to somebody. It holds places in the log and no content: what may be told is asked when it is sent.
CREATE TABLE alerts (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    search TEXT NOT NULL,
    way TEXT NOT NULL,
    state TEXT NOT NULL,
    objects TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    trouble TEXT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX alerts_due ON alerts (realm, state, due);
CREATE INDEX alerts_by_search ON alerts (realm, search, created);

-- A person's decision that two objects are one, in the eyes of an organisation. Undone decisions stay.
CREATE TABLE sameness (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    organisation TEXT NOT NULL,
    one TEXT NOT NULL,
    other TEXT NOT NULL,
    same BIGINT NOT NULL,
    reason TEXT NOT NULL,
    person TEXT NOT NULL,
    decided BIGINT NOT NULL,
    undone BIGINT,
    undone_by TEXT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX sameness_by_one ON sameness (realm, one);
CREATE INDEX sameness_by_other ON sameness (realm, other);
CREATE INDEX sameness_by_organisation ON sameness (realm, organisation, decided);

-- What an organisation runs: its feed is cut to it.
CREATE TABLE products (
    realm BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    id TEXT NOT NULL,
    vendor TEXT NOT NULL,
    product TEXT NOT NULL,
    cpe TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (realm, organisation, id)
);

-- How reliable an organisation finds a source: the admiralty code's letter.
CREATE TABLE source_grades (
    realm BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    source TEXT NOT NULL,
    reliability TEXT NOT NULL,
    reason TEXT NOT NULL,
    person TEXT NOT NULL,
    graded BIGINT NOT NULL,
    PRIMARY KEY (realm, organisation, source)
);
