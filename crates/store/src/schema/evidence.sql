-- Items of evidence, each of one case. `label` says who may see an item. `state` is `announced` (its content is still to come), `kept`, or
-- `disposed` (its content was destroyed). `declared` is the SHA-256 that whoever brings it says it has. What stands from `received` on is of
-- its content; `sealed_key` opens it, and is sealed under `class_key` where the node keeps evidence for a time, else under the node's own.
-- `entries` and `last_hash` are of its custody. What stands from `offer_organisation` on is of an offer that is open.
CREATE TABLE evidence_items (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    label BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    collector TEXT NOT NULL,
    seized_at TEXT NOT NULL,
    seized_where TEXT NOT NULL,
    reason TEXT NOT NULL,
    legal_basis TEXT,
    declared TEXT,
    announced BIGINT NOT NULL,
    state TEXT NOT NULL,
    received BIGINT,
    size BIGINT,
    sha256 TEXT,
    sha3_256 TEXT,
    chunks BIGINT,
    upload TEXT,
    class_key TEXT,
    sealed_key BYTEA,
    custodian TEXT NOT NULL,
    custodian_person TEXT,
    entries BIGINT NOT NULL,
    last_hash TEXT,
    disposed BIGINT,
    offer_organisation TEXT,
    offer_person TEXT,
    offer_by TEXT,
    offer_at BIGINT,
    offer_request TEXT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX evidence_items_by_case ON evidence_items (realm, case_id, announced, id);
CREATE INDEX evidence_items_by_class_key ON evidence_items (class_key);
CREATE INDEX evidence_items_by_state ON evidence_items (realm, state, announced);

-- The content, sealed, in pieces. `upload` parts what came by one request from what came by another; only the item's own counts.
CREATE TABLE evidence_chunks (
    realm BIGINT NOT NULL,
    item TEXT NOT NULL,
    upload TEXT NOT NULL,
    number BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (realm, item, upload, number)
);

-- Entries of custody, which are only ever added. `hash` is the SHA-256 of `entry` (RFC 8785), `leaf` that of the act in the log.
CREATE TABLE evidence_custody (
    realm BIGINT NOT NULL,
    item TEXT NOT NULL,
    number BIGINT NOT NULL,
    entry TEXT NOT NULL,
    hash TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (realm, item, number)
);

-- What may not be destroyed, and why. A hold is lifted by another person than the one who set it.
CREATE TABLE evidence_holds (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    item TEXT NOT NULL,
    organisation TEXT NOT NULL,
    person TEXT NOT NULL,
    reason TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    lifted_by TEXT,
    lift_reason TEXT,
    lifted_at BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX evidence_holds_by_item ON evidence_holds (realm, item, set_at);

-- Requests to preserve evidence or to hand it over, from one organisation to another. `told` is when it was told that its time is over.
CREATE TABLE evidence_requests (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    asker TEXT NOT NULL,
    asker_person TEXT NOT NULL,
    asked TEXT NOT NULL,
    subject TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    reference TEXT NOT NULL,
    due BIGINT NOT NULL,
    state TEXT NOT NULL,
    opened BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    steps BIGINT NOT NULL,
    told BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX evidence_requests_by_case ON evidence_requests (realm, case_id, opened);
CREATE INDEX evidence_requests_by_due ON evidence_requests (realm, told, due);

-- What happened to a request, which is only ever added to; `leaf` is that of the act in the log.
CREATE TABLE evidence_request_steps (
    realm BIGINT NOT NULL,
    request TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    step TEXT NOT NULL,
    organisation TEXT NOT NULL,
    person TEXT NOT NULL,
    note TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (realm, request, number)
);

-- The items by which a request was fulfilled.
CREATE TABLE evidence_request_items (
    realm BIGINT NOT NULL,
    request TEXT NOT NULL,
    item TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, request, item)
);
