-- Who of several processes does what only one of them may do, and until when by the database's own clock, in microseconds since
-- 1970. Whoever is killed loses it by that; whoever stops gives it back.
CREATE TABLE leases (
    realm BIGINT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (realm, name)
);
