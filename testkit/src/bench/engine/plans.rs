//! The plans of the bench: one step, a chain, one to many to one; of noops, or of programs.

use std::fmt::Write as _;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing, inside the engine.
    Noop,
    /// A program, by the worker.
    Program,
}

impl Work {
    fn keys(self) -> &'static str {
        match self {
            Self::Noop => "uses: dvt/noop@1",
            Self::Program => "run: ['/bin/true']",
        }
    }
}

/// So many steps, each after the one before.
pub fn chain(length: u64, work: Work) -> String {
    let mut plan = format!("apiVersion: dvt/v1\nname: chain-{length}\nsteps:\n");
    for step in 0..length {
        let needs = step.checked_sub(1).map(|before| format!(", needs: s{before}")).unwrap_or_default();
        // Writing to a String cannot fail; the result is still looked at.
        if writeln!(plan, "  s{step}: {{ {}{needs} }}", work.keys()).is_err() {
            break;
        }
    }
    plan
}

/// One step, then so many items of one, then one.
pub fn fan(width: u64, work: Work) -> String {
    let items: Vec<String> = (0..width).map(|item| item.to_string()).collect();
    format!(
        "apiVersion: dvt/v1\nname: fan-{width}\nsteps:\n  first: {{ uses: dvt/noop@1 }}\n  each: {{ needs: first, foreach: [{}], {} }}\n  \
         last: {{ needs: each, uses: dvt/noop@1 }}\n",
        items.join(","),
        work.keys()
    )
}
