-- Version 4: runs of one concurrency group are counted at admission; a run waits in one place of the queue.

ALTER TABLE run ADD COLUMN concurrency_group TEXT;
CREATE INDEX run_group ON run (tenant_id, project_id, environment_id, plan_id, concurrency_group)
    WHERE concurrency_group IS NOT NULL AND open = 1;
CREATE UNIQUE INDEX queue_run ON queue (tenant_id, run_id);
CREATE INDEX queue_waiting ON queue (tenant_id, queued_at) WHERE state IN ('PENDING', 'LOCKED');
CREATE TRIGGER queue_forward BEFORE UPDATE ON queue
WHEN NEW.row_version IS NOT OLD.row_version + 1 OR NEW.run_id IS NOT OLD.run_id OR OLD.state IN ('STARTED', 'FAILED')
BEGIN SELECT RAISE(ABORT, 'a place in the queue moves forward, one version a step'); END;
