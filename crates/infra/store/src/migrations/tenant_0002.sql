-- Version 2: keys are replaced and end, data ends by its own clock, holds stop those clocks, settings have versions.

-- Raised when a principal's rights end: what was authorized under an older one is refused under the head lock.
ALTER TABLE member ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1 CHECK (epoch >= 1);

-- row_version: the precondition of each change of a key's row. retired_at: since then it seals, signs and authenticates nothing new.
ALTER TABLE wrapped_key ADD COLUMN row_version INTEGER NOT NULL DEFAULT 1 CHECK (row_version >= 1);
ALTER TABLE wrapped_key ADD COLUMN retired_at INTEGER;

-- The key of today, where a payload was sealed again; `key_id` stays the one that its envelope names.
ALTER TABLE ledger_payload ADD COLUMN sealed_under BLOB CHECK (sealed_under IS NULL OR length(sealed_under) = 16);

-- The class of the data that was read or written (7.1, `resource.class`).
ALTER TABLE ledger_search ADD COLUMN resource_class TEXT;
CREATE INDEX ledger_search_class ON ledger_search (tenant_id, resource_class, recorded_at) WHERE resource_class IS NOT NULL;

-- What may not end. `subject`: a tenant's or run's id, or the HMAC that names a person in the keys.
CREATE TABLE legal_hold (
    tenant_id   BLOB    NOT NULL REFERENCES header (tenant_id),
    hold_id     BLOB    NOT NULL CHECK (length(hold_id) = 16),
    covers      TEXT    NOT NULL CHECK (covers IN ('tenant', 'run', 'person')),
    subject     TEXT    NOT NULL,
    decision_id BLOB    NOT NULL CHECK (length(decision_id) = 16),
    placed_at   INTEGER NOT NULL,
    released_at INTEGER,
    row_version INTEGER NOT NULL DEFAULT 1 CHECK (row_version >= 1),
    PRIMARY KEY (tenant_id, hold_id)
) STRICT;
CREATE INDEX legal_hold_standing ON legal_hold (tenant_id, covers, subject) WHERE released_at IS NULL;
CREATE TRIGGER legal_hold_kept BEFORE DELETE ON legal_hold
BEGIN SELECT RAISE(ABORT, 'a hold is released, never deleted'); END;

-- Settings of a tenant, project or environment: each change names the version that it was made from.
CREATE TABLE setting (
    tenant_id      BLOB    NOT NULL REFERENCES header (tenant_id),
    project_id     BLOB    NOT NULL CHECK (length(project_id) = 16),
    environment_id BLOB    NOT NULL CHECK (length(environment_id) = 16),
    kind           TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    row_version    INTEGER NOT NULL CHECK (row_version >= 1),
    key_id         BLOB    NOT NULL CHECK (length(key_id) = 16),
    sealed         BLOB    NOT NULL,
    changed_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, project_id, environment_id, kind, name)
) STRICT;
CREATE TRIGGER setting_forward BEFORE UPDATE ON setting WHEN NEW.row_version IS NOT OLD.row_version + 1
BEGIN SELECT RAISE(ABORT, 'the version of a setting rises by one'); END;

-- INVARIANT(INV-03): entries end below the announced lowest index and nowhere else; of a payload, only its sealing changes.
DROP TRIGGER ledger_block_kept;
CREATE TRIGGER ledger_block_kept BEFORE DELETE ON ledger_block
WHEN coalesce(OLD.first_index + OLD.count <= (SELECT lowest_index FROM ledger_head WHERE tenant_id = OLD.tenant_id), 0) = 0
BEGIN SELECT RAISE(ABORT, 'only entries below the lowest index end'); END;
DROP TRIGGER ledger_search_kept;
CREATE TRIGGER ledger_search_kept BEFORE DELETE ON ledger_search
WHEN coalesce(OLD.ledger_index < (SELECT lowest_index FROM ledger_head WHERE tenant_id = OLD.tenant_id), 0) = 0
BEGIN SELECT RAISE(ABORT, 'only entries below the lowest index end'); END;
CREATE TRIGGER ledger_payload_fixed BEFORE UPDATE ON ledger_payload
WHEN NEW.tenant_id IS NOT OLD.tenant_id OR NEW.n IS NOT OLD.n OR NEW.first_index IS NOT OLD.first_index
    OR NEW.key_id IS NOT OLD.key_id OR NEW.class IS NOT OLD.class
BEGIN SELECT RAISE(ABORT, 'of a payload only the sealing changes'); END;
