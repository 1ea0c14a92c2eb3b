//! Measures the refusal of hostile texts: `bombs` prints how many there are, `bombs INDEX` the name of one, its code,
//! milliseconds on a processor (the shortest of three), and by how many KiB the memory of this process grew.

#![allow(clippy::unwrap_used, reason = "a program for measuring")]

#[path = "../tests/plan/bombs/texts.rs"]
mod texts;

use dvt_plan::diagnostic::Source;

fn main() {
    let mut all = texts::all();
    let Some(index) = std::env::args().nth(1) else {
        println!("{}", all.len());
        return;
    };
    let (name, text, code) = all.swap_remove(index.parse().unwrap());
    let source = Source { name: "bomb.yaml".to_owned(), text: text() };
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let once = || {
        let begun = on_processor();
        let outcome = dvt_plan::check(&source);
        let took = on_processor() - begun;
        assert!(outcome.diagnostics.iter().any(|one| one.code == code));
        took
    };
    let first = once();
    let grown = status("VmHWM:").saturating_sub(before);
    println!("{name}\t{code}\t{}\t{grown}", first.min(once()).min(once()));
}

/// Milliseconds that this thread has had on a processor.
fn on_processor() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn status(word: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(word)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
