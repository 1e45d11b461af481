-- The node's own certificate authority: its roots, of which two are trusted while one takes the other's place, and what was issued under
-- them. The key of a root is sealed, and gone where the root is retired. What is not in this table counts nowhere, whoever signed it.
CREATE TABLE ca_roots (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    certificate BYTEA NOT NULL,
    sealed BYTEA,
    created BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    retired BIGINT,
    PRIMARY KEY (realm, id)
);

CREATE TABLE ca_certificates (
    realm BIGINT NOT NULL,
    serial TEXT NOT NULL,
    root TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    thumbprint BYTEA NOT NULL,
    issued BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    revoked BIGINT,
    reason TEXT,
    PRIMARY KEY (realm, serial),
    UNIQUE (realm, thumbprint)
);
CREATE INDEX ca_certificates_by_subject ON ca_certificates (realm, kind, subject);
CREATE INDEX ca_certificates_by_end ON ca_certificates (realm, ends);
