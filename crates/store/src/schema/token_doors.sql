-- Through which doors a token goes (none named: every one, as tokens of older programs do), and the SHA-256 of the certificate that whoever
-- brings it has to show.

ALTER TABLE tokens ADD COLUMN doors TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN certificate BYTEA;
