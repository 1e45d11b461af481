-- What an organisation is told of: recalls, changed markings, requests, questions. The newest are kept.
CREATE TABLE notices (
    realm BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    at BIGINT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    object TEXT,
    text TEXT NOT NULL,
    seen BIGINT,
    PRIMARY KEY (realm, organisation, at, id)
);

-- `version_key` is empty where every version is recalled. `sequence` is the log's end when it was.
CREATE TABLE recalls (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    object TEXT NOT NULL,
    version TEXT,
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    originator TEXT NOT NULL,
    issuer TEXT NOT NULL,
    at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (realm, id)
);
CREATE INDEX recalls_by_originator ON recalls (realm, originator, at);
CREATE INDEX recalls_by_object ON recalls (realm, object);
CREATE INDEX recalls_by_time ON recalls (realm, at);

-- `holder` is empty for the organisation itself, or names one of its edges.
CREATE TABLE recall_recipients (
    realm BIGINT NOT NULL,
    recall TEXT NOT NULL,
    organisation TEXT NOT NULL,
    holder TEXT NOT NULL,
    deadline BIGINT NOT NULL,
    acknowledged BIGINT NOT NULL,
    acknowledged_by TEXT,
    PRIMARY KEY (realm, recall, organisation, holder)
);
CREATE INDEX recall_recipients_pending ON recall_recipients (realm, organisation, acknowledged);
CREATE INDEX recall_recipients_overdue ON recall_recipients (realm, acknowledged, deadline);

CREATE TABLE release_requests (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    object TEXT NOT NULL,
    name TEXT NOT NULL,
    originator TEXT NOT NULL,
    asker TEXT NOT NULL,
    person TEXT NOT NULL,
    recipient TEXT NOT NULL,
    tlp TEXT,
    purpose TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    at BIGINT NOT NULL,
    answered BIGINT,
    answerer TEXT,
    answer TEXT,
    conditions TEXT,
    until BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX release_requests_by_originator ON release_requests (realm, originator, at);
CREATE INDEX release_requests_by_asker ON release_requests (realm, asker, at);
CREATE INDEX release_requests_by_state ON release_requests (realm, state, until);

-- What is asked stands in the log, as a note; so does each answer.
CREATE TABLE questions (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    asker TEXT NOT NULL,
    addressed TEXT NOT NULL,
    state TEXT NOT NULL,
    at BIGINT NOT NULL,
    due BIGINT,
    answers BIGINT NOT NULL,
    closed BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX questions_by_state ON questions (realm, state, at);
CREATE INDEX questions_by_asker ON questions (realm, asker, state);
CREATE TABLE answers (
    realm BIGINT NOT NULL,
    question TEXT NOT NULL,
    id TEXT NOT NULL,
    organisation TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, question, id)
);

CREATE TABLE judgements (
    realm BIGINT NOT NULL,
    object TEXT NOT NULL,
    organisation TEXT NOT NULL,
    judgement TEXT NOT NULL,
    opinion TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, object, organisation)
);

-- Reports with their reporters' names withheld, and apart from them the sealed names.
CREATE TABLE anonymous_reports (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    receipt BYTEA NOT NULL,
    objects TEXT NOT NULL,
    at BIGINT NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (realm, id),
    UNIQUE (realm, receipt)
);
CREATE INDEX anonymous_reports_by_time ON anonymous_reports (realm, at);
CREATE TABLE seals (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    key TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (realm, report)
);
