-- Other hubs. `card` is what the other hub signed; `address` goes before the card's; `state` is `active` or `suspended`.
CREATE TABLE peers (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    hub TEXT NOT NULL,
    organisation TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    card TEXT NOT NULL,
    address TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (realm, id),
    UNIQUE (realm, hub),
    UNIQUE (realm, organisation),
    UNIQUE (realm, fingerprint)
);

-- How far a peer and this hub have come with each other. `taken`: everything up to this sequence of the peer's log is dealt with
-- here, by the peer's sight `taken_sight`. `given`: the same of this hub's log, as the peer has acknowledged it.
CREATE TABLE peer_progress (
    realm BIGINT NOT NULL,
    peer TEXT NOT NULL,
    taken BIGINT NOT NULL,
    taken_sight BIGINT NOT NULL,
    taken_at BIGINT,
    given BIGINT NOT NULL,
    given_sight BIGINT NOT NULL,
    given_at BIGINT,
    counts TEXT NOT NULL,
    PRIMARY KEY (realm, peer)
);

-- The labels that a peer was given: what it may hold too much or too little of when policy changes. Labels up to `known` that are
-- not in the list were withheld.
CREATE TABLE peer_sights (
    realm BIGINT NOT NULL,
    peer TEXT NOT NULL,
    sight BIGINT NOT NULL,
    known BIGINT NOT NULL,
    labels TEXT NOT NULL,
    PRIMARY KEY (realm, peer, sight)
);

-- The envelope of an object version that came from a peer, one for each peer that it came from. `held` is 0 once that peer has
-- taken it back.
CREATE TABLE routes (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    version_key TEXT NOT NULL,
    peer TEXT NOT NULL,
    origin TEXT NOT NULL,
    organisation TEXT NOT NULL,
    hops TEXT NOT NULL,
    agreement TEXT,
    received BIGINT NOT NULL,
    held BIGINT NOT NULL,
    PRIMARY KEY (realm, id, version_key, peer)
);

-- What a peer brought with other content than what is here under the same id and version: kept out.
CREATE TABLE peer_conflicts (
    realm BIGINT NOT NULL,
    peer TEXT NOT NULL,
    id TEXT NOT NULL,
    version_key TEXT NOT NULL,
    version TEXT,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, peer, id, version_key)
);
CREATE INDEX peer_conflicts_by_time ON peer_conflicts (realm, peer, at);
