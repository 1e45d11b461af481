-- The content of attachments that copies from other hubs list. `sealed` is empty until it is here. `next_try` says when the hub that gave the copy
-- is asked for it next; none where it is here, or was given up.
CREATE TABLE report_content_came (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_try BIGINT,
    sealed BYTEA,
    PRIMARY KEY (realm, report, sha256)
);
CREATE INDEX report_content_came_by_try ON report_content_came (realm, next_try);

-- Which copies list it, each by the object that brought the copy: the content goes with the last of them.
CREATE TABLE report_content_listed (
    realm BIGINT NOT NULL,
    object TEXT NOT NULL,
    report TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (realm, object, sha256)
);
CREATE INDEX report_content_listed_by_content ON report_content_listed (realm, report, sha256);

-- The content of attachments that is owed to hubs which cannot ask for it, since this one cannot be reached. A row goes when it was sent, or given up.
CREATE TABLE report_content_owed (
    realm BIGINT NOT NULL,
    hub TEXT NOT NULL,
    report TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_try BIGINT NOT NULL,
    PRIMARY KEY (realm, hub, report, sha256)
);
