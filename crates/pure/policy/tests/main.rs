//! The golden grid: every role × every action as a file that a review reads as a diff.

#![expect(clippy::unwrap_used, reason = "tests")]

use dvt_model::action::{Action, Role};
use dvt_model::id::EnvironmentId;
use dvt_policy::{Place, decide};
use std::fmt::Write as _;

fn grid() -> String {
    let mut text = String::from("action");
    for role in Role::ALL {
        write!(text, "\t{role}").unwrap();
    }
    text.push('\n');
    let environment = EnvironmentId::from_random([1; 16]);
    for action in Action::ALL {
        text.push_str(action.as_str());
        for role in Role::ALL {
            let ask = |development| {
                decide(&[*role], *action, &Place { environment, development }, &[]).is_granted()
            };
            text.push_str(match (ask(false), ask(true)) {
                (true, true) => "\ty",
                (false, true) => "\tdevelopment",
                (false, false) => "\t-",
                (true, false) => "\t!",
            });
        }
        text.push('\n');
    }
    text
}

/// INV-11: a cell that changes must change here too. `DVT_BLESS=1` writes the file anew.
#[test]
fn the_grid_is_the_reviewed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/grid.tsv");
    if std::env::var_os("DVT_BLESS").is_some() {
        std::fs::write(path, grid()).unwrap();
    }
    assert_eq!(grid(), std::fs::read_to_string(path).unwrap(), "review the difference, then set DVT_BLESS=1");
}

/// Several roles together may exactly what one of them may.
#[test]
fn roles_add_up_and_nothing_more() {
    let place = Place { environment: EnvironmentId::from_random([1; 16]), development: false };
    for action in Action::ALL {
        for left in Role::ALL {
            for right in Role::ALL {
                let together = decide(&[*left, *right], *action, &place, &[]).is_granted();
                let apart =
                    [left, right].iter().any(|role| decide(&[**role], *action, &place, &[]).is_granted());
                assert_eq!(together, apart, "{left} and {right}: {action}");
            }
        }
    }
}
