-- A saved search follows what is opened to its owner as well: the opening that it is at, and how far in it (objects::Place).

ALTER TABLE saved_searches ADD COLUMN opening BIGINT;
ALTER TABLE saved_searches ADD COLUMN opened BIGINT;
