//! Whether a step of a run can take a signal: one that none can take is kept (contract 4.5), and its sender is told.

use crate::compose::Composition;
use crate::problem::{Problem, spelling};
use crate::running::read::{picture, plan, row};
use crate::view::picture::Picture;
use crate::view::safe::safe;
use dvt_model::deed::Deed;
use dvt_model::id::RunId;
use dvt_model::proof::{Authorized, Permits as _, RunReadStatus};
use dvt_model::resource::Run;
use dvt_plan::plan::{Form, Plan};
use std::collections::BTreeSet;

/// More names than these are no help.
const MOST_NAMES: usize = 20;

/// What is to be told of a deed before it is done, by the right to see the run's status; nothing to who lacks it.
pub(super) async fn look(
    run: RunId,
    deed: &Deed,
    composition: &Composition,
    route: &str,
) -> Result<Option<String>, Problem> {
    let Deed::Send { name, .. } = deed else { return Ok(None) };
    let Composition { access, context, .. } = composition;
    if !access.may(context, RunReadStatus::ACTION) {
        return Ok(None);
    }
    let read: Authorized<Run, RunReadStatus> = access.run(context, run, route).await?;
    let row = row(composition, &read).await?;
    let plan = plan(composition, &read, &row).await?;
    let (picture, _) = picture(composition, &read, &plan).await?;
    Ok(missing(&plan, &picture, name))
}

/// Why no step takes a signal of this name, if none does.
pub(super) fn missing(plan: &Plan, picture: &Picture, name: &str) -> Option<String> {
    let waiting = || {
        plan.steps.iter().filter_map(|(id, step)| match &step.form {
            Form::Signal(signal) => Some((id.as_str(), signal.name.as_str())),
            _ => None,
        })
    };
    let mut takers = waiting().filter(|(_, known)| *known == name).map(|(id, _)| id).peekable();
    if takers.peek().is_some() {
        let is_over = |id: &str| picture.steps.get(id).is_some_and(|step| step.is_over());
        let text = || {
            format!("no step waits for `{name}` any more: it is kept, and taken only if one is tried again")
        };
        return takers.all(is_over).then(text);
    }
    let names: BTreeSet<&str> = waiting().map(|(_, known)| known).collect();
    let near = spelling::nearest(name, names.iter().copied());
    let some: Vec<String> =
        if near.is_empty() { names.iter().copied().take(MOST_NAMES).collect() } else { near }
            .into_iter()
            .map(|known| format!("`{known}`"))
            .collect();
    let known = match (names.len(), some.len()) {
        (0, _) => "it waits for none".to_owned(),
        (all, shown) if all > shown => format!("it waits for {}, among others", some.join(", ")),
        _ => format!("it waits for {}", some.join(", ")),
    };
    Some(format!("no step of the plan takes `{}`, so it is kept and never taken; {known}", safe(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_plan::diagnostic::Source;

    fn told(steps: &str, name: &str) -> Option<String> {
        let plan = format!("apiVersion: dvt/v1\nname: parcel\nsteps:\n{steps}");
        let source = Source { name: "parcel.yaml".to_owned(), text: plan };
        let plan = dvt_plan::check(&source).checked.unwrap().plan;
        missing(&plan, &Picture::new(&plan), name)
    }

    #[test]
    fn who_could_take_it_is_named() {
        let steps = "  one: { signal: delivered }\n  two: { signal: returned }\n";
        assert_eq!(told(steps, "delivered"), None, "control");
        assert!(told(steps, "delivred").unwrap().ends_with("it waits for `delivered`, among others"));
        assert!(told(steps, "x").unwrap().ends_with("it waits for `delivered`, `returned`"));
        assert!(told("  one: { uses: dvt/noop@1 }\n", "x").unwrap().ends_with("it waits for none"));
    }
}
