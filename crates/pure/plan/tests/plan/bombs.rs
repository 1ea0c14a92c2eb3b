//! INV-21: hostile text is refused within its budgets, on a small stack.
//!
//! The gate counts: events of the parser, and memory of a process of its own. What a bomb takes in milliseconds is told by
//! `cargo xtask bench --plan`, in a release build.

mod texts;

use crate::lint;
use std::time::Duration;

/// Events of the parser after which every bomb is refused: two for each value that may stand there, its beginning and its end.
const MOST_EVENTS: usize = 210_000;
/// No test of speed: what says that something does not end.
const HANGS: Duration = Duration::from_secs(20);

/// Time that this thread has had on a processor: what others do on the machine does not count.
pub(crate) fn on_processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

/// Lints on a stack of 512 KiB and gives the codes, and how many events were read.
fn refused(name: &str, text: String) -> (Vec<String>, usize) {
    let lint = move || {
        let begun = on_processor();
        let codes: Vec<String> =
            lint("bomb.yaml", &text).diagnostics.into_iter().map(|one| one.code).collect();
        (codes, dvt_plan::events(&text), on_processor() - begun)
    };
    let (codes, events, took) =
        std::thread::Builder::new().stack_size(512 << 10).spawn(lint).unwrap().join().unwrap();
    println!("{name}: {:?} after {events} events, {took:?}", codes.first());
    assert!(took < HANGS, "{name}: {took:?}");
    (codes, events)
}

#[test]
fn bombs_are_refused() {
    let mut most = (0, "");
    let mut wrong = Vec::new();
    let bombs = texts::all();
    let count = bombs.len();
    for (name, text, code) in bombs {
        let (codes, events) = refused(name, text());
        if !codes.iter().any(|one| one == code) {
            wrong.push((name, code, codes.first().cloned()));
        }
        most = most.max((events, name));
        assert!(events <= MOST_EVENTS, "{name} was read for {events} events");
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    println!("{count} bombs; the longest reading: {} events ({})", most.0, most.1);
    // Control: what is no bomb is read to its end, however long it is.
    let whole = format!("[{}]", "1,".repeat(95_000));
    assert!(dvt_plan::events(&whole) > 95_000);
}

/// Each in a process of its own, which says how far its memory grew beyond the text.
#[test]
fn bombs_stay_small() {
    const MOST_KIB: u64 = 64 << 10;
    let mut largest = (0, "");
    for (index, (name, ..)) in texts::all().into_iter().enumerate() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "bombs::one_bomb", "--ignored", "--nocapture"])
            .env("DVT_BOMB", index.to_string())
            .output()
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let grown = told.split("grown by ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        let grown: u64 = grown.unwrap_or_else(|| panic!("{name}: {told}"));
        largest = largest.max((grown, name));
        assert!(grown < MOST_KIB, "{name} took {grown} KiB");
    }
    println!("the largest bomb: {} took {} KiB", largest.1, largest.0);
    assert!(largest.0 > 0, "memory was measured");
}

/// Not a test of its own: the process that [`bombs_stay_small`] starts.
#[test]
#[ignore = "the process of one bomb"]
fn one_bomb() {
    let Some(index) = std::env::var("DVT_BOMB").ok().and_then(|index| index.parse::<usize>().ok()) else {
        return;
    };
    let (_, text, _) = texts::all().swap_remove(index);
    let text = text();
    let status = |word: &str| -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with(word)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    // 5 sets the peak back to what is there now.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let outcome = lint("bomb.yaml", &text);
    let grown = status("VmHWM:").saturating_sub(before);
    assert!(!outcome.diagnostics.is_empty());
    println!("grown by {grown} KiB");
}

/// Every prefix and many damaged copies of good plans: no panic, no hang, and never an accepted plan with an error.
#[test]
fn damaged_plans_never_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let alphabet: Vec<char> = "{}[]:,&*!|>'\"%@`#-? \n\t$\\x0~<ä\u{feff}\0".chars().collect();
    let mut tried = 0;
    for (_, text) in crate::catalogue("accepted", &["yaml", "json"]) {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)).step_by(7) {
            let _ = lint("plan.yaml", &text[..end]);
            tried += 1;
        }
        let letters: Vec<char> = text.chars().collect();
        for _ in 0..400 {
            let mut damaged = letters.clone();
            for _ in 0..=draw(4) {
                let at = draw(damaged.len());
                match draw(3) {
                    0 => damaged[at] = alphabet[draw(alphabet.len())],
                    1 => drop(damaged.remove(at)),
                    _ => damaged.insert(at, alphabet[draw(alphabet.len())]),
                }
            }
            let text: String = damaged.into_iter().collect();
            let outcome = lint("plan.yaml", &text);
            if let Some(checked) = outcome.checked {
                let children = crate::Children { stored: checked.sub_plans.clone() };
                let surroundings = crate::surroundings(&text, &children);
                assert!(dvt_plan::load_with(checked.canonical.value(), &surroundings).is_ok(), "{text}");
            }
            tried += 1;
        }
    }
    println!("damaged plans read: {tried}");
}
