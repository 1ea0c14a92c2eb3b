//! `dvt run --detach`: the run is left to an engine that stays. This process never becomes the engine.

use super::{Ready, ask};
use crate::command::engine::resident;
use crate::command::lint;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::running::host;
use crate::view::end;
use crate::view::screen::Screen;
use dvt_model::code::Code;
use dvt_model::id::RunRequestId;
use serde_json::json;

/// How often an engine that is just ending is followed by another try.
const TRIES: u32 = 5;

/// Starts it, and tells how to see it.
pub(crate) async fn start(
    ready: &Ready,
    request_id: RunRequestId,
    host_allowed: bool,
    (selected, composition): (&Selected, &Composition),
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let mut tries = 0;
    let answer = loop {
        tries += 1;
        let asking = ask(ready, request_id.clone(), (host_allowed, true), composition).await?;
        let client = resident::reach(selected, &composition.parts).await?;
        match client.start_run(&asking.publish, &asking.start, asking.request).await {
            // The engine ended before it answered; the same request finds the run, if there is one.
            Err(problem)
                if matches!(problem.code, Code::LeaseLost | Code::ServiceDegraded) && tries < TRIES => {}
            answer => break answer?,
        }
    };
    let plan = &ready.checked.plan;
    screen.note(&end::header(
        plan.name.as_str(),
        answer.run_id,
        &lint::bounds(&ready.checked.bounds),
        screen.side_width(),
    ));
    screen.note(host::walls(host::needs_word(plan), host_allowed));
    if let Some(first) = answer.behind {
        screen.note(&super::behind(first));
    }
    if screen.for_people() {
        screen.line(&answer.run_id.to_string());
        let name = end::brief(answer.run_id);
        screen.note(&format!("it goes on without this terminal\nsee it: dvt runs get {name}\nend it: dvt runs cancel {name} -m \"…\""));
    } else {
        screen.json(&json!({
            "runId": answer.run_id,
            "status": answer.status,
            "detached": true,
            "idempotent": answer.idempotent,
        }));
    }
    Ok(Exit::Completed)
}
