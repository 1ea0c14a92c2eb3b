//! From a running attempt to what a worker needs. The inputs are those of StepStarted, so a re-dispatch gives out exactly
//! what was given out before, token included.

use super::begin::timeout_ms;
use super::draft::{Draft, refusal, unknown};
use crate::command::Refusal;
use crate::event::{self, Dispatch, Effect, Program};
use crate::ground::Ground;
use crate::lookup;
use dvt_model::code::Code;
use dvt_model::id::StepId;
use dvt_plan::plan::{Form, Step};
use serde_json::Value;

/// The token of the step's newest attempt.
pub(super) fn token(draft: &Draft<'_>, id: &StepId) -> Result<String, Refusal> {
    let slot = lookup::facts(draft.plan, draft, id).ok_or_else(|| unknown(id))?.logical.0;
    let queued = draft.queued().ok_or_else(|| refusal(Code::RunNotFound, "the run was not queued"))?;
    event::token(id, slot, queued.run_id, &queued.plan)
        .map_err(|error| refusal(Code::ContractViolation, error.to_string()))
}

pub(super) fn dispatch(draft: &mut Draft<'_>, id: &StepId, step: &Step) -> Result<(), Refusal> {
    let facts = draft.step(id).ok_or_else(|| unknown(id))?;
    let (logical_attempt_id, engine_attempt_id) = (facts.logical, facts.engine);
    let inputs = draft.inputs(id);
    let member = |name: &str| inputs.and_then(|inputs| inputs.get(name));
    let program = match &step.form {
        Form::Run { program, .. } => {
            let arguments = member("arguments").and_then(Value::as_array).into_iter().flatten();
            let arguments = arguments.filter_map(Value::as_str).map(str::to_owned);
            Program::Run(std::iter::once(program.clone()).chain(arguments).collect())
        }
        Form::Script { shell, text } => Program::Script { shell: *shell, text: text.clone() },
        Form::Uses(plugin) => Program::Plugin(plugin.clone()),
        // The engine itself does these.
        Form::Noop { .. }
        | Form::Wait { .. }
        | Form::WaitUntil { .. }
        | Form::Approval(_)
        | Form::Signal(_)
        | Form::Plan(_) => return Ok(()),
    };
    let env = member("env").and_then(Value::as_object).into_iter().flatten();
    let env = env.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    let with = member("with").cloned().unwrap_or(Value::Null);
    let dispatch = Dispatch {
        step_id: id.clone(),
        logical_attempt_id,
        engine_attempt_id,
        token: token(draft, id)?,
        timeout_ms: timeout_ms(step),
        program,
        with,
        env,
        output: step.output,
    };
    draft.effect(Effect::Dispatch(dispatch));
    Ok(())
}
