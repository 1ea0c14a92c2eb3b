//! A job: its instances, the order of its steps, and their conditions.

use super::context::Scope;
use super::course::{Began, Course};
use super::{Done, MOST, NO_WORD, Workflow, kind, matrix};
use crate::Error;
use crate::Node;
use crate::foreign::expression::{Lost, field};
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
        let mut before = BTreeSet::new();
        for need in job.get("needs").map(Tree::one_or_more).unwrap_or_default() {
            match need.text().filter(|need| self.jobs.contains_key(*need)) {
                Some(name) => before.insert(name.to_owned()),
                None => return Err(kind(&format!("a need at {} is no job", need.place))),
            };
        }
        let entry = self.entry(job, &before);
        let (combinations, is_known) = match matrix::combinations(job.get("strategy")) {
            Ok(combinations) => (combinations, true),
            Err(what) => {
                let why = "it is not written down, so there is one instance; `foreach` can say it anew";
                self.losses.add("matrix", why, &what, place);
                (vec![Map::new()], false)
            }
        };
        let mut done = Done { lineage: self.lineage(&before), ..Done::default() };
        for combination in combinations {
            let label = matrix::label(&combination);
            let mut scope =
                Scope { job: name.to_owned(), matrix: is_known.then_some(combination), ..Scope::default() };
            scope.system = Self::system(job, &scope);
            for tree in [document, job] {
                self.env(tree, &mut scope);
            }
            self.instance(document, (name, &label, place), job, &entry, &mut scope, &mut done);
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
        done.lineage.extend(done.course.counted.iter().cloned());
        done.before = before;
        self.jobs.insert(name.to_owned(), done);
        Ok(())
    }

    /// Steps whose failure is one of these jobs or of a job before them.
    fn lineage(&self, jobs: &BTreeSet<String>) -> Vec<String> {
        let mut lineage: Vec<String> = Vec::new();
        for step in jobs.iter().filter_map(|job| self.jobs.get(job)).flat_map(|done| &done.lineage) {
            if !lineage.contains(step) {
                lineage.push(step.clone());
            }
        }
        lineage
    }

    /// What a job needs, and what decides whether it begins.
    fn entry(&mut self, job: &Tree, before: &BTreeSet<String>) -> Entry {
        let done: Vec<&Done> = before.iter().filter_map(|name| self.jobs.get(name)).collect();
        let needs: BTreeSet<String> = done.iter().flat_map(|done| done.exits.iter().cloned()).collect();
        let mut parts = Vec::new();
        // Where the last step of one may be left out, the plan's own rule does not hold for any of them.
        if done.iter().any(|done| done.is_loose) {
            for done in &done {
                match done.course.began.first() {
                    Some(began) if done.is_loose => parts.push(began.without_failure()),
                    Some(_) => parts.extend(done.exits.iter().map(|exit| succeeded(exit))),
                    None => {}
                }
            }
            parts.push("!failure()".to_owned());
        }
        let began = done.iter().flat_map(|done| done.course.began.iter().cloned()).collect();
        let course =
            Course { counted: self.lineage(before), began, is_first: before.is_empty(), ..Course::default() };
        let scope = Scope { course, ..Scope::default() };
        let own = job.get("if").map(|condition| self.condition(condition, &scope));
        let asks = own.as_deref().is_some_and(has_status);
        if asks {
            parts.clear();
        }
        parts.extend(own.clone());
        let is_always = own.as_deref().is_some_and(|own| limits::asks_status(own, &["always"]));
        Entry { needs, condition: conjunction(&parts), asks, is_always }
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

    /// The steps of one instance.
    fn instance(
        &mut self,
        document: &Tree,
        (name, label, place): (&str, &str, Place),
        job: &Tree,
        entry: &Entry,
        scope: &mut Scope,
        done: &mut Done,
    ) {
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
        let mut notes = Vec::new();
        let steps = job.get("steps").map(Tree::items).unwrap_or_default();
        let working: Vec<&Tree> = steps.iter().filter(|step| !super::run::only_prepares(step)).collect();
        let is_quiet = job.text_of("continue-on-error") == Some("true");
        let is_decided = entry.condition.is_some() || !entry.needs.is_empty();
        let is_gated = is_decided && working.first().is_some_and(|first| first.get("if").is_some());
        let mut way =
            Way { last: entry.needs.clone(), begins: true, began: None, is_loose: false, was_loose: false };
        scope.course = Course { is_quiet, is_first: true, is_always: entry.is_always, ..Course::default() };
        let mut made: Vec<Step> = Vec::new();
        if is_gated || working.is_empty() {
            let mut step = Step {
                id: self.ids.give(&prefix),
                title: title.clone(),
                needs: way.last.clone(),
                condition: entry.condition.clone(),
                work: Some(("uses", Node::word("dvt/noop@1"))),
                ..Step::default()
            };
            match job.text_of("uses").filter(|_| !is_gated) {
                Some(called) => {
                    self.losses.add("uses", "another workflow is not part of this one", called, place);
                    step.miss(&format!(
                        "the workflow {called} is not part of this plan; put here what it did"
                    ));
                    way.began = is_decided.then(|| Began::work(&step.id, is_quiet));
                    scope.course.counted.push(step.id.clone());
                }
                None => way.began = is_decided.then(|| Began::gate(&step.id)),
            }
            self.fits(&mut step, job.place);
            way.last = BTreeSet::from([step.id.clone()]);
            way.begins = false;
            made.push(step);
        }
        let is_named = working.len() > 1 || is_gated;
        for (index, written) in steps.iter().enumerate() {
            if super::run::only_prepares(written) {
                notes.push(self.prepares(written, scope));
                continue;
            }
            let own = written.text_of("id").map_or_else(|| super::run::slug(written, index), str::to_owned);
            let id = if is_named { format!("{prefix}_{own}") } else { prefix.clone() };
            let mut step = Step { id: self.ids.give(&id), needs: way.last.clone(), ..Step::default() };
            step.title = title.clone();
            if is_named || written.text_of("name").is_some() {
                let named = match written.text_of("name").or_else(|| written.text_of("uses")) {
                    Some(text) => self.text(text, scope, written.place).known(),
                    None => written.text_of("run").and_then(|run| run.lines().next()).map(str::to_owned),
                };
                step.title = format!("{title}: {}", named.unwrap_or(own));
            }
            step.notes = std::mem::take(&mut notes);
            let is_forgiven = self.work(document, job, written, scope, &mut step);
            let condition = written.get("if").map(|condition| self.condition(condition, scope));
            way.is_loose = condition.is_some() || (is_quiet && !way.begins);
            step.condition = way.condition(entry, &scope.course, condition);
            self.fits(&mut step, written.place);
            if way.begins && is_decided {
                way.began = Some(Began::work(&step.id, is_quiet || is_forgiven));
            }
            if !is_forgiven {
                scope.course.counted.push(step.id.clone());
            }
            if let Some(id) = written.text_of("id") {
                scope.steps.insert(id.to_owned(), Some((step.id.clone(), is_forgiven)));
            }
            way.last = BTreeSet::from([step.id.clone()]);
            (way.begins, scope.course.is_first) = (false, false);
            way.was_loose = way.is_loose;
            made.push(step);
        }
        if let Some(step) = made.last_mut() {
            step.notes.append(&mut notes);
            done.exits.insert(step.id.clone());
        }
        done.is_loose |= way.is_loose;
        if done.course.began.is_empty() {
            done.course.began.extend(way.began);
        }
        if !is_quiet {
            done.course.counted.append(&mut scope.course.counted);
        }
        made.iter().for_each(|step| self.budget.take(step));
        self.steps.extend(made);
    }

    /// The system of a job's machine.
    fn system(job: &Tree, scope: &Scope) -> &'static str {
        let of_matrix = |name: &str| {
            let name = name.strip_prefix("${{")?.strip_suffix("}}")?.trim().strip_prefix("matrix.")?;
            scope.matrix.as_ref()?.get(name)?.as_str().map(str::to_owned)
        };
        let machines = job.get("runs-on").map(Tree::one_or_more).unwrap_or_default();
        let names = machines.into_iter().filter_map(Tree::text);
        let mut names =
            names.map(|name| of_matrix(name).unwrap_or_else(|| name.to_owned()).to_ascii_lowercase());
        names
            .find_map(|name| match name {
                name if name.starts_with("windows") => Some("Windows"),
                name if name.starts_with("macos") => Some("macOS"),
                _ => None,
            })
            .unwrap_or("Linux")
    }

    /// Leaves a step out whose condition is more than a plan takes.
    fn fits(&mut self, step: &mut Step, place: Place) {
        if step.condition.as_deref().is_some_and(|condition| !limits::fits(condition)) {
            let why =
                "with that of its job, the condition is longer or deeper than a plan's; the step is left out";
            self.losses.add("if", why, "if", place);
            step.condition = Some("false".to_owned());
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

/// What a job needs, and what decides whether it begins.
struct Entry {
    needs: BTreeSet<String>,
    condition: Option<String>,
    /// It asks how the jobs before it went.
    asks: bool,
    is_always: bool,
}

/// The way through the steps of one instance.
struct Way {
    /// What the next step needs.
    last: BTreeSet<String>,
    /// The next step is the first.
    begins: bool,
    /// The step that tells that the job began; none where it always does.
    began: Option<Began>,
    /// The newest step may be left out though the job goes on, and so might the one before it.
    is_loose: bool,
    was_loose: bool,
}

impl Way {
    /// What decides whether the next step runs.
    fn condition(&self, entry: &Entry, course: &Course, own: Option<String>) -> Option<String> {
        let began = || self.began.as_ref().map(Began::asked);
        let asks = own.as_deref().is_some_and(has_status);
        let mut parts = Vec::new();
        if self.begins {
            parts.extend(entry.condition.clone());
        } else if asks {
            parts.extend(began());
        } else if entry.asks {
            parts.push(course.well(self.began.as_ref()));
        } else {
            if self.was_loose {
                parts.extend(self.began.as_ref().map(Began::without_failure));
                parts.push("!failure()".to_owned());
            }
            // Failures that end the run need no word: nothing ordinary starts after them.
            parts.extend(course.none_failed().filter(|_| course.is_quiet));
        }
        parts.extend(own);
        conjunction(&parts)
    }
}

/// Whether it asks how the steps before it went.
fn has_status(text: &str) -> bool {
    limits::asks_status(text, &["always", "success", "failure"])
}

fn succeeded(step: &str) -> String {
    format!("{}.status == \"SUCCESS\"", field("steps", step))
}

/// All of them.
fn conjunction(parts: &[String]) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(several.iter().map(|part| joined(part)).collect::<Vec<_>>().join(" && ")),
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
