-- What other hubs are told beside the log: recalls and changed markings of what they were given. `text` is the act as it travels;
-- `delivered` is 0 until the peer has said that it has it.
CREATE TABLE carried_out (
    realm BIGINT NOT NULL,
    peer TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    at BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    PRIMARY KEY (realm, peer, id)
);
CREATE INDEX carried_out_waiting ON carried_out (realm, peer, delivered, at);

-- What peers have told of that kind. `is_first` is 1 for the way by which it came first: that peer is told how far those have come
-- who were given the object here. `holders` and `acknowledged` are what it was last told, -1 where nothing yet.
CREATE TABLE carried_in (
    realm BIGINT NOT NULL,
    peer TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    is_first BIGINT NOT NULL,
    holders BIGINT NOT NULL,
    acknowledged BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    PRIMARY KEY (realm, peer, id)
);
CREATE INDEX carried_in_unsettled ON carried_in (realm, peer, settled, at);

-- Of a recall that was carried to a peer: to how many the peer gave the object, and how many of them have acknowledged it.
CREATE TABLE recall_beyond (
    realm BIGINT NOT NULL,
    recall TEXT NOT NULL,
    peer TEXT NOT NULL,
    holders BIGINT NOT NULL,
    acknowledged BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, recall, peer)
);
