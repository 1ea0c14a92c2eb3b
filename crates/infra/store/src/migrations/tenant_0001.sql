-- A tenant's file. Every key starts with tenant_id, also here where the file holds one tenant: a row that was carried over
-- from another file is then foreign by itself (INV-08). Times are milliseconds since 1970. Ids are their 16 bytes.

CREATE TABLE header (
    tenant_id           BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    one                 INTEGER NOT NULL DEFAULT 1 CHECK (one = 1),
    schema_version      INTEGER NOT NULL,
    root_project_id     BLOB    NOT NULL CHECK (length(root_project_id) = 16),
    root_environment_id BLOB    NOT NULL CHECK (length(root_environment_id) = 16),
    created_at          INTEGER NOT NULL,
    PRIMARY KEY (tenant_id),
    UNIQUE (one)
) STRICT;

CREATE TABLE ledger_head (
    tenant_id    BLOB    NOT NULL REFERENCES header (tenant_id),
    n            INTEGER NOT NULL CHECK (n >= 1),
    ledger_id    BLOB    NOT NULL CHECK (length(ledger_id) = 16),
    next_index   INTEGER NOT NULL CHECK (next_index >= 0),
    sealed_size  INTEGER NOT NULL CHECK (sealed_size BETWEEN 0 AND next_index),
    lowest_index INTEGER NOT NULL CHECK (lowest_index BETWEEN 0 AND next_index),
    engine_epoch INTEGER NOT NULL CHECK (engine_epoch >= 0),
    PRIMARY KEY (tenant_id)
) STRICT;

CREATE TABLE ledger_block (
    tenant_id     BLOB    NOT NULL REFERENCES ledger_head (tenant_id),
    n             INTEGER NOT NULL,
    first_index   INTEGER NOT NULL CHECK (first_index >= 0),
    block_id      BLOB    NOT NULL CHECK (length(block_id) = 16),
    kind          TEXT    NOT NULL CHECK (kind IN ('run', 'act', 'reads')),
    count         INTEGER NOT NULL CHECK (count >= 1),
    run_id        BLOB             CHECK (run_id IS NULL OR length(run_id) = 16),
    first_run_seq INTEGER          CHECK (first_run_seq IS NULL OR kind = 'run'),
    last_run_seq  INTEGER          CHECK ((last_run_seq IS NULL) = (first_run_seq IS NULL)),
    decision_id   BLOB             CHECK (decision_id IS NULL OR length(decision_id) = 16),
    recorded_at   INTEGER NOT NULL,
    event_types   TEXT    NOT NULL,
    leaves        BLOB    NOT NULL CHECK (length(leaves) = 32 * count),
    leaf_salts    BLOB    NOT NULL CHECK (length(leaf_salts) = 32 * count),
    mac           BLOB    NOT NULL CHECK (length(mac) = 32),
    mac_key_id    BLOB    NOT NULL CHECK (length(mac_key_id) = 16),
    envelopes     BLOB    NOT NULL,
    PRIMARY KEY (tenant_id, n, first_index),
    UNIQUE (tenant_id, block_id),
    UNIQUE (tenant_id, run_id, first_run_seq),
    UNIQUE (tenant_id, decision_id),
    CHECK (kind <> 'run' OR run_id IS NOT NULL)
) STRICT;

CREATE TABLE ledger_search (
    tenant_id     BLOB    NOT NULL,
    n             INTEGER NOT NULL,
    ledger_index  INTEGER NOT NULL,
    first_index   INTEGER NOT NULL,
    event_type    TEXT    NOT NULL,
    action        TEXT    NOT NULL,
    decision      TEXT    NOT NULL,
    actor_id      BLOB    NOT NULL,
    resource_type TEXT    NOT NULL,
    resource_id   TEXT    NOT NULL,
    decision_id   BLOB,
    recorded_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, n, ledger_index),
    FOREIGN KEY (tenant_id, n, first_index) REFERENCES ledger_block (tenant_id, n, first_index)
) STRICT;
CREATE INDEX ledger_search_actor ON ledger_search (tenant_id, actor_id, recorded_at);
CREATE INDEX ledger_search_resource ON ledger_search (tenant_id, resource_id, recorded_at);
CREATE INDEX ledger_search_outcome ON ledger_search (tenant_id, decision, recorded_at);
CREATE UNIQUE INDEX ledger_search_decision ON ledger_search (tenant_id, decision_id)
    WHERE decision_id IS NOT NULL AND event_type = 'AUTH_DECISION';

CREATE TABLE ledger_payload (
    tenant_id   BLOB    NOT NULL,
    n           INTEGER NOT NULL,
    first_index INTEGER NOT NULL,
    key_id      BLOB    NOT NULL CHECK (length(key_id) = 16),
    class       TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,
    PRIMARY KEY (tenant_id, n, first_index, key_id),
    FOREIGN KEY (tenant_id, n, first_index) REFERENCES ledger_block (tenant_id, n, first_index)
) STRICT;

CREATE TABLE ledger_tile (
    tenant_id BLOB    NOT NULL REFERENCES ledger_head (tenant_id),
    n         INTEGER NOT NULL,
    level     INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
    tile      INTEGER NOT NULL CHECK (tile >= 0),
    hashes    BLOB    NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (tenant_id, n, level, tile)
) STRICT;

CREATE TABLE ledger_checkpoint (
    tenant_id BLOB    NOT NULL REFERENCES ledger_head (tenant_id),
    n         INTEGER NOT NULL,
    size      INTEGER NOT NULL CHECK (size > 0),
    root      BLOB    NOT NULL CHECK (length(root) = 32),
    note      TEXT    NOT NULL,
    signed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, n, size)
) STRICT;

CREATE TABLE ledger_cosignature (
    tenant_id   BLOB    NOT NULL,
    n           INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    witness     TEXT    NOT NULL,
    cosignature TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, n, size, witness),
    FOREIGN KEY (tenant_id, n, size) REFERENCES ledger_checkpoint (tenant_id, n, size)
) STRICT;

CREATE TABLE archive_receipt (
    tenant_id  BLOB    NOT NULL,
    n          INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    copy       TEXT    NOT NULL,
    from_index INTEGER NOT NULL,
    stored_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, n, size, copy),
    FOREIGN KEY (tenant_id, n, size) REFERENCES ledger_checkpoint (tenant_id, n, size)
) STRICT;

CREATE TABLE wrapped_key (
    tenant_id     BLOB    NOT NULL REFERENCES header (tenant_id),
    key_id        BLOB    NOT NULL CHECK (length(key_id) = 16),
    purpose       TEXT    NOT NULL,
    subject       TEXT,
    class         TEXT,
    epoch         INTEGER NOT NULL,
    wrapped       BLOB    NOT NULL,
    audit_wrapped BLOB,
    created_at    INTEGER NOT NULL,
    rows_sealed   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, key_id)
) STRICT;
CREATE INDEX wrapped_key_subject ON wrapped_key (tenant_id, purpose, subject, class, epoch);

CREATE TABLE member (
    tenant_id    BLOB    NOT NULL REFERENCES header (tenant_id),
    principal_id BLOB    NOT NULL CHECK (length(principal_id) = 16),
    os_uid       INTEGER NOT NULL,
    key_id       BLOB    NOT NULL,
    name_sealed  BLOB    NOT NULL,
    PRIMARY KEY (tenant_id, principal_id),
    UNIQUE (tenant_id, os_uid)
) STRICT;

CREATE TABLE binding (
    tenant_id      BLOB NOT NULL,
    principal_id   BLOB NOT NULL,
    project_id     BLOB NOT NULL,
    environment_id BLOB NOT NULL,
    role           TEXT NOT NULL,
    PRIMARY KEY (tenant_id, principal_id, project_id, environment_id, role),
    FOREIGN KEY (tenant_id, principal_id) REFERENCES member (tenant_id, principal_id)
) STRICT;

CREATE TABLE plan_name (
    tenant_id  BLOB NOT NULL REFERENCES header (tenant_id),
    project_id BLOB NOT NULL,
    name       TEXT NOT NULL,
    plan_id    BLOB NOT NULL CHECK (length(plan_id) = 16),
    PRIMARY KEY (tenant_id, project_id, name),
    UNIQUE (tenant_id, plan_id)
) STRICT;

CREATE TABLE plan (
    tenant_id      BLOB    NOT NULL,
    project_id     BLOB    NOT NULL,
    environment_id BLOB    NOT NULL,
    plan_id        BLOB    NOT NULL,
    plan_version   TEXT    NOT NULL,
    digest         BLOB    NOT NULL CHECK (length(digest) = 32),
    key_id         BLOB    NOT NULL,
    sealed         BLOB    NOT NULL,
    published_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, project_id, environment_id, plan_id, plan_version),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES plan_name (tenant_id, plan_id)
) STRICT;

CREATE TABLE run (
    tenant_id      BLOB    NOT NULL REFERENCES header (tenant_id),
    run_id         BLOB    NOT NULL CHECK (length(run_id) = 16),
    project_id     BLOB    NOT NULL CHECK (length(project_id) = 16),
    environment_id BLOB    NOT NULL CHECK (length(environment_id) = 16),
    plan_id        BLOB    NOT NULL CHECK (length(plan_id) = 16),
    plan_version   TEXT    NOT NULL,
    plan_digest    BLOB    NOT NULL CHECK (length(plan_digest) = 32),
    plan_name      TEXT    NOT NULL,
    provider       TEXT    NOT NULL,
    admission_key  TEXT    NOT NULL,
    request_key_id BLOB    NOT NULL,
    request_hmac   BLOB    NOT NULL CHECK (length(request_hmac) = 32),
    detached       INTEGER NOT NULL CHECK (detached IN (0, 1)),
    status         TEXT    NOT NULL,
    open           INTEGER NOT NULL CHECK (open IN (0, 1)),
    last_run_seq   INTEGER NOT NULL CHECK (last_run_seq >= 1),
    queued_at      INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, run_id),
    UNIQUE (tenant_id, admission_key),
    FOREIGN KEY (tenant_id, project_id, environment_id, plan_id, plan_version)
        REFERENCES plan (tenant_id, project_id, environment_id, plan_id, plan_version)
) STRICT;
CREATE INDEX run_newest ON run (tenant_id, queued_at DESC, run_id DESC);
CREATE INDEX run_open ON run (tenant_id, run_id) WHERE open = 1;

CREATE TABLE snapshot (
    tenant_id    BLOB    NOT NULL,
    run_id       BLOB    NOT NULL,
    last_run_seq INTEGER NOT NULL,
    key_id       BLOB    NOT NULL,
    sealed       BLOB    NOT NULL,
    PRIMARY KEY (tenant_id, run_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES run (tenant_id, run_id)
) STRICT;

CREATE TABLE queue (
    tenant_id      BLOB    NOT NULL,
    project_id     BLOB    NOT NULL,
    environment_id BLOB    NOT NULL,
    plan_id        BLOB    NOT NULL,
    plan_version   TEXT    NOT NULL,
    request_id     TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('PENDING', 'LOCKED', 'STARTED', 'FAILED')),
    run_id         BLOB    NOT NULL,
    lease_until    INTEGER,
    queued_at      INTEGER NOT NULL,
    row_version    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, project_id, environment_id, plan_id, plan_version, request_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES run (tenant_id, run_id)
) STRICT;

CREATE TABLE signal (
    tenant_id    BLOB NOT NULL,
    run_id       BLOB NOT NULL,
    signal_id    TEXT NOT NULL,
    block_id     BLOB NOT NULL,
    key_id       BLOB NOT NULL,
    payload_hmac BLOB NOT NULL CHECK (length(payload_hmac) = 32),
    PRIMARY KEY (tenant_id, run_id, signal_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES run (tenant_id, run_id)
) STRICT;

CREATE TABLE blob (
    tenant_id      BLOB    NOT NULL REFERENCES header (tenant_id),
    blob_id        BLOB    NOT NULL CHECK (length(blob_id) = 16),
    kind           TEXT    NOT NULL CHECK (kind IN ('value', 'log', 'bundle')),
    project_id     BLOB    NOT NULL,
    environment_id BLOB    NOT NULL,
    run_id         BLOB,
    step_id        TEXT,
    attempt        INTEGER,
    class          TEXT    NOT NULL,
    key_id         BLOB    NOT NULL,
    size           INTEGER NOT NULL,
    digest         BLOB,
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, blob_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES run (tenant_id, run_id)
) STRICT;
CREATE UNIQUE INDEX blob_log ON blob (tenant_id, run_id, step_id, attempt) WHERE kind = 'log';
CREATE UNIQUE INDEX blob_bundle ON blob (tenant_id, project_id, environment_id, digest) WHERE kind = 'bundle';

CREATE TABLE due (
    tenant_id BLOB    NOT NULL REFERENCES header (tenant_id),
    kind      TEXT    NOT NULL CHECK (kind IN ('timer', 'queue', 'lease')),
    key       TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, kind, key)
) STRICT;

-- INVARIANT(INV-03): the ledger only grows. The head moves forward or not at all.
CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head
WHEN NEW.tenant_id IS NOT OLD.tenant_id OR NEW.n IS NOT OLD.n OR NEW.ledger_id IS NOT OLD.ledger_id
    OR NEW.next_index < OLD.next_index OR NEW.sealed_size < OLD.sealed_size
    OR NEW.lowest_index < OLD.lowest_index OR NEW.engine_epoch < OLD.engine_epoch
BEGIN SELECT RAISE(ABORT, 'the head of a ledger only moves forward'); END;
CREATE TRIGGER ledger_head_kept BEFORE DELETE ON ledger_head
BEGIN SELECT RAISE(ABORT, 'the head of a ledger is never deleted'); END;

CREATE TRIGGER ledger_block_gapless BEFORE INSERT ON ledger_block
WHEN NEW.first_index IS NOT coalesce((SELECT first_index + count FROM ledger_block
        WHERE tenant_id = NEW.tenant_id AND n = NEW.n ORDER BY first_index DESC LIMIT 1), 0)
BEGIN SELECT RAISE(ABORT, 'a block follows the last one without a gap'); END;
CREATE TRIGGER ledger_block_fixed BEFORE UPDATE ON ledger_block
BEGIN SELECT RAISE(ABORT, 'ledger_block is insert-only'); END;
CREATE TRIGGER ledger_block_kept BEFORE DELETE ON ledger_block
BEGIN SELECT RAISE(ABORT, 'ledger_block is insert-only'); END;
CREATE TRIGGER ledger_search_fixed BEFORE UPDATE ON ledger_search
BEGIN SELECT RAISE(ABORT, 'ledger_search is insert-only'); END;
CREATE TRIGGER ledger_search_kept BEFORE DELETE ON ledger_search
BEGIN SELECT RAISE(ABORT, 'ledger_search is insert-only'); END;
CREATE TRIGGER ledger_tile_fixed BEFORE UPDATE ON ledger_tile
BEGIN SELECT RAISE(ABORT, 'ledger_tile is insert-only'); END;
CREATE TRIGGER ledger_tile_kept BEFORE DELETE ON ledger_tile
BEGIN SELECT RAISE(ABORT, 'ledger_tile is insert-only'); END;
CREATE TRIGGER ledger_checkpoint_fixed BEFORE UPDATE ON ledger_checkpoint
BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint is insert-only'); END;
CREATE TRIGGER ledger_checkpoint_kept BEFORE DELETE ON ledger_checkpoint
BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint is insert-only'); END;
CREATE TRIGGER header_fixed BEFORE UPDATE ON header
WHEN NEW.tenant_id IS NOT OLD.tenant_id OR NEW.schema_version < OLD.schema_version
BEGIN SELECT RAISE(ABORT, 'a file belongs to one tenant'); END;
CREATE TRIGGER header_kept BEFORE DELETE ON header
BEGIN SELECT RAISE(ABORT, 'a file belongs to one tenant'); END;
