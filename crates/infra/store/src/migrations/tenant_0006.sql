-- Version 6: a setting that is only sealed under another key keeps its version, which its readers' `If-Match` names.

DROP TRIGGER setting_forward;
CREATE TRIGGER setting_forward BEFORE UPDATE ON setting
WHEN NEW.row_version IS NOT OLD.row_version + 1
    AND (NEW.row_version IS NOT OLD.row_version OR NEW.key_id IS OLD.key_id OR NEW.changed_at IS NOT OLD.changed_at)
BEGIN SELECT RAISE(ABORT, 'the version of a setting rises by one'); END;
