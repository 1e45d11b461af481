-- What one person approved alone, where the playbook and the node's configuration let one: each is reviewed by a person of another
-- organisation, and stands open until then.
CREATE TABLE lone_approvals (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    run TEXT NOT NULL,
    question BIGINT NOT NULL,
    step TEXT NOT NULL,
    person TEXT NOT NULL,
    organisation TEXT NOT NULL,
    requester TEXT NOT NULL,
    hash TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    review_due BIGINT NOT NULL,
    reviewed_by TEXT,
    reviewer TEXT,
    reviewed BIGINT,
    justified BIGINT,
    finding TEXT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX lone_approvals_open ON lone_approvals (realm, reviewed, review_due);
CREATE INDEX lone_approvals_by_time ON lone_approvals (realm, at);
