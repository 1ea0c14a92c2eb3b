//! `dvt plan publish FILE`: gives a checked plan its name and version for ever, with its files and everything below it.

use crate::command::lint;
use crate::compose::{Composition, compose, keep_public_keys};
use crate::documents::pack;
use crate::documents::source;
use crate::documents::sub_plans::Library;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_engine::PublishRequest;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::PlanId;
use dvt_model::proof::{Authorized, PlanCreate, PlanRead};
use dvt_model::resource::Project;
use dvt_plan::Checked;
use dvt_store::port::transaction::Kind;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Publish a plan under its name and version, which keep their digest from then on.
///
/// Example:
///   dvt plan publish examples/orders-etl/plan.yaml --as 1.0.0
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The plan.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The version, where the plan does not name one itself.
    #[arg(long = "as", value_name = "VERSION")]
    version: Option<String>,
    /// Show what would be published, and whether it is there already; publish nothing.
    #[arg(long)]
    dry_run: bool,
}

const ROUTE: &str = "dvt plan publish";

/// What is to be published.
struct Ready {
    checked: Checked,
    version: String,
    files: Option<(Digest, Vec<u8>)>,
    below: crate::documents::sub_plans::Below,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    selected: &Selected,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let mut library = Library::of(selected);
    let prepared = prepare(arguments, &mut library, screen).await;
    let composition = library.into_composition();
    let ready = match prepared {
        Ok(ready) => ready,
        Err(problem) => {
            if let Some(composition) = composition {
                composition.store.close().await?;
            }
            return Err(problem);
        }
    };
    let composition = match composition {
        Some(composition) => Some(composition),
        // Nothing is written by a look at what would be: not even the profile.
        None if arguments.dry_run && selected.read()?.is_none() => None,
        None => Some(compose(selected, screen).await?),
    };
    let Some(composition) = composition else {
        tell(&ready, None, State::New, true, screen);
        return Ok(Exit::Completed);
    };
    let done = if arguments.dry_run {
        look(&ready, &composition, screen).await
    } else {
        publish(&ready, &composition, screen).await
    };
    let kept = keep_public_keys(selected, &composition.store, composition.profile.tenant_id).await;
    let closed = composition.store.close().await;
    let exit = done?;
    kept?;
    closed?;
    Ok(exit)
}

async fn prepare(
    arguments: &Arguments,
    library: &mut Library<'_>,
    screen: &Screen,
) -> Result<Ready, Problem> {
    let source = source::read(&arguments.file)?;
    let (outcome, below) = library.check_and_pack(&source, screen).await?;
    let Some(checked) = outcome.checked.clone() else {
        return Err(lint::refused(&source, outcome, "; nothing was published", screen));
    };
    let (checked, version) = versioned(checked, arguments.version.as_deref())?;
    let folder = arguments.file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let packed = pack::pack(folder.unwrap_or(Path::new(".")), &checked.plan.files)?;
    let (checked, files) = match packed {
        Some(packed) => (checked.with_files(packed.digest), Some((packed.digest, packed.bytes))),
        None => (checked, None),
    };
    Ok(Ready { checked, version, files, below })
}

/// The plan with its version: its own, or the one that was typed.
fn versioned(mut checked: Checked, typed: Option<&str>) -> Result<(Checked, String), Problem> {
    if let Some(typed) = typed
        && !dvt_plan::is_semantic_version(typed)
    {
        return Err(Problem::usage(format!("`{}` is no semantic version", safe(typed))).fix("--as 1.0.0"));
    }
    let version = match (&checked.plan.version, typed) {
        (Some(own), Some(typed)) if own != typed => {
            return Err(Problem::usage(format!(
                "the plan says `version: {own}`, and `--as {typed}` another"
            ))
            .fix("leave `--as` out, or change the plan"));
        }
        (Some(own), _) => own.clone(),
        (None, Some(typed)) => typed.to_owned(),
        (None, None) => {
            return Err(Problem::usage("a plan is published under a version, and this one names none")
                .fix("version: 1.0.0    in the plan\n--as 1.0.0        on the command line"));
        }
    };
    if version.starts_with("0.0.0-dev.d") {
        return Err(Problem::usage(format!("`{version}` is kept for plans that are run as they lie there"))
            .fix("--as 1.0.0"));
    }
    checked.canonical = checked.canonical.with("version", version.clone());
    checked.plan.version = Some(version.clone());
    Ok((checked, version))
}

/// How it stands with this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Already,
}

async fn publish(ready: &Ready, composition: &Composition, screen: &mut Screen) -> Result<Exit, Problem> {
    let publish: Authorized<Project, PlanCreate> =
        composition.access.project(&composition.context, ROUTE).await?;
    let transaction = composition.store.begin(publish.scope(), Kind::Act)?;
    let known = transaction.plan_id(&ready.checked.plan.name).await?;
    let plan_id = known.unwrap_or_else(|| PlanId::from_random(dvt_keys::entropy::random()));
    for (digest, bytes) in ready.below.iter().chain(ready.files.iter().map(|(digest, bytes)| (digest, bytes)))
    {
        transaction.put_bundle(*digest, bytes).await?;
    }
    drop(transaction);
    let client = dvt_engine::attach(composition.parts.clone()).await?;
    let request = PublishRequest {
        plan_document: ready.checked.canonical.value().clone(),
        plan_id,
        files_digest: ready.files.as_ref().map(|(digest, _)| *digest),
    };
    let answer = client.publish_plan(&publish, request).await;
    let closed = client.close().await;
    let answer = answer.map_err(|problem| conflict(ready, problem.into()))?;
    closed?;
    let state = if answer.already { State::Already } else { State::New };
    tell(ready, Some(answer.plan.plan_id), state, false, screen);
    Ok(Exit::Completed)
}

/// What publishing would do.
async fn look(ready: &Ready, composition: &Composition, screen: &mut Screen) -> Result<Exit, Problem> {
    let read: Authorized<Project, PlanRead> = composition.access.project(&composition.context, ROUTE).await?;
    let transaction = composition.store.begin(read.scope(), Kind::Act)?;
    let id = transaction.plan_id(&ready.checked.plan.name).await?;
    let known = match id {
        Some(id) => transaction.plan_version(id, &ready.version).await?,
        None => None,
    };
    let state = match known {
        Some(known) if known.plan.digest != ready.checked.digest() => {
            let message = "a plan version keeps its digest, and this version is another document";
            return Err(conflict(ready, Problem::new(Code::PlanVersionExists, message)));
        }
        Some(known) if known.is_kept => State::Already,
        Some(_) | None => State::New,
    };
    tell(ready, id, state, true, screen);
    Ok(Exit::Completed)
}

fn conflict(ready: &Ready, problem: Problem) -> Problem {
    if problem.code != Code::PlanVersionExists {
        return problem;
    }
    let (name, version) = (&ready.checked.plan.name, &ready.version);
    problem
        .why(format!("`{name}` {version} is published with another content, and runs may rest on it"))
        .fix(format!("dvt plan get {name}@{version}    shows it\nversion: …    a higher one publishes this"))
}

fn tell(ready: &Ready, id: Option<PlanId>, state: State, dry: bool, screen: &mut Screen) {
    let (name, version, digest) = (&ready.checked.plan.name, &ready.version, ready.checked.digest());
    if !screen.for_people() {
        screen.json(&json!({
            "planId": id,
            "planName": name,
            "planVersion": version,
            "digest": digest,
            "already": state == State::Already,
            "published": !dry,
            "bounds": ready.checked.bounds,
        }));
        return;
    }
    screen.line(&format!("{name} {version}  {digest}"));
    screen.line(&lint::bounds(&ready.checked.bounds));
    screen.note(match (state, dry) {
        (State::Already, _) => "it is published already, with this very content",
        (State::New, true) => "it would be published; nothing was",
        (State::New, false) => "published; it keeps this digest from now on",
    });
}
