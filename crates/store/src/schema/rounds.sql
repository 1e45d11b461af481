-- Rounds of private matching: asked for, opened by an operator's edge, ended. A row with a `day` (UTC, counted from 1970) is an entry
-- of the ledger that bounds them; it counts whatever becomes of the round. `opening` is the message that opened it, `receipt` what
-- the edge signed, `found` a power of ten (0: nothing). No key, filter, query, answer or hit stands here: hits are sealed among the
-- selections, and the rest is in the memory of one process only.
CREATE TABLE private_rounds (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    authorisation TEXT NOT NULL,
    operator TEXT NOT NULL,
    person TEXT NOT NULL,
    asked BIGINT NOT NULL,
    state TEXT NOT NULL,
    edge TEXT,
    day BIGINT,
    round TEXT,
    elements BIGINT,
    opening BYTEA,
    opened BIGINT,
    ended BIGINT,
    found BIGINT,
    why TEXT,
    receipt TEXT,
    received BIGINT,
    audit TEXT,
    audited BIGINT,
    auditor TEXT,
    PRIMARY KEY (realm, id)
);
CREATE UNIQUE INDEX private_rounds_of_day ON private_rounds (realm, operator, day, authorisation);
CREATE UNIQUE INDEX private_rounds_by_round ON private_rounds (realm, round);
CREATE INDEX private_rounds_by_authorisation ON private_rounds (realm, authorisation, asked);
CREATE INDEX private_rounds_waiting ON private_rounds (realm, operator, state, asked);
