-- The words anew, in one column: a word of the name begins with `=`, a mention with `~`, so that each has its own places in the
-- index. A query for names then reads nothing of the words that every text has. The rows are cut again by the program.
DROP TABLE words;
CREATE VIRTUAL TABLE words USING fts5 (
    text, content = '', contentless_delete = 1, tokenize = "ascii tokenchars '=~'"
);
INSERT INTO words (words, rank) VALUES ('automerge', 16);
-- What a transaction adds is one piece of the index, and not one for each megabyte.
INSERT INTO words (words, rank) VALUES ('hashsize', 16777216);
