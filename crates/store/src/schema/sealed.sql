-- Credentials of TAXII links are sealed by the hub, which moves what stands in `secret` of older programs over when it starts.

ALTER TABLE taxii_links ADD COLUMN sealed BYTEA;
