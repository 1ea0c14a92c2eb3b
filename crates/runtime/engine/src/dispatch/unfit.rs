//! Attempts that no worker is given, and why: what the floor answers in the worker's place.

use dvt_core::event::{self, Dispatch};
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory};
use dvt_worker::protocol;

/// The owner gave no word for the host, and there is nothing else yet.
pub(super) fn no_word() -> Failure {
    let message = "no wall can be built here, and the owner gave no word for the host: `--allow-host`, or \
                   `programSteps: host` in the profile";
    failure(Code::SandboxUnavailable, FailureCategory::Platform, message.to_owned(), "engine")
}

/// No worker runs plugins.
pub(super) fn no_plugins() -> Failure {
    let message = "plugins cannot be run here yet".to_owned();
    failure(Code::SandboxUnavailable, FailureCategory::Platform, message, "engine")
}

/// It does not fit a frame.
pub(super) fn too_large() -> Failure {
    let message = "program, arguments, `with` and `env` together are too large to be handed to a step; hand large data \
                   over in `files` or as a path";
    failure(Code::PayloadTooLarge, FailureCategory::User, message.to_owned(), "engine")
}

/// No worker can be had, or what it needs cannot be read.
pub(super) fn no_worker(problem: String) -> Failure {
    Failure { retryable: true, ..failure(Code::WorkerLost, FailureCategory::Platform, problem, "engine") }
}

/// It was stopped while it waited for an older copy of its step to end.
pub(super) fn stopped() -> Failure {
    failure(Code::Cancelled, FailureCategory::User, "stopped before it began".to_owned(), "dispatcher")
}

fn failure(code: Code, category: FailureCategory, message: String, source: &str) -> Failure {
    Failure {
        error_code: code,
        error_message: message,
        retryable: false,
        failure_category: category,
        failure_source: source.to_owned(),
        exit_status: None,
    }
}

/// Whether a dispatch does not fit a frame of the link: judged here, for behind it the link would have to break, and with it
/// the steps of everybody else. Most are far from the limit, also if every byte were escaped; only the others are measured.
pub(super) fn is_too_large(dispatch: &Dispatch) -> bool {
    const WORST_ESCAPE: usize = 6;
    /// What a frame holds beside these: keys, token, names of fields.
    const REST: usize = 64 * 1024;
    let most = protocol::MAX_HEADER_BYTES - REST;
    let program = match &dispatch.program {
        event::Program::Run(words) => words.iter().map(|word| word.len() + 8).sum(),
        event::Program::Script { text, .. } => text.len(),
        event::Program::Plugin(plugin) => plugin.name.len(),
    };
    let env: usize = dispatch.env.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    let with = written_length(&dispatch.with);
    if (program + env).saturating_mul(WORST_ESCAPE).saturating_add(with) <= most {
        return false;
    }
    let words = match &dispatch.program {
        event::Program::Run(words) => written_length(words),
        event::Program::Script { text, .. } => written_length(text),
        event::Program::Plugin(plugin) => written_length(&plugin.name),
    };
    words.saturating_add(written_length(&dispatch.env)).saturating_add(with) > most
}

/// The bytes of a value as JSON; what cannot be written is too long.
fn written_length(value: &(impl serde::Serialize + ?Sized)) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
    use dvt_model::id::StepId;

    fn script(text: String) -> Dispatch {
        Dispatch {
            step_id: StepId::parse("step").unwrap(),
            logical_attempt_id: LogicalAttemptId::FIRST,
            engine_attempt_id: EngineAttemptId::FIRST,
            token: String::new(),
            timeout_ms: 1,
            program: event::Program::Script { shell: dvt_plan::plan::Shell::Sh, text },
            with: serde_json::Value::Null,
            env: Vec::new(),
            output: dvt_plan::plan::OutputMode::File,
        }
    }

    #[test]
    fn what_counts_is_the_length_as_it_is_sent() {
        assert!(!is_too_large(&script("x".repeat(8 << 20))));
        assert!(!is_too_large(&script("x".repeat(15 << 20))));
        assert!(is_too_large(&script("\n".repeat(8 << 20))), "a line end is two bytes in JSON");
        assert!(is_too_large(&script("x".repeat(16 << 20))));
        let mut with = script(String::new());
        with.with = serde_json::Value::String("x".repeat(17 << 20));
        assert!(is_too_large(&with));
    }
}
