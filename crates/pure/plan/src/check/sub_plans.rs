//! DVT-P030 and DVT-P031: sub-plans that cannot be had, and inputs that do not fit them.
//!
//! A sub-plan is read and checked whole, with everything below it, before its parent is accepted; its digest is pinned
//! into the parent's, so what was checked is what runs.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::digest_of;
use crate::document::{Draft, StepDraft};
use crate::expression::check::{Names, Shape};
use crate::input::{Input, Type};
use crate::plan::{Form, Plan, PlanReference, Step};
use crate::session::{Child, Session};
use crate::sub_plan::{Found, MOST_DEEP, MOST_DOCUMENTS, Wanted};
use crate::template::TemplateValue;
use dvt_model::digest::Digest;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Finds every sub-plan that the draft names.
pub(crate) fn resolve(draft: &mut Draft, from: &str, session: &Session<'_>, sink: &mut Collector<'_>) {
    let name = draft.name.as_ref().map(ToString::to_string).unwrap_or_default();
    session.above.borrow_mut().push((from.to_owned(), name));
    for step in &mut draft.steps {
        one(step, from, session, sink);
        if let Some(undo) = &mut step.compensate {
            one(undo, from, session, sink);
        }
    }
    session.above.borrow_mut().pop();
}

fn one(step: &mut StepDraft, from: &str, session: &Session<'_>, sink: &mut Collector<'_>) {
    let Some(Form::Plan(sub_plan)) = &mut step.form else { return };
    match child(&sub_plan.reference, sub_plan.digest, from, session) {
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

/// Levels of sub-plans below a plan whose own sub-plans were found.
fn height(plan: &Plan, session: &Session<'_>) -> usize {
    let heights = session.heights.borrow();
    let of = |form: &Form| match form {
        Form::Plan(sub_plan) => {
            sub_plan.digest.and_then(|digest| heights.get(&digest)).map_or(0, |height| height + 1)
        }
        Form::Run { .. }
        | Form::Script { .. }
        | Form::Noop { .. }
        | Form::Uses(_)
        | Form::Wait { .. }
        | Form::WaitUntil { .. }
        | Form::Approval(_)
        | Form::Signal(_) => 0,
    };
    let undone = |undo: &Step| of(&undo.form);
    plan.steps
        .values()
        .map(|step| of(&step.form).max(step.compensate.as_deref().map_or(0, undone)))
        .max()
        .unwrap_or(0)
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
    let child = match found {
        Found::Written(source) => {
            inside_itself(session, |(place, _)| *place == source.name)?;
            let outcome = crate::check_within(&source, session);
            let Some((checked, outputs)) = outcome.0 else { return Err(refused(&source.name, &outcome.1)) };
            let packed = session.sub_plans.pack(&source, &checked).map_err(cannot)?;
            let checked = match packed {
                Some(digest) => checked.with_files(digest),
                None => checked,
            };
            let digest = checked.digest();
            session.documents.borrow_mut().insert(digest, checked.canonical.into_value());
            let height = height(&checked.plan, session);
            Child { plan: Arc::new(checked.plan), digest, bounds: checked.bounds, outputs, height }
        }
        Found::Stored(document) => {
            let digest = digest_of(&document);
            let compiled = crate::load_within(&document, &reference.to_string(), session);
            let compiled = compiled.map_err(|told| refused(&reference.to_string(), &told))?;
            session.documents.borrow_mut().insert(digest, document);
            let height = height(&compiled.plan, session);
            Child {
                plan: Arc::new(compiled.plan),
                digest,
                bounds: compiled.bounds,
                outputs: compiled.outputs,
                height,
            }
        }
    };
    if pinned.is_some_and(|pinned| pinned != child.digest) {
        return Err("is another one than the document pins".to_owned());
    }
    inside_itself(session, |(_, name)| name == child.plan.name.as_str())?;
    session.heights.borrow_mut().insert(child.digest, child.height);
    Ok(Rc::new(child))
}

fn inside_itself(session: &Session<'_>, is_it: impl Fn(&(String, String)) -> bool) -> Result<(), String> {
    let above = session.above.borrow();
    let Some(begin) = above.iter().position(is_it) else { return Ok(()) };
    let names = above.iter().skip(begin).map(|(_, name)| name.as_str());
    let round: Vec<&str> = names.clone().chain(names.take(1)).collect();
    Err(format!("would run inside itself: {}", round.join(" → ")))
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
