-- Version 8: the row of a run changes with the run's status alone. Its `last_run_seq` and `updated_at` are then of the event that
-- brought the status; the last event is the last block's. A release that takes them for the last event's must not write here.

CREATE TRIGGER run_forward BEFORE UPDATE OF last_run_seq ON run WHEN NEW.last_run_seq < OLD.last_run_seq
BEGIN SELECT RAISE(ABORT, 'the events of a run only become more'); END;
