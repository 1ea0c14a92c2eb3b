//! Words of the plan language that are not built yet. Each is answered with what to do meanwhile.

use super::keys::Level::{self, Plan, Step};

const WORDS: &[(&str, Level, &str)] = &[
    ("foreach", Step, "write one step per item; `foreach` comes with a later release"),
    ("key", Step, "it names the items of a `foreach`, which comes with a later release"),
    ("maxParallel", Step, "limits: { maxParallel: 8 }   in the plan holds for all its steps"),
    ("exclude", Step, "it belongs to `foreach`, which comes with a later release"),
    ("approval", Step, "end the plan before the decision, and start a second plan after it"),
    ("waitUntil", Step, "wait: 10m   waits for a duration"),
    ("signal", Step, "end the plan there, and start a second plan when the signal comes"),
    ("plan", Step, "write the steps of the sub-plan into this plan"),
    ("secrets", Step, "nothing can hand out secrets yet; let the program read its own credential store"),
    ("outputs", Step, "leave the schema out; expressions check the value when they read it"),
    ("compensate", Step, "a step with   if: failure()   that needs this one can undo its work"),
    ("tier", Step, "leave it out; the walls of this machine are chosen by its owner"),
    ("limits", Step, "leave it out; limits of a step need the walls of a later release"),
    ("scratch", Step, "hand data to other steps by outputs, or by a store that both reach"),
    ("dataClass", Step, "leave it out; every payload is encrypted as standard data"),
    ("subject", Step, "leave it out; keys of a person come with a later release"),
    ("declassify", Step, "leave it out; data classes come with a later release"),
    ("artifacts", Step, "store large results yourself and hand on a pointer as output"),
    ("cache", Step, "leave it out; a step can keep what it likes in a store of its own"),
    ("image", Step, "name a program that is installed on the worker"),
    ("services", Step, "start what the step needs beside DVT"),
    ("data", Plan, "leave it out; every payload is encrypted as standard data"),
    ("concurrency", Plan, "leave it out; start runs of this plan one after another"),
    ("scratch", Plan, "hand data to other steps by outputs, or by a store that both reach"),
    ("finally", Plan, "a step with   if: always()   that needs the last steps runs whatever happened"),
    ("tier", Plan, "leave it out; the walls of this machine are chosen by its owner"),
    ("secrets", Plan, "nothing can hand out secrets yet; let the program read its own credential store"),
    ("runApproval", Plan, "ask before you start the run"),
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

/// What to do instead.
pub(crate) fn answer(word: &str, level: Level) -> Option<&'static str> {
    WORDS.iter().find(|(known, at, _)| *known == word && *at == level).map(|(_, _, advice)| *advice)
}
