-- Version 5: what a run knows about persons is found by the run. `subject` is `<person>|<run>`, and a run's id has 40 characters.

CREATE INDEX wrapped_key_run ON wrapped_key (tenant_id, substr(subject, -40)) WHERE purpose = 'subject';
