//! Broken texts: a seeded mutator over workflows, manifests and plans; nothing panics and nothing hangs.
//!
//! It is not guided by coverage. The control shows that it meets a planted value of two words.

use dvt_import::dbt::{Form, Options};
use dvt_import::{argo, dbt, github, wfcommons};
use dvt_plan::diagnostic::Source;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Texts of one gate run.
const TEXTS: u64 = 1_500;
/// The longest that one text may take, on a slow machine without optimisation.
const PATIENCE: Duration = Duration::from_secs(10);

const WORDS: [&str; 20] = [
    "{{",
    "}}",
    "${{",
    "<<: ",
    "&a ",
    "*a",
    "\u{feff}",
    "\u{2028}",
    "[[",
    "]]",
    "{",
    "}",
    "'",
    "\"",
    "\\",
    "matrix.x",
    "steps.a.outputs.b",
    "-1e999",
    "\n- ",
    "🦀",
];

/// xorshift64*.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % end.max(1)
    }
}

fn mutated(seed: &str, chance: &mut Chance) -> String {
    let mut letters: Vec<char> = seed.chars().collect();
    for _ in 0..1 + chance.below(8) {
        let at = chance.below(letters.len() + 1);
        let end = (at + chance.below(40)).min(letters.len());
        match chance.below(4) {
            0 => drop(letters.splice(at..at, WORDS[chance.below(WORDS.len())].chars())),
            1 => drop(letters.drain(at..end)),
            2 => {
                let copied = letters[at..end].to_vec();
                let to = chance.below(letters.len() + 1);
                letters.splice(to..to, copied);
            }
            _ => {
                if let Some(letter) = letters.get_mut(at) {
                    *letter = char::from_u32(u32::try_from(chance.below(256)).unwrap()).unwrap();
                }
            }
        }
    }
    letters.into_iter().collect()
}

fn seeds() -> Vec<String> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples");
    let names = ["argo-coin/workflow.yaml", "github-build/workflow.yaml", "forkjoin/instance.json"];
    let more = ["dbt-shop/manifest.json", "conditions/plan.yaml"];
    names.iter().chain(&more).map(|name| std::fs::read_to_string(examples.join(name)).unwrap()).collect()
}

/// Runs `read` over mutated texts until it panics; how many texts that took.
fn first_panic(read: impl Fn(&str)) -> Option<(u64, String)> {
    let seeds = seeds();
    let mut chance = Chance(0x5eed);
    for count in 0..TEXTS {
        let text = mutated(&seeds[usize::try_from(count).unwrap() % seeds.len()], &mut chance);
        if catch_unwind(AssertUnwindSafe(|| read(&text))).is_err() {
            return Some((count, text));
        }
    }
    None
}

#[test]
fn broken_texts_never_panic_and_what_is_imported_is_a_plan_that_can_be_read() {
    let found = first_panic(|text| {
        let begun = Instant::now();
        let check = |text: String| drop(dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text }));
        for imported in [github::import(text), argo::import(text), wfcommons::import(text)] {
            drop(imported.map(|imported| check(imported.text("x"))));
        }
        drop(dbt::import(
            text,
            &Options { form: Form::Program, select: None, exclude: None, tests_block: false },
        ));
        drop(dvt_plan::expression::parse(text));
        check(text.to_owned());
        assert!(begun.elapsed() < PATIENCE, "a text took {:?}", begun.elapsed());
    });
    assert!(found.is_none(), "{found:?}");
    println!("{TEXTS} broken texts: no panic, none took {PATIENCE:?}");
}

#[test]
fn the_mutator_meets_a_planted_value() {
    let planted = |text: &str| assert!(!(text.contains('\u{feff}') && text.contains("<<: ")), "planted");
    let (count, _) = first_panic(planted).expect("the planted value was not met");
    println!("the planted value was met at text {count}");
}
