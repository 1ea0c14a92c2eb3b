//! `hooks: { exit }` and `onExit` of a call: what runs behind it however it ended.
//!
//! It runs where the call has begun, also on the way out of a run that was cancelled, and those behind the call wait for it;
//! its own failure fails nothing.

use super::call::Call;
use super::called::Called;
use super::start::{Late, Start};
use super::{Importer, Scope};
use crate::Error;
use crate::foreign::tree::Tree;
use std::collections::BTreeMap;
use std::rc::Rc;

impl Importer<'_> {
    /// Names what hooks say that a plan does not.
    pub(super) fn keys_of_hooks(&mut self, hooks: &Tree) {
        for (name, place, hook) in hooks.entries() {
            if name != "exit" {
                let why = "a plan has no hooks; steps with conditions can say it";
                self.losses.add("hooks", why, name, *place);
                continue;
            }
            for (key, place, _) in hook.entries() {
                if !["template", "templateRef", "arguments", "expression"].contains(&key.as_str()) {
                    self.losses.add(format!("hooks.exit.{key}"), super::NO_WORD, key, *place);
                }
            }
        }
    }

    /// The call with what runs behind it however it ended.
    pub(super) fn exit_hook(
        &mut self,
        written: &Tree,
        given: &Call,
        mut called: Called,
        scope: &Scope,
    ) -> Result<Called, Error> {
        let hook = written.at(&["hooks", "exit"]);
        let old = written.get("onExit");
        let place = match (written.get("hooks").filter(|_| hook.is_some()), old) {
            (Some(hooks), _) => hooks.place_of("exit"),
            (None, Some(_)) => written.place_of("onExit"),
            (None, None) => return Ok(called),
        };
        if given.foreach.is_some() {
            let why = "behind a list that a step gives it runs once, not for each item";
            self.losses.add("hooks", why, if hook.is_some() { "exit" } else { "onExit" }, place);
        }
        let mut scope = scope.clone();
        scope.item = scope.item.filter(|_| given.foreach.is_none());
        if let Some(name) = written.text_of("name") {
            scope.called.insert(name.to_owned(), Rc::new(called.clone()));
        }
        let expression = hook.and_then(|hook| hook.get("expression"));
        let behind = Call {
            id: format!("{}_exit", given.id),
            name: format!("{}-exit", given.name),
            start: Start {
                needs: called.exits.clone(),
                asks: called.begun(),
                is_tolerant: true,
                may_be_omitted: true,
                late: Late::Always,
                ..Start::default()
            },
            when: expression.and_then(|expression| self.when_expression(expression, &scope)),
            is_soft: true,
            foreach: None,
            place,
        };
        let done = match hook {
            Some(hook) => {
                let inputs = self.arguments(hook.get("arguments"), &scope);
                self.resolve(hook, &behind, inputs, &scope)?
            }
            None => {
                let name = old.and_then(Tree::text).unwrap_or_default();
                self.by_name(&scope.owner.clone(), name, &behind, BTreeMap::new(), &scope)?
            }
        };
        called.is_tolerated |= expression.is_some() || done.is_several() || done.is_tolerated;
        called.exits.extend(done.exits);
        Ok(called)
    }
}
