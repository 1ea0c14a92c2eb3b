//! `dvt runs events RUN`: what happened in a run, event by event, and with `-f` as it happens.
//!
//! Who may read no payloads is shown the events without them (contract 4.1, `listEvents`).

use super::named;
use super::news::{self, News};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::locate;
use crate::running::read::{events, plan, row};
use crate::view::picture::Picture;
use crate::view::screen::{Format, Screen};
use crate::view::{json, lines};
use clap::Args;
use dvt_model::id::RunId;
use dvt_model::proof::{Authorized, Permits, RunReadPayload, RunReadStatus};
use dvt_model::resource::Run;
use dvt_store::port::operation::StoredEvent;
use serde_json::{Value, json};

/// List what happened in a run, in its order.
///
/// Example:
///   dvt runs events @latest --step load
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// Only of this step, its items and its compensation.
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Only behind this `runSeq`.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// Go on until the run ends.
    #[arg(long, short)]
    follow: bool,
}

const ROUTE: &str = "dvt runs events";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let run = locate::run(&arguments.run, composition, ROUTE).await?;
    let Composition { access, context, .. } = composition;
    let status: Authorized<Run, RunReadStatus> = access.run(context, run, ROUTE).await?;
    if access.may(context, RunReadPayload::ACTION) {
        let read: Authorized<Run, RunReadPayload> = access.run(context, run, ROUTE).await?;
        return show(arguments, composition, &read, false, screen).await;
    }
    show(arguments, composition, &status, true, screen).await
}

async fn show<A: Permits>(
    arguments: &Arguments,
    composition: &Composition,
    proof: &Authorized<Run, A>,
    withhold: bool,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let run = proof.resource().id;
    let row = row(composition, proof).await?;
    let plan = plan(composition, proof, &row).await?;
    // Of a step the plan knows; which items there are stands in the events.
    if let Some(wanted) = arguments.step.as_ref().filter(|wanted| !plan.steps.contains_key(wanted.as_str())) {
        let mut seen = Picture::new(&plan);
        events(composition, proof, 0).await?.iter().for_each(|event| seen.apply(event));
        let seen = if withhold { seen.withheld() } else { seen };
        if !named::is_of(&plan, &seen, wanted) {
            return Err(named::no_step(&seen, wanted, "--step "));
        }
    }
    let mut picture = Picture::new(&plan);
    let mut kept: Vec<Value> = Vec::new();
    let mut news = None;
    let (mut is_connected, mut exit) = (false, Exit::Completed);
    loop {
        for mut event in events(composition, proof, picture.last_run_seq).await? {
            if withhold {
                event.payload = None;
            }
            picture.apply(&event);
            if !is_asked(arguments, &picture, &event) {
                continue;
            }
            match screen.format {
                Format::Json => kept.push(data(run, &event, withhold)),
                Format::Jsonl => screen.json(&data(run, &event, withhold)),
                Format::Table => line(&picture, &event, screen),
            }
        }
        if !arguments.follow || picture.status.is_terminal() {
            break;
        }
        if !is_connected {
            news = News::of(composition, run, ROUTE).await?;
            is_connected = true;
            // Once more: what happened between the reading and the connection.
            if news.is_some() {
                continue;
            }
        }
        let goes_on = match &news {
            Some(news) => news.after(picture.last_run_seq).await?,
            None => false,
        };
        if !goes_on && !has_more(composition, proof, &picture).await? {
            exit = news::rests(run, picture.host_allowed, screen);
            break;
        }
    }
    if screen.format == Format::Json {
        screen.json(&json!({ "runId": run, "events": kept, "lastRunSeq": picture.last_run_seq }));
    }
    Ok(exit)
}

/// Whether something was written behind the last known event: an engine that ends has written it before.
async fn has_more<A: Permits>(
    composition: &Composition,
    proof: &Authorized<Run, A>,
    picture: &Picture,
) -> Result<bool, Problem> {
    Ok(row(composition, proof).await?.last_run_seq > picture.last_run_seq)
}

fn is_asked(arguments: &Arguments, picture: &Picture, event: &StoredEvent) -> bool {
    let seq = event.envelope.run.as_ref().map_or(0, |part| part.run_seq);
    let is_step = |wanted: &String| {
        let wanted = picture.meant(wanted);
        let id = event.envelope.step_id.as_ref();
        id.is_some_and(|id| *id == wanted || id.split('.').next() == Some(wanted.as_str()))
    };
    seq > arguments.after && arguments.step.as_ref().is_none_or(is_step)
}

fn data(run: RunId, event: &StoredEvent, withhold: bool) -> Value {
    let mut value = json::event(run, event);
    if let Some(object) = value.as_object_mut().filter(|_| withhold) {
        object.remove("payload");
        object.insert("payloadWithheld".to_owned(), Value::Bool(true));
    }
    value
}

/// `   3  2026-02-16T09:00:00.000Z  load  completed in 0.4s`
fn line(picture: &Picture, event: &StoredEvent, screen: &mut Screen) {
    let seq = event.envelope.run.as_ref().map_or(0, |part| part.run_seq);
    if let Some(words) = lines::draw(picture, event) {
        screen.line(&format!("{} {words}", screen.paint().faint(&format!("{seq:>5} "))));
    }
}
