//! Measures the plan language over a file: `speed FILE [TIMES]` prints microseconds of a plain YAML parse, of reading with all
//! checks, and of the bounds, each the shortest of several.

#![allow(clippy::unwrap_used, reason = "a program for measuring")]

use dvt_plan::diagnostic::Source;
use std::time::{Duration, Instant};

fn main() {
    let file = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let times = std::env::args().nth(2).map(|times| times.parse().unwrap());
    let times = times.unwrap_or_else(|| (50_000_000 / text.len()).clamp(3, 2_000));
    let shortest = |work: &mut dyn FnMut()| {
        let once = |work: &mut dyn FnMut()| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        };
        (0..times).map(|_| once(work)).min().unwrap_or(Duration::ZERO).as_secs_f64() * 1e6
    };
    let parse = shortest(&mut || {
        let events = granit_parser::Parser::new_from_str(&text);
        assert!(events.map(|event| event.map(drop)).all(|event| event.is_ok()));
    });
    let source = Source { name: file, text: text.clone() };
    let check = shortest(&mut || assert!(dvt_plan::check(&source).checked.is_some()));
    let checked = dvt_plan::check(&source).checked.unwrap();
    let bounds = shortest(&mut || assert!(dvt_plan::bounds::of(&checked.plan).steps > 0));
    println!("{parse} {check} {bounds}");
}
