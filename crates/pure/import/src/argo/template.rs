//! A template written out: its steps, its tasks, or the one thing that it does.

use super::call::Call;
use super::called::{Called, Parts, Results};
use super::handled;
use super::holds::joined;
use super::start::Start;
use super::{Importer, MOST, NO_WORD, Scope, kind};
use crate::Error;
use crate::foreign::expression::Lost;
use crate::foreign::limits;
use crate::foreign::text::Text;
use crate::foreign::tree::Tree;
use crate::round::{self, Waits};
use crate::step::Step;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

impl Importer<'_> {
    /// Writes out a template; `inputs` of the scope are its arguments.
    pub(super) fn template(
        &mut self,
        (owner, name): (&str, &str),
        template: &Tree,
        given: &Call,
        mut scope: Scope,
    ) -> Result<Called, Error> {
        if self.steps.len() > MOST {
            return Err(Error::TooLarge(self.steps.len()));
        }
        self.budget.holds()?;
        self.keys_of_template(template);
        self.inputs_of(template, &mut scope);
        let is_composite = is_composite(template);
        let not_one_program = match given.foreach {
            Some(_) if is_composite => {
                Some(("a list that a step gives repeats one step, not several", "is several steps"))
            }
            Some(_) if super::leaf::is_pause(template) => {
                Some(("a list that a step gives repeats a program, not a pause", "pauses"))
            }
            Some(_) | None => None,
        };
        if let Some((why, what)) = not_one_program {
            self.losses.add("withParam", why, &given.name, given.place);
            let mut step = self.begin(given);
            step.miss(&format!("`{}` {what} for each item of a list that another step gives", given.name));
            self.bound(&mut step, given);
            return Ok(self.add(step));
        }
        if !is_composite {
            return self.leaf(template, given, &scope);
        }
        self.stack.push((owner.to_owned(), name.to_owned()));
        let called = match template.get("steps") {
            Some(steps) => self.groups(steps, given, &mut scope),
            None => self.tasks(template.get("dag").unwrap_or(template), given, &mut scope),
        };
        self.stack.pop();
        let mut called = called?;
        let mut values = BTreeMap::new();
        for parameter in template.at(&["outputs", "parameters"]).map(Tree::items).unwrap_or_default() {
            let Some(name) = parameter.text_of("name") else { continue };
            let from = parameter.get("valueFrom");
            let value = if let Some(source) = from.and_then(|from| from.get("parameter")) {
                Ok(self.text(source.text().unwrap_or_default(), &scope, source.place).cel())
            } else if let Some(source) = from.and_then(|from| from.get("expression")) {
                self.expression(source, &scope)
            } else {
                Err(Lost::Value(format!("outputs.parameters.{name}")))
            };
            match value {
                Ok(value) => drop(values.insert(name.to_owned(), value)),
                Err(lost) => self.lost_value(&lost, parameter.place),
            }
        }
        called.results = Results::Parameters(values);
        Ok(called)
    }

    /// `steps`: groups one after the other, each at once.
    fn groups(&mut self, steps: &Tree, given: &Call, scope: &mut Scope) -> Result<Called, Error> {
        let mut start = given.inside();
        let (mut all, mut first, mut last) = (Vec::new(), Vec::new(), Vec::new());
        for group in steps.items() {
            let mut calls = Vec::new();
            for written in group.one_or_more() {
                let called = Rc::new(self.call(written, given, start.clone(), false, scope)?);
                let name = written.text_of("name").unwrap_or_default();
                scope.called.insert(name.to_owned(), Rc::clone(&called));
                calls.push(called);
            }
            if calls.is_empty() {
                continue;
            }
            start = Start::behind(&calls, given.start.late);
            if all.is_empty() {
                first.clone_from(&calls);
            }
            all.extend(calls.iter().cloned());
            last = calls;
        }
        Ok(Called::several(
            Parts { all: &all, first: &first, ends: &last },
            |called| !called.continues,
            &given.start,
        ))
    }

    /// `dag`: tasks by what they depend on.
    fn tasks(&mut self, dag: &Tree, given: &Call, scope: &mut Scope) -> Result<Called, Error> {
        for (key, place, _) in dag.entries() {
            let why = match key.as_str() {
                "tasks" => continue,
                "target" => "all tasks run; leave out those that are not wanted",
                "failFast" => "after a failure running steps finish, and no other begins",
                _ => NO_WORD,
            };
            self.losses.add(key, why, key, *place);
        }
        let mut open: Vec<&Tree> = dag.get("tasks").map(Tree::items).unwrap_or_default().iter().collect();
        let all: BTreeSet<String> =
            open.iter().filter_map(|task| task.text_of("name")).map(str::to_owned).collect();
        let mut ordered = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        while !open.is_empty() {
            let is_ready = |task: &&Tree| {
                let names = super::depends::names(task);
                names.iter().all(|name| !all.contains(name) || seen.contains(name.as_str()))
            };
            let Some(at) = open.iter().position(is_ready) else {
                return Err(in_a_round(&open));
            };
            let task = open.remove(at);
            seen.insert(task.text_of("name").unwrap_or_default());
            ordered.push(task);
        }
        let failures = handled::failures(&ordered);
        let mut needed = BTreeSet::new();
        let (mut made, mut first) = (Vec::new(), Vec::new());
        for task in ordered {
            let name = task.text_of("name").unwrap_or_default();
            if failures.asked.contains(name) {
                let why =
                    "other tasks ask for its failure; all the same it fails the run, when they have ended";
                self.losses.add("depends", why, name, task.place_of("name"));
            }
            let (start, is_chosen) = self.depends(task, given, scope);
            needed.extend(super::depends::names(task));
            let is_first = super::depends::names(task).is_empty();
            let mut called = self.call(task, given, start, failures.handled.contains(name), scope)?;
            called.is_chosen = is_chosen;
            let called = Rc::new(called);
            scope.called.insert(name.to_owned(), Rc::clone(&called));
            if is_first {
                first.push(Rc::clone(&called));
            }
            made.push((name, called));
        }
        let is_last = |(name, _): &&(&str, Rc<Called>)| !needed.contains(*name);
        let ends: Vec<Rc<Called>> =
            made.iter().filter(is_last).map(|(_, called)| Rc::clone(called)).collect();
        let handled: Vec<&Rc<Called>> = made
            .iter()
            .filter(|(name, _)| failures.handled.contains(*name))
            .map(|(_, called)| called)
            .collect();
        let counts = |called: &Rc<Called>| {
            !called.continues && !handled.iter().any(|handled| Rc::ptr_eq(handled, called))
        };
        let all: Vec<Rc<Called>> = made.iter().map(|(_, called)| Rc::clone(called)).collect();
        Ok(Called::several(Parts { all: &all, first: &first, ends: &ends }, counts, &given.start))
    }

    /// Arguments, then what the template itself says.
    fn inputs_of(&mut self, template: &Tree, scope: &mut Scope) {
        for artifact in template.at(&["inputs", "artifacts"]).map(Tree::items).unwrap_or_default() {
            self.lost_artifact(artifact);
        }
        for artifact in template.at(&["outputs", "artifacts"]).map(Tree::items).unwrap_or_default() {
            self.lost_artifact(artifact);
        }
        for parameter in template.at(&["inputs", "parameters"]).map(Tree::items).unwrap_or_default() {
            let Some(name) = parameter.text_of("name") else { continue };
            if scope.inputs.contains_key(name) {
                continue;
            }
            match parameter.get("value").or_else(|| parameter.get("default")) {
                Some(value) => {
                    let text = value.text().unwrap_or_default().to_owned();
                    let text = self.text(&text, &scope.clone(), value.place);
                    scope.inputs.insert(name.to_owned(), text);
                }
                None => {
                    self.losses.add("inputs", "nobody gives this value", name, parameter.place);
                    scope.inputs.insert(name.to_owned(), Text::literal(""));
                }
            }
        }
    }

    fn keys_of_template(&mut self, template: &Tree) {
        let is_composite = is_composite(template);
        for (key, place, _) in template.entries() {
            let why = match key.as_str() {
                "name" | "inputs" | "outputs" | "steps" | "dag" | "container" | "script" | "suspend"
                | "containerSet" | "resource" | "http" | "plugin" | "data" => continue,
                "retryStrategy" | "timeout" | "activeDeadlineSeconds" if !is_composite => continue,
                "retryStrategy" => "a plan retries steps, not several together",
                "timeout" | "activeDeadlineSeconds" => {
                    "a plan bounds steps and the whole run, not several steps together"
                }
                "daemon" => "a step ends before the next one begins; start servers beside DVT",
                "sidecars" | "initContainers" => "a step is one program",
                "memoize" => "a step that is not needed can be left out by a condition",
                "synchronization" => "say it anew with the plan's `concurrency`",
                "parallelism" => "`limits: { maxParallel }` bounds the plan",
                "volumes" => "files reach another step by a store that both know, or by outputs",
                "metadata"
                | "podSpecPatch"
                | "nodeSelector"
                | "tolerations"
                | "affinity"
                | "serviceAccountName"
                | "securityContext"
                | "automountServiceAccountToken"
                | "priorityClassName" => "it belongs to the cluster",
                _ => NO_WORD,
            };
            self.losses.add(key, why, key, *place);
        }
    }

    /// A step with its name, needs and condition.
    pub(super) fn begin(&mut self, given: &Call) -> Step {
        let id = if given.id.is_empty() { &given.name } else { &given.id };
        let mut step = Step {
            id: self.ids.give(id),
            title: given.name.clone(),
            needs: given.start.needs.clone(),
            continue_on_error: given.is_soft,
            ..Step::default()
        };
        let parts = given.start.parts(self.is_finally);
        let condition =
            parts.map(|parts| joined(&parts.into_iter().chain(given.when.clone()).collect::<Vec<_>>()));
        let fits = |condition: &Option<String>| condition.as_deref().is_none_or(limits::fits);
        step.condition = condition.filter(fits).unwrap_or_else(|| {
            let why = "together with what it stands in, the condition is longer or deeper than a plan's; the step is left out";
            self.losses.add("when", why, &given.name, given.place);
            Some("false".to_owned())
        });
        step.foreach = given.foreach.as_ref().map(|list| list.source.clone());
        step
    }

    /// Takes a finished step.
    pub(super) fn add(&mut self, step: Step) -> Called {
        self.budget.take(&step);
        let called = Called::step(step.id.clone(), step.foreach.is_some());
        self.steps.push(step);
        called
    }
}

/// Whether it is several steps.
fn is_composite(template: &Tree) -> bool {
    template.get("steps").is_some() || template.get("dag").is_some()
}

/// Tasks of which none can begin.
fn in_a_round(tasks: &[&Tree]) -> Error {
    let name = |task: &Tree| task.text_of("name").unwrap_or_default().to_owned();
    let named: Vec<(String, Vec<String>)> =
        tasks.iter().map(|task| (name(task), super::depends::names(task))).collect();
    let waits: Waits<'_> = named
        .iter()
        .map(|(name, needs)| (name.as_str(), needs.iter().map(String::as_str).collect()))
        .collect();
    let Some(round) = round::of(&waits) else { return kind("tasks wait for each other") };
    let first = tasks.iter().find(|task| task.text_of("name") == round.first().copied());
    let key = |task: &&Tree| if task.get("depends").is_some() { "depends" } else { "dependencies" };
    round::refused("tasks", &round, first.map(|task| task.place_of(key(task))).unwrap_or_default())
}
