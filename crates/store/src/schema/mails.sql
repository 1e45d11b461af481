-- Where mail with entries of case rooms reaches people, as they said themselves, and in which language.
CREATE TABLE mail_addresses (
    realm BIGINT NOT NULL,
    person TEXT NOT NULL,
    address TEXT NOT NULL,
    language TEXT NOT NULL,
    PRIMARY KEY (realm, person)
);

-- Entries of case rooms that somebody sends to people by mail. What is sent is made when it is sent; `due` is absent once it was, or was given up.
CREATE TABLE room_mails (
    realm BIGINT NOT NULL,
    id TEXT NOT NULL,
    request TEXT NOT NULL,
    case_id TEXT NOT NULL,
    entry TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due BIGINT,
    PRIMARY KEY (realm, id)
);
CREATE INDEX room_mails_by_due ON room_mails (realm, due);
CREATE INDEX room_mails_by_sender ON room_mails (realm, sender, at);
