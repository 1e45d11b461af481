-- When a webhook is to be told of an emergency next (NULL: it was, or is not any more), and how often that was tried.
ALTER TABLE emergencies ADD COLUMN ring_due BIGINT;
ALTER TABLE emergencies ADD COLUMN ring_attempts BIGINT NOT NULL DEFAULT 0;
