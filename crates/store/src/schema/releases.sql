-- The release ledger: which organisation was given which versions. One row for each run of the log's sequence numbers
-- (both ends are meant) that was given out together; being given the same run again counts up `times`. `agreement` is
-- empty where none was needed. `span` is the smallest s with 2^s >= length of the run, so that the runs that hold one
-- number are found by one short range of `releases_by_place` for each span there is.
CREATE TABLE releases (
    realm BIGINT NOT NULL,
    recipient TEXT NOT NULL,
    first_sequence BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    door TEXT NOT NULL,
    purpose TEXT NOT NULL,
    agreement TEXT NOT NULL,
    span BIGINT NOT NULL,
    times BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    first_leaf BIGINT NOT NULL,
    last_leaf BIGINT NOT NULL,
    PRIMARY KEY (realm, recipient, first_sequence, last_sequence, door, purpose, agreement)
);
CREATE INDEX releases_by_place ON releases (realm, span, first_sequence);

-- Where a version stood in the log before it got another place: under another label, or taken in again after a removal.
CREATE TABLE earlier_places (
    realm BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    id TEXT NOT NULL,
    version_key TEXT NOT NULL,
    label BIGINT NOT NULL,
    PRIMARY KEY (realm, sequence)
);
CREATE INDEX earlier_places_by_id ON earlier_places (realm, id);
