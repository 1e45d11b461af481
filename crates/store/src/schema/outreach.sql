-- What is asked of people outside, and what became of it: abuse notices, take-down requests, warnings to victims. `about` is a list of
-- values as JSON; `person` is the account that wrote it. `state` is `draft`, `sent`, `acknowledged`, `done`, `refused` or `withdrawn`;
-- `due` is until when an answer is expected, and `reminded` says for which `due` somebody was told that it is over.
CREATE TABLE outreach (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    organisation TEXT NOT NULL,
    person TEXT NOT NULL,
    case_id TEXT,
    run TEXT,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    way TEXT NOT NULL,
    about TEXT NOT NULL,
    body TEXT NOT NULL,
    basis TEXT,
    tlp TEXT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    state TEXT NOT NULL,
    steps BIGINT NOT NULL,
    due BIGINT,
    reminded BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX outreach_by_time ON outreach (realm, created, id);
CREATE INDEX outreach_by_due ON outreach (realm, due);

-- What was done about one, in order: the first is that it was written.
CREATE TABLE outreach_steps (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    person TEXT NOT NULL,
    state TEXT NOT NULL,
    words TEXT,
    PRIMARY KEY (realm, id, number)
);
