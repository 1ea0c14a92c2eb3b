-- The control database: directory and lease, no tenant content (contract 6.2). A tenant's own file is the truth about it.

CREATE TABLE tenant (
    tenant_id  BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    platform   INTEGER NOT NULL CHECK (platform IN (0, 1)),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id)
) STRICT;
CREATE UNIQUE INDEX tenant_platform ON tenant (platform) WHERE platform = 1;

CREATE TABLE engine_lease (
    one        INTEGER NOT NULL CHECK (one = 1),
    pid        INTEGER NOT NULL,
    pid_start  INTEGER NOT NULL,
    address    TEXT    NOT NULL,
    epoch      INTEGER NOT NULL CHECK (epoch >= 1),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (one)
) STRICT;
CREATE TRIGGER engine_lease_forward BEFORE UPDATE ON engine_lease WHEN NEW.epoch < OLD.epoch
BEGIN SELECT RAISE(ABORT, 'the epoch of the lease only rises'); END;
CREATE TRIGGER engine_lease_kept BEFORE DELETE ON engine_lease
BEGIN SELECT RAISE(ABORT, 'the lease row keeps the epoch'); END;

CREATE TABLE login_route (
    kind      TEXT NOT NULL CHECK (kind IN ('issuer', 'api-key', 'worker', 'mtls')),
    route     TEXT NOT NULL,
    tenant_id BLOB NOT NULL REFERENCES tenant (tenant_id),
    PRIMARY KEY (kind, route)
) STRICT;
