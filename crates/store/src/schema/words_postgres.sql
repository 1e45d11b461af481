-- What latest versions are found by, cut into words by the program (modules `words` and `objects::fulltext`). The words of the
-- name have weight A, those of everything else B; a mention is a word that begins with `~`.
CREATE TABLE words (
    sequence BIGINT PRIMARY KEY,
    words TSVECTOR NOT NULL
);
CREATE INDEX words_by_word ON words USING gin (words);
-- Whose turn it is to write: each group of writes takes the next number, and waits for the one before by waiting for this row.
CREATE TABLE turn (
    turn BIGINT NOT NULL
);
INSERT INTO turn (turn) VALUES (0);
-- Who had the last turns: how a writer that lost its connection while it committed learns what became of it.
CREATE TABLE turns (
    turn BIGINT PRIMARY KEY,
    token BIGINT NOT NULL
);
