-- What organisations report about incidents. `events` and `bytes` count what there is, so that a bound needs no reading; `title`,
-- `kinds` and the two times are worked out of the events at each change: for lists, and to know when a clock changes by itself.
CREATE TABLE reports (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    organisation TEXT NOT NULL,
    opened BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    events BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    title TEXT NOT NULL,
    kinds TEXT NOT NULL,
    next_due BIGINT,
    next_wake BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX reports_by_organisation ON reports (realm, organisation, changed, id);
CREATE INDEX reports_by_wake ON reports (realm, next_wake);

-- Its events, which are only ever added. `id` is the SHA-256 of `event` (RFC 8785), `leaf` that of the act in the log.
CREATE TABLE report_events (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (realm, report, sequence)
);
CREATE UNIQUE INDEX report_events_by_id ON report_events (realm, report, id);

-- What was sent, by the name that its sender gave it: what arrives twice is taken once. `hash` is that of what was sent.
CREATE TABLE report_sends (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    send TEXT NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, report, send)
);

-- The content of attachments, sealed by the hub.
CREATE TABLE report_files (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (realm, report, sha256)
);

-- The exact copies of what was filed, each under the name that it was sent by. `given_to` is the organisation of this council that was given it; none where it went another way.
CREATE TABLE report_filings (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    event TEXT NOT NULL,
    send TEXT NOT NULL,
    regime TEXT NOT NULL,
    stage TEXT NOT NULL,
    recipient TEXT NOT NULL,
    given_to TEXT,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    copy BYTEA NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (realm, report, event)
);
CREATE INDEX report_filings_by_recipient ON report_filings (realm, given_to, report);

-- Which turns of a clock were told, each once: `turn` is `half-time` or `overdue`, `due` the deadline that it was of. Where it is told by
-- mail as well, `mail` is the address and `next_try` when it is tried next; none where it was sent or given up.
CREATE TABLE report_warnings (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    duty TEXT NOT NULL,
    turn TEXT NOT NULL,
    due BIGINT NOT NULL,
    at BIGINT NOT NULL,
    mail TEXT,
    attempts BIGINT NOT NULL,
    next_try BIGINT,
    PRIMARY KEY (realm, report, duty, turn, due)
);
CREATE INDEX report_warnings_by_try ON report_warnings (realm, next_try);

-- What organisations declared in peacetime.
CREATE TABLE report_profiles (
    realm BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    profile TEXT NOT NULL,
    changed BIGINT NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (realm, organisation)
);
