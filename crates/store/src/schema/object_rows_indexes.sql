DROP TABLE log_before;
CREATE UNIQUE INDEX log_by_date ON log (realm, collection, date_added);
CREATE INDEX log_by_label ON log (realm, collection, type, label, is_last, date_added) WHERE kind = 0;
