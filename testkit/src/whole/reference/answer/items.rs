//! `foreach`: the base step begins with a list, its items are steps of their own, and the base ends with them.

use super::begin::{add, is_base};
use super::{Answer, failure};
use crate::whole::reference::course;
use crate::whole::reference::view::{Unit, step_of};
use dvt_model::code::Code;
use dvt_model::failure::Usage;
use dvt_model::run::StepStatus;
use dvt_plan::expression::Fault;
use dvt_plan::plan::{Foreach, Lists, Source, Step};
use serde_json::{Value, json};

impl Answer<'_> {
    pub(super) fn begin_base(&mut self, unit: &str, step: &Step) {
        match self.list(unit, step) {
            Err(fault) => self.begin_at_fault(unit, step, &fault),
            Ok(items) => {
                let count = items.len();
                let mut payload =
                    json!({ "inputs": { "items": items }, "timeoutMs": super::begin::timeout_ms(step) });
                add(&mut payload, [("itemCount", json!(count))]);
                self.say_step("StepStarted", unit, payload);
                self.settle(unit);
            }
        }
    }

    fn list(&self, unit: &str, step: &Step) -> Result<Vec<Value>, Fault> {
        let Some(foreach) = &step.foreach else { return Ok(Vec::new()) };
        let words = self.words(Some(unit));
        let lists = match &foreach.source {
            Source::List(list) => Lists::List(words.value(list)?),
            Source::Product(lists) => {
                let each = lists.iter().map(|(name, list)| Ok((name.clone(), words.value(list)?)));
                Lists::Product(each.collect::<Result<_, Fault>>()?)
            }
        };
        let exclude = foreach.exclude.as_ref().map(|exclude| words.value(exclude)).transpose()?;
        Foreach::items(lists, exclude.as_ref()).map_err(|error| Fault::Failed(error.to_string()))
    }

    /// Whether another item of this base may begin now.
    pub(super) fn item_may_begin(&self, base: &str, step: &Step) -> bool {
        let items = course::items(&self.view, base);
        let running = items.iter().filter(|item| self.view.is(item, StepStatus::Running)).count();
        let most =
            step.foreach.as_ref().and_then(|foreach| foreach.max_parallel).unwrap_or(self.plan.max_parallel);
        self.view.is(base, StepStatus::Running)
            && !self.has_failed_item(base, step)
            && running < usize::try_from(most).unwrap_or(usize::MAX)
    }

    fn has_failed_item(&self, base: &str, step: &Step) -> bool {
        let items = course::items(&self.view, base);
        !step.continue_on_error && items.iter().any(|item| self.view.is(item, StepStatus::Failed))
    }

    /// After an end of a unit: where it is an item, its base may be over too.
    pub(super) fn settle_base(&mut self, unit: &str) {
        let parts = Unit::of(unit);
        if parts.item.is_some() && !parts.undoes {
            self.settle(parts.base);
        }
    }

    /// Ends a base whose items are over, or of which one failed and no other runs.
    fn settle(&mut self, base: &str) {
        let Some(step) = step_of(self.plan, base) else { return };
        if !is_base(step, base) || !self.view.is(base, StepStatus::Running) {
            return;
        }
        let items = course::items(&self.view, base);
        let runs = items.iter().any(|item| self.view.is(item, StepStatus::Running));
        let failed = items.iter().find(|item| self.view.is(item, StepStatus::Failed));
        let over = items.iter().all(|item| self.view.fact(item).is_some_and(course::is_terminal));
        match failed.filter(|_| !step.continue_on_error) {
            Some(item) if !runs => {
                let failure = self.view.fact(item).map(|fact| fact.failure()).unwrap_or_default();
                self.fail(base, &failure, Usage::default());
            }
            None if over => {
                let outputs =
                    items.iter().map(|item| self.view.fact(item).map_or(Value::Null, |fact| fact.output()));
                let outputs = Value::Array(outputs.collect());
                self.complete(base, outputs, Usage::default());
            }
            Some(_) | None => {}
        }
    }

    /// A base of the drain whose items will not all begin any more is closed when no item runs.
    pub(super) fn close_bases(&mut self) {
        for unit in self.in_order() {
            let Some(step) = self.step(&unit).cloned() else { continue };
            if !is_base(&step, &unit) || !self.view.is_of_the_drain(&unit) {
                continue;
            }
            let items = course::items(&self.view, &unit);
            if !items.iter().any(|item| self.view.is(item, StepStatus::Running))
                && !course::may_begin(&self.view, &step)
            {
                let closed = failure(Code::Cancelled, "USER", "engine");
                self.say_step("StepFailed", &unit, json!({ "failure": closed, "usage": Usage::default() }));
            }
        }
    }
}
