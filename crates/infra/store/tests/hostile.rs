//! Hostile files: foreign, cut, changed, older, newer, damaged. Each is refused with a code and not written to, or it opens
//! and proves to be what it was.

use crate::support::*;
use dvt_ledger::verify::result::Status;
use dvt_model::code::Code;
use dvt_store::port::transaction::Kind;
use dvt_store::verify::LedgerFile;
use dvt_store::{Error, Store};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A closed store whose tenant's file is put in place by each case.
struct Laid {
    house: House,
    run: Run,
    good: Vec<u8>,
    root: String,
}

impl Laid {
    async fn new() -> Self {
        let house = House::new().await;
        let run = run();
        house.admit(&run).await;
        for seq in 1..20 {
            house.append(house.advance(&run, seq, serde_json::json!({ "seq": seq }))).await.unwrap();
        }
        house.store.seal(house.ids.tenant_id).await.unwrap();
        let result = verify(&house).await;
        assert_eq!(result.status, Status::Valid);
        house.store.close().await.unwrap();
        let good = std::fs::read(house.path()).unwrap();
        Self { run, good, root: result.checkpoint.unwrap().root_hash, house }
    }

    fn folder(&self) -> PathBuf {
        self.house.path().parent().unwrap().to_owned()
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.house.path().display()))
    }

    /// Takes away what the last case left.
    fn clear(&self) {
        let path = self.house.path();
        for name in [path.clone(), self.beside("-wal"), self.beside("-shm"), self.beside("-journal")] {
            match std::fs::symlink_metadata(&name) {
                Ok(found) if found.is_dir() => std::fs::remove_dir(&name).unwrap(),
                Ok(_) => std::fs::remove_file(&name).unwrap(),
                Err(_) => {}
            }
        }
    }

    fn put(&self, bytes: &[u8]) {
        self.clear();
        write(&self.house.path(), bytes);
    }

    /// The good file with a change made by SQL, as whoever has the file but no key can make it.
    fn with(&self, sql: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changed.db");
        write(&path, &self.good);
        let raw = rusqlite::Connection::open(&path).unwrap();
        raw.execute_batch(sql).unwrap();
        drop(raw);
        std::fs::read(path).unwrap()
    }

    fn open(&self) -> Result<Store, Error> {
        let store = self.house.second();
        store.begin(&self.house.scope, Kind::Act).map(|_| store)
    }

    /// It must be refused with this code, and nothing of it may have changed.
    fn refused(&self, name: &str, code: Code) {
        let before = everything(&self.folder());
        match self.open() {
            Ok(_) => panic!("{name} was not refused"),
            // Pages of another file are another tenant's or damage, whichever is met first.
            Err(error) if code == Code::TenantIsolationViolation => {
                assert!([code, Code::LedgerIntegrityFailed].contains(&error.code()), "{name}: {error}");
            }
            Err(error) => assert_eq!(error.code(), code, "{name}: {error}"),
        }
        let (after, names) = (everything(&self.folder()), |all: &BTreeMap<_, _>| {
            all.keys().cloned().collect::<Vec<PathBuf>>()
        });
        assert_eq!(names(&before), names(&after), "{name}");
        assert!(before == after, "{name} was written to");
    }

    /// It must open, and hold the ledger it held.
    async fn opens(&self, name: &str) {
        let store = match self.open() {
            Ok(store) => store,
            Err(error) => panic!("{name}: {error}"),
        };
        let events = store.begin(&self.house.scope, Kind::Act).unwrap();
        let events = events.fetch_events(self.run.id, 0, 100).await.unwrap();
        assert!(events.len() == 20 && events.iter().all(|event| event.payload.is_some()), "{name}");
        let keys = store.verifier_keys(self.house.ids.tenant_id).await.unwrap();
        let file = LedgerFile::open(&self.house.path()).unwrap();
        let clock = self.house.clock.clone();
        let result = dvt_ledger::verify::verify(&file, &keys, None, &move || clock());
        assert_eq!(result.status, Status::Valid, "{name}: {:?}", result.findings);
        assert_eq!(result.checkpoint.unwrap().root_hash, self.root, "{name}");
        store.close().await.unwrap();
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

/// Names, kinds, modes and bytes of a folder.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let seen = entries.map(|entry| {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        let bytes = if metadata.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        (path, (metadata.permissions().mode(), bytes))
    });
    seen.collect()
}

#[tokio::test]
async fn foreign_files_are_refused_and_not_written_to() {
    let laid = Laid::new().await;
    let foreign = |sql: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("foreign.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        std::fs::read(path).unwrap()
    };
    let control = std::fs::read(laid.house.folder.path().join("control.db")).unwrap();
    let cases = [
        ("another program's", foreign("CREATE TABLE header (x);"), Code::ConfigInvalid),
        ("another application id", laid.with("PRAGMA application_id = 7;"), Code::ConfigInvalid),
        ("the control database", control, Code::ConfigInvalid),
        ("text", vec![b'a'; 5_000], Code::ConfigInvalid),
        ("newer", laid.with("PRAGMA user_version = 99;"), Code::MigrateNotCalled),
        ("no version", laid.with("PRAGMA user_version = 0;"), Code::MigrateNotCalled),
        ("without a WAL", laid.with("PRAGMA journal_mode = DELETE;"), Code::ConfigInvalid),
    ];
    for (name, bytes, code) in cases {
        laid.put(&bytes);
        laid.refused(name, code);
    }
    laid.put(&laid.good);
    laid.opens("control: the good file").await;
}

#[tokio::test]
async fn what_is_no_private_plain_file_is_refused() {
    let laid = Laid::new().await;
    let path = laid.house.path();
    let elsewhere = laid.house.folder.path().join("elsewhere.db");
    write(&elsewhere, &laid.good);

    laid.clear();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    laid.refused("a link", Code::ConfigInvalid);
    laid.clear();
    std::fs::create_dir(&path).unwrap();
    laid.refused("a folder", Code::ConfigInvalid);
    laid.clear();
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    laid.refused("a pipe", Code::ConfigInvalid);
    laid.clear();
    laid.refused("nothing", Code::NotFound);
    for mode in [0o644, 0o660, 0o606, 0o700] {
        laid.put(&laid.good);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        laid.refused(&format!("mode {mode:o}"), Code::ConfigInvalid);
    }
    for suffix in ["-wal", "-shm", "-journal"] {
        laid.put(&laid.good);
        std::os::unix::fs::symlink(&elsewhere, laid.beside(suffix)).unwrap();
        laid.refused(&format!("a link as {suffix}"), Code::ConfigInvalid);
    }
    laid.put(&laid.good);
    laid.opens("control: 0600").await;
}

#[tokio::test]
async fn cut_files_are_refused_at_every_length() {
    let laid = Laid::new().await;
    let whole = laid.good.len();
    let mut lengths =
        vec![1, 15, 16, 40, 99, 100, 101, 300, 511, 512, 4_095, 4_096, 4_097, whole - 1, whole - 4_096];
    lengths.extend((1..40).map(|part| whole * part / 40));
    for length in lengths {
        laid.put(&laid.good[..length]);
        let code = if length < 100 { Code::ConfigInvalid } else { Code::LedgerIntegrityFailed };
        laid.refused(&format!("cut at {length} of {whole}"), code);
    }
    laid.put(&[]);
    laid.refused("empty", Code::NotFound);
    laid.put(&[0; 8_192]);
    laid.refused("zeros", Code::NotFound);
    laid.put(&laid.good);
    laid.opens("control: whole").await;
}

/// INV-03: a file whose tables, triggers or indexes are not word for word ours is refused.
#[tokio::test]
async fn a_changed_schema_is_refused() {
    let laid = Laid::new().await;
    let rewrite = |from: &str, to: &str| {
        format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}'); PRAGMA writable_schema = OFF;"
        )
    };
    let cases = [
        ("another trigger", "DROP TRIGGER ledger_block_fixed; CREATE TRIGGER ledger_block_fixed BEFORE UPDATE ON ledger_block BEGIN SELECT 1; END;".to_owned()),
        ("a trigger more", "CREATE TRIGGER more AFTER INSERT ON ledger_block BEGIN DELETE FROM queue; END;".to_owned()),
        ("an index more", "CREATE INDEX more ON run (status);".to_owned()),
        ("a table more", "CREATE TABLE more (x);".to_owned()),
        ("a table less", "DROP TABLE archive_receipt;".to_owned()),
        ("a view", "CREATE VIEW more AS SELECT * FROM run;".to_owned()),
        ("a view for a table", "DROP TABLE archive_receipt; CREATE VIEW archive_receipt AS SELECT 1 AS tenant_id;".to_owned()),
        // Of a module that is not built in here, as whoever has another SQLite can make it.
        ("a virtual table", "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('table', 'more', 'more', 0, 'CREATE VIRTUAL TABLE more USING fts5(x)');".to_owned()),
        ("a generated column", "ALTER TABLE due ADD COLUMN more TEXT GENERATED ALWAYS AS (kind) VIRTUAL;".to_owned()),
        ("another CHECK", rewrite("(count >= 1)", "(count >= 0)")),
        ("no STRICT", rewrite(") STRICT", ")")),
        ("statistics", "ANALYZE;".to_owned()),
        ("a schema that does not parse", rewrite("CREATE TABLE due", "CREATE TABEL due")),
    ];
    for (name, sql) in cases {
        laid.put(&laid.with(&sql));
        laid.refused(name, Code::LedgerIntegrityFailed);
    }
    // A belt less is named by the check and does nothing by itself.
    laid.put(&laid.with("DROP TRIGGER ledger_block_fixed; DROP INDEX ledger_search_actor;"));
    laid.opens("a trigger and an index less").await;
    laid.put(&laid.with("UPDATE due SET at = at;"));
    laid.opens("control: the same schema").await;
}

#[tokio::test]
async fn what_lies_beside_a_file_is_judged_with_it() {
    let laid = Laid::new().await;
    // A journal beside it would be rolled back into it by whoever opens it.
    laid.put(&laid.good);
    write(&laid.beside("-journal"), &[0xd9; 9_000]);
    laid.refused("a journal", Code::ConfigInvalid);
    // A WAL of another tenant's file, valid in itself.
    let other = House::new().await;
    other.admit(&run()).await;
    let wal = std::fs::read(format!("{}-wal", other.path().display())).unwrap();
    assert!(wal.len() > 100_000);
    laid.put(&laid.good);
    write(&laid.beside("-wal"), &wal);
    laid.refused("another's WAL", Code::TenantIsolationViolation);
    write(&laid.beside("-shm"), &[7; 32_768]);
    laid.refused("another's WAL and an index", Code::TenantIsolationViolation);
    // One that is no WAL counts for nothing.
    for rubbish in [vec![7; 50_000], wal[..31].to_vec(), Vec::new()] {
        laid.put(&laid.good);
        write(&laid.beside("-wal"), &rubbish);
        laid.opens("rubbish as a WAL").await;
        laid.put(&laid.good);
        write(&laid.beside("-wal"), &rubbish);
        write(&laid.beside("-shm"), &[7; 32_768]);
        laid.opens("rubbish as a WAL and an index").await;
    }
    // A refused file whose WAL holds something keeps it.
    laid.put(&laid.good);
    let raw = laid.house.raw();
    raw.execute_batch("PRAGMA user_version = 99;").unwrap();
    let (file, wal) =
        (std::fs::read(laid.house.path()).unwrap(), std::fs::read(laid.beside("-wal")).unwrap());
    drop(raw);
    laid.put(&file);
    write(&laid.beside("-wal"), &wal);
    laid.refused("newer by its WAL", Code::MigrateNotCalled);
}

/// Headers that promise too much, free pages that are none, pages that point at each other.
#[tokio::test]
async fn hostile_headers_and_trees_end_in_a_code() {
    let laid = Laid::new().await;
    let mut seen = 0;
    for (at, length) in
        [(16, 2), (20, 1), (21, 3), (24, 4), (28, 4), (32, 4), (36, 4), (44, 4), (52, 4), (56, 4), (92, 8)]
    {
        for value in [0x00, 0x01, 0x7f, 0xff] {
            let mut bytes = laid.good.clone();
            bytes[at..at + length].fill(value);
            settle(&laid, &format!("header {at} = {value:x}"), &bytes).await;
            seen += 1;
        }
    }
    // Every page made a copy of every other kind, and pointers all made the same.
    let pages = laid.good.len() / 4_096;
    for page in 1..pages {
        let mut bytes = laid.good.clone();
        let from = (page * 7 + 1) % pages;
        bytes.copy_within(from * 4_096..(from + 1) * 4_096, page * 4_096);
        settle(&laid, &format!("page {from} as page {page}"), &bytes).await;
        let mut bytes = laid.good.clone();
        for cell in bytes[page * 4_096 + 8..page * 4_096 + 64].chunks_exact_mut(4) {
            cell.copy_from_slice(&u32::try_from(page + 1).unwrap().to_be_bytes());
        }
        settle(&laid, &format!("page {page} points at itself"), &bytes).await;
        seen += 2;
    }
    assert!(seen > 100, "{seen}");
}

/// Damage at random places: a code and not a byte written, or the same ledger, or a ledger that does not verify.
#[tokio::test]
async fn random_damage_ends_in_a_code_or_changes_nothing() {
    let laid = Laid::new().await;
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut refused = 0;
    for variant in 0..1_200 {
        let mut bytes = laid.good.clone();
        // Half of them hit the first page, where what steers the rest lies.
        let within = if variant % 2 == 0 { 4_096 } else { bytes.len() };
        for _ in 0..=random(4) {
            let at = random(within);
            bytes[at] ^= 1 << random(8);
        }
        refused += u32::from(settle(&laid, &format!("variant {variant}"), &bytes).await);
    }
    assert!(refused > 30, "control: damage is refused, {refused} of 1,200");
}

/// Opens a damaged file; whether it was refused. Neither a panic nor a byte written where it was.
async fn settle(laid: &Laid, name: &str, bytes: &[u8]) -> bool {
    laid.put(bytes);
    let before = everything(&laid.folder());
    match laid.open() {
        Err(_) => {
            assert!(before == everything(&laid.folder()), "{name} was refused and written to");
            true
        }
        Ok(store) => {
            // What is read of it is a code or what was written.
            let tx = store.begin(&laid.house.scope, Kind::Act).unwrap();
            if let Ok(events) = tx.fetch_events(laid.run.id, 0, 100).await {
                assert!(events.len() <= 20, "{name}");
            }
            let keys = store.verifier_keys(laid.house.ids.tenant_id).await.unwrap();
            if let Ok(file) = LedgerFile::open(&laid.house.path()) {
                let clock = laid.house.clock.clone();
                let result = dvt_ledger::verify::verify(&file, &keys, None, &move || clock());
                if result.status == Status::Valid {
                    assert_eq!(result.checkpoint.unwrap().root_hash, laid.root, "{name}");
                }
            }
            drop(tx);
            store.close().await.unwrap();
            false
        }
    }
}

/// A file as the first release made it, with rows of a real one.
fn of_version_1(laid: &Laid) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
    write(&new, &laid.good);
    let raw = rusqlite::Connection::open(&old).unwrap();
    raw.execute_batch("PRAGMA application_id = 1146508337; PRAGMA journal_mode = WAL;").unwrap();
    raw.execute_batch(include_str!("../src/migrations/tenant_0001.sql")).unwrap();
    raw.execute("ATTACH ?1 AS new", [new.display().to_string()]).unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut statement = raw.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    raw.execute_batch("PRAGMA foreign_keys = OFF;").unwrap();
    for table in names("SELECT name FROM main.sqlite_schema WHERE type = 'table'") {
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}', 'main')")).join(", ");
        raw.execute_batch(&format!(
            "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table} ORDER BY 1, 2, 3;"
        ))
        .unwrap();
    }
    raw.execute_batch("PRAGMA user_version = 1; DETACH new;").unwrap();
    raw.execute_batch("DROP TRIGGER header_fixed; UPDATE header SET schema_version = 1;").unwrap();
    let trigger = include_str!("../src/migrations/tenant_0001.sql");
    let from = trigger.find("CREATE TRIGGER header_fixed").unwrap();
    let to = from + trigger[from..].find("END;").unwrap() + 4;
    raw.execute_batch(&trigger[from..to]).unwrap();
    drop(raw);
    std::fs::read(old).unwrap()
}

#[tokio::test]
async fn an_older_file_is_brought_forward_and_verifies() {
    let laid = Laid::new().await;
    let old = of_version_1(&laid);
    laid.put(&old);
    laid.opens("version 1").await;
    let raw = laid.house.raw();
    let version: i64 = raw.query_row("SELECT schema_version FROM header", [], |row| row.get(0)).unwrap();
    let now: i64 = raw.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert!(version == now && now > 1);
    drop(raw);
    // A changed or damaged one is not touched.
    let broken = {
        let mut bytes = old.clone();
        let at = bytes.len() - 4_096;
        bytes[at..at + 64].fill(0xa5);
        bytes
    };
    laid.put(&broken);
    laid.refused("a damaged older file", Code::LedgerIntegrityFailed);
}

/// The offline verifier's way to a file leaves no trace either, whatever the file is.
#[tokio::test]
async fn the_offline_reader_leaves_no_trace() {
    let laid = Laid::new().await;
    for (name, bytes) in
        [("good", laid.good.clone()), ("cut", laid.good[..9_000].to_vec()), ("text", vec![b'x'; 400])]
    {
        laid.put(&bytes);
        let before = everything(&laid.folder());
        let opened = LedgerFile::open(&laid.house.path());
        assert_eq!(opened.is_ok(), name == "good", "{name}");
        drop(opened);
        assert!(before == everything(&laid.folder()), "{name} was written to");
    }
    laid.clear();
    rustix::fs::mkfifoat(rustix::fs::CWD, laid.house.path(), rustix::fs::Mode::RUSR).unwrap();
    assert!(LedgerFile::open(&laid.house.path()).is_err());
}
