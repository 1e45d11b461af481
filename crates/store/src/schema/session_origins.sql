-- How and from where a session began, so that its person can tell it from a stranger's, and so that what an identity provider vouched
-- for ends with it.

ALTER TABLE sessions ADD COLUMN means TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN provider TEXT;
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
