-- Objects by which requests for evidence and what is said to them pass between hubs, each with the step that it carries. `leaf` is that of the step in
-- the log of the hub where it was made; nothing where that is this hub, whose own leaf stands with the step.
CREATE TABLE evidence_request_notes (
    realm BIGINT NOT NULL,
    object TEXT NOT NULL,
    request TEXT NOT NULL,
    number BIGINT NOT NULL,
    leaf BIGINT,
    PRIMARY KEY (realm, object)
);
CREATE INDEX evidence_request_notes_by_request ON evidence_request_notes (realm, request, number);

-- What a request was fulfilled by at another hub: which files, by their hashes. `custody` is the hash of the newest entry of the item's custody there, and
-- `entries` is how many there are. `own` is the item here that its content was fetched into, or is to be; nothing before that.
CREATE TABLE evidence_request_named (
    realm BIGINT NOT NULL,
    request TEXT NOT NULL,
    item TEXT NOT NULL,
    name TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    custody TEXT NOT NULL,
    entries BIGINT NOT NULL,
    own TEXT,
    PRIMARY KEY (realm, request, item)
);
CREATE INDEX evidence_request_named_by_own ON evidence_request_named (realm, own);
