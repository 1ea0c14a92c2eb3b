//! INV-21: hostile text is refused within its budgets, on a small stack.

use crate::lint;
use std::time::Duration;

/// What a gate build may take of a processor; a release build takes a quarter of it.
const MOST_CPU: Duration = Duration::from_millis(400);

/// Time that this thread has had on a processor: what others do on the machine does not count.
pub(crate) fn on_processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

/// Lints on a stack of 512 KiB and gives the codes.
fn refused(name: &str, text: String) -> Vec<String> {
    let lint = move || {
        let begun = on_processor();
        let codes: Vec<String> =
            lint("bomb.yaml", &text).diagnostics.into_iter().map(|one| one.code).collect();
        (codes, on_processor() - begun)
    };
    let (codes, took) =
        std::thread::Builder::new().stack_size(512 << 10).spawn(lint).unwrap().join().unwrap();
    println!("{name}: {:?} in {took:?}", codes.first());
    TOOK.with(|all| all.borrow_mut().push((took, name.to_owned())));
    codes
}

thread_local! {
    static TOOK: std::cell::RefCell<Vec<(Duration, String)>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// No bomb of this test took long, and they were measured.
fn were_quick() {
    let took = TOOK.with(std::cell::RefCell::take);
    let slow: Vec<_> = took.iter().filter(|(took, _)| *took > MOST_CPU).collect();
    println!("the slowest of {}: {:?}", took.len(), took.iter().max());
    assert!(took.iter().any(|(took, _)| *took > Duration::ZERO), "time was measured");
    assert!(slow.is_empty(), "{slow:?}");
}

fn aliases(levels: usize, width: usize) -> String {
    let mut text = String::from("a0: &a0 x\n");
    for level in 1..levels {
        let list = vec![format!("*a{}", level - 1); width].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    text
}

type Bomb = (&'static str, String, &'static str);

fn bombs() -> Vec<Bomb> {
    let size = 8 << 20;
    vec![
        ("brackets", "[".repeat(size), "DVT-P003"),
        ("braces", "{a: ".repeat(size / 4), "DVT-P003"),
        ("brackets in JSON", format!("{{\"a\":{}", "[".repeat(size - 10)), "DVT-P003"),
        ("dashes", "- ".repeat(size / 2), "DVT-P003"),
        ("questions", "? ".repeat(size / 2), "DVT-P003"),
        ("indentation", (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(), "DVT-P003"),
        ("a billion laughs", aliases(20, 10), "DVT-P003"),
        ("two to the sixty", aliases(60, 2), "DVT-P003"),
        ("many aliases", format!("a: &a x\nb: [{}]", "*a, ".repeat(20_000)), "DVT-P003"),
        (
            "a long text, many aliases",
            format!("a: &a '{}'\nb: [{}]", "x".repeat(1 << 20), "*a, ".repeat(9_000)),
            "DVT-P003",
        ),
        ("anchors on anchors", format!("{}x{}", "&a [".repeat(60), "]".repeat(60)), "DVT-P006"),
        ("too many values", format!("[{}]", "1,".repeat(2_000_000)), "DVT-P003"),
        ("too many keys", (0..600_000).map(|key| format!("k{key}: 1\n")).collect(), "DVT-P003"),
        ("too many bytes", " ".repeat(size + 1), "DVT-P003"),
        ("digits", format!("a: {}", "9".repeat(size - 10)), "DVT-P004"),
        ("an exponent", "a: 1e99999999999".to_owned(), "DVT-P004"),
        ("a float of many digits", format!("a: 0.{}", "1".repeat(1 << 20)), "DVT-P004"),
        ("quotes without an end", format!("a: \"{}", "\\n".repeat(1 << 20)), "DVT-P001"),
        ("a key without an end", format!("\"{}", "a".repeat(size - 10)), "DVT-P001"),
        ("spaces", " ".repeat(size), "DVT-P001"),
        ("comments", "#\n".repeat(size / 2), "DVT-P001"),
        ("comments between keys", format!("{}a: 1", "# x\n".repeat(size / 4 - 10)), "DVT-P005"),
        ("directives", format!("{}---\na: 1", "%FOO bar\n".repeat(100_000)), "DVT-P005"),
        ("tags", format!("a: [{}]", "!x 1, ".repeat(100_000)), "DVT-P004"),
        ("documents", "--- a\n".repeat(500_000), "DVT-P004"),
        ("one key again and again", "a: 1\n".repeat(100_000), "DVT-P002"),
        ("one key much too often", "a: 1\n".repeat(300_000), "DVT-P003"),
        ("unknown keys", (0..100_000).map(|key| format!("k{key}: 1\n")).collect(), "DVT-P005"),
        ("zero bytes", "\0".repeat(1 << 20), "DVT-P001"),
        ("colons", ":".repeat(1 << 20), "DVT-P001"),
        ("tabs", "\t".repeat(1 << 20), "DVT-P001"),
    ]
}

#[test]
fn bombs_are_refused() {
    for (name, text, code) in bombs() {
        let codes = refused(name, text);
        assert!(codes.iter().any(|one| one == code), "{name}: {codes:?}");
    }
    were_quick();
}

/// Each in a process of its own, which says how far its memory grew beyond the text.
#[test]
fn bombs_stay_small() {
    const MOST_KIB: u64 = 64 << 10;
    let mut largest = (0, "");
    for (index, (name, ..)) in bombs().into_iter().enumerate() {
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
    let (_, text, _) = bombs().swap_remove(index);
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
    assert!(outcome.checked.is_none());
    println!("grown by {grown} KiB");
}

#[test]
fn bombs_inside_a_plan_are_refused() {
    let plan = |step: &str| format!("apiVersion: dvt/v1\nname: a\nsteps:\n  x:\n{step}\n");
    for (name, text) in [
        ("expressions", plan(&format!("    run: [echo]\n    with: \"{}\"", "${{ inputs.x }}".repeat(100_000)))),
        ("openings", plan(&format!("    run: [echo]\n    with: \"{}\"", "${{".repeat(500_000)))),
        ("openings in a script", plan(&format!("    script: \"{}\"", "${{ a }}".repeat(200_000)))),
        ("parentheses", plan(&format!("    run: [echo]\n    if: \"{}\"", "(".repeat(1 << 20)))),
        ("nots", plan(&format!("    run: [echo]\n    if: \"{}missing\"", "!".repeat(4_000)))),
        ("an endless condition", plan(&format!("    run: [echo]\n    if: \"{}\"", "a || ".repeat(1 << 18)))),
        ("a pattern", "apiVersion: dvt/v1\nname: a\ninputs: { a: { type: string, pattern: '((a{1000}){1000}){1000}' } }\n".to_owned()),
        ("a deep pattern", format!("apiVersion: dvt/v1\nname: a\ninputs: {{ a: {{ pattern: '{}' }} }}\n", "(".repeat(1 << 20))),
        ("needs", plan(&format!("    run: [echo]\n    needs: [{}]", "y, ".repeat(200_000)))),
        ("arguments", plan(&format!("    run: [{}]", "y, ".repeat(200_000)))),
        ("a glob", format!("{}files: ['{}']\n", plan("    run: [echo, load.py]"), "*a".repeat(128))),
    ] {
        assert!(!refused(name, text).is_empty(), "{name}");
    }
    were_quick();
}

#[test]
fn bombs_of_lists_and_schemas_are_refused() {
    let plan = |step: &str| format!("apiVersion: dvt/v1\nname: a\nsteps:\n  x:\n{step}\n");
    for (name, text) in [
        ("lists in lists", plan(&format!("    run: [echo]\n    foreach: \"{}\"", "[".repeat(1 << 20)))),
        ("sums of lists", plan(&format!("    run: [echo]\n    foreach: \"{}1\"", "[1] + ".repeat(1 << 17)))),
        (
            "a list of a hundred thousand",
            plan(&format!("    run: [echo]\n    foreach: [{}]", "1,".repeat(100_000))),
        ),
        (
            "a schema of many parts",
            plan(&format!(
                "    run: [echo]\n    outputs: {{ properties: {{ {} }} }}",
                (0..40_000).map(|part| format!("p{part}: {{}}, ")).collect::<String>()
            )),
        ),
        (
            "a schema in a schema",
            plan(&format!("    run: [echo]\n    outputs: {}{}", "{ items: ".repeat(59), "}".repeat(59))),
        ),
    ] {
        assert!(!refused(name, text).is_empty(), "{name}");
    }
    were_quick();
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
                assert!(dvt_plan::load_with(&checked.canonical, &surroundings).is_ok(), "{text}");
            }
            tried += 1;
        }
    }
    println!("damaged plans read: {tried}");
}
