-- Words of latest versions, cut by the program (module `words`); rowid is the log's sequence.
CREATE VIRTUAL TABLE words USING fts5 (
    name, rest, content = '', contentless_delete = 1, tokenize = 'ascii'
);
