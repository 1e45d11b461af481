-- What open streams are told of beside the log. `who` are short names of organisations, one a line, or the id of an account or token.

CREATE TABLE tellings (
    number BIGINT NOT NULL,
    realm BIGINT NOT NULL,
    audience TEXT NOT NULL,
    who TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (number)
);
