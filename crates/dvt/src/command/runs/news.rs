//! Waiting for news of a run that some engine works on. It asks for no run to go on and never becomes the engine.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::end::{brief, resume};
use crate::view::screen::Screen;
use dvt_engine::client::Client;
use dvt_model::code::Code;
use dvt_model::id::RunId;
use dvt_model::proof::{Authorized, RunReadStatus};
use dvt_model::resource::Run;

/// A connection to the engine, to be told of one run.
pub(super) struct News {
    client: Client,
    run: RunId,
}

impl News {
    /// Connects; `None` where no engine lives.
    pub(super) async fn of(
        composition: &Composition,
        run: RunId,
        route: &str,
    ) -> Result<Option<Self>, Problem> {
        if !dvt_engine::engine_is_live(&composition.store) {
            return Ok(None);
        }
        let status: Authorized<Run, RunReadStatus> =
            composition.access.run(&composition.context, run, route).await?;
        let Some(client) = unless_gone(dvt_engine::connect(composition.parts.clone()).await)? else {
            return Ok(None);
        };
        let followed = unless_gone(client.follow(&status).await)?;
        Ok(followed.map(|()| Self { client, run }))
    }

    /// Waits until there is something behind this `runSeq`, or the run has ended. `false` where no engine works on it any more.
    pub(super) async fn after(&self, known_seq: u64) -> Result<bool, Problem> {
        Ok(unless_gone(self.client.progress(self.run, known_seq).await)?.is_some())
    }
}

fn unless_gone<T>(answer: Result<T, dvt_engine::Problem>) -> Result<Option<T>, Problem> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(problem) if matches!(problem.code, Code::ServiceDegraded | Code::LeaseLost) => Ok(None),
        Err(problem) => Err(problem.into()),
    }
}

/// Says that nothing more comes by itself.
pub(super) fn rests(run: RunId, host_allowed: bool, screen: &Screen) -> Exit {
    let on = resume(run, host_allowed);
    screen.note(&format!("no engine works on {} any more; go on: {on}", brief(run)));
    Exit::NoEngine
}
