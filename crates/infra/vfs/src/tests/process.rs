//! Another process: it is killed in the middle of a transaction that it holds, and it writes between ours.

use super::world::{World, by_a_stranger, content};
use rusqlite::{Connection, OpenFlags};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const FILE: &str = "DVT_VFS_TEST_FILE";
const MANY: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
    INSERT INTO t (v, w) SELECT zeroblob(900), i + (SELECT coalesce(max(w), 0) FROM t) FROM n";

/// The other process: does each line that it reads, and tells that it did.
#[test]
#[ignore = "it is the other process of the tests below"]
fn other() {
    let Ok(path) = std::env::var(FILE) else { panic!("{FILE} is not set") };
    let connection = open(Path::new(&path));
    for line in std::io::stdin().lock().lines() {
        let told = connection
            .execute_batch(&line.unwrap())
            .map_or_else(|error| error.to_string(), |()| "done".to_owned());
        println!("told {told}");
        std::io::stdout().flush().unwrap();
    }
}

fn open(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags_and_vfs(path, flags, crate::over(None).unwrap()).unwrap();
    connection.execute_batch("PRAGMA cache_size = 4; PRAGMA cache_spill = 4").unwrap();
    connection
}

struct Other {
    child: Child,
    told: BufReader<Box<dyn Read>>,
}

impl Other {
    fn start(path: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::process::other", "--ignored", "--nocapture"])
            .env(FILE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told: Box<dyn Read> = Box::new(child.stdout.take().unwrap());
        Self { child, told: BufReader::new(told) }
    }

    fn run(&mut self, sql: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{}", sql.replace('\n', " ")).unwrap();
        for line in (&mut self.told).lines() {
            if let Some((_, told)) = line.unwrap().split_once("told ") {
                return told.to_owned();
            }
        }
        panic!("the other process ended");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_process_that_is_killed_leaves_its_last_commit() {
    let world = World::new(Some(crate::over(None).unwrap()), 1_024);
    let mut other = Other::start(&world.path());
    assert_eq!(other.run(MANY), "done");
    let committed = by_a_stranger(&world.path());
    assert!(committed.starts_with("ok: 50 rows"), "{committed}");
    for sql in ["BEGIN IMMEDIATE", MANY, MANY] {
        assert_eq!(other.run(sql), "done");
    }
    // The other one holds the lock, and what it wrote is nobody's yet.
    let connection = open(&world.path());
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    assert!(connection.execute_batch(MANY).is_err());
    assert_eq!(by_a_stranger(&world.path()), committed);
    drop(other);
    assert_eq!(world.after_a_crash(), committed);
    connection.execute_batch(MANY).unwrap();
    assert!(by_a_stranger(&world.path()).starts_with("ok: 100 rows"));
}

#[test]
fn a_process_writes_where_ours_rolled_back() {
    let world = World::new(Some(crate::over(None).unwrap()), 1_024);
    let (mut other, connection) = (Other::start(&world.path()), open(&world.path()));
    for round in 1..=5 {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection.execute_batch(MANY).unwrap();
        connection.execute_batch("ROLLBACK").unwrap();
        assert_eq!(other.run(MANY), "done");
        connection.execute_batch(MANY).unwrap();
        let expected = format!("ok: {}", content(&connection).unwrap());
        assert!(expected.starts_with(&format!("ok: {} rows", round * 100)), "{expected}");
        assert_eq!(by_a_stranger(&world.path()), expected);
        assert_eq!(world.after_a_crash(), expected);
    }
}
