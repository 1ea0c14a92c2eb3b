//! From the tree of a checked document to its canonical bytes, and to the digests of its steps, in one pass.
//!
//! What [`super::normalise`] does to a value is done here to what is written: a single `needs` becomes a list, durations become
//! milliseconds, sizes bytes, and the digest of a sub-plan is pinned. A step's digest is that of the bytes that were just
//! written for it. The tests hold the two ways to each other.

use super::{RETRY, SIZES};
use crate::definition::{FOR_PEOPLE, SHARED};
use crate::document::form::NOOP;
use crate::document::sub_plan::PLAN_DIGEST;
use crate::document::{duration, size};
use crate::plan::{Form, Part, Plan, Step};
use crate::read::tree::{Entry, Kind, Node};
use dvt_model::canonical;
use dvt_model::digest::Digest;
use serde_json::{Number, Value};
use std::cmp::Ordering;

/// Bytes of a step, for a first guess.
const BYTES_OF_A_STEP: usize = 192;

/// Whose keys they are, for they say what becomes of their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Plan,
    Limits,
    Defaults,
    Retry,
    Step,
    Undo,
    StepLimits,
    /// `with` of the plugin that runs in process.
    Noop,
    /// Whatever keeps its values as they are.
    Other,
}

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Milliseconds,
    Bytes,
    List,
    /// Its own keys tell.
    Inside(Owner),
}

/// The canonical bytes; the digests of the steps are filled in.
pub(crate) fn write(root: &Node<'_>, plan: &mut Plan) -> Vec<u8> {
    let out = Vec::with_capacity(1_024 + plan.steps.len() * BYTES_OF_A_STEP);
    let mut writer = Writer { out, order: Vec::new(), pinned: None, undo_pinned: None };
    writer.object(root.as_map().unwrap_or_default(), Owner::Plan, |key| SHARED.contains(&key));
    let shared = Digest::of(&writer.out);
    writer.out.clear();
    writer.plan(root, plan, &shared);
    writer.out
}

struct Writer<'n> {
    out: Vec<u8>,
    /// Entries of all mappings that are being written, each in the order of its keys, the inner ones last.
    order: Vec<&'n Entry<'n>>,
    /// The digest of the sub-plan of the step that is being written, and of what undoes it.
    pinned: Option<Digest>,
    undo_pinned: Option<Digest>,
}

impl<'n> Writer<'n> {
    /// The plan: as any mapping, but that its steps are digested one by one.
    fn plan(&mut self, root: &'n Node<'n>, plan: &mut Plan, shared: &Digest) {
        let from = self.sort(root.as_map().unwrap_or_default(), |_| true);
        self.out.push(b'{');
        for at in from..self.order.len() {
            let Some(entry) = self.order.get(at).copied() else { break };
            self.key(at == from, entry.key);
            let part = match entry.key {
                "steps" => Part::Ordinary,
                "finally" => Part::Finally,
                key => {
                    self.value(&entry.value, change(Owner::Plan, key, false));
                    continue;
                }
            };
            let steps = plan.steps.values_mut().filter(|step| step.part == part);
            self.steps(entry.value.as_map().unwrap_or_default(), steps, shared);
        }
        self.out.push(b'}');
        self.order.truncate(from);
    }

    fn steps<'p>(
        &mut self,
        entries: &'n [Entry<'n>],
        mut steps: impl Iterator<Item = &'p mut Step>,
        shared: &Digest,
    ) {
        let from = self.sort(entries, |_| true);
        self.out.push(b'{');
        for at in from..self.order.len() {
            let Some(entry) = self.order.get(at).copied() else { break };
            self.key(at == from, entry.key);
            // Ids are ASCII, so the steps of the plan come in the order in which they are written.
            let step = steps.next().filter(|step| step.id.as_str() == entry.key);
            self.step(&entry.value, step, shared);
        }
        self.out.push(b'}');
        self.order.truncate(from);
    }

    fn step(&mut self, body: &'n Node<'n>, step: Option<&mut Step>, shared: &Digest) {
        let undo = |step: &Step| step.compensate.as_ref().and_then(|undo| pinned(undo));
        self.pinned = step.as_deref().and_then(pinned);
        self.undo_pinned = step.as_deref().and_then(undo);
        let begin = self.out.len();
        self.value(body, Some(Change::Inside(Owner::Step)));
        let Some(step) = step else { return };
        step.definition = if is_for_people(body) {
            self.definition(body, Owner::Step, shared)
        } else {
            Digest::of_parts(&[&shared.0, self.out.get(begin..).unwrap_or_default()])
        };
        if let (Some(undo), Some(entry)) = (&mut step.compensate, body.entry("compensate")) {
            undo.definition = self.definition(&entry.value, Owner::Undo, shared);
        }
    }

    /// The digest of a body without what people alone read; what is written for it is taken back.
    fn definition(&mut self, body: &'n Node<'n>, owner: Owner, shared: &Digest) -> Digest {
        let begin = self.out.len();
        self.object(body.as_map().unwrap_or_default(), owner, |key| !FOR_PEOPLE.contains(&key));
        let digest = Digest::of_parts(&[&shared.0, self.out.get(begin..).unwrap_or_default()]);
        self.out.truncate(begin);
        digest
    }

    fn object(&mut self, entries: &'n [Entry<'n>], owner: Owner, keep: impl Fn(&str) -> bool) {
        let is_noop = matches!(owner, Owner::Step | Owner::Undo)
            && entries.iter().any(|entry| entry.key == "uses" && entry.value.as_text() == Some(NOOP));
        let mut pinned = match owner {
            Owner::Step => self.pinned,
            Owner::Undo => self.undo_pinned,
            _ => None,
        };
        let from = self.sort(entries, keep);
        let mut is_first = true;
        self.out.push(b'{');
        for at in from..self.order.len() {
            let Some(entry) = self.order.get(at).copied() else { break };
            if let Some(digest) = pinned.take_if(|_| PLAN_DIGEST < entry.key) {
                self.pin(std::mem::take(&mut is_first), digest);
            }
            self.key(std::mem::take(&mut is_first), entry.key);
            self.value(&entry.value, change(owner, entry.key, is_noop));
        }
        if let Some(digest) = pinned {
            self.pin(is_first, digest);
        }
        self.out.push(b'}');
        self.order.truncate(from);
    }

    /// Puts the entries behind all others, in the order of their keys; where they begin.
    fn sort(&mut self, entries: &'n [Entry<'n>], keep: impl Fn(&str) -> bool) -> usize {
        let from = self.order.len();
        self.order.extend(entries.iter().filter(|entry| keep(entry.key)));
        if let Some(own) = self.order.get_mut(from..) {
            own.sort_unstable_by(|one, other| by_units(one.key, other.key));
        }
        from
    }

    fn value(&mut self, node: &'n Node<'n>, change: Option<Change>) {
        match (&node.kind, change) {
            (Kind::Text(text), Some(Change::Milliseconds)) => {
                self.number_or_text(text, duration::parse(text))
            }
            (Kind::Text(text), Some(Change::Bytes)) => self.number_or_text(text, size::parse(text)),
            (Kind::Text(text), Some(Change::List)) => {
                self.out.push(b'[');
                self.text(text);
                self.out.push(b']');
            }
            (Kind::Map(entries), Some(Change::Inside(owner))) => self.object(entries, owner, |_| true),
            (Kind::Map(entries), _) => self.object(entries, Owner::Other, |_| true),
            (Kind::List(items), _) => {
                self.out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.push(b',');
                    }
                    self.value(item, None);
                }
                self.out.push(b']');
            }
            (Kind::Text(text), _) => self.text(text),
            (Kind::Number(number), _) => self.plain(Value::Number(number.clone())),
            (Kind::Bool(value), _) => self.plain(Value::Bool(*value)),
            (Kind::Null, _) => self.plain(Value::Null),
        }
    }

    fn number_or_text(&mut self, text: &str, number: Option<u64>) {
        match number {
            // Nearly every step says a duration, and none of these is beyond 2^53.
            Some(number) if number <= canonical::MAX_INTEGER => {
                self.out.extend_from_slice(number.to_string().as_bytes());
            }
            Some(number) => self.plain(Value::Number(Number::from(number))),
            None => self.text(text),
        }
    }

    fn key(&mut self, is_first: bool, key: &str) {
        if !is_first {
            self.out.push(b',');
        }
        self.text(key);
        self.out.push(b':');
    }

    fn pin(&mut self, is_first: bool, digest: Digest) {
        self.key(is_first, PLAN_DIGEST);
        self.text(&digest.to_string());
    }

    fn text(&mut self, text: &str) {
        // Nearly every text has nothing to escape.
        if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            self.plain(Value::String(text.to_owned()));
            return;
        }
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }

    #[expect(clippy::expect_used, reason = "reading refused every number that has no canonical form")]
    fn plain(&mut self, value: Value) {
        let bytes = canonical::to_bytes(&value).expect("a scalar of a checked document has a canonical form");
        self.out.extend_from_slice(&bytes);
    }
}

/// What becomes of the value of a key.
fn change(owner: Owner, key: &str, is_noop: bool) -> Option<Change> {
    Some(match (owner, key) {
        (Owner::Plan, "files") | (Owner::Step, "needs") => Change::List,
        (Owner::Plan, "scratch") => Change::Bytes,
        (Owner::Plan, "limits") => Change::Inside(Owner::Limits),
        (Owner::Plan, "defaults") => Change::Inside(Owner::Defaults),
        (Owner::Limits, "maxDuration") | (Owner::Step, "wait") | (Owner::Noop, "simulate") => {
            Change::Milliseconds
        }
        (Owner::Step, "compensate") => Change::Inside(Owner::Undo),
        (Owner::Defaults | Owner::Step | Owner::Undo, "timeout") => Change::Milliseconds,
        (Owner::Defaults | Owner::Step | Owner::Undo, "retry") => Change::Inside(Owner::Retry),
        (Owner::Step | Owner::Undo, "limits") => Change::Inside(Owner::StepLimits),
        (Owner::Step | Owner::Undo, "with") if is_noop => Change::Inside(Owner::Noop),
        (Owner::Retry, key) if RETRY.contains(&key) => Change::Milliseconds,
        (Owner::StepLimits, key) if SIZES.contains(&key) => Change::Bytes,
        _ => return None,
    })
}

fn pinned(step: &Step) -> Option<Digest> {
    if let Form::Plan(sub_plan) = &step.form { sub_plan.digest } else { None }
}

fn is_for_people(body: &Node<'_>) -> bool {
    body.as_map().unwrap_or_default().iter().any(|entry| FOR_PEOPLE.contains(&entry.key))
}

/// Keys are in the order of their UTF-16 units (RFC 8785), which for ASCII is that of their bytes.
fn by_units(one: &str, other: &str) -> Ordering {
    if one.is_ascii() && other.is_ascii() {
        one.cmp(other)
    } else {
        one.encode_utf16().cmp(other.encode_utf16())
    }
}

#[cfg(test)]
mod tests;
