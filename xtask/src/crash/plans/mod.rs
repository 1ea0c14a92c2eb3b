//! The plans of the harness: each with the steps that bear witness, the acts that a second process brings, and its end.

/// What a person does from a second process, until it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Act {
    /// The words after `dvt runs`; the run is the latest.
    pub(super) verb: &'static str,
    pub(super) rest: &'static [&'static str],
}

/// How a run of the plan ends, whatever is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    Failed,
    Cancelled,
}

impl End {
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    pub(super) fn exit_code(self) -> i32 {
        match self {
            Self::Completed => 0,
            Self::Failed => 1,
            Self::Cancelled => 3,
        }
    }
}

/// One plan.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// `step` or `step#attempt` of each piece of work that ends by itself; `#1` is not written.
    pub(super) work: &'static [&'static str],
    pub(super) acts: &'static [Act],
    pub(super) end: End,
    /// What failed once before, without a kill: the run of the harness takes its place, and none of this work is done again.
    pub(super) taken_over: &'static [&'static str],
}

/// What `sub-plans` runs; it lies beside every plan.
pub(super) const BELOW: &str = include_str!("below.yaml");
/// What `group` runs.
pub(super) const ALONE: &str = include_str!("alone.yaml");
/// What each step sources.
pub(super) const WITNESS: &str = include_str!("witness.sh");

const NOBODY: &[Act] = &[];
const RELEASE: Act = Act { verb: "approve", rest: &["release", "-m", "the figures are right"] };
const SEND: &[Act] =
    &[Act { verb: "signal", rest: &["delivered", "-p", "{\"parcels\": 3}", "--signal-id", "dhl-7"] }];

macro_rules! plan {
    ($name:literal, $work:expr, $acts:expr, $end:ident) => {
        Plan {
            name: $name,
            text: include_str!(concat!($name, ".yaml")),
            work: $work,
            acts: $acts,
            end: End::$end,
            taken_over: &[],
        }
    };
}

/// All of them; the first is the one of the commit sites.
pub(super) const PLANS: &[Plan] = &[
    plan!("join", &["fetch", "clean", "join", "score", "train", "report"], NOBODY, Completed),
    plan!("items", &["each.0", "each.1", "each.2", "each.3", "each.4", "sum"], NOBODY, Completed),
    plan!("product", &["each.0", "each.1", "each.2", "each.3", "after"], NOBODY, Completed),
    plan!("approval", &["before", "after"], &[RELEASE], Completed),
    plan!("early-signal", &["before", "after"], SEND, Completed),
    plan!("late-signal", &["beside", "after"], SEND, Completed),
    plan!("retries", &["shaky", "shaky#2", "shaky#3", "after"], NOBODY, Completed),
    plan!(
        "compensation",
        &["debit", "credit", "ship", "credit.compensate", "debit.compensate", "notify"],
        NOBODY,
        Failed
    ),
    plan!("conditions", &["probe", "repair", "report"], NOBODY, Completed),
    plan!("waits", &["after"], NOBODY, Completed),
    plan!("sub-plans", &["before", "deep", "after"], NOBODY, Completed),
    plan!("group", &["alone-a", "alone-b", "after"], NOBODY, Completed),
    plan!(
        "hold",
        &["load", "load#2", "after"],
        &[Act { verb: "retry", rest: &["load", "-m", "the file is there now"] }],
        Completed
    ),
    // Let go on first: a run that is cancelled before it started ends without its way out. With the word for the host: where the
    // engine was killed before, whoever cancels carries the way out, too.
    plan!(
        "cancel",
        &["before", "notify"],
        &[RELEASE, Act { verb: "cancel", rest: &["-m", "the wrong day", "--allow-host"] }],
        Cancelled
    ),
    Plan { taken_over: &["fetch", "clean"], ..plan!("run-again", &["load", "after"], NOBODY, Completed) },
];
