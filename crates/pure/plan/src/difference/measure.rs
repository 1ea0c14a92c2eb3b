//! Which keys say what may be done, and how each is compared.

use super::Verdict;
use crate::plan::{DEFAULT_MAX_DURATION_MS, DEFAULT_MAX_PARALLEL};

/// How a key is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Each member is a right.
    Members,
    /// More is wider; with what holds where nothing is said, as far as that is known.
    More(Option<u64>),
    /// Any other value than before may do anything: wider.
    Any,
    /// The same, and without a word something is done as well.
    Either,
    /// It holds the run back: wider where it is another one or gone, narrower where it is new.
    Gate,
    /// A time that is waited for, as a gate that opens by itself.
    Timer,
    /// What is waited for: a right where gates lie on the way.
    Needs,
    /// The condition of a step.
    Condition,
    /// Whether a failure lets the steps behind start.
    Continue,
    /// The weakest wall that is accepted.
    Tier,
    /// Whether a step sees the folder of the run: it may without a word.
    Flag,
    /// A sub-plan, by its digest.
    Below,
    /// Runs beside each other.
    Concurrency,
    /// What a failure does to the run.
    OnFailure,
    /// Constants: of no account where nothing reads them.
    Constant,
    /// It says how payloads are protected: wider whichever way it changes.
    Protection,
    /// It repeats the step: possibly wider, and wider of a gate, which is passed where there are no items.
    Repeat,
    /// For people alone, or for selection.
    Words,
}

use Measure::{
    Any, Below, Concurrency, Condition, Constant, Continue, Either, Flag, Gate, Members, More, Needs,
    OnFailure, Protection, Repeat, Tier, Timer, Words,
};

/// Keys, `*` for any one key. A new key of the language is a new row; until then a change of it is possibly wider.
const KEYS: &[(&[&str], Measure)] = &[
    (&["title"], Words),
    (&["description"], Words),
    (&["tags"], Words),
    (&["version"], Words),
    (&["inputs", "*", "title"], Words),
    (&["inputs", "*", "description"], Words),
    (&["vars", "*"], Constant),
    (&["permissions", "*"], Members),
    (&["files"], Members),
    (&["filesDigest"], Any),
    (&["data", "*"], Protection),
    (&["scratch"], More(Some(0))),
    (&["tier"], Tier),
    (&["limits", "maxDuration"], More(Some(DEFAULT_MAX_DURATION_MS))),
    (&["limits", "maxParallel"], More(Some(DEFAULT_MAX_PARALLEL as u64))),
    (&["limits", "*"], More(None)),
    (&["defaults", "timeout"], More(None)),
    (&["defaults", "retry"], Any),
    (&["onStepFailure"], OnFailure),
    (&["concurrency"], Concurrency),
    (&["steps", "*", "title"], Words),
    (&["steps", "*", "description"], Words),
    (&["steps", "*", "tags"], Words),
    (&["steps", "*", "key"], Words),
    (&["steps", "*", "run"], Any),
    (&["steps", "*", "script"], Any),
    (&["steps", "*", "shell"], Either),
    (&["steps", "*", "uses"], Any),
    (&["steps", "*", "plan"], Any),
    (&["steps", "*", "planDigest"], Below),
    (&["steps", "*", "wait"], Timer),
    (&["steps", "*", "waitUntil"], Timer),
    (&["steps", "*", "approval"], Gate),
    (&["steps", "*", "signal"], Gate),
    (&["steps", "*", "needs"], Needs),
    (&["steps", "*", "if"], Condition),
    (&["steps", "*", "continueOnError"], Continue),
    (&["steps", "*", "foreach"], Repeat),
    (&["steps", "*", "exclude"], Repeat),
    (&["steps", "*", "maxParallel"], More(None)),
    (&["steps", "*", "retry"], Any),
    (&["steps", "*", "dataClass"], Protection),
    (&["steps", "*", "subject"], Protection),
    (&["steps", "*", "scratch"], Flag),
    (&["steps", "*", "secrets"], Members),
    (&["steps", "*", "timeout"], More(None)),
    (&["steps", "*", "tier"], Tier),
    (&["steps", "*", "limits", "*"], More(None)),
    (&["steps", "*", "declassify"], Any),
    (&["steps", "*", "compensate"], Any),
];

/// How a key is compared, where the table says it. What runs at the end is as able as any step.
pub(super) fn of(path: &[&str]) -> Option<Measure> {
    let fits = |pattern: &[&str]| pattern.len() == path.len() && begins(pattern, path);
    KEYS.iter().find(|(pattern, _)| fits(pattern)).map(|(_, measure)| *measure)
}

/// Whether the table says something of a key below.
pub(super) fn has_below(path: &[&str]) -> bool {
    KEYS.iter().any(|(pattern, _)| pattern.len() > path.len() && begins(pattern, path))
}

fn begins(pattern: &[&str], path: &[&str]) -> bool {
    pattern.iter().zip(path).enumerate().all(|(at, (part, key))| {
        *part == "*" || part == key || (at == 0 && *part == "steps" && *key == "finally")
    })
}

/// More or less of something, with what holds where nothing is said.
pub(super) fn more(before: Option<f64>, after: Option<f64>, unsaid: Option<u64>) -> Verdict {
    // No bound of the language is beyond 2^53.
    let unsaid = unsaid.map(|number| number as f64);
    match (before, after, unsaid) {
        (Some(old), Some(new), _) => {
            if new > old {
                Verdict::Widened
            } else {
                Verdict::Narrowed
            }
        }
        (None, Some(new), Some(unsaid)) => {
            if new > unsaid {
                Verdict::Widened
            } else {
                Verdict::Narrowed
            }
        }
        (None, Some(_), None) => Verdict::Possibly,
        // Nothing at all is what holds without a word.
        (Some(_), None, Some(0.0)) => Verdict::Narrowed,
        // Saying less than what holds without a word is still told as a change of rights, on the careful side.
        (_, None, _) => Verdict::Widened,
    }
}
