//! `dvt run FILE|NAME@VERSION`: checks the plan, shows its bounds, starts it, follows it to its end, and proves the end.
//!
//! Nothing is queued before plan, inputs, files and the owner's word are in order.

pub(crate) mod detach;
pub(crate) mod dry;
pub(crate) mod inputs;

use crate::command::lint;
use crate::compose::{Composition, compose, keep_public_keys};
use crate::documents::pack::{self, Packed};
use crate::documents::source;
use crate::documents::sub_plans::{Below, Library};
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::running::follow::{self, Followed};
use crate::running::{host, read};
use crate::view::end;
use crate::view::screen::{Format, Screen};
use crate::view::width::clip;
use clap::Args;
use dvt_engine::client::StartRequest;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::{PlanId, PlanName, RequestId, RunRequestId, StepId};
use dvt_model::proof::{Authorized, PlanCreate, RunReadPayload, RunStart};
use dvt_model::resource;
use dvt_plan::{Checked, select};
use dvt_store::port::transaction::Kind;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Run a plan and follow it to its end.
///
/// Example:
///   dvt run examples/orders-etl/plan.yaml --allow-host -i since=2026-02-01
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The plan: a file, or a published plan as `NAME@VERSION` or `NAME@latest`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// An input; a value that is JSON of the declared type is taken as such, `@FILE` is what a file holds.
    #[arg(short = 'i', long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// A file with inputs: one JSON object.
    #[arg(long = "inputs", value_name = "FILE")]
    inputs_file: Option<PathBuf>,
    /// Your word that the plan's programs may run as you, without a wall.
    #[arg(long)]
    allow_host: bool,
    /// The same id again is the same run.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Run these steps alone, chosen by id, tag and graph: `tag:nightly,orders+`; what they need outside counts as met, its output is null.
    #[arg(long, value_name = "STEPS")]
    select: Option<String>,
    /// Start at this step: it, and all that needs it.
    #[arg(long, value_name = "STEP", conflicts_with = "select")]
    from: Option<String>,
    /// Leave the run to an engine that stays, and come back at once; it goes on when this terminal is closed.
    #[arg(long, conflicts_with = "dry_run")]
    detach: bool,
    /// Show what would run, its bounds and its walls, and start nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What is to be started.
pub(crate) struct Ready {
    checked: Checked,
    inputs: BTreeMap<String, Value>,
    packed: Option<Packed>,
    /// What the plans below it need, by digest.
    below: Below,
    /// The steps of a partial run.
    selection: Option<BTreeSet<StepId>>,
}

/// Does it.
pub(crate) async fn run(
    arguments: Arguments,
    selected: &Selected,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let mut library = Library::of(selected);
    let prepared = prepare(&arguments, &mut library, screen).await;
    let looked_up = library.into_composition();
    let ready = match prepared {
        Ok(ready) => ready,
        Err(refused) => {
            if let Some(composition) = looked_up {
                composition.store.close().await?;
            }
            return Err(refused);
        }
    };
    let request_id = request_id(arguments.request_id.as_deref())?;
    let needs_word = host::needs_word(&ready.checked.plan);
    if arguments.dry_run {
        let profile = selected.read()?;
        let host = host::has_word(arguments.allow_host, profile.as_ref());
        dry::show(&ready, needs_word, host, screen);
        return Ok(Exit::Completed);
    }
    if let Some(word) = dvt_engine::not_run_yet(&ready.checked.plan) {
        let message =
            format!("{word} is part of the plan language, and this release does not carry it out yet");
        return Err(Problem::new(Code::InvalidPlanSchema, message)
            .why("the plan is right; it was checked whole, and nothing was started")
            .fix("dvt run FILE --dry-run   shows what it would do"));
    }
    let composition = match looked_up {
        Some(composition) => composition,
        None => compose(selected, screen).await?,
    };
    let host_allowed = host::has_word(arguments.allow_host, Some(&composition.profile));
    // Before anything is queued: a run that could not start one of its steps is not started.
    if needs_word && !host_allowed {
        composition.store.close().await?;
        return Err(host::refusal(&selected.path(), "dvt run"));
    }
    let done = if arguments.detach {
        detach::start(&ready, request_id, host_allowed, (selected, &composition), screen).await
    } else {
        start(&ready, request_id, host_allowed, &composition, screen).await
    };
    let kept = keep_public_keys(selected, &composition.store, composition.profile.tenant_id).await;
    let closed = composition.store.close().await;
    let exit = done?;
    kept?;
    closed?;
    Ok(exit)
}

/// Reads, checks, asks and packs.
pub(crate) async fn prepare(
    arguments: &Arguments,
    library: &mut Library<'_>,
    screen: &mut Screen,
) -> Result<Ready, Problem> {
    if let Some((name, version)) = published(&arguments.file) {
        let checked = library.published(&name, &version, screen).await?;
        let inputs =
            inputs::resolve(&checked.plan, &arguments.inputs, arguments.inputs_file.as_deref(), screen)?;
        let selection = selection(arguments, &checked)?;
        // What it needs was kept when it was published.
        return Ok(Ready { checked, inputs, packed: None, below: Below::new(), selection });
    }
    let source = source::read(&arguments.file)?;
    let (outcome, below) = library.check_and_pack(&source, screen).await?;
    let Some(checked) = outcome.checked.clone() else {
        return Err(lint::refused(&source, outcome, "; nothing was started", screen));
    };
    if screen.for_people() {
        lint::show(&source, &outcome, screen);
    }
    let inputs = inputs::resolve(&checked.plan, &arguments.inputs, arguments.inputs_file.as_deref(), screen)?;
    let folder =
        arguments.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let packed = pack::pack(folder, &checked.plan.files)?;
    let checked = match &packed {
        Some(packed) => checked.with_files(packed.digest),
        None => checked,
    };
    let selection = selection(arguments, &checked)?;
    Ok(Ready { checked, inputs, packed, below, selection })
}

/// `NAME@VERSION`, where no file has that name.
fn published(file: &Path) -> Option<(PlanName, String)> {
    let (name, version) = file.to_str()?.split_once('@').filter(|_| !file.exists())?;
    Some((PlanName::parse(name).ok()?, version.to_owned()))
}

/// What `--select` and `--from` name.
fn selection(arguments: &Arguments, checked: &Checked) -> Result<Option<BTreeSet<StepId>>, Problem> {
    let chosen = match (&arguments.select, &arguments.from) {
        (Some(text), _) => select::select(&checked.plan, text),
        (None, Some(step)) => {
            let wrong = |error| Problem::new(Code::InvalidId, format!("`{step}` is no step id: {error}"));
            select::from(&checked.plan, &StepId::parse(step).map_err(wrong)?)
        }
        (None, None) => return Ok(None),
    };
    chosen.map(Some).map_err(|error| {
        Problem::new(Code::InvalidRequest, error.to_string())
            .why("a run of no step is no run; nothing was started")
            .fix("dvt run FILE --dry-run   shows the steps")
    })
}

fn request_id(given: Option<&str>) -> Result<RunRequestId, Problem> {
    match given {
        Some(text) => Ok(RunRequestId::parse(text)?),
        None => {
            let drawn = RequestId::at(crate::clock::now(), dvt_keys::entropy::random());
            Ok(RunRequestId::parse(&format!("cli-{}", drawn.key()))?)
        }
    }
}

/// `0.0.0-dev.d<12 hex>`: editing and running again always works.
fn version(checked: &Checked, digest: Digest) -> String {
    let hex = digest.hex();
    match &checked.plan.version {
        Some(version) => version.clone(),
        None => format!("0.0.0-dev.d{}", hex.get(..12).unwrap_or(&hex)),
    }
}

/// The digest of the packed files that a document names.
fn files_of(checked: &Checked) -> Option<Digest> {
    checked.canonical.value().get("filesDigest").and_then(Value::as_str).and_then(Digest::parse)
}

const ROUTE: &str = "dvt run";

/// A start with its proofs.
pub(crate) struct Asking {
    pub(crate) publish: Authorized<resource::Project, PlanCreate>,
    pub(crate) start: Authorized<resource::Plan, RunStart>,
    pub(crate) request: StartRequest,
}

/// Proves the right to start, and keeps what the run needs.
pub(crate) async fn ask(
    ready: &Ready,
    request_id: RunRequestId,
    (host_allowed, detached): (bool, bool),
    composition: &Composition,
) -> Result<Asking, Problem> {
    let Composition { store, access, context, .. } = composition;
    let publish: Authorized<resource::Project, PlanCreate> = access.project(context, ROUTE).await?;
    let transaction = store.begin(publish.scope(), Kind::Act)?;
    let known = transaction.plan_id(&ready.checked.plan.name).await?;
    let plan_id = known.unwrap_or_else(|| PlanId::from_random(dvt_keys::entropy::random()));
    let start: Authorized<resource::Plan, RunStart> = access.plan(context, plan_id, ROUTE).await?;
    if let Some(packed) = &ready.packed {
        transaction.put_bundle(packed.digest, &packed.bytes).await?;
    }
    for (digest, bytes) in &ready.below {
        transaction.put_bundle(*digest, bytes).await?;
    }
    let request = StartRequest {
        plan_document: ready.checked.canonical.value().clone(),
        plan_id,
        plan_version: version(&ready.checked, ready.checked.digest()),
        inputs: ready.inputs.clone(),
        run_request_id: request_id,
        files_digest: files_of(&ready.checked),
        host_allowed,
        detached,
        selection: ready.selection.clone(),
    };
    Ok(Asking { publish, start, request })
}

/// What is told of a run that is queued behind another one.
pub(crate) fn behind(first: dvt_model::id::RunId) -> String {
    format!("waits for its turn: {} of the same concurrency group goes first", end::brief(first))
}

/// Starts what is ready and follows it to its end.
pub(crate) async fn start(
    ready: &Ready,
    request_id: RunRequestId,
    host_allowed: bool,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let Composition { access, context, .. } = composition;
    let asking = ask(ready, request_id, (host_allowed, false), composition).await?;
    let client = dvt_engine::attach(composition.parts.clone()).await?;
    let answer = client.start_run(&asking.publish, &asking.start, asking.request).await?;
    let name = &ready.checked.plan.name;
    let bounds = lint::bounds(&ready.checked.bounds);
    let walls = host::walls(host::needs_word(&ready.checked.plan), host_allowed);
    if screen.format == Format::Table && !screen.quiet {
        let header = end::header(name.as_str(), answer.run_id, &bounds, screen.width());
        screen.line(&screen.paint().bold(&header));
        screen.line(&clip(walls, screen.width()));
    } else {
        screen.note(&end::header(name.as_str(), answer.run_id, &bounds, screen.side_width()));
        screen.note(walls);
    }
    if answer.idempotent {
        screen.note("the same request started this run before; following it");
    }
    if let Some(first) = answer.behind {
        screen.note(&behind(first));
    }
    let read: Authorized<resource::Run, RunReadPayload> = access.run(context, answer.run_id, ROUTE).await?;
    let plan = read::gated(composition, &read, ready.checked.plan.clone()).await?;
    let followed = Followed { plan: &plan, composition, client: &client, read: &read };
    let exit = follow::to_the_end(&followed, screen).await;
    let closed = client.close().await;
    let exit = exit?;
    closed?;
    Ok(exit)
}
