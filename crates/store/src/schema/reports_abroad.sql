-- Copies of filings that were given to organisations of other hubs, each by the object that carries it. `receipt` is 0 until the receipt is on
-- its way as well.
CREATE TABLE report_given_abroad (
    realm BIGINT NOT NULL,
    report TEXT NOT NULL,
    event TEXT NOT NULL,
    object TEXT NOT NULL,
    receipt BIGINT NOT NULL,
    PRIMARY KEY (realm, report, event)
);
CREATE INDEX report_given_abroad_by_receipt ON report_given_abroad (realm, receipt, report, event);

-- Reports that are kept at other hubs and of which an organisation here was given copies: only for lists. What was given is in the objects that
-- brought it, and whoever may not see those is not told of it. `giver` is the organisation whose report it is, as all hubs name it.
CREATE TABLE report_came (
    realm BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    report TEXT NOT NULL,
    giver TEXT NOT NULL,
    came BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (realm, organisation, report)
);
CREATE INDEX report_came_by_change ON report_came (realm, organisation, changed, report);
CREATE INDEX report_came_by_report ON report_came (realm, report);
