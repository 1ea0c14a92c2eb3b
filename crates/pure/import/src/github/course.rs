//! How a job and its steps went, in the words of a plan.
//!
//! `success()` and `failure()` of GitHub ask about the steps before in the same job, or about the jobs before; a plan's ask about the
//! needs and the run. So they are written out as the statuses of those steps. What names `failure()` is asked after a failure too,
//! and whether or not a need was left out; what names `always()`, after a cancel as well.

use crate::foreign::expression::{Cel, Gives, field};

/// Asked after a failure too, not after a cancel.
const WHATEVER: &str = "(failure() || true)";

/// The step that tells whether a job began.
#[derive(Debug, Clone)]
pub(super) struct Began {
    step: String,
    /// It is the first piece of work, which may fail.
    may_fail: bool,
    /// Its failure does not end the run.
    is_quiet: bool,
}

impl Began {
    /// A step that only stands for the beginning.
    pub(super) fn gate(step: &str) -> Self {
        Self { step: step.to_owned(), may_fail: false, is_quiet: false }
    }

    /// The first piece of work.
    pub(super) fn work(step: &str, is_quiet: bool) -> Self {
        Self { step: step.to_owned(), may_fail: true, is_quiet }
    }

    /// That it began.
    pub(super) fn asked(&self) -> String {
        let status = status(&self.step);
        if self.may_fail { format!("{status} in [\"SUCCESS\", \"FAILED\"]") } else { self.went_well() }
    }

    fn went_well(&self) -> String {
        format!("{} == \"SUCCESS\"", status(&self.step))
    }

    /// That it began, where it is known besides that no failure ended the run.
    pub(super) fn without_failure(&self) -> String {
        if self.is_quiet { self.asked() } else { self.went_well() }
    }
}

/// What `success()`, `failure()` and `always()` ask about.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    /// Steps whose failure counts, in their order.
    pub(super) counted: Vec<String>,
    /// What must have begun for a success.
    pub(super) began: Vec<Began>,
    /// No failure of theirs ends the run.
    pub(super) is_quiet: bool,
    /// Nothing is before.
    pub(super) is_first: bool,
    /// The job is there after a cancel, too.
    pub(super) is_always: bool,
}

impl Course {
    /// A status function of GitHub as it is asked here.
    pub(super) fn function(&self, name: &str) -> Cel {
        let failed = self.failed();
        match (name, failed) {
            ("failure", None) => Cel::flag(false),
            ("failure", Some(failed)) if self.is_quiet => {
                Cel::compound(format!("{WHATEVER} && {failed}"), Gives::Flag)
            }
            ("failure", Some(failed)) => Cel::compound(format!("failure() && {failed}"), Gives::Flag),
            ("success", None) if self.is_first => Cel::new("success()", Gives::Flag),
            ("success", _) => Cel::compound(self.well(None), Gives::Flag),
            _ => Cel::new("always()", Gives::Flag),
        }
    }

    /// That one of them failed.
    fn failed(&self) -> Option<String> {
        failed(&self.counted)
    }

    /// That those that `began` names began, and none failed; asked after a failure as well.
    pub(super) fn well(&self, began: Option<&Began>) -> String {
        let mut parts = Vec::new();
        let mut counted = self.counted.clone();
        for began in self.began.iter().chain(began) {
            // Of one that counts, a success says both.
            if counted.contains(&began.step) {
                counted.retain(|step| *step != began.step);
                parts.push(began.went_well());
            } else {
                parts.push(began.asked());
            }
        }
        let marker = if self.is_always { "always()" } else { WHATEVER };
        match failed(&counted) {
            Some(failed) if self.is_quiet || self.is_always => {
                parts.insert(0, marker.to_owned());
                parts.push(format!("!({failed})"));
            }
            Some(failed) => parts.push(format!("!(failure() && {failed})")),
            None => parts.insert(0, marker.to_owned()),
        }
        parts.join(" && ")
    }

    /// That none of them failed, where their failures end no run.
    pub(super) fn none_failed(&self) -> Option<String> {
        self.failed().map(|failed| format!("!({failed})"))
    }

    /// GitHub's word for how it went.
    pub(super) fn result(&self) -> Cel {
        let began: Vec<String> = self.began.iter().map(Began::asked).collect();
        let rest = match began.as_slice() {
            [] => "\"success\"".to_owned(),
            began => format!("{} ? \"success\" : \"skipped\"", began.join(" || ")),
        };
        let cel = match self.failed() {
            Some(failed) => Cel::compound(format!("{failed} ? \"failure\" : {rest}"), Gives::Text),
            None if began.is_empty() => return Cel::text("success"),
            None => Cel::compound(rest, Gives::Text),
        };
        cel.in_lower_case()
    }
}

fn status(step: &str) -> String {
    format!("{}.status", field("steps", step))
}

fn failed(steps: &[String]) -> Option<String> {
    match steps {
        [] => None,
        [one] => Some(format!("{} == \"FAILED\"", status(one))),
        several => {
            let all: Vec<String> = several.iter().map(|step| status(step)).collect();
            Some(format!("\"FAILED\" in [{}]", all.join(", ")))
        }
    }
}

/// GitHub's word for how a step ended; `forgiven` where a failure of it is none in the end.
pub(super) fn result_of(step: &str, forgiven: bool) -> Cel {
    let status = status(step);
    let source = if forgiven {
        format!("{status} in [\"SUCCESS\", \"FAILED\"] ? \"success\" : \"skipped\"")
    } else {
        format!("{status} == \"SUCCESS\" ? \"success\" : {status} == \"FAILED\" ? \"failure\" : \"skipped\"")
    };
    Cel::compound(source, Gives::Text).in_lower_case()
}
