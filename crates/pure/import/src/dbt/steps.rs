//! Resources as steps.

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
            let why = "dbt runs nothing for it by itself, so there is no step";
            losses.point(resource.kind.word(), why, id, || resource.way(id));
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
    for (id, way) in &manifest.disabled {
        losses.point("disabled", "it is switched off in the project", id, || way.clone());
    }
    match runs.len() {
        0 => return Err(Error::Empty),
        count if count > MOST => return Err(Error::TooLarge(count)),
        _ => {}
    }
    let waits: Waits<'_> = runs.keys().map(|name| (*name, needs(&manifest, &runs, name))).collect();
    if let Some(round) = round::of(&waits) {
        let of = |name: &&str| runs.get(name).map(|resource| resource.way(name));
        let way = round.first().and_then(of).unwrap_or_default();
        let way = way.into_iter().chain(["depends_on".into()]).collect();
        return Err(round::refused("nodes", &round, pointer::place(text, way)));
    }
    let ids = names::ids(runs.keys().copied());
    let hooks = Hooks::of(&runs);
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
        steps.push((id, step(name, resource, (needs, tags), options.form, &mut losses)));
    }
    let mut plan = vec![
        ("apiVersion".to_owned(), Node::word("dvt/v1")),
        ("name".to_owned(), Node::word(names::plan_name(&manifest.project))),
        ("title".to_owned(), Node::Text(names::literal(&format!("dbt project {}", manifest.project)))),
    ];
    if options.form == Form::Program {
        plan.push(("files".to_owned(), Node::List(files(&manifest).into_iter().map(Node::Text).collect())));
    }
    plan.push(("steps".to_owned(), Node::Map(steps)));
    let lost = losses.list(text);
    let missing = lost.iter().filter(|loss| loss.what == "fqn").map(|loss| loss.count).sum();
    let report = Report { steps: runs.len() as u64, source_edges: edges, missing, lost };
    Ok(Imported { plan: Node::Map(plan), report })
}

/// The nearest steps above, through what was not selected.
fn needs<'a>(
    manifest: &'a Manifest,
    runs: &BTreeMap<&'a str, &Resource>,
    name: &'a str,
) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![name];
    while let Some(id) = open.pop() {
        for parent in manifest.resources.get(id).into_iter().flat_map(|resource| &resource.parents) {
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
    found
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
    form: Form,
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
    match verb.filter(|_| form == Form::Program) {
        // dbt reads more than a name there: a blank, a comma, `+`, `*` or `:` would select other nodes than this one.
        Some(_) if !resource.fqn.iter().all(|part| is_plain_name(part)) || resource.fqn.is_empty() => {
            let why = "dbt cannot be told to do this node alone, so its step says so and fails";
            losses.point("fqn", why, name, || resource.way(name));
            let what = format!("the name of {name} is a selection of dbt; put here what does it alone");
            step.push(("shell".to_owned(), Node::word("sh")));
            step.push(("script".to_owned(), Node::Block(MISSING.to_owned())));
            let env = vec![("MISSING".to_owned(), Node::Text(names::literal(&what)))];
            step.push(("env".to_owned(), Node::Map(env)));
        }
        Some(verb) => {
            let selection = Node::Text(names::literal(&format!("fqn:{}", resource.fqn.join("."))));
            let env =
                vec![("DBT_VERB".to_owned(), Node::word(verb)), ("DBT_SELECTION".to_owned(), selection)];
            step.push(("shell".to_owned(), Node::word("sh")));
            step.push(("script".to_owned(), Node::Text(SCRIPT.to_owned())));
            step.push(("env".to_owned(), Node::Map(env)));
        }
        None => {
            if form == Form::Program {
                let why = "dbt runs its hooks with every command; the step only keeps their place";
                losses.point("operation", why, name, || resource.way(name));
            }
            step.push(("uses".to_owned(), Node::word("dvt/noop@1")));
        }
    }
    if severity_is_warn(resource) {
        step.push(("continueOnError".to_owned(), Node::Flag(true)));
    }
    Node::Map(step)
}

/// Whether dbt reads this part of a name as nothing else.
fn is_plain_name(part: &str) -> bool {
    !part.is_empty()
        && part
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-' || letter == '.')
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
