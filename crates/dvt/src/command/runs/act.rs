//! What the verbs that act on a run do with an act: look the run up, hand it to the engine or weigh it, tell.
//!
//! Nobody is asked why about a run that is not there. Where no engine works, this process takes the lease for the act; a run
//! that rests goes on resting, but for one that the act ends, whose end is seen here.

use super::foresee::{self, Case};
use super::{taker, weigh};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::follow::{Followed, to_the_end};
use crate::running::host;
use crate::running::locate;
use crate::running::read::{plan, row};
use crate::running::typed::{self, Act, requested};
use crate::view::end::brief;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use crate::view::width::wrap;
use dvt_engine::Acted;
use dvt_engine::client::Client;
use dvt_model::deed::Deed;
use dvt_model::id::RunId;
use dvt_model::proof::{Authorized, Permits, RunReadPayload};
use dvt_model::resource::Run;
use serde_json::json;

/// Does it. `A` is the action that the deed takes.
pub(super) async fn ask<A: Permits>(
    act: Act<'_>,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let ends = matches!(act.deed, Deed::Cancel {} | Deed::EmergencyStop { .. });
    if act.dry_run {
        if ends {
            return Ok(foresee::look(act.run, &act.deed, composition, act.route).await?.show(screen));
        }
        let case = Case::look(act.run, &act.deed, composition, act.route).await?;
        return Ok(weigh::act::<A>(&act, &case, composition, screen).await?.show(screen));
    }
    let run = locate::run(act.run, composition, act.route).await?;
    let proof: Authorized<Run, A> =
        composition.access.deed(&composition.context, run, &act.deed, act.route).await?;
    if ends && act.message.is_none() && screen.can_ask() {
        foresee::look(act.run, &act.deed, composition, act.route).await?.tell(screen);
    }
    let asked = typed::asked(&act, &proof, composition, screen)?;
    let reason = asked.record.as_ref().map(|record| record.justification_text().to_owned());
    // Looked at before: a step that takes it has ended when the act is answered.
    let untaken = taker::look(run, &act.deed, composition, act.route).await?;
    let client = dvt_engine::attach(composition.parts.clone()).await?;
    let word = host::has_word(act.allow_host, Some(&composition.profile));
    let exit = match client.act_on_run(&proof, asked, word).await {
        Ok(acted) => {
            let done = Done { run, acted, reason, untaken: untaken.filter(|_| !acted.duplicate) };
            end(&act, done, composition, &client, screen).await
        }
        Err(problem) => Err(Problem::from(problem)),
    };
    let closed = client.close().await;
    let exit = exit?;
    closed?;
    Ok(exit)
}

/// What came of an act.
struct Done {
    run: RunId,
    acted: Acted,
    reason: Option<String>,
    /// Why no step takes the signal.
    untaken: Option<String>,
}

/// Tells what was asked for; where this process is the engine of a run that it ends, sees it through.
async fn end(
    act: &Act<'_>,
    Done { run, acted, reason, untaken }: Done,
    composition: &Composition,
    client: &Client,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let name = brief(run);
    let Acted { status, duplicate } = acted;
    let told = match reason.as_deref() {
        _ if duplicate => format!("{name}: {}; nothing changes", before(act)),
        Some(reason) => format!("{name}: {}: {}", act.told, safe(reason)),
        None => format!("{name}: {}", act.told),
    };
    if client.is_engine() && !status.is_terminal() && matches!(act.deed, Deed::Cancel {}) {
        screen.note(&wrap(&told, "  ", screen.side_width()));
        screen.note("no engine worked on it, so this command sees it end");
        let read: Authorized<Run, RunReadPayload> =
            composition.access.run(&composition.context, run, act.route).await?;
        let row = row(composition, &read).await?;
        let plan = plan(composition, &read, &row).await?;
        let followed = Followed { plan: &plan, composition, client, read: &read };
        to_the_end(&followed, screen).await?;
        return Ok(Exit::Completed);
    }
    if !screen.for_people() {
        screen.json(&json!({
            "runId": run,
            "status": status,
            "requested": requested(&act.deed),
            "stepId": act.deed.step(),
            "reason": reason,
            "accepted": true,
            "duplicate": duplicate,
            "notes": untaken.iter().collect::<Vec<_>>(),
            "ended": status.is_terminal(),
        }));
        return Ok(Exit::Completed);
    }
    screen.line(&wrap(&told, "  ", screen.width()));
    if let Some(untaken) = untaken {
        screen.tell(&format!("warning: {untaken}"));
    }
    if status.is_terminal() {
        screen.note(&format!("it has ended: {status}"));
    } else {
        if matches!(act.deed, Deed::Cancel {}) {
            screen.note("running steps get 5 s to end, nothing new starts");
        }
        screen.note(&format!("see how it goes on: dvt runs get {name}"));
    }
    Ok(Exit::Completed)
}

/// What was given before, as it is told to who gives it again.
fn before(act: &Act<'_>) -> String {
    let step = act.deed.step().map(ToString::to_string).unwrap_or_default();
    match &act.deed {
        Deed::Approve { .. } => format!("you approved {step} before"),
        Deed::Reject { .. } => format!("you rejected {step} before"),
        Deed::Cancel {} => "its cancel was requested before".to_owned(),
        _ => match act.signal_id {
            Some(id) => format!("the signal `{}` was given before", safe(id)),
            None => "it was given before".to_owned(),
        },
    }
}
