//! `dvt runs get RUN`: how a run stands, why its steps wait, what came out. From the fold of its events alone.

use super::wait::{self, Waited};
use super::{fold, list, news, turn};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::locate;
use crate::running::read::{picture, plan, row};
use crate::view::canvas::Canvas;
use crate::view::duration::plural;
use crate::view::picture::Picture;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use crate::view::tree;
use crate::view::turn::Turn;
use crate::view::width::{clip, wrap};
use crate::view::{end, json};
use clap::Args;
use dvt_engine::{AtRest, Rest};
use dvt_model::id::RunId;
use dvt_model::proof::{Authorized, Permits, RunReadPayload, RunReadStatus};
use dvt_model::resource::Run;
use dvt_store::port::operation::RunRow;
use serde_json::Value;
use std::time::Duration;

/// Show a run: its state, each step, why something waits, and the outputs.
///
/// Example:
///   dvt runs get @latest
///   dvt runs get @latest --wait 10m
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// Wait until it has ended, but no longer than this (`90s`, `1h30m`), and end with the code of its end.
    #[arg(long, value_name = "DURATION", value_parser = patience)]
    wait: Option<Duration>,
}

const ROUTE: &str = "dvt runs get";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let run = locate::run(&arguments.run, composition, ROUTE).await?;
    let waited = match arguments.wait {
        Some(patience) => Some(wait::for_end(run, patience, composition, ROUTE).await?),
        None => None,
    };
    let look = look(run, composition).await?;
    if screen.for_people() {
        show(&look, screen);
    } else {
        screen.json(&data(&look));
    }
    Ok(match waited {
        None => Exit::Completed,
        // It may have ended in the moment in which nobody waited for it any more.
        Some(_) if look.picture.status.is_terminal() => Exit::of_run(look.picture.status),
        Some(Waited::Rests) => news::rests(run, look.picture.host_allowed, screen),
        Some(Waited::Ended | Waited::TooLong) => {
            screen.note("that was as long as this command was to wait; the run goes on");
            Exit::TimedOut
        }
    })
}

fn patience(text: &str) -> Result<Duration, String> {
    let ms = dvt_plan::duration_ms(text).filter(|ms| *ms > 0);
    ms.map(Duration::from_millis).ok_or_else(|| "a duration has a unit: 500ms, 90s, 10m, 1h30m".to_owned())
}

fn data(look: &Look) -> Value {
    let mut data = match look.erased {
        0 => json::snapshot(&look.row.metadata, &look.picture, &look.fold, look.rest.is_some()),
        erased => json::partly_erased(&look.row.metadata, &look.picture, erased),
    };
    if let (Some(behind), Some(object)) = (&look.behind, data.as_object_mut()) {
        object.insert("waitsFor".to_owned(), behind.json());
    }
    data
}

/// A run as the caller may see it.
struct Look {
    row: RunRow,
    picture: Picture,
    fold: Value,
    /// Why no engine works on it.
    rest: Option<Rest>,
    /// The runs of its concurrency group that go before it.
    behind: Option<Turn>,
    /// Events whose payloads are erased.
    erased: u64,
}

/// Reads it: whole with the right to payloads, else without any.
async fn look(run: RunId, composition: &Composition) -> Result<Look, Problem> {
    let Composition { access, context, .. } = composition;
    let status: Authorized<Run, RunReadStatus> = access.run(context, run, ROUTE).await?;
    // Asked for only by who has it: a viewer's look at a status is no denied read of payloads.
    if access.may(context, RunReadPayload::ACTION) {
        let read: Authorized<Run, RunReadPayload> = access.run(context, run, ROUTE).await?;
        return of(composition, &read).await;
    }
    let look = of(composition, &status).await?;
    let behind = look.behind.map(|behind| behind.named(None));
    Ok(Look { picture: look.picture.withheld(), behind, ..look })
}

async fn of<A: Permits>(composition: &Composition, proof: &Authorized<Run, A>) -> Result<Look, Problem> {
    let row = row(composition, proof).await?;
    let plan = plan(composition, proof, &row).await?;
    let (picture, events) = picture(composition, proof, &plan).await?;
    let at_rest = AtRest::now(&composition.store, &composition.parts.folder);
    let rest = list::rest(&row, &at_rest).filter(|_| !picture.status.is_terminal());
    let erased = events.iter().filter(|event| event.payload.is_none()).count() as u64;
    let behind = turn::of(composition, proof, &row).await?.map(|behind| turn::named(behind, &plan, &events));
    Ok(Look { fold: fold::snapshot(&plan, &events), row, picture, rest, behind, erased })
}

fn show(look: &Look, screen: &mut Screen) {
    let Look { row, picture, rest, .. } = look;
    let (run, paint, width) = (row.metadata.run_id, screen.paint(), screen.width());
    let version = &row.metadata.plan.plan_version;
    screen.line(&paint.bold(&clip(&format!("{}  {run}  {version}", row.metadata.plan_name), width)));
    let canvas = Canvas { now: crate::clock::now(), width: width.min(160), paint, frame: 0, live: false };
    for line in tree::draw(picture, canvas) {
        screen.line(&line);
    }
    let outputs = picture.outputs.as_ref().and_then(Value::as_object);
    for (name, value) in outputs.into_iter().flatten() {
        screen.line(&format!("  = {name}: {}", safe(&value.to_string())));
    }
    if look.erased > 0 {
        let events = plural(look.erased, "of its events is", "of its events are");
        screen.line(&format!("  = what {events} about was erased"));
    }
    if picture.is_withheld {
        screen.line("  = inputs, outputs and messages need RUN_READ_PAYLOAD");
    }
    screen.line("");
    if let Some(rest) = rest {
        screen.line(&format!("{} since {}", paint.yellow("RECOVERING"), row.updated_at));
        let next = match rest {
            Rest::Left => format!("no engine works on it; go on: {}", end::resume(run, picture.host_allowed)),
            Rest::ComesBack => "the engine takes it up again by itself".to_owned(),
        };
        screen.line(&next);
        return;
    }
    let summary = end::summary(picture, None, paint, width);
    match picture.ending {
        Some(ending) => screen.out(&format!("{ending}: {summary}")),
        None => screen.out(&summary),
    }
    if let Some(behind) = &look.behind {
        screen.line(&wrap(&behind.told(), "  ", width));
    }
    if picture.failure.is_some() {
        screen.out(&end::failure_line(picture, run, paint, width));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::run;
    use crate::documents::sub_plans::Library;
    use crate::profile::file::Profile;
    use clap::Parser;
    use dvt_access::embedded::Embedded;
    use dvt_keys::{RootKey, entropy};
    use dvt_model::action::Role;
    use dvt_model::context::{Authenticated, Kind, OpContext, Principal, PrincipalType};
    use dvt_model::id::{RequestId, RunRequestId};
    use dvt_model::scope::{Minter, TenantScope};
    use dvt_store::port::operation::Member;
    use dvt_store::{Clock, Options, Store};
    use std::path::Path;
    use std::sync::Arc;

    const PLAN: &str = "apiVersion: dvt/v1\nname: quick\ninputs: { day: { type: string } }\nsteps:\n  one: { uses: dvt/noop@1, with: { output: { rows: 7311 } } }\noutputs: { rows: '${{ steps.one.output.rows }}' }\n";

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        run: run::Arguments,
    }

    /// One tenant; each caller acts in it under one role.
    async fn compositions<const N: usize>(folder: &Path, roles: [Role; N]) -> [Composition; N] {
        // The only test of this binary that composes: there is one minter in a process.
        let minter = Arc::new(Minter::for_composition_root().unwrap());
        let clock: Clock = Arc::new(crate::clock::now);
        let key = RootKey::create(&folder.join("key")).unwrap();
        let options = Options {
            folder: folder.to_owned(),
            vfs: None,
            clock: Arc::clone(&clock),
            minter: Arc::clone(&minter),
        };
        let store = Store::open(options, key).unwrap();
        let profile = Profile::draw();
        let member = Member {
            principal_id: profile.principal_id,
            name: "ana".to_owned(),
            os_uid: 1,
            roles: vec![Role::TenantAdmin],
        };
        store.create_tenant(profile.scope(), member).await.unwrap();
        roles.map(|role| {
            let access = Arc::new(Embedded::new(store.clone(), Arc::clone(&minter), Arc::clone(&clock)));
            let principal = Principal {
                id: profile.principal_id,
                principal_type: PrincipalType::User,
                roles: vec![role],
                rights_epoch: 1,
            };
            let authenticated = Authenticated {
                principal,
                scope: TenantScope::mint(&minter, profile.scope()),
                request_id: RequestId::from_random(entropy::random()),
                kind: Kind::Interactive,
                auth_time: crate::clock::now(),
                methods: vec!["os".to_owned()],
            };
            let parts = dvt_engine::Parts {
                store: store.clone(),
                folder: folder.to_owned(),
                worker: "/proc/self/exe".into(),
                clock: Arc::clone(&clock),
                door: Arc::clone(&access) as Arc<dyn dvt_engine::Door>,
                idle: dvt_engine::IDLE,
                patience: dvt_engine::PATIENCE,
                surroundings: dvt_engine::Surroundings {
                    steady: Arc::new(crate::clock::steady),
                    every: dvt_engine::LOOK_EVERY,
                },
                two_persons: dvt_engine::TwoPersons::Required,
            };
            let context = OpContext::mint(&minter, authenticated);
            Composition { profile: profile.clone(), store: store.clone(), access, context, parts }
        })
    }

    /// A viewer sees the state and no payload. The control is the administrator's look at the same run.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_viewer_sees_the_state_and_no_payload() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quick.yaml");
        std::fs::write(&file, PLAN).unwrap();
        let data = folder.path().join("data");
        crate::profile::folder::make(&data).unwrap();
        let [admin, viewer] = compositions(&data, [Role::TenantAdmin, Role::Viewer]).await;
        let mut screen = Screen::unread();
        let line = Line::try_parse_from(["run", file.to_str().unwrap(), "-i", "day=monday-4242"]).unwrap();
        let ready = run::prepare(&line.run, &mut Library::empty(), &mut screen).await.unwrap();
        let request = RunRequestId::parse("once").unwrap();
        run::start(&ready, request, false, &admin, &mut screen).await.unwrap();

        let id = locate::run("@latest", &viewer, ROUTE).await.unwrap();
        let shown =
            |look: &Look| json::snapshot(&look.row.metadata, &look.picture, &look.fold, look.rest.is_some());
        let whole = shown(&look(id, &admin).await.unwrap());
        let status = shown(&look(id, &viewer).await.unwrap());
        for (key, text) in [("inputs", "monday-4242"), ("outputs", "7311")] {
            assert!(whole[key].to_string().contains(text), "the control: {whole}");
            assert!(status.get(key).is_none() && !status.to_string().contains(text), "{status}");
        }
        assert_eq!(whole["steps"][0]["output"]["rows"], 7311);
        assert!(status["steps"][0].get("output").is_none(), "{status}");
        assert_eq!((&status["status"], &status["payloadsWithheld"]), (&"COMPLETED".into(), &true.into()));
        assert_eq!(status["steps"][0]["status"], "SUCCESS");
        admin.store.close().await.unwrap();
    }
}
