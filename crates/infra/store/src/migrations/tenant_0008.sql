-- Version 8: an event of a run costs less again.
--
-- The row of a run changes with the run's status alone. Its `last_run_seq` and `updated_at` are then of the event that brought the
-- status; the last event is the last block's. A release that takes them for the last event's must not write here.
--
-- A statement that could fail after it had changed something keeps a copy of each page that it changes. What goes in with an event
-- fails before it changes anything: triggers say FAIL, that the tenant is the file's is judged at the commit, and no CHECK of a
-- block calls a function. How long its ids and hashes are is a matter of types where they are written, and is asked of each block
-- that is read. A CHECK by IN builds a table of its words for each row.

CREATE TRIGGER run_forward BEFORE UPDATE OF last_run_seq ON run WHEN NEW.last_run_seq < OLD.last_run_seq
BEGIN SELECT RAISE(FAIL, 'the events of a run only become more'); END;

DROP TRIGGER ledger_head_forward;
CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head
WHEN NEW.tenant_id IS NOT OLD.tenant_id OR NEW.n IS NOT OLD.n OR NEW.ledger_id IS NOT OLD.ledger_id
    OR NEW.next_index < OLD.next_index OR NEW.sealed_size < OLD.sealed_size
    OR NEW.lowest_index < OLD.lowest_index OR NEW.engine_epoch < OLD.engine_epoch
BEGIN SELECT RAISE(FAIL, 'the head of a ledger only moves forward'); END;

DROP TRIGGER ledger_block_gapless;
DROP TRIGGER ledger_block_fixed;
DROP TRIGGER ledger_block_kept;
DROP TRIGGER ledger_search_fixed;
DROP TRIGGER ledger_search_kept;
DROP TRIGGER ledger_payload_fixed;
DROP INDEX ledger_block_run;
DROP INDEX ledger_block_decision;
ALTER TABLE ledger_payload RENAME TO ledger_payload_7;
ALTER TABLE ledger_search RENAME TO ledger_search_7;
ALTER TABLE ledger_block RENAME TO ledger_block_7;

CREATE TABLE ledger_block (
    tenant_id     BLOB    NOT NULL REFERENCES ledger_head (tenant_id) DEFERRABLE INITIALLY DEFERRED,
    n             INTEGER NOT NULL,
    first_index   INTEGER NOT NULL CHECK (first_index >= 0),
    block_id      BLOB    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind = 'run' OR kind = 'act' OR kind = 'reads'),
    count         INTEGER NOT NULL CHECK (count >= 1),
    run_id        BLOB,
    first_run_seq INTEGER          CHECK (first_run_seq IS NULL OR kind = 'run'),
    last_run_seq  INTEGER          CHECK ((last_run_seq IS NULL) = (first_run_seq IS NULL)),
    decision_id   BLOB,
    recorded_at   INTEGER NOT NULL,
    event_types   TEXT    NOT NULL,
    leaves        BLOB    NOT NULL,
    leaf_salts    BLOB    NOT NULL,
    mac           BLOB    NOT NULL,
    mac_key_id    BLOB    NOT NULL,
    envelopes     BLOB    NOT NULL,
    PRIMARY KEY (tenant_id, n, first_index),
    UNIQUE (tenant_id, block_id),
    CHECK (kind <> 'run' OR run_id IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX ledger_block_run ON ledger_block (tenant_id, run_id, first_run_seq) WHERE run_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_block_decision ON ledger_block (tenant_id, decision_id) WHERE decision_id IS NOT NULL;

CREATE TABLE ledger_payload (
    tenant_id    BLOB    NOT NULL,
    n            INTEGER NOT NULL,
    first_index  INTEGER NOT NULL,
    key_id       BLOB    NOT NULL CHECK (length(key_id) = 16),
    class        TEXT    NOT NULL,
    sealed       BLOB    NOT NULL,
    sealed_under BLOB CHECK (sealed_under IS NULL OR length(sealed_under) = 16),
    PRIMARY KEY (tenant_id, n, first_index, key_id),
    FOREIGN KEY (tenant_id, n, first_index) REFERENCES ledger_block (tenant_id, n, first_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_search (
    tenant_id      BLOB    NOT NULL,
    n              INTEGER NOT NULL,
    ledger_index   INTEGER NOT NULL,
    first_index    INTEGER NOT NULL,
    event_type     TEXT    NOT NULL,
    action         TEXT    NOT NULL,
    decision       TEXT    NOT NULL,
    actor_id       BLOB    NOT NULL,
    resource_type  TEXT    NOT NULL,
    resource_id    TEXT    NOT NULL,
    decision_id    BLOB,
    recorded_at    INTEGER NOT NULL,
    resource_class TEXT,
    PRIMARY KEY (tenant_id, n, ledger_index),
    FOREIGN KEY (tenant_id, n, first_index) REFERENCES ledger_block (tenant_id, n, first_index)
) STRICT;

INSERT INTO ledger_block SELECT tenant_id, n, first_index, block_id, kind, count, run_id, first_run_seq, last_run_seq, decision_id,
    recorded_at, event_types, leaves, leaf_salts, mac, mac_key_id, envelopes FROM ledger_block_7 ORDER BY tenant_id, n, first_index;
INSERT INTO ledger_payload SELECT tenant_id, n, first_index, key_id, class, sealed, sealed_under FROM ledger_payload_7
    ORDER BY tenant_id, n, first_index, key_id;
INSERT INTO ledger_search SELECT tenant_id, n, ledger_index, first_index, event_type, action, decision, actor_id, resource_type,
    resource_id, decision_id, recorded_at, resource_class FROM ledger_search_7 ORDER BY tenant_id, n, ledger_index;
DROP TABLE ledger_payload_7;
DROP TABLE ledger_search_7;
DROP TABLE ledger_block_7;

CREATE INDEX ledger_search_actor ON ledger_search (tenant_id, actor_id, recorded_at);
CREATE INDEX ledger_search_resource ON ledger_search (tenant_id, resource_id, recorded_at);
CREATE INDEX ledger_search_outcome ON ledger_search (tenant_id, decision, recorded_at);
CREATE INDEX ledger_search_class ON ledger_search (tenant_id, resource_class, recorded_at) WHERE resource_class IS NOT NULL;
CREATE UNIQUE INDEX ledger_search_decision ON ledger_search (tenant_id, decision_id)
    WHERE decision_id IS NOT NULL AND event_type = 'AUTH_DECISION';

-- INVARIANT(INV-03): the ledger only grows; entries end below the announced lowest index and nowhere else; of a payload only
-- its sealing changes. The same belts as before, on the tables of this version.
CREATE TRIGGER ledger_block_gapless BEFORE INSERT ON ledger_block
WHEN NEW.first_index IS NOT coalesce((SELECT first_index + count FROM ledger_block
        WHERE tenant_id = NEW.tenant_id AND n = NEW.n ORDER BY first_index DESC LIMIT 1), 0)
BEGIN SELECT RAISE(FAIL, 'a block follows the last one without a gap'); END;
CREATE TRIGGER ledger_block_fixed BEFORE UPDATE ON ledger_block
BEGIN SELECT RAISE(ABORT, 'ledger_block is insert-only'); END;
CREATE TRIGGER ledger_block_kept BEFORE DELETE ON ledger_block
WHEN coalesce(OLD.first_index + OLD.count <= (SELECT lowest_index FROM ledger_head WHERE tenant_id = OLD.tenant_id), 0) = 0
BEGIN SELECT RAISE(ABORT, 'only entries below the lowest index end'); END;
CREATE TRIGGER ledger_search_fixed BEFORE UPDATE ON ledger_search
BEGIN SELECT RAISE(ABORT, 'ledger_search is insert-only'); END;
CREATE TRIGGER ledger_search_kept BEFORE DELETE ON ledger_search
WHEN coalesce(OLD.ledger_index < (SELECT lowest_index FROM ledger_head WHERE tenant_id = OLD.tenant_id), 0) = 0
BEGIN SELECT RAISE(ABORT, 'only entries below the lowest index end'); END;
CREATE TRIGGER ledger_payload_fixed BEFORE UPDATE ON ledger_payload
WHEN NEW.tenant_id IS NOT OLD.tenant_id OR NEW.n IS NOT OLD.n OR NEW.first_index IS NOT OLD.first_index
    OR NEW.key_id IS NOT OLD.key_id OR NEW.class IS NOT OLD.class
BEGIN SELECT RAISE(ABORT, 'of a payload only the sealing changes'); END;
