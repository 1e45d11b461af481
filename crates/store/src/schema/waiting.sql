-- A proposal may be for a version that is here already and waits under a stricter label than its own.

ALTER TABLE widenings ADD COLUMN waits BIGINT NOT NULL DEFAULT 0;
