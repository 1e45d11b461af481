-- The log of authorisations: one row for each leaf, dense from 0. `about` is the leaf that an entry follows; `record` is what the
-- entry commits to with `salt`.
CREATE TABLE authorisation_log (
    leaf INTEGER PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    about BIGINT,
    authorisation TEXT,
    entry BYTEA NOT NULL,
    record BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    hash BYTEA NOT NULL
);
CREATE INDEX authorisation_log_by_authorisation ON authorisation_log (authorisation, leaf);

-- Complete inner nodes of its tree, level 1 and up.
CREATE TABLE authorisation_nodes (
    level BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (level, position)
) WITHOUT ROWID;

-- What was asked of the commission, and where it stands. `terms` is the canonical text; `list` what is looked for, as JSON; `sealed`
-- whether only the commission and the asker are given it. `decisions` counts those taken; `pending` is the one that is being signed
-- (decision and answers, as JSON).
CREATE TABLE authorisations (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    person TEXT NOT NULL,
    state TEXT NOT NULL,
    terms TEXT NOT NULL,
    list TEXT NOT NULL,
    sealed BIGINT NOT NULL,
    request_leaf BIGINT NOT NULL,
    grant_leaf BIGINT,
    until BIGINT NOT NULL,
    decisions BIGINT NOT NULL,
    pending TEXT,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (realm, id)
);
CREATE INDEX authorisations_by_leaf ON authorisations (realm, request_leaf);
CREATE INDEX authorisations_by_asker ON authorisations (realm, requested_by, request_leaf);

-- In whose networks.
CREATE TABLE authorisation_operators (
    realm BIGINT NOT NULL,
    operator TEXT NOT NULL,
    request_leaf BIGINT NOT NULL,
    authorisation TEXT NOT NULL,
    PRIMARY KEY (realm, operator, request_leaf)
);

-- What edges signed for. `day` is that of the use, counted from 1970; `key` is the edge's Ed25519 key on that day, in hexadecimal.
CREATE TABLE authorisation_receipts (
    realm BIGINT NOT NULL,
    authorisation TEXT NOT NULL,
    edge TEXT NOT NULL,
    day BIGINT NOT NULL,
    number BIGINT NOT NULL,
    operator TEXT NOT NULL,
    receipt TEXT NOT NULL,
    key TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, authorisation, edge, day, number)
);
CREATE INDEX authorisation_receipts_by_leaf ON authorisation_receipts (realm, leaf);
CREATE INDEX authorisation_receipts_by_operator ON authorisation_receipts (realm, operator, leaf);

-- The keys that edges sign receipts with, Ed25519 in hexadecimal.
CREATE TABLE edge_keys (
    realm BIGINT NOT NULL,
    edge TEXT NOT NULL,
    key TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, edge)
);

-- What the commission is, and by which frame it decides: canonical texts, the last one in force. `subject` is `commission` or
-- `frame`; `organisation` whose people the commissioners are.
CREATE TABLE charters (
    realm BIGINT NOT NULL,
    subject TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    text TEXT NOT NULL,
    organisation TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, subject, leaf)
);

-- What the standing commission is asked about itself or its frame, one question each; `pending` as in `authorisations`.
CREATE TABLE charter_proposals (
    realm BIGINT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    person TEXT NOT NULL,
    pending TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (realm, subject)
);
