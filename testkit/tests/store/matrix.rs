//! The matrix: every cell is run or says why it cannot be, and all of it is printed.

use crate::backend::Backend;
use crate::columns::{Column, run};
use crate::rows::{self, Row};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The backends that must behave alike.
const BACKENDS: &[&(dyn Backend + Sync)] = &[&crate::sqlite::Sqlite];
/// Real cases that there must be at least.
const LEAST_CASES: u64 = 150;

/// What stands in a cell.
enum Cell {
    /// So many cases were run, and held.
    Held(u64),
    /// It cannot be.
    NotApplicable(&'static str),
}

async fn cell(backend: &dyn Backend, row: &Row, column: Column) -> Cell {
    match row.not.iter().find(|(not, _)| *not == column) {
        Some((_, why)) => Cell::NotApplicable(why),
        None => Cell::Held(run(backend, row, column).await),
    }
}

/// INV-03, INV-08, INV-29 at every operation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_meets_everything_that_can_happen_to_it() {
    for backend in BACKENDS {
        let mut lines = vec![heads()];
        let (mut cases, mut reasons) = (0, BTreeMap::new());
        for row in rows::all() {
            let mut line = format!("{:<24}", row.name);
            for column in Column::ALL {
                let text = match cell(*backend, &row, column).await {
                    Cell::Held(0) => panic!("{} · {}: an empty cell", row.name, column.head()),
                    Cell::Held(held) => {
                        cases += held;
                        held.to_string()
                    }
                    Cell::NotApplicable(why) => {
                        assert!(why.len() > 8, "{} · {}: no reason", row.name, column.head());
                        let next = reasons.len() + 1;
                        format!("n/a{}", reasons.entry(why).or_insert(next))
                    }
                };
                write!(line, " {text:>14}").unwrap();
            }
            lines.push(line);
        }
        println!("{}: {cases} cases\n{}", backend.name(), lines.join("\n"));
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, number)| *number);
        for (why, number) in reasons {
            println!("n/a{number}: {why}");
        }
        assert!(cases >= LEAST_CASES, "{cases} cases");
    }
}

fn heads() -> String {
    let mut line = format!("{:<24}", "");
    for column in Column::ALL {
        write!(line, " {:>14}", column.head()).unwrap();
    }
    line
}
