//! A job: its instances, the order of its steps, and their conditions.

use super::context::Scope;
use super::{Done, MOST, NO_WORD, Workflow, kind, matrix};
use crate::Error;
use crate::foreign::expression::Lost;
use crate::foreign::limits;
use crate::foreign::tree::{Place, Tree};
use crate::names::literal;
use crate::step::Step;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};

impl Workflow {
    /// Imports one job.
    pub(super) fn job(&mut self, document: &Tree, name: &str, place: Place, job: &Tree) -> Result<(), Error> {
        self.keys_of_job(job);
        let mut needs = BTreeSet::new();
        for need in job.get("needs").map(Tree::one_or_more).unwrap_or_default() {
            match need.text().and_then(|need| self.jobs.get(need)) {
                Some(done) => needs.extend(done.exits.iter().cloned()),
                None => return Err(kind(&format!("a need at {} is no job", need.place))),
            }
        }
        let (combinations, is_known) = match matrix::combinations(job.get("strategy")) {
            Ok(combinations) => (combinations, true),
            Err(what) => {
                let why = "it is not written down, so there is one instance; `foreach` can say it anew";
                self.losses.add("matrix", why, &what, place);
                (vec![Map::new()], false)
            }
        };
        let mut done = Done::default();
        for combination in combinations {
            let label = matrix::label(&combination);
            let mut scope =
                Scope { job: name.to_owned(), matrix: is_known.then_some(combination), ..Scope::default() };
            for tree in [document, job] {
                self.env(tree, &mut scope);
            }
            let exit = self.instance(document, (name, &label, place), job, &needs, &mut scope);
            done.exits.insert(exit);
            for (output, place, value) in job.get("outputs").map(Tree::entries).unwrap_or_default() {
                let text = value.text().unwrap_or_default();
                let value = self.text(text, &scope, *place);
                done.outputs.insert(output.clone(), Ok(value.cel()));
            }
            if self.steps.len() > MOST {
                return Err(Error::TooLarge(self.steps.len()));
            }
            self.budget.holds()?;
        }
        self.jobs.insert(name.to_owned(), done);
        Ok(())
    }

    /// Names what a job has and a plan has not.
    fn keys_of_job(&mut self, job: &Tree) {
        for (key, place, value) in job.entries() {
            let why = match key.as_str() {
                "name" | "needs" | "if" | "env" | "defaults" | "steps" | "outputs" | "timeout-minutes"
                | "continue-on-error" | "uses" | "with" => continue,
                "strategy" => {
                    for (key, place, _) in value.entries() {
                        let why = match key.as_str() {
                            "matrix" => continue,
                            "fail-fast" => "after a failure running steps finish, whatever this says",
                            "max-parallel" => {
                                "the instances are steps of their own; `limits: { maxParallel }` bounds the plan"
                            }
                            _ => NO_WORD,
                        };
                        self.losses.add(key, why, key, *place);
                    }
                    continue;
                }
                "runs-on" => "steps run on the workers of this installation",
                "container" => "programs are those of the worker",
                "services" => "start what the steps need beside DVT",
                "environment" => {
                    "its protection rules are GitHub's; an `approval` step can stand in their place"
                }
                "permissions" => "they are GitHub's; what a plan may do stands in its own `permissions`",
                "concurrency" => "say it anew with the plan's `concurrency`",
                "secrets" => "secrets do not come from a workflow",
                _ => NO_WORD,
            };
            self.losses.add(key, why, key, *place);
        }
    }

    /// The steps of one instance; its last one.
    fn instance(
        &mut self,
        document: &Tree,
        (name, label, place): (&str, &str, Place),
        job: &Tree,
        needs: &BTreeSet<String>,
        scope: &mut Scope,
    ) -> String {
        let title = match job.text_of("name") {
            Some(text) => self.text(text, scope, place).known().unwrap_or_else(|| name.to_owned()),
            None => name.to_owned(),
        };
        let title = if label.is_empty() || job.text_of("name").is_some_and(|name| name.contains("${{")) {
            title
        } else {
            format!("{title} ({label})")
        };
        let prefix =
            if label.is_empty() { name.to_owned() } else { format!("{name}_{}", label.replace(", ", "_")) };
        let guard = job.get("if").map(|condition| self.condition(condition, scope));
        let mut notes = Vec::new();
        let mut last: BTreeSet<String> = needs.clone();
        let mut made: Vec<Step> = Vec::new();
        let steps = job.get("steps").map(Tree::items).unwrap_or_default();
        let working = steps.iter().filter(|step| !super::run::only_prepares(step)).count();
        for (index, written) in steps.iter().enumerate() {
            if super::run::only_prepares(written) {
                notes.push(self.prepares(written, scope));
                continue;
            }
            let own = written.text_of("id").map_or_else(|| super::run::slug(written, index), str::to_owned);
            let id = if working == 1 { prefix.clone() } else { format!("{prefix}_{own}") };
            let mut step = Step { id: self.ids.give(&id), needs: last.clone(), ..Step::default() };
            step.title = title.clone();
            if working > 1 || written.text_of("name").is_some() {
                let named = match written.text_of("name").or_else(|| written.text_of("uses")) {
                    Some(text) => self.text(text, scope, written.place).known(),
                    None => written.text_of("run").and_then(|run| run.lines().next()).map(str::to_owned),
                };
                step.title = format!("{title}: {}", named.unwrap_or(own));
            }
            step.notes = std::mem::take(&mut notes);
            self.work(document, job, written, scope, &mut step);
            let condition = written.get("if").map(|condition| self.condition(condition, scope));
            let entry = guard.as_deref().filter(|_| made.is_empty());
            self.guard((&mut step, written.place), entry, guard.as_deref(), condition);
            if let Some(id) = written.text_of("id") {
                scope.steps.insert(id.to_owned(), Some(step.id.clone()));
            }
            last = BTreeSet::from([step.id.clone()]);
            self.skippable(&step);
            made.push(step);
        }
        if made.is_empty() {
            let mut step =
                Step { id: self.ids.give(&prefix), title, needs: needs.clone(), notes, ..Step::default() };
            match job.text_of("uses") {
                Some(called) => {
                    self.losses.add("uses", "another workflow is not part of this one", called, place);
                    step.miss(&format!(
                        "the workflow {called} is not part of this plan; put here what it did"
                    ));
                }
                None => step.work = Some(("uses", crate::Node::word("dvt/noop@1"))),
            }
            self.guard((&mut step, job.place), guard.as_deref(), guard.as_deref(), None);
            made.push(step);
        }
        let exit = made.last().map(|step| step.id.clone()).unwrap_or_default();
        made.iter().for_each(|step| self.budget.take(step));
        self.steps.extend(made);
        exit
    }

    /// Puts together what decides whether a step runs.
    fn guard(
        &mut self,
        (step, place): (&mut Step, Place),
        entry: Option<&str>,
        job: Option<&str>,
        own: Option<String>,
    ) {
        let has_status = |text: &str| limits::asks_status(text, &["always", "success", "failure"]);
        let behind_skippable = step.needs.iter().any(|need| self.skippable.contains(need));
        let mut parts: Vec<&str> = Vec::new();
        let own_status = own.as_deref().is_some_and(has_status);
        if behind_skippable && !own_status && !entry.is_some_and(has_status) {
            parts.push("!failure()");
        }
        if let Some(job) = job.filter(|_| entry.is_some() || behind_skippable || own_status) {
            parts.push(job);
        }
        parts.extend(own.as_deref());
        step.is_skippable = own.is_some();
        step.condition = match parts.as_slice() {
            [] => None,
            [one] => Some((*one).to_owned()),
            several => Some(several.iter().map(|part| joined(part)).collect::<Vec<_>>().join(" && ")),
        };
        if step.condition.as_deref().is_some_and(|condition| !limits::fits(condition)) {
            let why =
                "with that of its job, the condition is longer or deeper than a plan's; the step is left out";
            self.losses.add("if", why, "if", place);
            step.condition = Some("false".to_owned());
        }
    }

    fn skippable(&mut self, step: &Step) {
        if step.is_skippable {
            self.skippable.insert(step.id.clone());
        }
    }

    /// A condition; one that cannot be read is never true.
    fn condition(&mut self, written: &Tree, scope: &Scope) -> String {
        let text = written.text().unwrap_or_default().trim();
        let inner = text.strip_prefix("${{").and_then(|text| text.strip_suffix("}}")).unwrap_or(text);
        let condition = self.decides(inner.trim(), scope, written.place);
        match condition.and_then(|condition| condition.fitting(inner.trim())) {
            Ok(condition) => condition.source,
            Err(lost) => {
                let why = "the condition cannot be read, so the step is left out until it is written anew";
                self.losses.add("if", why, &literal(lost.what()), written.place);
                "false".to_owned()
            }
        }
    }

    /// `env` of a mapping, on top of what there is.
    pub(super) fn env(&mut self, tree: &Tree, scope: &mut Scope) {
        let mut found = BTreeMap::new();
        for (name, place, value) in tree.get("env").map(Tree::entries).unwrap_or_default() {
            if !crate::step::is_variable(name) {
                self.losses.add("env", "a plan cannot set a variable of this name", name, *place);
                continue;
            }
            let text = value.text().unwrap_or_default();
            if text.contains("secrets.") || text.contains("github.token") {
                let secret = secret_of(text).unwrap_or("github.token");
                self.lost_value(&Lost::Value(secret.to_owned()), value.place);
                continue;
            }
            let text = self.text(text, scope, value.place);
            found.insert(name.clone(), text);
        }
        scope.env.extend(found);
    }
}

/// A part of a conjunction: anything but a plain call or name goes into brackets.
fn joined(part: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.!()".contains(&byte);
    if part.bytes().all(is_plain) { part.to_owned() } else { format!("({part})") }
}

/// The secret that a text asks for, as it stands there.
fn secret_of(text: &str) -> Option<&str> {
    let secret = text.get(text.find("secrets.")?..)?;
    let is_end = |letter: char| !(letter.is_ascii_alphanumeric() || "_.-".contains(letter));
    Some(secret.split(is_end).next().unwrap_or(secret))
}
