-- Playbooks that organisations brought, byte for byte. Each organisation's stand apart: nobody takes an identifier from another.
CREATE TABLE playbooks (
    realm BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    id TEXT NOT NULL,
    modified TEXT NOT NULL,
    digest TEXT NOT NULL,
    document BYTEA NOT NULL,
    person TEXT NOT NULL,
    by_approver BIGINT NOT NULL,
    added BIGINT NOT NULL,
    PRIMARY KEY (realm, organisation, id, modified)
);
CREATE INDEX playbooks_by_id ON playbooks (realm, id);

-- Runs of playbooks. What stands here beside the start is worked out of the events at each change: for lists, and to know when something
-- is to be done. `playbook_of` is the organisation whose playbook it is; none for those that came with the program. `approvers` is null
-- where nobody was ever asked, empty where any organisation may agree, else the organisations' STIX identities, one on a line.
CREATE TABLE runs (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    organisation TEXT NOT NULL,
    person TEXT NOT NULL,
    case_id TEXT,
    playbook TEXT NOT NULL,
    version TEXT NOT NULL,
    playbook_of TEXT,
    digest TEXT NOT NULL,
    started BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    ended BIGINT,
    events BIGINT NOT NULL,
    state TEXT NOT NULL,
    why TEXT,
    approvers TEXT,
    questions BIGINT NOT NULL,
    tasks BIGINT NOT NULL,
    unknown BIGINT NOT NULL,
    next_wake BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX runs_by_start ON runs (realm, started, id);
CREATE INDEX runs_by_organisation ON runs (realm, organisation, ended);
CREATE INDEX runs_by_wake ON runs (realm, next_wake);

-- Their events, which are only ever added. `leaf` is that of the act in the log.
CREATE TABLE run_events (
    realm BIGINT NOT NULL,
    run TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (realm, run, number)
);

-- In which session each approval was given, and whether that session was revoked since: then it does not count any more. Signing out or in
-- again revokes nothing.
CREATE TABLE run_approvals (
    realm BIGINT NOT NULL,
    run TEXT NOT NULL,
    question BIGINT NOT NULL,
    person TEXT NOT NULL,
    organisation TEXT NOT NULL,
    session BYTEA NOT NULL,
    at BIGINT NOT NULL,
    revoked BIGINT NOT NULL,
    PRIMARY KEY (realm, run, question, person)
);
CREATE INDEX run_approvals_by_person ON run_approvals (realm, person);

-- Orders to edges: `message` is signed, `about` is told beside it. `sequence` counts the orders of one edge. `state`, `told` and `stopped`
-- are of the edge's newest report.
CREATE TABLE orders (
    realm BIGINT NOT NULL,
    edge TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    command TEXT NOT NULL,
    organisation TEXT NOT NULL,
    requester TEXT NOT NULL,
    run TEXT NOT NULL,
    action TEXT NOT NULL,
    step TEXT NOT NULL,
    message TEXT NOT NULL,
    about TEXT NOT NULL,
    ordered BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    stops BIGINT,
    undoes TEXT,
    state TEXT,
    told BIGINT NOT NULL,
    stopped BIGINT,
    PRIMARY KEY (realm, edge, sequence)
);
CREATE UNIQUE INDEX orders_by_command ON orders (realm, command);
CREATE INDEX orders_by_time ON orders (realm, ordered, command);
CREATE INDEX orders_by_requester ON orders (realm, requester, ordered);
CREATE INDEX orders_by_undone ON orders (realm, undoes);

-- What edges reported of them, each report once.
CREATE TABLE order_reports (
    realm BIGINT NOT NULL,
    command TEXT NOT NULL,
    number BIGINT NOT NULL,
    report TEXT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (realm, command, number)
);

-- Commands to agents that the hub's operator configured. `state` is `ready` (it did not leave), `sent` (it may have), or `done`.
CREATE TABLE agent_calls (
    realm BIGINT NOT NULL,
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    agent TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (realm, run, key, attempt)
);
CREATE INDEX agent_calls_by_state ON agent_calls (realm, state, changed);
