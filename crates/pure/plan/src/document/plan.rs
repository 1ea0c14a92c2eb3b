//! The keys of the plan itself.

use super::keys::{Family, Level, or};
use super::{Draft, Mode, Owner, Reader, StepDraft, classes, concurrency, duration, files, permissions};
use super::{retry, schema, steps};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::{Form, OnStepFailure, Part, Retry};
use crate::read::tree::{Entry, Node, Place};
use dvt_model::digest::Digest;
use dvt_model::id::PlanName;

/// The version of the language.
pub(crate) const API_VERSION: &str = "dvt/v1";
/// Where the digest of the packed files stands in a stored document.
pub(crate) const FILES_DIGEST: &str = "filesDigest";
/// The longest time of one attempt where neither step nor plan says one.
pub(crate) const DEFAULT_TIMEOUT_MS: u64 = 600_000;
/// The longest that an approval or a signal is waited for where the step says nothing.
pub(crate) const DEFAULT_PATIENCE_MS: u64 = 7 * 86_400_000;

macro_rules! plan_keys {
    ($($key:literal),*) => {
        /// What people write.
        pub(crate) const WRITTEN: Family = Family { what: "a plan", keys: &[$($key),*], level: Level::Plan };
        const CANONICAL: Family = Family { what: "a plan", keys: &[$($key,)* FILES_DIGEST], level: Level::Plan };
    };
}

plan_keys!(
    "apiVersion",
    "name",
    "title",
    "version",
    "description",
    "tags",
    "inputs",
    "vars",
    "files",
    "limits",
    "defaults",
    "permissions",
    "steps",
    "outputs",
    "finally",
    "onStepFailure",
    "concurrency",
    "data",
    "scratch"
);

pub(crate) const LIMITS: Family =
    Family { what: "`limits`", keys: &["maxDuration", "maxParallel"], level: Level::Inner };
pub(crate) const DEFAULTS: Family =
    Family { what: "`defaults`", keys: &["retry", "timeout"], level: Level::Inner };

/// What `defaults` says.
#[derive(Debug, Default)]
struct Defaults {
    retry: Option<Retry>,
    timeout_ms: Option<u64>,
}

/// Reads the whole plan.
pub(crate) fn read(reader: &mut Reader<'_, '_>, root: &Node<'_>) -> Draft {
    let mut draft = Draft::default();
    let family = if reader.mode == Mode::Canonical { &CANONICAL } else { &WRITTEN };
    if root.as_map().is_none() {
        let message = format!("a plan is a mapping of keys, not {}", root.type_name());
        let report = Report::error(codes::WRONG_SHAPE, root.place, message);
        reader.sink.add(report.fix("apiVersion: dvt/v1"));
        return draft;
    }
    let entries = reader.family("plan", root.place, root, family).unwrap_or_default();
    let mut defaults = Defaults::default();
    for entry in &entries {
        match entry.name() {
            "apiVersion" => api_version(reader, entry),
            "name" => draft.name = name(reader, entry),
            "title" => draft.title = reader.words(entry),
            "version" => draft.version = version(reader, entry),
            "description" => draft.description = reader.words(entry),
            "tags" => draft.tags = tags(reader, entry),
            "inputs" => schema::inputs(reader, entry, &mut draft),
            "vars" => vars(reader, entry, &mut draft),
            "files" => draft.files = files::read(reader, entry),
            "limits" => limits(reader, entry, &mut draft),
            "defaults" => defaults = read_defaults(reader, entry),
            "permissions" => draft.permissions = permissions::read(reader, entry),
            "onStepFailure" => {
                let words = [("fail", OnStepFailure::Fail), ("hold", OnStepFailure::Hold)];
                draft.on_step_failure = reader.one_of(entry, &words).unwrap_or_default();
            }
            "concurrency" => draft.concurrency = concurrency::read(reader, entry),
            "data" => draft.data_class = classes::of_plan(reader, entry).unwrap_or_default(),
            "scratch" => {
                draft.scratch_bytes = reader.size(entry, 1 << 20, 1 << 40);
                reader.not_run(entry, Level::Plan);
            }
            "outputs" => {
                for output in reader.mapping("outputs", entry.place, &entry.value).unwrap_or_default() {
                    let value = reader.template_value("outputs", &output.value, Owner::PlanOutputs);
                    if is_input_name(output.key) {
                        draft.outputs.insert(output.key.to_string(), value);
                    } else {
                        bad_name(reader, output.key, output.place, "an output");
                    }
                }
            }
            FILES_DIGEST => {
                let digest = entry.value.as_text().and_then(Digest::parse);
                if digest.is_none() {
                    reader.wrong(
                        entry.value.place,
                        FILES_DIGEST,
                        "`sha256:` and 64 hex digits",
                        &entry.value,
                    );
                }
            }
            _ => {}
        }
    }
    // In this order whatever the document's, for the indices of `finally` come after those of `steps`.
    for (key, part) in [("steps", Part::Ordinary), ("finally", Part::Finally)] {
        if let Some(entry) = entries.iter().find(|entry| entry.name() == key) {
            steps::read(reader, entry, part, &mut draft.steps);
        }
    }
    missing(reader, root, "apiVersion", "apiVersion: dvt/v1");
    missing(reader, root, "name", "name: orders-etl");
    missing(reader, root, "steps", "steps:\n  load:\n    run: [program, argument]");
    for step in &mut draft.steps {
        defaults.fill(step);
        if let Some(undo) = &mut step.compensate {
            defaults.fill(undo);
        }
    }
    draft
}

impl Defaults {
    /// `defaults` are for steps that work: nobody means ten minutes for an approval, or three runs of a sub-plan.
    fn fill(&self, step: &mut StepDraft) {
        match &step.form {
            Some(Form::Run { .. } | Form::Script { .. } | Form::Noop { .. } | Form::Uses(_)) => {
                step.retry = step.retry.take().or_else(|| self.retry.clone());
                step.timeout_ms = step.timeout_ms.or(self.timeout_ms).or(Some(DEFAULT_TIMEOUT_MS));
            }
            Some(Form::Approval(_) | Form::Signal(_)) => {
                step.timeout_ms = step.timeout_ms.or(Some(DEFAULT_PATIENCE_MS));
            }
            Some(Form::Wait { .. } | Form::WaitUntil { .. } | Form::Plan(_)) | None => {}
        }
    }
}

fn missing(reader: &mut Reader<'_, '_>, root: &Node<'_>, key: &str, fix: &str) {
    if root.entry(key).is_none() {
        let first = root.as_map().and_then(|entries| entries.first()).map_or(root.place, |entry| entry.place);
        let report = Report::error(codes::MISSING_KEY, first, format!("the plan has no `{key}`"));
        reader.sink.add(report.fix(fix));
    }
}

fn api_version(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) {
    let text = entry.value.as_text();
    if text != Some(API_VERSION) {
        let found = text.map_or_else(|| entry.value.type_name().to_owned(), shown);
        let message = format!("the `apiVersion` {found} is not known");
        let place = or(entry.value.place, entry.place);
        let report = Report::error(codes::PLAN_SCHEMA_VERSION_UNKNOWN, place, message);
        reader.sink.add(report.fix("apiVersion: dvt/v1").choices(vec![API_VERSION.to_owned()]));
    }
}

fn name(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<PlanName> {
    let text = reader.literal(entry)?;
    let name = PlanName::parse(text);
    if name.is_err() {
        let message = format!("{} is no name of a plan", shown(text));
        let report = Report::error(codes::BAD_ID, or(entry.value.place, entry.place), message)
            .why("a letter, then up to 63 letters, digits, `_` or `-`");
        reader.sink.add(report.fix(format!("name: {}", steps::cleaned(text))));
    }
    name.ok()
}

/// A semantic version: three numbers, and what may follow them.
fn version(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<String> {
    let place = or(entry.value.place, entry.place);
    // What was published under a looser rule is known by the version that it has.
    let found = entry.value.as_text().filter(|text| reader.is_canonical() || is_semantic_version(text));
    if found.is_none() {
        let what = match &entry.value.kind {
            crate::read::tree::Kind::Text(text) => shown(text),
            crate::read::tree::Kind::Number(number) => format!("`{number}`"),
            _ => entry.value.type_name().to_owned(),
        };
        let report = Report::error(codes::WRONG_SHAPE, place, format!("{what} is no semantic version"));
        reader.sink.add(report.fix("version: 1.4.0"));
    }
    found.map(str::to_owned)
}

/// Three numbers, and what may follow them. Before a release a number has no leading zero either (semver.org, rule 9), or two
/// spellings would be one version.
pub(crate) fn is_semantic_version(text: &str) -> bool {
    let (core, build) = text.split_once('+').map_or((text, None), |(core, build)| (core, Some(build)));
    let (core, before) = core.split_once('-').map_or((core, None), |(core, before)| (core, Some(before)));
    let number = |part: &str| {
        !part.is_empty()
            && part.len() <= 9
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_padded = |part: &str| {
        part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.len() <= 128
        && core.split('.').count() == 3
        && core.split('.').all(number)
        && before.is_none_or(|text| text.split('.').all(|part| word(part) && !is_padded(part)))
        && build.is_none_or(|text| text.split('.').all(word))
}

/// `tags`: words for selecting.
pub(crate) fn tags(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Vec<String> {
    let tags = reader.strings(entry);
    for (tag, place) in &tags {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
        if tag.is_empty() || tag.len() > 64 || !tag.bytes().all(letters) {
            let report = Report::error(codes::BAD_ID, *place, format!("{} is no tag", shown(tag)));
            reader.sink.add(report.why("up to 64 letters, digits and `._:/-`"));
        }
    }
    tags.into_iter().map(|(tag, _)| tag).collect()
}

fn vars(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, draft: &mut Draft) {
    for var in reader.mapping("vars", entry.place, &entry.value).unwrap_or_default() {
        if !is_input_name(var.key) {
            bad_name(reader, var.key, var.place, "a variable");
            continue;
        }
        crate::check::literals::refuse_within(reader.sink, &var.value, "`vars`");
        draft.vars.insert(var.key.to_string(), var.value.to_value());
    }
}

/// Names that expressions can select with a dot: `^[A-Za-z_][A-Za-z0-9_]{0,63}$`.
pub(crate) fn is_input_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Tells about a name that is none.
pub(crate) fn bad_name(reader: &mut Reader<'_, '_>, name: &str, place: Place, what: &str) {
    let report = Report::error(codes::BAD_ID, place, format!("{} is no name of {what}", shown(name)));
    let report =
        report.why("a letter or `_`, then up to 63 letters, digits or `_`, so that expressions can name it");
    reader.sink.add(report.fix(format!("{}:", steps::cleaned(name).replace('-', "_"))));
}

fn limits(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, draft: &mut Draft) {
    for key in reader.family("limits", entry.place, &entry.value, &LIMITS).unwrap_or_default() {
        if key.name() == "maxDuration" {
            draft.max_duration_ms = reader.duration(key, 1_000, duration::LONGEST_MS);
        } else {
            let most = reader.integer(key, 1, 10_000);
            draft.max_parallel = most.and_then(|most| u32::try_from(most).ok());
        }
    }
}

fn read_defaults(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Defaults {
    let mut defaults = Defaults::default();
    for key in reader.family("defaults", entry.place, &entry.value, &DEFAULTS).unwrap_or_default() {
        if key.name() == "retry" {
            defaults.retry = retry::read(reader, key);
        } else {
            defaults.timeout_ms = reader.duration(key, 1, duration::LONGEST_MS);
        }
    }
    defaults
}
