-- Of the inner nodes those are kept that tiles hold; the others are made of them where they are asked for.
DELETE FROM audit_nodes WHERE level % 8 <> 0;
DELETE FROM authorisation_nodes WHERE level % 8 <> 0;
DELETE FROM statistics_nodes WHERE level % 8 <> 0;
