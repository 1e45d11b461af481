-- Changes of a marking that let more organisations see an object: proposed by one person of the originator, decided by another.
-- `version` is the one that it was proposed for.
CREATE TABLE widenings (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    object TEXT NOT NULL,
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    originator TEXT NOT NULL,
    tlp TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposer TEXT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    decider TEXT,
    decided BIGINT,
    answer TEXT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX widenings_by_originator ON widenings (realm, originator, state, at);
CREATE INDEX widenings_by_object ON widenings (realm, object, state);

-- Grants that say that they cover the versions that come after them, too.
CREATE TABLE standing_grants (
    realm BIGINT NOT NULL,
    object TEXT NOT NULL,
    request TEXT NOT NULL,
    originator TEXT NOT NULL,
    recipient TEXT NOT NULL,
    PRIMARY KEY (realm, object, request)
);

-- Who says that an object led to a block in its own network, and by which opinion.
CREATE TABLE blocks (
    realm BIGINT NOT NULL,
    object TEXT NOT NULL,
    organisation TEXT NOT NULL,
    opinion TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, object, organisation)
);
