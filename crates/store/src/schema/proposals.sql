-- Changes of the policies: proposed by one person, approved by another. `files` is the whole set, `set_hash` stands for it, `base_hash`
-- for the set that was in force when it was proposed; `examined` is what was found out about it.
CREATE TABLE policy_proposals (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    set_hash TEXT NOT NULL,
    base_hash TEXT NOT NULL,
    files TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposer TEXT NOT NULL,
    at BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    state TEXT NOT NULL,
    examined TEXT NOT NULL,
    decider TEXT,
    decided BIGINT,
    answer TEXT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX policy_proposals_by_state ON policy_proposals (realm, state, at);

-- The sets of policies that came into force so, the one with the highest number being in force. `proposal` is empty where the set was
-- the first one, taken from the folder.
CREATE TABLE policy_sets (
    realm BIGINT NOT NULL,
    number BIGINT NOT NULL,
    set_hash TEXT NOT NULL,
    files TEXT NOT NULL,
    proposal TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (realm, number)
);
