-- Agreements that were drafted here; `text` is the canonical form. Those that stand in files are not in it.
CREATE TABLE agreements (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    drafted_by TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (realm, id)
);

-- Where each party of an agreement stands, and who said so when. Of an agreement in a file a row stands only for a party that has
-- said something since. `hash` is that of the text that was signed.
CREATE TABLE agreement_sides (
    realm BIGINT NOT NULL,
    agreement TEXT NOT NULL,
    party TEXT NOT NULL,
    state TEXT NOT NULL,
    person TEXT NOT NULL,
    hash TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (realm, agreement, party)
);

-- Sharing groups. `id` is a UUID; the marking definition of the same UUID limits objects to the group.
CREATE TABLE sharing_groups (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    name_ja TEXT NOT NULL,
    name_en TEXT NOT NULL,
    owner TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (realm, id)
);

CREATE TABLE sharing_group_members (
    realm BIGINT NOT NULL,
    sharing_group TEXT NOT NULL,
    organisation TEXT NOT NULL,
    joined BIGINT NOT NULL,
    PRIMARY KEY (realm, sharing_group, organisation)
);
