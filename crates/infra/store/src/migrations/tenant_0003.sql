-- Version 3: what ends, and what hangs on it, is found without reading everything.

CREATE INDEX run_ended ON run (tenant_id, updated_at) WHERE open = 0;
CREATE INDEX run_plan ON run (tenant_id, plan_id, plan_version);
CREATE INDEX blob_run ON blob (tenant_id, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX blob_key ON blob (tenant_id, key_id);
CREATE INDEX wrapped_key_retired ON wrapped_key (tenant_id, retired_at) WHERE retired_at IS NOT NULL;
