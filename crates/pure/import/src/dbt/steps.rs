//! Resources as steps.

use super::alone::Alone;
use super::held::{Held, may_be_held};
use super::manifest::{Kind, Manifest, Resource};
use super::select;
use crate::report::Losses;
use crate::round::{self, Waits};
use crate::step::MISSING;
use crate::{Error, Imported, Node, Report, names, pointer};
use std::collections::{BTreeMap, BTreeSet};

/// The most steps of a plan.
const MOST: usize = 50_000;
/// What a step runs: the words of this script are ours, the manifest's stand in its environment.
const SCRIPT: &str = r#"exec dbt "$DBT_VERB" --select "$DBT_SELECTION" --target-path "$TMPDIR/target" --log-path "$TMPDIR/logs""#;

/// How long a step may take: as long as a run, for dbt knows no limit.
const LONGEST: &str = "24h";
/// The most needs that a plan has room for.
const MOST_NEEDS: usize = (8 << 20) / 3;

/// The tag of a step that everything else waits for.
const ORDER_FIRST: &str = "order:first";
/// The tag of a step that waits for everything else; behind it, how many of its needs, the first ones, are the source's.
const ORDER_LAST: &str = "order:last:";

/// What steps do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each calls dbt for its one node.
    Program,
    /// Each only pretends to work.
    Simulated,
}

/// How to import.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// What steps do.
    pub form: Form,
    /// dbt's `--select`.
    pub select: Option<&'a str>,
    /// dbt's `--exclude`.
    pub exclude: Option<&'a str>,
    /// Whether tests hold back what reads the resources that they test, as in `dbt build`.
    pub tests_block: bool,
}

/// Imports a manifest.
pub fn import(text: &str, options: &Options<'_>) -> Result<Imported, Error> {
    let manifest = Manifest::read(text)?;
    let chosen = select::select(&manifest, options.select, options.exclude)?;
    let mut losses = Losses::default();
    let mut runs: BTreeMap<&str, &Resource> = BTreeMap::new();
    for (id, resource) in &manifest.resources {
        if !chosen.contains(id) {
            continue;
        }
        if resource.kind.runs() {
            runs.insert(id, resource);
        } else {
            losses.point(resource.kind.word(), resource.kind.why_none(), id, || resource.way(id));
        }
        for (parent, way) in &resource.dangling {
            let why = "it is disabled or not in the manifest, so nothing waits for it";
            losses.point("depends_on", why, parent, || way.clone());
        }
    }
    if let Some((schema, way)) = &manifest.odd_schema {
        let why = "it is none of v2 to v12, and was read as v12; what is new in it is not known here";
        losses.point("dbt_schema_version", why, schema, || way.clone());
    }
    for (section, way) in &manifest.odd_sections {
        let why = "what stands there is not known here, so nothing of it is in the plan";
        losses.point("section", why, section, || way.clone());
    }
    for (id, way) in &manifest.disabled {
        losses.point("disabled", "it is switched off in the project", id, || way.clone());
    }
    match runs.len() {
        0 => return Err(Error::Empty),
        count if count > MOST => return Err(Error::TooLarge(count)),
        _ => {}
    }
    let held = Held::of(&manifest);
    let mut waits = Waits::new();
    let mut blocking: BTreeSet<&str> = BTreeSet::new();
    let mut count = 0;
    for name in runs.keys() {
        let (mut own, tests) = needs(&manifest, &runs, &held, name);
        if options.tests_block {
            own.extend(&tests);
            count += own.len();
        }
        if count > MOST_NEEDS {
            return Err(Error::TooLong(count * 3));
        }
        blocking.extend(tests);
        waits.insert(name, own);
    }
    let blocks = |name: &&str| runs.get(name).is_some_and(|resource| !severity_is_warn(resource));
    for test in blocking.into_iter().filter(|name| !options.tests_block && blocks(name)) {
        let why = "in `dbt build` what reads the resources that it tests waits for it, and does not run where it fails; here only \
                   with `--tests-block`";
        losses.point("test", why, test, || {
            runs.get(test).map(|resource| resource.way(test)).unwrap_or_default()
        });
    }
    if let Some(round) = round::of(&waits) {
        let of = |name: &&str| runs.get(name).map(|resource| resource.way(name));
        let way = round.first().and_then(of).unwrap_or_default();
        let way = way.into_iter().chain(["depends_on".into()]).collect();
        return Err(round::refused("nodes", &round, pointer::place(text, way)));
    }
    let ids = names::ids(runs.keys().copied());
    let hooks = Hooks::of(&runs);
    let alone = (options.form == Form::Program).then(|| Alone::of(&manifest));
    let mut steps = Vec::new();
    let mut edges = 0;
    for (name, resource) in &runs {
        let Some(own) = waits.get(name) else { continue };
        edges += own.len() as u64;
        let (added, order) = hooks.order(name, &runs, own);
        let needs: Vec<Node> =
            own.iter().chain(&added).filter_map(|need| ids.get(*need)).cloned().map(Node::Word).collect();
        let id = ids.get(*name).cloned().unwrap_or_default();
        let mut tags: Vec<String> = order.into_iter().collect();
        tags.extend(kept_tags(resource, &mut losses));
        steps.push((id, step(name, resource, (needs, tags), alone.as_ref(), &mut losses)));
    }
    let mut plan = vec![
        ("apiVersion".to_owned(), Node::word("dvt/v1")),
        ("name".to_owned(), Node::word(names::plan_name(&manifest.project))),
        ("title".to_owned(), Node::Text(names::literal(&format!("dbt project {}", manifest.project)))),
    ];
    if options.form == Form::Program {
        plan.push(("files".to_owned(), Node::List(files(&manifest).into_iter().map(Node::Text).collect())));
        plan.push(("defaults".to_owned(), Node::Map(vec![("timeout".to_owned(), Node::word(LONGEST))])));
        let why = "dbt has no limit of time for a node; a step has 24 hours (`defaults`), and so has a run (`limits`)";
        losses.point("timeout", why, "nodes", || vec!["nodes".into()]);
    }
    plan.push(("steps".to_owned(), Node::Map(steps)));
    let lost = losses.list(text);
    let missing = lost.iter().filter(|loss| loss.what == "fqn").map(|loss| loss.count).sum();
    let report = Report { steps: runs.len() as u64, source_edges: edges, missing, lost };
    Ok(Imported { plan: Node::Map(plan), report })
}

/// The nearest steps above, through what was not selected, and the tests that hold this one back in the same way.
fn needs<'a>(
    manifest: &'a Manifest,
    runs: &BTreeMap<&'a str, &Resource>,
    held: &Held<'a>,
    name: &'a str,
) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
    let (mut found, mut tests) = (BTreeSet::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    let mut open = vec![name];
    let is_held = runs.get(name).is_some_and(|resource| may_be_held(resource.kind));
    while let Some(id) = open.pop() {
        let Some(resource) = manifest.resources.get(id) else { continue };
        if is_held {
            tests.extend(held.tests(id, &resource.parents).filter(|test| runs.contains_key(test)));
        }
        for parent in &resource.parents {
            if !seen.insert(parent.as_str()) {
                continue;
            }
            if runs.contains_key(parent.as_str()) {
                found.insert(parent.as_str());
            } else {
                open.push(parent);
            }
        }
    }
    (found, tests)
}

/// Operations that run before, and after, everything.
struct Hooks<'a> {
    before: BTreeSet<&'a str>,
    after: BTreeSet<&'a str>,
}

impl<'a> Hooks<'a> {
    fn of(runs: &BTreeMap<&'a str, &Resource>) -> Self {
        let with = |tag: &str| {
            let hooks = runs
                .iter()
                .filter(|(_, resource)| resource.kind == Kind::Operation && resource.tags.contains(tag));
            hooks.map(|(id, _)| *id).collect()
        };
        Self { before: with("on-run-start"), after: with("on-run-end") }
    }

    /// What the manifest leaves to dbt: first steps wait for the hooks before, the hooks after for everything else. And
    /// the tag by which `dvt plan stats` tells these needs from the manifest's own.
    fn order(
        &self,
        name: &'a str,
        runs: &BTreeMap<&'a str, &Resource>,
        own: &BTreeSet<&'a str>,
    ) -> (BTreeSet<&'a str>, Option<String>) {
        if self.after.contains(name) {
            let others =
                runs.keys().copied().filter(|other| !self.after.contains(other) && !own.contains(other));
            (others.collect(), Some(format!("{ORDER_LAST}{}", own.len())))
        } else if self.before.contains(name) {
            (BTreeSet::new(), Some(ORDER_FIRST.to_owned()))
        } else if own.is_empty() {
            (self.before.clone(), None)
        } else {
            (BTreeSet::new(), None)
        }
    }
}

/// Tags that are tags here too.
fn kept_tags(resource: &Resource, losses: &mut Losses) -> Vec<String> {
    for (tag, way) in &resource.odd_tags {
        let why = "a tag has up to 64 letters, digits and `._:/-`, and none begins with `order:`";
        losses.point("tag", why, tag, || way.clone());
    }
    resource.tags.iter().filter(|tag| is_tag(tag)).cloned().collect()
}

fn step(
    name: &str,
    resource: &Resource,
    (needs, tags): (Vec<Node>, Vec<String>),
    alone: Option<&Alone<'_>>,
    losses: &mut Losses,
) -> Node {
    let mut step = vec![("title".to_owned(), Node::Text(names::literal(name)))];
    if !needs.is_empty() {
        step.push(("needs".to_owned(), Node::List(needs)));
    }
    if !tags.is_empty() {
        step.push(("tags".to_owned(), Node::List(tags.into_iter().map(Node::Text).collect())));
    }
    let verb = match resource.kind {
        Kind::Model => Some("run"),
        Kind::Seed => Some("seed"),
        Kind::Snapshot => Some("snapshot"),
        Kind::Test => Some("test"),
        _ => None,
    };
    match alone.and_then(|alone| Some((verb?, alone.selection(name, resource)))) {
        Some((_, None)) => {
            let why = "dbt cannot be told to do this node alone, so its step says so and fails";
            losses.point("fqn", why, name, || resource.way(name));
            let what = format!("the name of {name} is a selection of dbt; put here what does it alone");
            step.push(("shell".to_owned(), Node::word("sh")));
            step.push(("script".to_owned(), Node::Block(MISSING.to_owned())));
            let env = vec![("MISSING".to_owned(), Node::Text(names::literal(&what)))];
            step.push(("env".to_owned(), Node::Map(env)));
        }
        Some((verb, Some(selection))) => {
            let selection = Node::Text(names::literal(&selection));
            let env =
                vec![("DBT_VERB".to_owned(), Node::word(verb)), ("DBT_SELECTION".to_owned(), selection)];
            step.push(("shell".to_owned(), Node::word("sh")));
            step.push(("script".to_owned(), Node::Text(SCRIPT.to_owned())));
            step.push(("env".to_owned(), Node::Map(env)));
        }
        None => {
            if alone.is_some() {
                let why = "dbt runs its hooks with every command; the step only keeps their place";
                losses.point("operation", why, name, || resource.way(name));
            }
            step.push(("uses".to_owned(), Node::word("dvt/noop@1")));
        }
    }
    // dbt itself ends well where such a test finds rows, and badly where it could not ask.
    if alone.is_none() && severity_is_warn(resource) {
        step.push(("continueOnError".to_owned(), Node::Flag(true)));
    }
    Node::Map(step)
}

pub(super) fn is_tag(tag: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    !tag.is_empty() && tag.len() <= 64 && tag.bytes().all(letters) && !tag.starts_with("order:")
}

fn severity_is_warn(resource: &Resource) -> bool {
    let severity = resource.config.get("severity").and_then(serde_json::Value::as_str);
    resource.kind == Kind::Test && severity.is_some_and(|severity| severity.eq_ignore_ascii_case("warn"))
}

/// What dbt needs of the project's folder.
fn files(manifest: &Manifest) -> Vec<String> {
    let of_project = manifest.resources.values().filter(|resource| resource.package == manifest.project);
    // An operation's path is made up by dbt: hooks lie in the project's own settings.
    let of_project = of_project.filter(|resource| resource.kind != Kind::Operation);
    let paths = of_project.map(|resource| &resource.path).chain(&manifest.macro_folders);
    let folders: BTreeSet<String> = paths
        .filter_map(|path| path.split_once('/').map(|(folder, _)| folder))
        .filter(|folder| folder.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)))
        .filter(|folder| !folder.is_empty())
        .map(|folder| format!("{folder}/**"))
        .collect();
    std::iter::once("dbt_project.yml".to_owned()).chain(folders).collect()
}
