-- Redacted copies, and what each was made of: known to the node alone. One row for each profile (`profile`: a hash that stands for the
-- parts it holds; `units`: how many) of each object and originator; the versions are in the log, under the original's versions.
-- `withheld`: selectors of the newest version, a JSON list.
CREATE TABLE copies (
    realm BIGINT NOT NULL,
    original TEXT NOT NULL,
    originator TEXT NOT NULL,
    profile TEXT NOT NULL,
    copy TEXT NOT NULL,
    units BIGINT NOT NULL,
    withheld TEXT NOT NULL,
    PRIMARY KEY (realm, original, originator, profile)
);
CREATE UNIQUE INDEX copies_by_copy ON copies (realm, copy);
