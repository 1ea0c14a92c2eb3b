//! A template written out: its steps, its tasks, or the one thing that it does.

use super::call::Call;
use super::{Called, Importer, MOST, NO_WORD, Results, Scope, kind};
use crate::Error;
use crate::foreign::expression::Lost;
use crate::foreign::limits;
use crate::foreign::text::Text;
use crate::foreign::tree::Tree;
use crate::round::{self, Waits};
use crate::step::Step;
use std::collections::{BTreeMap, BTreeSet};

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
        let is_composite = template.get("steps").is_some() || template.get("dag").is_some();
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
            let mut step = self.begin(given, &[None, None]);
            step.miss(&format!("`{}` {what} for each item of a list that another step gives", given.name));
            self.bound(&mut step, given);
            return Ok(self.add(step));
        }
        if !is_composite {
            return self.leaf(template, given, &scope);
        }
        self.stack.push((owner.to_owned(), name.to_owned()));
        let exits = match template.get("steps") {
            Some(steps) => self.groups(steps, given, &mut scope),
            None => self.tasks(template.get("dag").unwrap_or(template), given, &mut scope),
        };
        self.stack.pop();
        let exits = exits?;
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
        Ok(Called { exits, results: Results::Parameters(values) })
    }

    /// `steps`: groups one after the other, each at once.
    fn groups(&mut self, steps: &Tree, given: &Call, scope: &mut Scope) -> Result<BTreeSet<String>, Error> {
        let mut needs = given.needs.clone();
        for group in steps.items() {
            let mut exits = BTreeSet::new();
            for written in group.one_or_more() {
                let called =
                    self.call(written, &given.id, needs.clone(), [given.guard.clone(), None], scope)?;
                exits.extend(called.exits.iter().cloned());
                scope.called.insert(written.text_of("name").unwrap_or_default().to_owned(), called);
            }
            needs = exits;
        }
        Ok(needs)
    }

    /// `dag`: tasks by what they depend on.
    fn tasks(&mut self, dag: &Tree, given: &Call, scope: &mut Scope) -> Result<BTreeSet<String>, Error> {
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
        let mut inner = BTreeSet::new();
        let mut exits = BTreeSet::new();
        while !open.is_empty() {
            let is_ready = |task: &&Tree| {
                let names = super::depends::names(task);
                names.iter().all(|name| !all.contains(name) || scope.called.contains_key(name))
            };
            let Some(at) = open.iter().position(is_ready) else {
                return Err(in_a_round(&open));
            };
            let task = open.remove(at);
            let (mut needs, condition) = self.depends(task, scope);
            inner.extend(needs.iter().cloned());
            if needs.is_empty() {
                needs.clone_from(&given.needs);
            }
            let called = self.call(task, &given.id, needs, [given.guard.clone(), condition], scope)?;
            exits.extend(called.exits.iter().cloned());
            scope.called.insert(task.text_of("name").unwrap_or_default().to_owned(), called);
        }
        Ok(exits.difference(&inner).cloned().collect())
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
        for (key, place, _) in template.entries() {
            let why = match key.as_str() {
                "name"
                | "inputs"
                | "outputs"
                | "steps"
                | "dag"
                | "container"
                | "script"
                | "suspend"
                | "containerSet"
                | "resource"
                | "http"
                | "plugin"
                | "data"
                | "retryStrategy"
                | "timeout"
                | "activeDeadlineSeconds" => continue,
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
    pub(super) fn begin(&mut self, given: &Call, guards: &[Option<String>; 2]) -> Step {
        let id = if given.id.is_empty() { &given.name } else { &given.id };
        let mut step = Step {
            id: self.ids.give(id),
            title: given.name.clone(),
            needs: given.needs.clone(),
            ..Step::default()
        };
        let mut parts: Vec<String> = given.guard.iter().chain(guards.iter().flatten()).cloned().collect();
        step.is_skippable = !parts.is_empty();
        let has_status = parts.iter().any(|part| limits::asks_status(part, &["always", "failure"]));
        if !has_status && step.needs.iter().any(|need| self.skippable.contains(need)) {
            parts.insert(0, "!failure()".to_owned());
        }
        step.condition = super::call::joined(&parts);
        if step.condition.as_deref().is_some_and(|condition| !limits::fits(condition)) {
            let why = "together with what it stands in, the condition is longer or deeper than a plan's; the step is left out";
            self.losses.add("when", why, &given.name, given.place);
            step.condition = Some("false".to_owned());
        }
        step.foreach = given.foreach.as_ref().map(|list| list.source.clone());
        step
    }

    /// Takes a finished step.
    pub(super) fn add(&mut self, step: Step) -> Called {
        if step.is_skippable {
            self.skippable.insert(step.id.clone());
        }
        self.budget.take(&step);
        let id = step.id.clone();
        let results = Results::Step(id.clone(), step.foreach.is_some());
        self.steps.push(step);
        Called { exits: BTreeSet::from([id]), results }
    }
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
