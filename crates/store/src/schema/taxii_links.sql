-- TAXII servers of parties that run no hub of ours: what is read there is the organisation's, what it may have is pushed there.
-- `secret` is the password where there is a user, else a bearer token.
CREATE TABLE taxii_links (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    organisation TEXT NOT NULL,
    discovery TEXT NOT NULL,
    collection TEXT,
    user_name TEXT,
    secret TEXT,
    certificate TEXT,
    every_seconds BIGINT NOT NULL,
    pulls BIGINT NOT NULL,
    pushes BIGINT NOT NULL,
    suspended BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (realm, id)
);

-- How far each has come. `pulled` is the server's own cursor, `pushed` a place in the log here.
CREATE TABLE taxii_link_progress (
    realm BIGINT NOT NULL,
    link TEXT NOT NULL,
    pulled TEXT NOT NULL,
    pushed BIGINT NOT NULL,
    at BIGINT,
    trouble TEXT,
    failures BIGINT NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (realm, link)
);
