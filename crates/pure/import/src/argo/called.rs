//! What a called template left behind: its steps, what it gives, and how it is asked how it ended.
//!
//! A template of several steps has no step of its own, so its end is read from theirs: it failed where one of them did, and it
//! was left out where the step was that nothing else leaves out.

use super::holds::Holds;
use super::start::{Late, Start};
use crate::foreign::expression::{Cel, Gives, Lost, field};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Steps of which one expression asks; more do not fit into it.
const MOST: usize = 256;

#[derive(Debug, Clone, Default)]
pub(super) enum Results {
    #[default]
    Nothing,
    /// One step; the flag tells a repeated one.
    Step(String, bool),
    Parameters(BTreeMap<String, Cel>),
    /// One per item of a list that is written down.
    Items(Vec<Results>),
}

/// What it became.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Shape {
    /// No step at all: a list without items.
    #[default]
    Nothing,
    One,
    Several,
}

/// Calls that are one together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'c> {
    pub(super) all: &'c [Rc<Called>],
    /// Those that wait for none of the others.
    pub(super) first: &'c [Rc<Called>],
    /// Those that none of the others waits for.
    pub(super) ends: &'c [Rc<Called>],
}

/// What a called template left behind.
#[derive(Debug, Clone, Default)]
pub(super) struct Called {
    /// The steps that those behind it wait for.
    pub(super) exits: BTreeSet<String>,
    pub(super) results: Results,
    shape: Shape,
    /// Its last steps, without what runs behind them however they end.
    last: Vec<String>,
    /// The steps that fail it when they fail.
    fatal: Vec<String>,
    /// A step that is left out only where all of it is.
    witness: Option<String>,
    /// Whether nothing in it is ever left out while it runs.
    is_straight: bool,
    /// The items of a list that is written down.
    pub(super) items: Option<Rc<[Rc<Self>]>>,
    /// Whether it is repeated over a list that is known when it runs.
    pub(super) is_repeated: bool,
    /// When it begins, but for its own `when`.
    pub(super) begins: Holds,
    pub(super) when: Option<String>,
    /// Whether those behind it run also where it failed.
    pub(super) continues: bool,
    /// Whether its failure does not fail the run.
    pub(super) is_soft: bool,
    /// Whether a step that others wait for may be left out, and they run all the same.
    pub(super) is_tolerated: bool,
    /// Whether it may be left out so that what needs it is, too.
    pub(super) may_be_omitted: bool,
    /// Whether it may be left out where what stands around it runs.
    pub(super) is_chosen: bool,
    pub(super) late: Late,
}

impl Called {
    /// One step.
    pub(super) fn step(id: String, is_repeated: bool) -> Self {
        Self {
            exits: BTreeSet::from([id.clone()]),
            results: Results::Step(id.clone(), is_repeated),
            shape: Shape::One,
            last: vec![id.clone()],
            fatal: vec![id.clone()],
            witness: Some(id),
            is_straight: true,
            is_repeated,
            ..Self::default()
        }
    }

    /// Several calls as one; one that `counts` fails it when it fails.
    pub(super) fn several(
        Parts { all, first, ends }: Parts<'_>,
        counts: impl Fn(&Rc<Self>) -> bool,
        start: &Start,
    ) -> Self {
        if all.iter().all(|called| called.shape == Shape::Nothing) {
            return Self::nothing(start);
        }
        let fatal = all.iter().filter(|called| counts(called));
        let alone = first.iter().find(|called| called.when.is_none() && called.shape != Shape::Nothing);
        let is_straight = |called: &Rc<Self>| {
            called.is_straight && called.when.is_none() && !called.is_chosen && !called.continues
        };
        Self {
            exits: ends.iter().flat_map(|called| called.exits.iter().cloned()).collect(),
            shape: Shape::Several,
            last: ends.iter().flat_map(|called| called.last.iter().cloned()).collect(),
            fatal: fatal.flat_map(|called| called.fatal.iter().cloned()).collect(),
            witness: alone.and_then(|called| called.witness.clone()),
            is_straight: all.iter().all(is_straight),
            is_tolerated: ends.iter().any(|called| called.is_tolerated || called.is_chosen),
            late: ends.iter().map(|called| called.late).max().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// No step; those behind it begin as it would have begun, and say all of that.
    fn nothing(start: &Start) -> Self {
        let is_tolerated = start.is_tolerant || start.leaves_out(false);
        Self { exits: start.needs.clone(), is_tolerated, ..Self::default() }
    }

    /// Whether its name alone asks for its success.
    pub(super) fn is_what_its_name_asks(&self) -> bool {
        !self.is_tolerated && !self.continues && self.shape != Shape::Nothing
    }

    /// Whether it became more than one step, or none.
    pub(super) fn is_several(&self) -> bool {
        self.shape != Shape::One
    }

    pub(super) fn failed(&self) -> Holds {
        any(&self.fatal, "FAILED")
    }

    pub(super) fn succeeded(&self) -> Holds {
        let entered = || match &self.witness {
            Some(witness) => Holds::when(format!("{} == \"SUCCESS\"", status(witness))),
            None => self.begins.clone().and(&self.own_when()),
        };
        match self.shape {
            Shape::Nothing => Holds::Never,
            Shape::One => all(&self.last, &["SUCCESS"]),
            Shape::Several if self.is_straight => all(&self.last, &["SUCCESS"]),
            Shape::Several => {
                let is_other = |step: &&String| Some(*step) != self.witness.as_ref();
                let others: Vec<String> = self.fatal.iter().filter(is_other).cloned().collect();
                let is_fatal = self.witness.as_ref().is_some_and(|witness| self.fatal.contains(witness));
                let entered = if is_fatal || self.witness.is_none() { entered() } else { self.begun() };
                entered.and(&all(&others, &["SUCCESS", "SKIPPED"]))
            }
        }
    }

    /// Its own condition was false.
    pub(super) fn skipped(&self) -> Holds {
        match (self.shape, &self.when, &self.witness) {
            (Shape::Nothing, ..) => self.begins.clone(),
            (_, None, _) => Holds::Never,
            (_, Some(_), Some(witness)) => {
                Holds::when(format!("{} == \"SKIPPED\"", status(witness))).and(&self.begins)
            }
            (_, Some(_), None) => self.begins.clone().and(&self.own_when().not()),
        }
    }

    /// What it depends on was not so.
    pub(super) fn omitted(&self) -> Holds {
        self.begins.clone().not()
    }

    /// What its name alone asks for: it succeeded, or its own condition was false, or its failure does not matter.
    pub(super) fn is_well(&self) -> Holds {
        if self.shape == Shape::One && (self.when.is_none() || self.begins == Holds::Always) {
            let failed = self.continues.then_some("FAILED");
            let skipped = self.when.as_ref().map(|_| "SKIPPED");
            let ends: Vec<&str> = ["SUCCESS"].into_iter().chain(failed).chain(skipped).collect();
            return all(&self.last, &ends);
        }
        let failed = if self.continues { self.failed() } else { Holds::Never };
        self.succeeded().or(&self.skipped()).or(&failed)
    }

    /// Whether it has begun, however it ended.
    pub(super) fn begun(&self) -> Holds {
        match &self.witness {
            Some(witness) => all(std::slice::from_ref(witness), &["SUCCESS", "FAILED"]),
            None => any(&self.fatal, "SUCCESS").or(&any(&self.fatal, "FAILED")),
        }
    }

    fn own_when(&self) -> Holds {
        self.when.clone().map_or(Holds::Always, Holds::when)
    }

    /// One item of a list succeeded; of what is no list, none did.
    pub(super) fn any_succeeded(&self) -> Holds {
        match &self.items {
            Some(items) => items.iter().fold(Holds::Never, |any, item| any.or(&item.succeeded())),
            None if self.is_repeated => Holds::Unknown,
            None => Holds::Never,
        }
    }

    /// All items of a list failed; of what is no list, none did.
    pub(super) fn all_failed(&self) -> Holds {
        match self.items.as_deref() {
            None if self.is_repeated => Holds::Unknown,
            None | Some([]) => Holds::Never,
            Some(items) => items.iter().fold(Holds::Always, |all, item| all.and(&item.failed())),
        }
    }

    /// How it ended, as the word that Argo has for it.
    pub(super) fn phase(&self, what: &str) -> Result<Cel, Lost> {
        let mut source = "\"Skipped\"".to_owned();
        if self.may_be_omitted && self.when.is_some() {
            source = chosen(self.omitted(), "Omitted", source).ok_or_else(|| Lost::Size(what.to_owned()))?;
        } else if self.may_be_omitted {
            source = "\"Omitted\"".to_owned();
        }
        let ends = [(self.failed(), "Failed"), (self.succeeded(), "Succeeded")];
        for (holds, word) in ends {
            source = chosen(holds, word, source).ok_or_else(|| Lost::Size(what.to_owned()))?;
        }
        Cel::compound(source, Gives::Text).fitting(what)
    }
}

/// `holds ? "word" : other`.
fn chosen(holds: Holds, word: &str, other: String) -> Option<String> {
    match holds {
        Holds::Always => Some(format!("\"{word}\"")),
        Holds::Never => Some(other),
        Holds::If(condition) if condition.contains(['|', '?']) => {
            Some(format!("({condition}) ? \"{word}\" : {other}"))
        }
        Holds::If(condition) => Some(format!("{condition} ? \"{word}\" : {other}")),
        Holds::Unknown => None,
    }
}

fn status(step: &str) -> String {
    format!("{}.status", field("steps", step))
}

fn list(steps: &[String]) -> String {
    format!("[{}]", steps.iter().map(|step| status(step)).collect::<Vec<_>>().join(", "))
}

/// One of the steps ended like this.
fn any(steps: &[String], end: &str) -> Holds {
    match steps {
        [] => Holds::Never,
        [one] => Holds::when(format!("{} == \"{end}\"", status(one))),
        several if several.len() > MOST => Holds::Unknown,
        several => Holds::when(format!("\"{end}\" in {}", list(several))),
    }
}

/// All of the steps ended in one of these ways.
fn all(steps: &[String], ends: &[&str]) -> Holds {
    let is = match ends {
        [one] => format!("== \"{one}\""),
        several => {
            format!("in [{}]", several.iter().map(|end| format!("\"{end}\"")).collect::<Vec<_>>().join(", "))
        }
    };
    match steps {
        several if several.len() > MOST => Holds::Unknown,
        several if several.len() > 3 => Holds::when(format!("{}.all(end, end {is})", list(several))),
        few => few
            .iter()
            .fold(Holds::Always, |all, step| all.and(&Holds::when(format!("{} {is}", status(step))))),
    }
}
