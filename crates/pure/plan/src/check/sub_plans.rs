//! DVT-P030 and DVT-P031: sub-plans that cannot be had, and inputs that do not fit them.
//!
//! A sub-plan is read and checked whole, with everything below it, before its parent is accepted; its digest is pinned
//! into the parent's, so what was checked is what runs.
//!
//! Whether a plan is inside itself is asked of the plan and all that lies below it, never of what happens to stand above: so the
//! answer is the same in whichever order documents are read, and may be remembered.

use crate::compile::Compiled;
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::digest_of;
use crate::document::{Draft, StepDraft};
use crate::expression::check::{Names, Shape};
use crate::input::{Input, Type};
use crate::plan::{Form, Plan, PlanReference};
use crate::session::{Child, Session};
use crate::sub_plan::{Found, MOST_DEEP, MOST_DOCUMENTS, Wanted};
use crate::template::TemplateValue;
use dvt_model::digest::Digest;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Finds every sub-plan that the draft names.
pub(crate) fn resolve(draft: &mut Draft, from: &str, session: &Session<'_>, sink: &mut Collector<'_>) {
    let name = draft.name.as_ref().map(ToString::to_string).unwrap_or_default();
    session.above.borrow_mut().push((from.to_owned(), name.clone()));
    for step in &mut draft.steps {
        one(step, (from, &name), session, sink);
        if let Some(undo) = &mut step.compensate {
            one(undo, (from, &name), session, sink);
        }
    }
    session.above.borrow_mut().pop();
}

fn one(step: &mut StepDraft, (from, name): (&str, &str), session: &Session<'_>, sink: &mut Collector<'_>) {
    let Some(Form::Plan(sub_plan)) = &mut step.form else { return };
    let found = child(&sub_plan.reference, sub_plan.digest, from, session);
    match found.and_then(|child| apart(name, child)) {
        Ok(child) => {
            sub_plan.digest = Some(child.digest);
            sub_plan.bounds = Some(child.bounds.clone());
            sub_plan.child = Some(child.plan.clone());
            step.child_outputs = Some(child.outputs.clone());
        }
        Err(_) if session.lenient => {}
        Err(why) => {
            let message = format!("the sub-plan {} {why}", shown(&sub_plan.reference.to_string()));
            let report = Report::error(codes::SUB_PLAN, step.form_place, message);
            sink.add(report.why("a plan is checked together with everything that it runs"));
        }
    }
}

/// A sub-plan below which the plan that names it does not stand again.
fn apart(name: &str, child: Rc<Child>) -> Result<Rc<Child>, String> {
    let way = child.way_to(name);
    if way.is_empty() { Ok(child) } else { Err(inside_itself(std::iter::once(name).chain(way))) }
}

fn inside_itself<'n>(round: impl Iterator<Item = &'n str>) -> String {
    format!("would run inside itself: {}", round.collect::<Vec<_>>().join(" → "))
}

fn child(
    reference: &PlanReference,
    pinned: Option<Digest>,
    from: &str,
    session: &Session<'_>,
) -> Result<Rc<Child>, String> {
    let asked = (from.to_owned(), reference.clone(), pinned);
    if let Some(known) = session.known.borrow().get(&asked) {
        // It was found elsewhere, perhaps not as deep: what lies below it counts from here.
        let height = known.as_ref().map_or(0, |child| child.height);
        return if session.above.borrow().len() + height > MOST_DEEP {
            Err(too_deep())
        } else {
            known.clone()
        };
    }
    let found = look_up(reference, pinned, from, session);
    session.known.borrow_mut().insert(asked, found.clone());
    found
}

fn too_deep() -> String {
    format!("lies more than {MOST_DEEP} levels deep")
}

/// What was found for the sub-plans of a plan, each once.
fn below(plan: &Plan, session: &Session<'_>) -> Vec<Rc<Child>> {
    let found = session.found.borrow();
    let of = |form: &Form| match form {
        Form::Plan(sub_plan) => sub_plan.digest,
        Form::Run { .. }
        | Form::Script { .. }
        | Form::Noop { .. }
        | Form::Uses(_)
        | Form::Wait { .. }
        | Form::WaitUntil { .. }
        | Form::Approval(_)
        | Form::Signal(_) => None,
    };
    let forms = plan.steps.values().flat_map(|step| std::iter::once(step).chain(step.compensate.as_deref()));
    let digests: BTreeSet<Digest> = forms.filter_map(|step| of(&step.form)).collect();
    digests.iter().filter_map(|digest| found.get(digest).cloned()).collect()
}

fn look_up(
    reference: &PlanReference,
    pinned: Option<Digest>,
    from: &str,
    session: &Session<'_>,
) -> Result<Rc<Child>, String> {
    // INVARIANT(INV-21): depth and number of documents are bounded, and each is read once.
    if session.above.borrow().len() > MOST_DEEP {
        return Err(too_deep());
    }
    let read = session.read.get() + 1;
    session.read.set(read);
    if read > MOST_DOCUMENTS {
        return Err(format!("is one of more than {MOST_DOCUMENTS}, which is the most"));
    }
    let cannot = |why: String| format!("cannot be had: {why}");
    let found = session.sub_plans.find(&Wanted { reference, from, digest: pinned }).map_err(cannot)?;
    let (compiled, digest) = match found {
        Found::Written(source) => {
            // A document that is being read is not read again; that it leads back to itself is wrong wherever one enters.
            let above = session.above.borrow();
            if let Some(begin) = above.iter().position(|(place, _)| *place == source.name) {
                let names = above.iter().skip(begin).map(|(_, name)| name.as_str());
                return Err(inside_itself(names.clone().chain(names.take(1))));
            }
            drop(above);
            let outcome = crate::check_within(&source, session);
            let Some((checked, outputs)) = outcome.0 else { return Err(refused(&source.name, &outcome.1)) };
            let packed = session.sub_plans.pack(&source, &checked).map_err(cannot)?;
            let checked = match packed {
                Some(digest) => checked.with_files(digest),
                None => checked,
            };
            let digest = checked.digest();
            session.documents.borrow_mut().insert(digest, checked.canonical.into_value());
            (Compiled { plan: checked.plan, bounds: checked.bounds, outputs }, digest)
        }
        Found::Stored(document) => {
            let digest = digest_of(&document);
            let compiled = crate::load_within(&document, &reference.to_string(), session);
            let compiled = compiled.map_err(|told| refused(&reference.to_string(), &told))?;
            session.documents.borrow_mut().insert(digest, document);
            (compiled, digest)
        }
    };
    if pinned.is_some_and(|pinned| pinned != digest) {
        return Err("is another one than the document pins".to_owned());
    }
    let below = below(&compiled.plan, session);
    let child = Rc::new(Child::new(compiled, digest, below));
    session.found.borrow_mut().insert(digest, child.clone());
    Ok(child)
}

fn refused(name: &str, told: &[Diagnostic]) -> String {
    let errors: Vec<&Diagnostic> = told.iter().filter(|one| one.severity == Severity::Error).collect();
    let Some(first) = errors.first() else { return "is refused".to_owned() };
    let others = match errors.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    format!(
        "is refused: {} ({}, {name}:{}:{}{others})",
        first.message, first.code, first.span.line, first.span.column
    )
}

/// Compares what each step hands to its sub-plan with the inputs that it declares.
pub(crate) fn inputs(draft: &Draft, names: &mut Names, sink: &mut Collector<'_>) {
    for step in &draft.steps {
        if let Some(child) = child_of(step) {
            of_step(step, child, names, sink);
        }
        if let Some(undo) = step.compensate.as_deref()
            && let Some(child) = child_of(undo)
        {
            super::items::for_undoing(step, names, |names| of_step(undo, child, names, sink));
        }
    }
}

fn child_of(step: &StepDraft) -> Option<&Plan> {
    match &step.form {
        Some(Form::Plan(sub_plan)) => sub_plan.child.as_deref(),
        _ => None,
    }
}

fn of_step(step: &StepDraft, child: &Plan, names: &Names, sink: &mut Collector<'_>) {
    let mut tell = |message: String, choices: Vec<String>, near: Option<&str>| {
        let report = Report::error(codes::SUB_PLAN_INPUT, step.form_place, message);
        sink.add(report.did_you_mean(near).choices(choices));
    };
    let given: BTreeMap<&str, Given<'_>> = match &step.with {
        None | Some(TemplateValue::Literal(Value::Null)) => BTreeMap::new(),
        Some(TemplateValue::Literal(Value::Object(members))) => {
            members.iter().map(|(name, value)| (name.as_str(), Given::Literal(value))).collect()
        }
        Some(TemplateValue::Object(members)) => {
            members.iter().map(|(name, value)| (name.as_str(), Given::of(value))).collect()
        }
        // What one expression gives is compared when the step starts.
        Some(TemplateValue::Expression(_)) => return,
        Some(_) => {
            tell("`with` of a sub-plan is an object of its inputs".to_owned(), Vec::new(), None);
            return;
        }
    };
    let legal = || child.inputs.keys().map(String::as_str);
    for (name, value) in &given {
        match child.inputs.get(*name) {
            None => {
                let message = format!("`{}` has no input {}", child.name, shown(name));
                let near = nearest::nearest(name, legal()).map(str::to_owned);
                tell(message, nearest::ordered(name, legal()), near.as_deref());
            }
            Some(input) => {
                if let Some(fault) = value.fault(input, names) {
                    tell(format!("the input `{name}` of `{}` {fault}", child.name), Vec::new(), None);
                }
            }
        }
    }
    for (name, input) in &child.inputs {
        if input.default.is_none() && !given.contains_key(name.as_str()) {
            tell(format!("the input `{name}` of `{}` ({input}) is missing", child.name), Vec::new(), None);
        }
    }
}

/// What a step hands over.
enum Given<'t> {
    Literal(&'t Value),
    Value(&'t TemplateValue),
}

impl<'t> Given<'t> {
    fn of(value: &'t TemplateValue) -> Self {
        match value {
            TemplateValue::Literal(value) => Self::Literal(value),
            other => Self::Value(other),
        }
    }

    fn fault(&self, input: &Input, names: &Names) -> Option<String> {
        match self {
            Self::Literal(value) => input.check(value).err().map(|why| format!("does not fit: it {why}")),
            Self::Value(value) => {
                let shape = super::items::of_value(value, names);
                let types = &input.schema.types;
                let fits = types.is_empty() || types.iter().any(|one| may_be(*one, &shape));
                (!fits).then(|| format!("takes {input}, and this is {shape}"))
            }
        }
    }
}

fn may_be(one: Type, shape: &Shape) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Null => one == Type::Null,
        Shape::Bool => one == Type::Boolean,
        Shape::Int => matches!(one, Type::Integer | Type::Number),
        Shape::Number => matches!(one, Type::Integer | Type::Number),
        Shape::String => one == Type::String,
        Shape::List(_) => one == Type::Array,
        Shape::Object { .. } => one == Type::Object,
    }
}
