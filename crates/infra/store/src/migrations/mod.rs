//! Numbered migrations, forward only. A file of a newer schema is refused, an older one is brought forward at opening.
//!
//! `user_version` and the header row name the version; both change in the migration's own transaction.

/// The migrations of a tenant's file: the n-th brings it to version n.
pub(crate) const TENANT: &[&str] = &[
    include_str!("tenant_0001.sql"),
    include_str!("tenant_0002.sql"),
    include_str!("tenant_0003.sql"),
    include_str!("tenant_0004.sql"),
    include_str!("tenant_0005.sql"),
    include_str!("tenant_0006.sql"),
    include_str!("tenant_0007.sql"),
    include_str!("tenant_0008.sql"),
];

/// The migrations of the control database.
pub(crate) const CONTROL: &[&str] = &[include_str!("control_0001.sql")];

/// The version that a list of migrations leads to.
pub(crate) fn version(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// INV-08: the tenant is part of every primary, unique and foreign key of tables with tenant rows.
    #[test]
    fn every_key_starts_with_the_tenant() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for migration in TENANT {
            connection.execute_batch(migration).unwrap();
        }
        let tables: Vec<String> = rows(&connection, "SELECT name FROM sqlite_schema WHERE type = 'table'");
        assert!(tables.len() >= 20, "{tables:?}");
        let mut keys = 0;
        for table in &tables {
            let indexes: Vec<String> =
                rows(&connection, &format!("SELECT name FROM pragma_index_list('{table}')"));
            for index in indexes {
                let columns: Vec<String> = rows(
                    &connection,
                    &format!(
                        "SELECT coalesce(name, '(expression)') FROM pragma_index_info('{index}') ORDER BY seqno"
                    ),
                );
                let single_row = table == "header" && columns == ["one"];
                assert!(single_row || columns[0] == "tenant_id", "{table}.{index}: {columns:?}");
                keys += 1;
            }
            let foreign: Vec<String> = rows(
                &connection,
                &format!("SELECT \"from\" FROM pragma_foreign_key_list('{table}') WHERE seq = 0"),
            );
            assert!(foreign.iter().all(|column| column == "tenant_id"), "{table}: {foreign:?}");
            let not_null: Vec<String> = rows(
                &connection,
                &format!(
                    "SELECT name FROM pragma_table_info('{table}') WHERE name = 'tenant_id' AND \"notnull\" = 1"
                ),
            );
            assert_eq!(not_null.len(), 1, "{table}");
        }
        assert!(keys >= 25, "{keys}");
    }

    /// SQLite copies each page that a statement changes where the statement may fail in its middle: by a function in a CHECK, by
    /// a trigger that aborts, by a foreign key that is judged at once beside a trigger (ADR 81).
    #[test]
    fn what_goes_in_with_an_event_fails_before_it_changes_anything() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for migration in TENANT {
            connection.execute_batch(migration).unwrap();
        }
        let text = |name: &str| {
            rows(&connection, &format!("SELECT sql FROM sqlite_schema WHERE name = '{name}'")).remove(0)
        };
        let calls = |sql: &str| {
            sql.contains("length(")
                || sql.contains("typeof(")
                || sql.contains("substr(")
                || sql.contains(" IN (")
        };
        assert!(!calls(&text("ledger_block")), "{}", text("ledger_block"));
        assert!(calls(&text("ledger_head")), "control: this one is not written with each event");
        for trigger in ["ledger_block_gapless", "ledger_head_forward", "run_forward"] {
            assert!(text(trigger).contains("RAISE(FAIL,"), "{}", text(trigger));
        }
        let with_events = rows(
            &connection,
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name IN ('ledger_block', 'ledger_payload')
             AND sql LIKE '%BEFORE INSERT%'",
        );
        assert_eq!(
            with_events,
            ["ledger_block_gapless"],
            "a trigger more makes each INSERT one that may fail in its middle"
        );
        let at_once = rows(
            &connection,
            "SELECT sql FROM sqlite_schema WHERE name = 'ledger_block' AND sql NOT LIKE '%DEFERRABLE INITIALLY DEFERRED%'",
        );
        assert!(at_once.is_empty(), "{at_once:?}");
    }

    fn rows(connection: &rusqlite::Connection, sql: &str) -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}
