-- Clearances and oaths of people: entered by one administrator, confirmed by another. `since` and `until` are when one holds; `evidence`
-- is what it is known by on paper.
CREATE TABLE qualifications (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    person TEXT NOT NULL,
    qualification TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    evidence TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    decided_by TEXT,
    decided BIGINT,
    approved BIGINT,
    ended_by TEXT,
    ended BIGINT,
    reason TEXT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX qualifications_by_person ON qualifications (realm, person, asked);
CREATE INDEX qualifications_by_end ON qualifications (realm, until);
