-- The numbers by which MISP's clients know events. The events themselves are objects of the log; a number says nothing but
-- which UUID is meant.
CREATE TABLE misp_numbers (
    realm BIGINT NOT NULL,
    number BIGINT NOT NULL,
    uuid TEXT NOT NULL,
    PRIMARY KEY (realm, number)
);
CREATE UNIQUE INDEX misp_numbers_by_uuid ON misp_numbers (realm, uuid);
