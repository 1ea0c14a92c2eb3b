//! Workflows of Argo: templates are written out where they are called, programs of containers become programs of the worker.
//!
//! Templates of other documents in the same file are found; any other, and whatever speaks to a cluster, becomes a step that
//! says what is missing and fails. A list that is written down becomes one step per item; one that a step gives, `foreach`.

mod call;
mod called;
mod context;
mod depends;
mod handled;
mod holds;
mod hook;
mod leaf;
mod retry;
mod shell;
mod start;
mod template;

use called::Called;

use crate::foreign::expression::{Cel, field};
use crate::foreign::text::Text;
use crate::foreign::tree::{self, Tree};
use crate::report::Losses;
use crate::step::{Budget, Ids, MOST_INPUTS, Step, TOO_MANY_INPUTS};
use crate::words::{DIGESTED, Given, Words};
use crate::{Error, Imported, Node, Report, names};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The most steps that a workflow may become.
const MOST: usize = 5_000;
/// Seconds that a step may run which says nothing else: as long as the run may, where that says nothing else.
const LONGEST: u64 = 86_400;
/// Why a key without a better reason is not kept.
const NO_WORD: &str = "a plan has no word for it";

/// How the output of a program is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    /// What it prints.
    Text,
    /// What it writes, with a member for each of its outputs.
    Object,
}

/// What a template sees.
#[derive(Debug, Clone, Default)]
struct Scope {
    /// The document whose templates are called by name alone.
    owner: String,
    inputs: BTreeMap<String, Text>,
    called: BTreeMap<String, Rc<Called>>,
    item: Option<Cel>,
    item_fields: BTreeMap<String, Cel>,
    is_finally: bool,
}

/// A workflow while it is imported.
#[derive(Debug, Default)]
struct Importer<'a> {
    losses: Losses,
    ids: Ids,
    budget: Budget,
    inputs: BTreeMap<String, Node>,
    words: Words,
    /// What steps wait for that are resumed with values.
    signals: Words,
    steps: Vec<Step>,
    /// Those of them that the workflow itself gives to its first template.
    declared: BTreeSet<String>,
    /// Whether it is what runs at the end that is written out.
    is_finally: bool,
    /// How the outputs of steps are read that are read at all.
    outputs: BTreeMap<String, Output>,
    templates: BTreeMap<(String, String), &'a Tree>,
    /// Templates that are being written out, to meet those that call themselves.
    stack: Vec<(String, String)>,
}

/// Imports the workflow of a file.
pub fn import(text: &str) -> Result<Imported, Error> {
    let tree::Read { documents, repeated } = tree::read(text)?;
    let kinds = ["Workflow", "CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate"];
    let is = |document: &Tree, kind: &str| {
        document.text_of("apiVersion").is_some_and(|version| version.starts_with("argoproj.io/"))
            && document.text_of("kind") == Some(kind)
    };
    let main = kinds.iter().find_map(|kind| documents.iter().find(|document| is(document, kind)));
    let main = main.ok_or_else(|| kind("there is no `Workflow`, `CronWorkflow` or `WorkflowTemplate`"))?;
    let mut importer = Importer::default();
    importer.losses.repeated(repeated);
    for document in documents.iter().filter(|document| kinds.iter().any(|kind| is(document, kind))) {
        let owner = name_of(document);
        for template in spec_of(document).get("templates").map(Tree::items).unwrap_or_default() {
            let name = template.text_of("name").unwrap_or_default().to_owned();
            importer.templates.entry((owner.clone(), name)).or_insert(template);
        }
    }
    importer.documents(&documents, main);
    let own = spec_of(main);
    let (spec, owner) = match own.at(&["workflowTemplateRef", "name"]).and_then(Tree::text) {
        None => (own, name_of(main)),
        Some(name) => match documents
            .iter()
            .find(|document| name_of(document) == name && !std::ptr::eq(*document, main))
        {
            Some(document) => (spec_of(document), name.to_owned()),
            None => {
                return Err(kind(&format!("its template `{name}` is in another file; put both into one")));
            }
        },
    };
    importer.spec(own, &[]);
    if !std::ptr::eq(own, spec) {
        importer.spec(spec, own.entries());
    }
    importer.parameters(spec);
    importer.parameters(own);
    let first = spec.get("templates").map(Tree::items).unwrap_or_default().first();
    let entry = own.text_of("entrypoint").or_else(|| spec.text_of("entrypoint"));
    let entry = entry.or_else(|| first.and_then(|template| template.text_of("name")));
    let entry = entry.ok_or_else(|| kind("it has neither `entrypoint` nor templates"))?;
    let scope = Scope { owner: owner.clone(), ..Scope::default() };
    importer.whole(&owner, entry, &scope, spec)?;
    let ordinary = importer.steps.len();
    let handler = own.get("onExit").or_else(|| spec.get("onExit"));
    if let Some(handler) = handler.and_then(Tree::text) {
        importer.is_finally = true;
        importer.whole(&owner, handler, &Scope { is_finally: true, ..scope }, spec)?;
    }
    if ordinary == 0 {
        return Err(Error::Empty);
    }
    importer.budget.holds()?;
    importer.finish(text, main, [own, spec], ordinary).whole()
}

fn kind(detail: &str) -> Error {
    Error::Kind { expected: "workflow of Argo", detail: detail.to_owned() }
}

fn name_of(document: &Tree) -> String {
    let name = document.at(&["metadata", "name"]).or_else(|| document.at(&["metadata", "generateName"]));
    name.and_then(Tree::text).unwrap_or("workflow").trim_end_matches('-').to_owned()
}

fn spec_of(document: &Tree) -> &Tree {
    let spec = document.get("spec").unwrap_or(document);
    spec.get("workflowSpec").unwrap_or(spec)
}

impl Importer<'_> {
    /// Names other documents of the file, and what stands around the specification.
    fn documents(&mut self, documents: &[Tree], main: &Tree) {
        for document in
            documents.iter().filter(|document| !std::ptr::eq(*document, main) && !document.is_null())
        {
            let kind = document.text_of("kind").unwrap_or("document");
            if !kind.ends_with("WorkflowTemplate") {
                self.losses.add(kind, "it belongs to the cluster", &name_of(document), document.place);
            }
        }
        if main.text_of("kind") == Some("CronWorkflow") {
            for (key, place, _) in main.get("spec").map(Tree::entries).unwrap_or_default() {
                if key != "workflowSpec" {
                    self.losses.add(key, "a plan stays data; start it from cron with `dvt run`", key, *place);
                }
            }
        }
    }

    /// Names what a specification has and a plan has not; a key of `own` stands in the place of its.
    fn spec(&mut self, spec: &Tree, own: &[(String, tree::Place, Tree)]) {
        for (key, place, _) in spec.entries() {
            if own.iter().any(|(owned, ..)| owned == key) {
                continue;
            }
            let why = match key.as_str() {
                "entrypoint"
                | "templates"
                | "arguments"
                | "onExit"
                | "workflowTemplateRef"
                | "parallelism"
                | "activeDeadlineSeconds" => continue,
                "hooks" => "a plan has no hooks; `finally` and conditions can say it",
                "volumes" | "volumeClaimTemplates" | "artifactRepositoryRef" | "artifactGC" => {
                    "files reach another step by a store that both know, or by outputs"
                }
                "synchronization" => "say it anew with the plan's `concurrency`",
                "podGC" | "ttlStrategy" | "podMetadata" | "podSpecPatch" | "serviceAccountName"
                | "nodeSelector" | "tolerations" | "affinity" | "imagePullSecrets" | "securityContext"
                | "hostNetwork" | "dnsPolicy" | "schedulerName" => "it belongs to the cluster",
                _ => NO_WORD,
            };
            self.losses.add(key, why, key, *place);
        }
    }

    /// Parameters of a workflow as inputs.
    fn parameters(&mut self, spec: &Tree) {
        for artifact in spec.at(&["arguments", "artifacts"]).map(Tree::items).unwrap_or_default() {
            self.lost_artifact(artifact);
        }
        for parameter in spec.at(&["arguments", "parameters"]).map(Tree::items).unwrap_or_default() {
            let Some(name) = parameter.text_of("name") else { continue };
            let Given { word, is_digested } = self.word(name, parameter.place);
            if self.inputs.len() >= MOST_INPUTS && !self.inputs.contains_key(&word) {
                self.losses.add("parameters", TOO_MANY_INPUTS, name, parameter.place);
                continue;
            }
            let mut schema = vec![("type".to_owned(), Node::word("string"))];
            let called = is_digested.then(|| format!("what Argo calls {name}"));
            if let Some(description) = parameter.text_of("description").or(called.as_deref()) {
                schema.push(("description".to_owned(), Node::Text(names::literal(description))));
            }
            let options: Vec<&str> = parameter
                .get("enum")
                .map(Tree::items)
                .unwrap_or_default()
                .iter()
                .filter_map(Tree::text)
                .collect();
            if !options.is_empty() {
                let options = options.iter().map(|text| Node::Text(names::literal(text)));
                schema.push(("enum".to_owned(), Node::List(options.collect())));
            }
            if parameter.get("valueFrom").is_some() {
                let why = "its value stands in the cluster; give it with `-i` when the run starts";
                self.losses.add("valueFrom", why, name, parameter.place);
            }
            let value = parameter.get("value").or_else(|| parameter.get("default")).and_then(Tree::text);
            if let Some(value) = value.filter(|value| options.is_empty() || options.contains(value)) {
                schema.push(("default".to_owned(), Node::Text(names::literal(value))));
            }
            self.declared.insert(word.clone());
            self.inputs.insert(word, Node::Map(schema));
        }
    }

    /// The input that is a parameter of the workflow.
    fn word(&mut self, name: &str, place: tree::Place) -> Given {
        let given = self.words.give(name, name);
        if given.is_digested {
            self.losses.add("input", DIGESTED, name, place);
        }
        given
    }

    fn lost_artifact(&mut self, artifact: &Tree) {
        let name = artifact.text_of("name").unwrap_or_else(|| artifact.begins());
        let why = "files reach another step by a store that both know, and a pointer as output";
        self.losses.add("artifact", why, name, artifact.place);
    }

    /// Writes out the template that a workflow begins with, or ends with.
    fn whole(&mut self, owner: &str, name: &str, scope: &Scope, spec: &Tree) -> Result<(), Error> {
        let place = spec.place;
        let Some(template) = self.templates.get(&(owner.to_owned(), name.to_owned())).copied() else {
            return Err(kind(&format!("there is no template `{name}`")));
        };
        let given = call::Call {
            name: name.to_owned(),
            id: if scope.is_finally { name.to_owned() } else { String::new() },
            start: start::Start::default(),
            when: None,
            is_soft: false,
            foreach: None,
            place,
        };
        // Parameters of the workflow are those of its first template, where the names are the same.
        let mut inputs = BTreeMap::new();
        for parameter in template.at(&["inputs", "parameters"]).map(Tree::items).unwrap_or_default() {
            let name = parameter.text_of("name").unwrap_or_default();
            let word = self.words.of(name).filter(|word| self.inputs.contains_key(*word));
            if let Some(word) = word.filter(|word| self.declared.contains(*word)) {
                let source = field("inputs", word);
                let value = Cel::new(source, crate::foreign::expression::Gives::Text);
                inputs.insert(name.to_owned(), Text::value(value));
            }
        }
        let scope = Scope { inputs, ..scope.clone() };
        self.template((owner, name), template, &given, scope).map(drop)
    }

    /// The bounds of the whole; those of the workflow itself stand before those of what it refers to.
    fn limits_of(&mut self, specs: [&Tree; 2]) -> Vec<(String, Node)> {
        let mut limits = Vec::new();
        for (key, most, word) in
            [("activeDeadlineSeconds", 31_000_000, "maxDuration"), ("parallelism", 10_000, "maxParallel")]
        {
            let Some(spec) = specs.into_iter().find(|spec| spec.get(key).is_some()) else { continue };
            let number = spec.text_of(key).and_then(|text| text.parse::<u64>().ok());
            match number.filter(|number| (1..=most).contains(number)) {
                None => self.losses.add(
                    key,
                    "here it is a number that is known before the run",
                    key,
                    spec.place_of(key),
                ),
                Some(number) if word == "maxDuration" => {
                    limits.push((word.to_owned(), Node::word(crate::step::seconds(number))));
                }
                Some(number) => limits.push((word.to_owned(), Node::count(number))),
            }
        }
        limits
    }

    fn finish(mut self, text: &str, main: &Tree, specs: [&Tree; 2], ordinary: usize) -> Imported {
        let limits = self.limits_of(specs);
        let mut report = Report {
            steps: self.steps.len() as u64,
            source_edges: self.steps.iter().map(|step| step.needs.len() as u64).sum(),
            missing: self.steps.iter().filter(|step| step.is_missing()).count() as u64,
            lost: Vec::new(),
        };
        let name = name_of(main);
        let title = main.at(&["metadata", "annotations", "workflows.argoproj.io/title"]).and_then(Tree::text);
        let mut plan = vec![
            ("apiVersion".to_owned(), Node::word("dvt/v1")),
            ("name".to_owned(), Node::word(names::plan_name(&name))),
            ("title".to_owned(), Node::Text(names::literal(title.unwrap_or(&name)))),
        ];
        let description = main.at(&["metadata", "annotations", "workflows.argoproj.io/description"]);
        if let Some(description) = description.and_then(Tree::text) {
            plan.push(("description".to_owned(), Node::Block(names::literal(description))));
        }
        if !self.inputs.is_empty() {
            plan.push(("inputs".to_owned(), Node::Map(self.inputs.into_iter().collect())));
        }
        if self
            .steps
            .iter()
            .any(|step| step.timeout.is_none() && matches!(step.work, Some(("run" | "script", _))))
        {
            let why = "Argo lets a step run as long as it likes; here each ends after a day, where it says nothing else";
            self.losses.add("timeout", why, main.text_of("kind").unwrap_or_default(), main.place);
            let longest = ("timeout".to_owned(), Node::word(crate::step::seconds(LONGEST)));
            plan.push(("defaults".to_owned(), Node::Map(vec![longest])));
        }
        if !limits.is_empty() {
            plan.push(("limits".to_owned(), Node::Map(limits)));
        }
        let mut steps: Vec<(String, Node)> =
            self.steps.into_iter().map(|step| (step.id.clone(), step.node())).collect();
        let finally = steps.split_off(ordinary.min(steps.len()));
        plan.push(("steps".to_owned(), Node::Map(steps)));
        if !finally.is_empty() {
            plan.push(("finally".to_owned(), Node::Map(finally)));
        }
        report.lost = self.losses.list(text);
        Imported { plan: Node::Map(plan), report }
    }
}
