//! Measures the plan language over a file: `speed FILE [TIMES]` prints microseconds of a plain YAML parse, of reading with all
//! checks, and of the bounds, each the shortest of several.

#![allow(clippy::unwrap_used, reason = "a program for measuring")]

use dvt_plan::diagnostic::Source;

fn main() {
    let file = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    // A batch long enough for the clock of the processor, which ticks in milliseconds; `speed FILE 1` is for a profiler.
    let times = std::env::args().nth(2).map(|times| times.parse::<u32>().unwrap());
    let batch = times.unwrap_or_else(|| u32::try_from(5_000_000 / text.len()).unwrap().clamp(1, 2_000));
    let batches = if times.is_some() { 1 } else { 5 };
    let shortest = |work: &mut dyn FnMut()| {
        let once = |work: &mut dyn FnMut()| {
            let begun = on_processor();
            (0..batch).for_each(|_| work());
            (on_processor() - begun) / f64::from(batch)
        };
        (0..batches).map(|_| once(work)).fold(f64::INFINITY, f64::min)
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

/// Microseconds that this thread has had on a processor: what others do on the machine counts little.
fn on_processor() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e3
}
