-- Peers that a data diode stands before. `way` is `link`, `outlet` (batches are written for it, and nothing comes back) or `inlet`
-- (batches are taken from it, and nothing goes).

ALTER TABLE peers ADD COLUMN way TEXT NOT NULL DEFAULT 'link';

-- The number of the batch that an act was written in, for an outlet.
ALTER TABLE carried_out ADD COLUMN batch BIGINT NOT NULL DEFAULT 0;

-- How far a series of batches has come. `number` is the last that was written or taken. For an outlet the next one follows the batch
-- `follows` and begins in the log at `sequence`, by the sight `sight`. `gap_told` is the missing number that was told of.
CREATE TABLE peer_series (
    realm BIGINT NOT NULL,
    peer TEXT NOT NULL,
    series TEXT NOT NULL,
    files_max BIGINT NOT NULL,
    bytes_max BIGINT NOT NULL,
    number BIGINT NOT NULL,
    follows BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    sight BIGINT NOT NULL,
    gap_told BIGINT NOT NULL,
    at BIGINT,
    PRIMARY KEY (realm, peer)
);

-- The batches of a series, the newest ones: what the next one must follow, and where each began, for when it must be sent again.
CREATE TABLE peer_batches (
    realm BIGINT NOT NULL,
    peer TEXT NOT NULL,
    number BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    sequence BIGINT NOT NULL,
    sight BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, peer, number)
);
