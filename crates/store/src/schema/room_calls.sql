-- Organisations that were called into a case room, or offered a task, and have not answered yet; they are told by mail until they do.
CREATE TABLE room_calls (
    realm BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    notice TEXT NOT NULL,
    kind TEXT NOT NULL,
    case_id TEXT NOT NULL,
    tlp TEXT NOT NULL,
    urgent BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due BIGINT NOT NULL,
    PRIMARY KEY (realm, organisation, notice)
);
CREATE INDEX room_calls_by_due ON room_calls (realm, due);
