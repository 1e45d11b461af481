-- How many labels the objects of each organisation have brought about.
CREATE TABLE label_shares (
    realm BIGINT NOT NULL,
    originator TEXT NOT NULL,
    labels BIGINT NOT NULL,
    PRIMARY KEY (realm, originator)
);
