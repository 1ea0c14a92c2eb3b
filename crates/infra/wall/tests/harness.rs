//! A runner for test binaries that re-execute themselves as other processes; it speaks as libtest does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

/// A case and its name.
pub(crate) type Case = (&'static str, fn());

/// Runs the cases whose names contain one of the arguments, or all.
pub(crate) fn run(cases: &[Case]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        cases.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let exact = arguments.iter().any(|argument| argument == "--exact");
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let matches = |name: &str| {
        wanted.is_empty()
            || wanted
                .iter()
                .any(|part| if exact { name == part.as_str() } else { name.contains(part.as_str()) })
    };
    let (mut passed, mut failed, begun) = (0, 0, Instant::now());
    for (name, case) in cases.iter().filter(|(name, _)| matches(name)) {
        if catch_unwind(AssertUnwindSafe(case)).is_ok() {
            passed += 1;
            println!("test {name} ... ok");
        } else {
            failed += 1;
            println!("test {name} ... FAILED");
        }
    }
    let (word, left_out) = (if failed == 0 { "ok" } else { "FAILED" }, cases.len() - passed - failed);
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {left_out} filtered out; finished in {:.2}s\n",
        begun.elapsed().as_secs_f64()
    );
    ExitCode::from(u8::from(failed > 0))
}
