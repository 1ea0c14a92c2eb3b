//! Measures the scrubber over a file: `scrub_speed FILE` prints the megabytes a second of the rules as one text and as a stream,
//! and how many findings there were; `scrub_speed --patterns` prints the expressions, one a line, for another program to search.

#![allow(clippy::unwrap_used, reason = "a program for measuring")]

use dvt_scrub::Scrubber;
use std::time::Instant;

fn main() {
    let argument = std::env::args().nth(1).unwrap();
    if argument == "--patterns" {
        dvt_scrub::rules::all().for_each(|rule| println!("{}", rule.regex));
        return;
    }
    let text = std::fs::read(argument).unwrap();
    let size = f64::from(u32::try_from(text.len()).unwrap()) / 1e6;
    let rules = Scrubber::rules();
    // Expressions are compiled at their first use; that is start-up, not speed.
    let findings = rules.find_bytes(&text).len();
    let begun = Instant::now();
    let again = rules.find_bytes(&text).len();
    let whole = size / begun.elapsed().as_secs_f64();
    assert_eq!(findings, again);
    let begun = Instant::now();
    let mut stream = rules.stream();
    let mut written = 0;
    for chunk in text.chunks(64 << 10) {
        written += stream.push(chunk).len();
    }
    written += stream.finish().len();
    let streamed = size / begun.elapsed().as_secs_f64();
    println!("{findings} {whole:.1} {streamed:.1} {written}");
}
