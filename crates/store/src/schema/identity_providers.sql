-- Identity providers of organisations: each issuer is one organisation's and nobody else's.
CREATE TABLE identity_providers (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    organisation TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client TEXT NOT NULL,
    sealed BYTEA,
    certificate TEXT,
    origins TEXT NOT NULL,
    name_claim TEXT NOT NULL,
    role_claim TEXT,
    role_map TEXT NOT NULL,
    suspended BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (realm, id),
    UNIQUE (realm, issuer)
);

-- Whom an issuer means by a subject. An account has one subject of an issuer.
CREATE TABLE identities (
    realm BIGINT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    person TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    PRIMARY KEY (realm, issuer, subject),
    UNIQUE (realm, issuer, person)
);
CREATE INDEX identities_by_person ON identities (realm, person);
