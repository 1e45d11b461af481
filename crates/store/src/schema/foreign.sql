-- What other hubs asked to be ordered of edges here. `command` is the other hub's name for it and `local` this hub's; `digest` is over the
-- signed request in `note`. `state` is `waiting` (for people here), `ordered`, `refused`, `withdrawn` or `over`. `told` counts what the other
-- hub was told of it.
CREATE TABLE foreign_orders (
    realm BIGINT NOT NULL,
    peer TEXT NOT NULL,
    command TEXT NOT NULL,
    local TEXT NOT NULL,
    edge TEXT NOT NULL,
    organisation TEXT NOT NULL,
    requester TEXT NOT NULL,
    digest TEXT NOT NULL,
    note TEXT NOT NULL,
    about TEXT NOT NULL,
    agreement TEXT,
    state TEXT NOT NULL,
    why TEXT,
    asked BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    stops BIGINT,
    undoes TEXT,
    told BIGINT NOT NULL,
    PRIMARY KEY (realm, peer, command)
);
CREATE UNIQUE INDEX foreign_orders_by_local ON foreign_orders (realm, local);
CREATE INDEX foreign_orders_by_time ON foreign_orders (realm, asked, local);
CREATE INDEX foreign_orders_by_state ON foreign_orders (realm, state, expires);

-- Who agreed to one here, in which session, and whether that was revoked since.
CREATE TABLE foreign_approvals (
    realm BIGINT NOT NULL,
    local TEXT NOT NULL,
    person TEXT NOT NULL,
    organisation TEXT NOT NULL,
    session BYTEA NOT NULL,
    at BIGINT NOT NULL,
    revoked BIGINT NOT NULL,
    PRIMARY KEY (realm, local, person)
);
CREATE INDEX foreign_approvals_by_person ON foreign_approvals (realm, person);

-- Runs that are only rehearsed: nothing of them is ordered.
ALTER TABLE runs ADD COLUMN dry_run BIGINT NOT NULL DEFAULT 0;

-- Since when an order stands as its edge last reported, by this hub's clock.
ALTER TABLE orders ADD COLUMN since BIGINT;
