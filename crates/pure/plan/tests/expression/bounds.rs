//! Bombs: deep, long, wide and slow ones. Each ends in a fault, soon, on a small stack.
// INVARIANT(INV-21): bounded in length, depth, steps and memory; tests named below it are its proof.

use super::{bare, with};
use dvt_plan::expression::check::{Names, check};
use dvt_plan::expression::{Bindings, Fault, MAX_LENGTH, MAX_NESTING, evaluate, parse};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Generous for a busy machine; the bound of INV-21 is 100 ms on a quiet one.
const SOON: Duration = Duration::from_millis(1_500);

/// Runs on a stack of 256 KiB, an eighth of what threads have.
fn small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap().join().unwrap()
}

/// Every node kind that can hold another, as deep as the brackets allow.
fn deepest() -> Vec<String> {
    let wrap = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let half = MAX_NESTING / 2;
    vec![
        wrap("(", "1", ")", MAX_NESTING),
        wrap("[", "1", "]", MAX_NESTING),
        wrap("{'a':", "1", "}", MAX_NESTING),
        wrap("string(", "1", ")", MAX_NESTING),
        wrap("true?false||true&&1==1*-(", "1", "):2", MAX_NESTING),
        wrap("[true || false && 1 < 2 + 3 * -[", "1", "].size()]", half),
        wrap("[1].map(x, true ? false || true && 1 + 2 * -[", "1", "].size() : [1])", half),
        wrap("[1].filter(x, !", "true", ")==[1]", MAX_NESTING),
        wrap("has([1].map(x, {'a': ", "1", "})[0].a)", MAX_NESTING / 4),
        wrap("'a'.contains(string(", "'a'", "))", half),
    ]
}

#[test]
fn the_deepest_expressions_run_on_a_small_stack() {
    for source in deepest() {
        let shown = source.clone();
        let answer = small_stack(move || {
            let expression = parse(&source).map_err(|error| error.to_string())?;
            check(&expression, &Names::default());
            match evaluate(&expression, &Bindings::default()) {
                Ok(_) | Err(Fault::Failed(_)) => Ok(()),
                Err(over) => Err(over.to_string()),
            }
        });
        assert_eq!(answer, Ok(()), "{shown}");
    }
}

#[test]
fn depth_bombs_are_refused_before_the_parser() {
    for open in ["(", "[", "{1:", "has(", "a[", "[1].map(x,", "!(", "-(", "a?(", "f("] {
        for times in [MAX_NESTING + 1, 96, 1_000, MAX_LENGTH / open.len()] {
            let bomb = open.repeat(times);
            let started = Instant::now();
            assert!(small_stack(move || parse(&bomb)).is_err(), "{open} x {times}");
            assert!(started.elapsed() < SOON);
        }
    }
    let error = parse(&"[".repeat(MAX_NESTING + 1)).unwrap_err();
    assert_eq!(error.message, "brackets nest deeper than 32 levels");
    assert!(parse(&format!("{}1{}", "(".repeat(MAX_NESTING), ")".repeat(MAX_NESTING))).is_ok());
}

/// Without brackets: runs of operators and accesses are flat, so 4 KiB of them are no deeper than one.
#[test]
fn long_runs_are_flat() {
    let runs = [
        format!("{}1", "1+".repeat(2_000)),
        format!("{}true", "!".repeat(4_000)),
        format!("{}1", "-".repeat(4_000)),
        format!("{}true", "true||".repeat(600)),
        format!("{}true", "true&&".repeat(600)),
        format!("{}1", "true?1:".repeat(580)),
        format!("a{}", ".a".repeat(2_000)),
        format!("a{}", "[0]".repeat(1_300)),
        format!("'a'{}", ".size()".repeat(580)),
        format!("1{}", "<1".repeat(2_000)),
    ];
    for source in runs {
        assert!(source.len() <= MAX_LENGTH);
        small_stack(move || {
            let expression = parse(&source).unwrap();
            check(&expression, &Names::default());
            let _ = evaluate(&expression, &Bindings::default());
        });
    }
    assert!(parse(&"1+".repeat(2_049)).unwrap_err().message.contains("at most 4096"));
}

#[test]
fn values_cannot_be_built_deep() {
    let deepen = format!("[1]{}", ".map(x,[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]])".repeat(70));
    assert!(deepen.len() <= MAX_LENGTH);
    let answer = small_stack(move || evaluate(&parse(&deepen).unwrap(), &Bindings::default()));
    assert_eq!(answer, Err(Fault::Failed("the value nests deeper than 128 levels".to_owned())));
    let mut deep = json!(1);
    for _ in 0..500 {
        deep = json!([deep]);
    }
    let names = [("inputs".to_owned(), deep)].into_iter().collect();
    let bindings = Bindings { names, ..Bindings::default() };
    assert!(matches!(evaluate(&parse("inputs").unwrap(), &bindings), Err(Fault::Failed(_))));
}

fn numbers(count: usize) -> Value {
    (0..count).map(Value::from).collect()
}

#[test]
fn what_would_run_long_is_over_budget() {
    let names = json!({"inputs": {
        "a": numbers(200), "many": numbers(50_000), "text": "a".repeat(500_000), "words": vec!["x".repeat(1_000); 500],
    }});
    for source in [
        "inputs.a.map(x, inputs.a.map(y, inputs.a.map(z, x + y + z)))",
        "inputs.many.filter(x, inputs.many.exists(y, y == -x))",
        "inputs.many.map(x, inputs.many)",
        "inputs.a.map(x, inputs.many + inputs.many).size()",
        "inputs.a.map(x, inputs.text + inputs.text)",
        "inputs.a.all(x, inputs.text + 'b' != inputs.text + 'c')",
        "inputs.many.all(x, inputs.many == inputs.many)",
        "inputs.a.all(x, hash(inputs.words) != '')",
        "inputs.a.map(x, inputs.words.join(','))",
        "inputs.many.all(x, !inputs.text.contains('b'))",
        "inputs.a.exists(x, inputs.text.matches('(a|b)*a(a|b){20}c'))",
        "inputs.a.all(x, '%s'.format([inputs.words]) != '')",
        "inputs.text + inputs.text + inputs.text",
        "[inputs.text, inputs.text, inputs.text]",
        "inputs.a.map(x, inputs.a.map(y, inputs.a)) == inputs.a.map(x, inputs.a.map(y, inputs.a))",
    ] {
        let started = Instant::now();
        let answer = with(source, names.clone());
        assert!(matches!(answer, Err(Fault::OverBudget(_))), "{source}: {answer:?}");
        assert!(started.elapsed() < SOON, "{source}: {:?}", started.elapsed());
    }
}

/// Sharing makes a small tree stand for a huge value; printing, comparing and hashing it must pay for the huge one.
#[test]
fn shared_parts_do_not_hide_their_size() {
    let doubled = format!("['aaaaaaaa']{}", ".map(x,[x,x,x,x])".repeat(40));
    for source in [
        doubled.clone(),
        format!("{doubled} == {doubled}"),
        format!("hash({doubled})"),
        format!("toJson({doubled})"),
        format!("'%s'.format([{doubled}])"),
        format!("{doubled} in [{doubled}]"),
    ] {
        let started = Instant::now();
        assert!(matches!(bare(&source), Err(Fault::OverBudget(_))), "{source}");
        assert!(started.elapsed() < SOON);
    }
}

#[test]
fn being_over_budget_is_not_absorbed() {
    let names = json!({"inputs": numbers(1_000)});
    let slow = "inputs.all(x, !inputs.exists(y, y == -1 - x))";
    assert!(matches!(with(&format!("{slow} || true"), names.clone()), Err(Fault::OverBudget(_))));
    assert!(matches!(
        with(&format!("[1].exists(z, {slow}) || true"), names.clone()),
        Err(Fault::OverBudget(_))
    ));
    assert_eq!(with(&format!("true || {slow}"), names), Ok(json!(true)));
}

/// The control: ordinary work stays within the budget.
#[test]
fn ordinary_work_is_within_budget() {
    let names = json!({"inputs": {"rows": numbers(5_000), "text": "a".repeat(200_000), "ids": numbers(150)}});
    assert_eq!(with("inputs.rows.filter(x, x % 2 == 0).size()", names.clone()), Ok(json!(2_500)));
    assert_eq!(with("inputs.text.matches('^a+$')", names.clone()), Ok(json!(true)));
    assert_eq!(with("inputs.ids.map(x, inputs.ids.exists(y, y == x)).size()", names.clone()), Ok(json!(150)));
    assert!(with("inputs", names).is_ok());
}

#[test]
fn bound_values_are_read_once() {
    let names = json!({"inputs": {"big": vec!["x".repeat(10_000); 60], "few": numbers(100)}});
    assert_eq!(with("inputs.few.all(x, inputs.big.size() == 60)", names), Ok(json!(true)));
}

#[test]
fn patterns_are_bounded() {
    for pattern in ["(a{1000}){1000}", "(a{100}){100}", "[^a]{5000}"] {
        let started = Instant::now();
        let answer = bare(&format!("'a'.matches('{pattern}')"));
        assert_eq!(answer, Err(Fault::Failed("the pattern is too large".to_owned())), "{pattern}");
        assert!(started.elapsed() < SOON);
    }
    let nested = format!("{}a{}", "(".repeat(60), ")".repeat(60));
    let answer = small_stack(move || bare(&format!("'a'.matches('{nested}')")));
    assert!(matches!(answer, Err(Fault::Failed(_))), "{answer:?}");
}
