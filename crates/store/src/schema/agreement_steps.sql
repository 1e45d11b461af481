-- What parties said about agreements, in order; `agreement_sides` holds where they stand. `name` is that of the person on that day.
CREATE TABLE agreement_steps (
    realm BIGINT NOT NULL,
    agreement TEXT NOT NULL,
    number BIGINT NOT NULL,
    party TEXT NOT NULL,
    state TEXT NOT NULL,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    reason TEXT,
    hash TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, agreement, number)
);

-- Of what was said before there was this table, the last word of each party is known.
INSERT INTO agreement_steps (realm, agreement, number, party, state, person, name, reason, hash, at)
SELECT realm, agreement, ROW_NUMBER() OVER (PARTITION BY realm, agreement ORDER BY at, party), party, state, person, '', NULL, hash, at
FROM agreement_sides;
