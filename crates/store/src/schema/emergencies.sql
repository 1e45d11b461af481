-- What people opened for themselves in an emergency: for how long, what was read under it, and what another person said of it afterwards.
-- `told` is when its mail was sent.
CREATE TABLE emergencies (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    person TEXT NOT NULL,
    organisation TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    raised BIGINT NOT NULL,
    until BIGINT NOT NULL,
    ended_by TEXT,
    review_due BIGINT NOT NULL,
    objects_read BIGINT NOT NULL,
    reviewed_by TEXT,
    reviewed BIGINT,
    justified BIGINT,
    finding TEXT,
    told BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX emergencies_by_person ON emergencies (realm, person, until);
CREATE INDEX emergencies_by_time ON emergencies (realm, raised);
CREATE INDEX emergencies_unreviewed ON emergencies (realm, reviewed, until);
