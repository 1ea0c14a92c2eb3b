//! Words of the plan language that are not built yet. Each is answered with what to do meanwhile.
//!
//! The second table is of words that are read and checked already, and that nothing here can enforce: what needs walls,
//! or a provider of secrets. A row leaves when the word is done.

use super::keys::Level::{self, Plan, Step};

/// Words that are not part of the language, or reserved by it.
const WORDS: &[(&str, Level, &str)] = &[
    ("artifacts", Step, "store large results yourself and hand on a pointer as output"),
    ("cache", Step, "leave it out; a step can keep what it likes in a store of its own"),
    ("image", Step, "name a program that is installed on the worker"),
    ("services", Step, "start what the step needs beside DVT"),
    ("tier", Plan, "leave it out; a step names the weakest tier that it accepts"),
    ("secrets", Plan, "a step names the secrets that it is handed, and `permissions` their ceiling"),
    ("runApproval", Plan, "it is a setting of the tenant; an `approval` step asks within the plan"),
    (
        "on",
        Plan,
        "triggers are objects of their own and a plan stays data; start it from cron or CI with   dvt run",
    ),
    (
        "schedule",
        Plan,
        "triggers are objects of their own and a plan stays data; start it from cron with   dvt run",
    ),
    (
        "triggers",
        Plan,
        "triggers are objects of their own and a plan stays data; start it from CI with   dvt run",
    ),
    ("artifacts", Plan, "store large results yourself and hand on a pointer as output"),
    ("cache", Plan, "leave it out; a step can keep what it likes in a store of its own"),
    ("image", Plan, "name programs that are installed on the worker"),
    ("services", Plan, "start what the steps need beside DVT"),
    ("requiresCapabilities", Plan, "the word is reserved; leave it out"),
    ("fallbackBehavior", Plan, "the word is reserved; leave it out"),
];

/// Words that are read and checked, and not enforced yet.
const READ: &[(&str, Level, &str)] = &[
    ("secrets", Step, "nothing can hand out secrets yet; let the program read its own credential store"),
    ("tier", Step, "leave it out; the walls of this machine are chosen by its owner"),
    ("limits", Step, "leave it out; limits of a step need the walls of a later release"),
    ("scratch", Step, "hand data to other steps by outputs, or by a store that both reach"),
    ("scratch", Plan, "hand data to other steps by outputs, or by a store that both reach"),
];

/// What to do instead.
pub(crate) fn answer(word: &str, level: Level) -> Option<&'static str> {
    let all = WORDS.iter().chain(READ);
    all.into_iter().find(|(known, at, _)| *known == word && *at == level).map(|(_, _, advice)| *advice)
}
