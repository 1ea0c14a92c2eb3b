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
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long whoever follows waits for another engine to take over from one that is gone, and between two looks.
const PATIENCE: Duration = Duration::from_secs(4);
const LOOK: Duration = Duration::from_millis(100);

/// A connection to the engine, to be told of one run.
pub(super) struct News<'c> {
    composition: &'c Composition,
    run: RunId,
    route: &'static str,
    client: Mutex<Client>,
}

impl<'c> News<'c> {
    /// Connects; `None` where no engine lives, nor comes.
    pub(super) async fn of(
        composition: &'c Composition,
        run: RunId,
        route: &'static str,
    ) -> Result<Option<Self>, Problem> {
        let client = awaited(composition, run, route).await?;
        Ok(client.map(|client| Self { composition, run, route, client: Mutex::new(client) }))
    }

    /// Waits until there is something behind this `runSeq`, or the run has ended, or another engine has taken it over. `false` where no
    /// engine works on it any more.
    pub(super) async fn after(&self, known_seq: u64) -> Result<bool, Problem> {
        let mut client = self.client.lock().await;
        if unless_gone(client.progress(self.run, known_seq).await)?.is_some() {
            return Ok(true);
        }
        match awaited(self.composition, self.run, self.route).await? {
            Some(next) => *client = next,
            None => return Ok(false),
        }
        Ok(true)
    }
}

/// Somebody who is told of the run by the engine that works on it.
async fn connected(composition: &Composition, run: RunId, route: &str) -> Result<Option<Client>, Problem> {
    if !dvt_engine::engine_is_live(&composition.store) {
        return Ok(None);
    }
    let status: Authorized<Run, RunReadStatus> =
        composition.access.run(&composition.context, run, route).await?;
    let Some(client) = unless_gone(dvt_engine::connect(composition.parts.clone()).await)? else {
        return Ok(None);
    };
    let followed = unless_gone(client.follow(&status).await)?;
    Ok(followed.map(|()| client))
}

/// The same as soon as there is one: where one engine is just gone, another may stand by.
async fn awaited(composition: &Composition, run: RunId, route: &str) -> Result<Option<Client>, Problem> {
    let begun = Instant::now();
    loop {
        let found = connected(composition, run, route).await?;
        if found.is_some() || begun.elapsed() >= PATIENCE {
            return Ok(found);
        }
        tokio::time::sleep(LOOK).await;
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
