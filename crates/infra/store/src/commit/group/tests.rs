//! Pieces beside each other in one transaction: what is refused leaves no trace, whether it had written before or not.

use super::*;
use crate::commit::queue::Waiting;
use std::sync::{Arc, Mutex, PoisonError};

/// What a piece does, in this order: writes its number so often, then is refused or not.
#[derive(Clone, Copy)]
struct Deed {
    writes: u64,
    is_refused: bool,
    breaks_a_rule: bool,
    loses_the_disk: bool,
    can_repeat: bool,
}

const GOOD: Deed =
    Deed { writes: 1, is_refused: false, breaks_a_rule: false, loses_the_disk: false, can_repeat: true };
const CLEAN: Deed = Deed { writes: 0, is_refused: true, ..GOOD };
const LATE: Deed = Deed { is_refused: true, ..GOOD };
const BROKEN: Deed = Deed { breaks_a_rule: true, ..GOOD };
const LOST: Deed = Deed { loses_the_disk: true, ..GOOD };
const ONCE: Deed = Deed { can_repeat: false, ..GOOD };

struct Piece {
    number: u64,
    deed: Deed,
    applied: Arc<Mutex<Vec<u64>>>,
}

impl Work for Piece {
    fn weight(&self) -> usize {
        0
    }

    fn can_repeat(&self) -> bool {
        self.deed.can_repeat
    }

    fn apply(&mut self, group: &mut Group<'_>) -> Result<(), Stop> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
        for _ in 0..self.deed.writes {
            let place = column::signed(group.head.next_index);
            group
                .connection
                .execute("INSERT INTO deed VALUES (?1, ?2)", [place, column::signed(self.number)])?;
            group.head.next_index += 1;
        }
        if self.deed.breaks_a_rule {
            group.connection.execute("INSERT INTO deed VALUES (-1, 0)", [])?;
        }
        if self.deed.loses_the_disk {
            // What a disk says that can only be read, as whoever writes through the store's own words hands it on.
            group.connection.pragma_update(None, "query_only", true)?;
            group.connection.execute("INSERT INTO deed VALUES (?1, 0)", [99]).sql()?;
        }
        if self.deed.is_refused { Err(Refusal::VersionConflict.into()) } else { Ok(()) }
    }

    fn answer(self: Box<Self>, _: Result<(), Refusal>) {}
}

/// An empty file with a head, and whose it is.
fn house(folder: &std::path::Path) -> (Connection, TenantId) {
    let connection = Connection::open(folder.join("a.db")).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE ledger_head (tenant_id BLOB, n INTEGER, ledger_id BLOB, next_index INTEGER, sealed_size INTEGER,
                engine_epoch INTEGER);
             CREATE TABLE deed (place INTEGER PRIMARY KEY CHECK (place >= 0), number INTEGER);",
        )
        .unwrap();
    let (tenant, ledger) = (TenantId::from_random([1; 16]), LedgerId::from_random([2; 16]));
    connection
        .execute(
            "INSERT INTO ledger_head VALUES (?1, 1, ?2, 0, 0, 0)",
            params![tenant.bytes(), ledger.bytes()],
        )
        .unwrap();
    (connection, tenant)
}

/// The deeds as pieces that tell `applied` when they are.
fn waiting(deeds: &[Deed], applied: &Arc<Mutex<Vec<u64>>>) -> Vec<Waiting> {
    let piece = |(number, deed): (u64, &Deed)| {
        let piece = Piece { number, deed: *deed, applied: Arc::clone(applied) };
        Waiting { work: Box::new(piece), room: None }
    };
    (0..).zip(deeds).map(piece).collect()
}

/// Commits the deeds together; gives which went in, in their order, what each verdict was, and how often pieces were applied.
fn together(deeds: &[Deed]) -> (Vec<i64>, Vec<bool>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (mut connection, tenant) = house(folder.path());
    let applied = Arc::default();
    let mut pieces = waiting(deeds, &applied);
    let verdicts = commit(&mut connection, tenant, &Turns::new(1), &mut pieces).unwrap().verdicts;
    let next: i64 = connection.query_row("SELECT next_index FROM ledger_head", [], |row| row.get(0)).unwrap();
    let mut statement = connection.prepare("SELECT place, number FROM deed ORDER BY place").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).unwrap();
    let rows: Vec<(i64, i64)> = rows.map(Result::unwrap).collect();
    // No hole, and the head stands behind the last.
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), (0..next).collect::<Vec<_>>());
    let times = applied.lock().unwrap().len();
    (rows.into_iter().map(|row| row.1).collect(), verdicts.iter().map(Result::is_ok).collect(), times)
}

#[test]
fn who_is_refused_before_writing_costs_nobody_a_second_try() {
    let (went_in, verdicts, times) = together(&[CLEAN, GOOD, CLEAN, GOOD, CLEAN]);
    assert_eq!((went_in, times), (vec![1, 3], 5));
    assert_eq!(verdicts, [false, true, false, true, false]);
}

/// INV-03: neither a hole nor a trace of one that had written before it was refused, first, in the middle or last.
#[test]
fn who_is_refused_after_writing_leaves_neither_hole_nor_trace() {
    for refused in [LATE, BROKEN, Deed { writes: 3, ..LATE }] {
        for place in 0..4 {
            let mut deeds = [GOOD; 4];
            deeds[place] = refused;
            let (went_in, verdicts, times) = together(&deeds);
            let others: Vec<i64> = (0..4).filter(|number| *number != place as i64).collect();
            assert_eq!(went_in, others, "{place}");
            assert_eq!(verdicts.iter().filter(|verdict| !**verdict).count(), 1);
            // Those up to it, and then all in savepoints.
            assert_eq!(times, place + 1 + 4);
        }
    }
    assert_eq!(together(&[LATE]).0, Vec::<i64>::new());
    assert_eq!(together(&[LATE, LATE]), (vec![], vec![false, false], 3));
}

#[test]
fn what_can_be_done_once_is_done_once() {
    let (went_in, verdicts, times) = together(&[GOOD, LATE, ONCE, BROKEN]);
    assert_eq!((went_in, times), (vec![0, 2], 4));
    assert_eq!(verdicts, [true, false, true, false]);
}

/// A disk that is lost is nobody's own fault: the group is told so, and whoever committed it gives the connection up.
#[test]
fn who_meets_a_lost_disk_takes_all_with_it() {
    for deeds in [&[LOST][..], &[GOOD, LOST], &[LOST, GOOD], &[ONCE, LOST]] {
        let folder = tempfile::tempdir().unwrap();
        let (mut connection, tenant) = house(folder.path());
        let done = commit(&mut connection, tenant, &Turns::new(1), &mut waiting(deeds, &Arc::default()));
        assert!(matches!(done, Err(Error::Unavailable(_))));
        let rows: i64 = connection.query_row("SELECT count(*) FROM deed", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0);
    }
}
