-- Passkey ceremonies under way: what the authenticator's answer will be checked against, as JSON.
CREATE TABLE challenges (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    expires BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (realm, id)
);
CREATE INDEX challenges_by_expiry ON challenges (realm, expires);
