-- What latest versions are found by, cut into words by the program (modules `words` and `objects::index`); rowid is the
-- log's sequence. `mentions` holds a word for each observable value and each reference: 64 bits of a hash. They are kept
-- here rather than in a table, since a B-tree with random keys is rewritten page by page for each batch of objects.
CREATE VIRTUAL TABLE words USING fts5 (
    name, rest, mentions, content = '', contentless_delete = 1, tokenize = 'ascii'
);
-- Merge sixteen pieces of the index at a time instead of four: a word is rewritten half as often as the log grows.
INSERT INTO words (words, rank) VALUES ('automerge', 16);
