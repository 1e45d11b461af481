-- Copies of reports that came from other hubs, by the SHA-256 of each, so that a receipt is held against its copy whichever of them comes first.
CREATE TABLE report_copy_came (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    event TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (realm, report, event, sha256)
);

-- What was found out about each receipt that came from another hub when it came: `proved`, and `said` is the SHA-256 of the copy that was filed;
-- `wrong`, and it is the code of why; `no-key`, and it is empty.
CREATE TABLE report_receipt_came (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    event TEXT NOT NULL,
    object TEXT NOT NULL,
    found TEXT NOT NULL,
    said TEXT NOT NULL,
    checked BIGINT NOT NULL,
    PRIMARY KEY (realm, report, event, object)
);
