//! `foreach`: the base step begins with a list, its items are steps of their own, and the base ends with them.

use super::Answer;
use super::begin::{add, is_base};
use crate::simulator::reference::course;
use crate::simulator::reference::view::{Fact, Unit, step_of};
use dvt_model::failure::Usage;
use dvt_model::run::StepStatus;
use dvt_plan::expression::Fault;
use dvt_plan::plan::{Foreach, Lists, Source, Step};
use serde_json::{Value, json};

impl Answer<'_> {
    pub(super) fn begin_base(&mut self, unit: &str, step: &Step) {
        match self.same_list(unit, step) {
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

    /// A later attempt is over the same items, for it runs only those without SUCCESS: after a failure they are as they
    /// were; one that is forced after a success asks again, and must hear the same.
    fn same_list(&self, unit: &str, step: &Step) -> Result<Vec<Value>, Fault> {
        let fact = self.view.fact(unit);
        let before = fact.and_then(|fact| fact.list.as_ref()).and_then(Value::as_array).cloned();
        let had_items = fact.is_some_and(|fact| fact.inputs().get("items").is_some());
        let failed = fact.is_some_and(|fact| !fact.failure().is_null());
        if let Some(before) = before.clone().filter(|_| had_items && failed) {
            return Ok(before);
        }
        let list = self.list(unit, step)?;
        if before.is_some_and(|before| before != list) {
            return Err(Fault::Failed(String::new()));
        }
        Ok(list)
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
    ///
    /// An item is under way from its first attempt until it is over, its pauses included: "an item that fails out of retries
    /// lets no further item start" would mean nothing under `maxParallel: 1` otherwise.
    pub(super) fn item_may_begin(&self, item: &str, base: &str, step: &Step) -> bool {
        let is_under_way = |item: &str| self.view.fact(item).is_some_and(Fact::is_under_way);
        let items = course::items(&self.view, base);
        let under_way = items.iter().filter(|item| is_under_way(item)).count();
        let most = step.foreach.as_ref().and_then(|foreach| foreach.max_parallel);
        let has_room = most.is_none_or(|most| under_way < usize::try_from(most).unwrap_or(usize::MAX));
        self.view.is(base, StepStatus::Running)
            && !self.has_failed_item(base, step)
            && (has_room || is_under_way(item))
    }

    /// "An item that fails out of retries without `continueOnError` lets no further item start", and a retry would be one;
    /// nor does one begin in a drain.
    pub(super) fn goes_down(&self, unit: &str, step: &Step) -> bool {
        let parts = Unit::of(unit);
        let is_item = parts.item.is_some() && !parts.undoes;
        is_item && (self.has_failed_item(parts.base, step) || self.view.is_of_the_drain(parts.base))
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
        // The first that failed is why the step does.
        let failed = items.iter().filter(|item| self.view.is(item, StepStatus::Failed));
        let failed = failed.min_by_key(|item| {
            self.view.fact(item).and_then(|fact| fact.ended.as_ref().map(|(place, _)| *place))
        });
        let over = items.iter().all(|item| self.view.fact(item).is_some_and(course::is_terminal));
        match failed.filter(|_| !step.continue_on_error) {
            Some(item) if !runs => {
                let failure = self.view.fact(item).map(|fact| fact.failure()).unwrap_or_default();
                self.brought = self.item_failed(base, item);
                self.fail(base, &failure, Usage::default());
            }
            None if over => {
                let outputs =
                    items.iter().map(|item| self.view.fact(item).map_or(Value::Null, |fact| fact.output()));
                let outputs = Value::Array(outputs.collect());
                self.brought = self.items_gave(base);
                self.complete(base, outputs, Usage::default());
            }
            Some(_) | None => {}
        }
    }
}
