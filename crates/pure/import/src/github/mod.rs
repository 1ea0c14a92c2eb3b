//! Workflows of GitHub Actions: every `run` step becomes a step, in the order of its job; a matrix is written out.
//!
//! What an action did is not here: one that only prepares a machine is named as lost, any other becomes a step that says
//! what is missing and fails. A condition that cannot be read leaves its step out, for it may have been a guard.

mod context;
mod course;
mod job;
mod matrix;
mod run;

use crate::foreign::expression::{Cel, Gives, Lost, field};
use crate::foreign::tree::{self, Tree};
use crate::report::Losses;
use crate::round::{self, Waits};
use crate::step::{Budget, Ids, MOST_INPUTS, Step, TOO_MANY_INPUTS};
use crate::words::{DIGESTED, Given, Words};
use crate::{Error, Imported, Kept, Node, Report, names};
use course::Course;
use std::collections::{BTreeMap, BTreeSet};

/// The most steps that a workflow may become.
const MOST: usize = 5_000;
/// Why a key without a better reason is not kept.
const NO_WORD: &str = "a plan has no word for it";

/// What is known of a job that was imported.
#[derive(Debug, Default)]
struct Done {
    /// The last step of each of its instances.
    exits: BTreeSet<String>,
    outputs: BTreeMap<String, Result<Cel, Lost>>,
    /// How it went.
    course: Course,
    /// Steps whose failure is one of this job or of a job before it.
    lineage: Vec<String>,
    /// The jobs before it.
    before: BTreeSet<String>,
    /// Its last step may be left out though the job was not.
    is_loose: bool,
}

/// A workflow while it is imported.
#[derive(Debug, Default)]
struct Workflow {
    losses: Losses,
    ids: Ids,
    budget: Budget,
    inputs: BTreeMap<String, Node>,
    words: Words,
    steps: Vec<Step>,
    jobs: BTreeMap<String, Done>,
}

/// Imports a workflow.
pub fn import(text: &str) -> Result<Imported, Error> {
    let tree::Read { documents, repeated } = tree::read(text)?;
    let document = documents.first().ok_or_else(|| kind("it is empty"))?;
    let jobs = document.get("jobs").map(Tree::entries).filter(|jobs| !jobs.is_empty());
    let jobs = jobs.ok_or_else(|| kind("there are no `jobs`"))?;
    let mut workflow = Workflow::default();
    workflow.losses.repeated(repeated);
    workflow.keys(document);
    workflow.triggers(document);
    let mut open: Vec<&(String, tree::Place, Tree)> = jobs.iter().collect();
    while !open.is_empty() {
        let is_ready = |(_, _, job): &&(String, tree::Place, Tree)| {
            job.get("needs").map(Tree::one_or_more).unwrap_or_default().iter().all(|need| {
                let known = |name: &str| {
                    !jobs.iter().any(|(job, ..)| job == name) || workflow.jobs.contains_key(name)
                };
                need.text().is_none_or(known)
            })
        };
        let Some(at) = open.iter().position(is_ready) else {
            return Err(in_a_round(&open));
        };
        let (name, place, job) = open.remove(at);
        workflow.job(document, name, *place, job)?;
    }
    workflow.beside(jobs);
    let title = document.text_of("name").unwrap_or("workflow");
    let mut plan = vec![
        ("apiVersion".to_owned(), Node::word("dvt/v1")),
        ("name".to_owned(), Node::word(names::plan_name(title))),
        ("title".to_owned(), Node::Text(names::literal(title))),
    ];
    if !workflow.inputs.is_empty() {
        plan.push(("inputs".to_owned(), Node::Map(workflow.inputs.into_iter().collect())));
    }
    // A job may take six hours at GitHub.
    plan.push(("defaults".to_owned(), Node::Map(vec![("timeout".to_owned(), Node::word("6h"))])));
    let missing = workflow.steps.iter().filter(|step| step.is_missing()).count() as u64;
    let edges = workflow.steps.iter().map(|step| step.needs.len() as u64).sum();
    let report = Report {
        steps: workflow.steps.len() as u64,
        source_edges: edges,
        missing,
        lost: workflow.losses.list(text),
    };
    let steps = workflow.steps.into_iter().map(|step| (step.id.clone(), step.node())).collect();
    plan.push(("steps".to_owned(), Node::Map(steps)));
    Imported { plan: Node::Map(plan), report }.whole()
}

/// Jobs of which none can begin.
fn in_a_round(jobs: &[&(String, tree::Place, Tree)]) -> Error {
    let mut waits = Waits::new();
    for (name, _, job) in jobs {
        let needs = job.get("needs").map(Tree::one_or_more).unwrap_or_default();
        waits.insert(name, needs.into_iter().filter_map(Tree::text).collect());
    }
    let Some(round) = round::of(&waits) else { return kind("jobs wait for each other") };
    let first = jobs.iter().find(|(name, ..)| Some(name.as_str()) == round.first().copied());
    let place = first.map(|(_, _, job)| job.place_of("needs")).unwrap_or_default();
    round::refused("jobs", &round, place)
}

fn kind(detail: &str) -> Error {
    Error::Kind { expected: "workflow of GitHub Actions", detail: detail.to_owned() }
}

/// A text as a value of an input's type.
fn typed(kind: &str, text: &str) -> Option<Node> {
    match (kind, text) {
        ("boolean", "true" | "false") => Some(Node::Flag(text == "true")),
        ("boolean", _) => None,
        ("number", _) => Kept::read(text).map(Node::Number),
        _ => Some(Node::Text(names::literal(text))),
    }
}

/// Why a text is no value of an input's type.
fn misfit(kind: &str, text: &str) -> &'static str {
    match text.parse::<f64>() {
        Ok(_) if kind == "number" => "a plan keeps finite numbers, and integers up to 2^53",
        _ => "it does not fit the input's type",
    }
}

impl Workflow {
    /// All jobs before one.
    fn before<'a>(&'a self, name: &'a str) -> BTreeSet<&'a str> {
        let (mut all, mut open) = (BTreeSet::new(), vec![name]);
        while let Some(job) = open.pop().and_then(|job| self.jobs.get(job)) {
            open.extend(job.before.iter().map(String::as_str).filter(|name| all.insert(*name)));
        }
        all
    }

    /// Names that jobs beside each other are not as free of each other here.
    fn beside(&mut self, jobs: &[(String, tree::Place, Tree)]) {
        let all: Vec<_> = jobs.iter().map(|(name, place, _)| (name, place, self.before(name))).collect();
        let is_beside = |(name, _, before): &&(&String, &tree::Place, BTreeSet<&str>)| {
            all.iter().any(|(other, _, theirs)| {
                other != name && !before.contains(other.as_str()) && !theirs.contains(name.as_str())
            })
        };
        let free = all.iter().find(is_beside).map(|(name, place, _)| ((*name).clone(), **place));
        if let Some((name, place)) = free {
            let why =
                "after a failure in one of them, jobs that do not depend on it start no more steps either";
            self.losses.add("jobs", why, &name, place);
        }
    }

    /// Names what stands at the top and is not kept.
    fn keys(&mut self, document: &Tree) {
        for (key, place, _) in document.entries() {
            let why = match key.as_str() {
                "name" | "run-name" | "env" | "defaults" | "jobs" => continue,
                "on" => "a plan stays data; start it from cron or CI with `dvt run`",
                "permissions" => "they are GitHub's; what a plan may do stands in its own `permissions`",
                "concurrency" => "say it anew with the plan's `concurrency`",
                _ => NO_WORD,
            };
            self.losses.add(key, why, key, *place);
        }
    }

    /// Inputs of the triggers that have some.
    fn triggers(&mut self, document: &Tree) {
        for trigger in ["workflow_dispatch", "workflow_call"] {
            let inputs = document.at(&["on", trigger, "inputs"]).map(Tree::entries).unwrap_or_default();
            for (name, place, input) in inputs {
                let Given { word, is_digested } = self.word(&format!("inputs.{name}"), name, *place);
                if self.inputs.len() >= MOST_INPUTS && !self.inputs.contains_key(&word) {
                    self.losses.add("inputs", TOO_MANY_INPUTS, name, *place);
                    continue;
                }
                let kind = match input.text_of("type") {
                    Some("boolean") => "boolean",
                    Some("number") => "number",
                    _ => "string",
                };
                let mut schema = vec![("type".to_owned(), Node::word(kind))];
                let called = is_digested.then(|| format!("what GitHub calls inputs.{name}"));
                if let Some(description) = input.text_of("description").or(called.as_deref()) {
                    schema.push(("description".to_owned(), Node::Text(names::literal(description))));
                }
                let mut options = Vec::new();
                for option in input.get("options").map(Tree::items).unwrap_or_default() {
                    let text = option.text().unwrap_or_default();
                    match typed(kind, text).filter(|_| option.text().is_some()) {
                        Some(value) => options.push(value),
                        None => self.losses.add("options", misfit(kind, text), option.begins(), option.place),
                    }
                }
                if !options.is_empty() {
                    schema.push(("enum".to_owned(), Node::List(options.clone())));
                }
                let absent = match kind {
                    "boolean" => Some("false"),
                    "string" if options.is_empty() => Some(""),
                    _ => None,
                };
                let absent = absent.filter(|_| !input.get("required").is_some_and(Tree::is_true));
                if let Some(text) = input.text_of("default").or(absent) {
                    match typed(kind, text).filter(|value| options.is_empty() || options.contains(value)) {
                        Some(value) => schema.push(("default".to_owned(), value)),
                        None => self.losses.add("default", misfit(kind, text), name, *place),
                    }
                }
                let schema = Node::Map(schema);
                if self.inputs.insert(word, schema.clone()).is_some_and(|other| other != schema) {
                    let why = "two triggers say different things of it, and an input is one thing; the later says what";
                    self.losses.add("inputs", why, name, *place);
                }
            }
        }
    }

    /// The input that has this full name there, whatever its case: to GitHub that is one name.
    fn word(&mut self, full: &str, told: &str, place: tree::Place) -> Given {
        let given = self.words.give(&full.to_lowercase(), full.strip_prefix("inputs.").unwrap_or(full));
        if given.is_digested {
            self.losses.add("input", DIGESTED, told, place);
        }
        given
    }

    /// An input for something that GitHub knows when a workflow starts; none where a plan has as many as it may have.
    fn given(&mut self, what: &str, place: tree::Place) -> Option<Cel> {
        let name = self.word(what, what, place).word;
        if self.inputs.len() >= MOST_INPUTS && !self.inputs.contains_key(&name) {
            return None;
        }
        let description = Node::Text(names::literal(&format!("what GitHub calls {what}")));
        let schema = || {
            Node::Map(vec![
                ("type".to_owned(), Node::word("string")),
                ("description".to_owned(), description),
            ])
        };
        let schema = self.inputs.entry(name.clone()).or_insert_with(schema);
        let gives = match schema.get("type") {
            Some(Node::Word(kind)) if kind == "boolean" => Gives::Flag,
            Some(Node::Word(kind)) if kind == "number" => Gives::Number,
            _ => Gives::Text,
        };
        Some(Cel::new(field("inputs", &name), gives))
    }
}
