//! `dvt audit verify`: the whole ledger, offline, with public keys only: it opens no key file, asks no engine, signs nothing. With
//! `--with-keys` the layers under the seals too, by whoever may read the ledger; with `--proof` one entry.
//!
//! The profile's own ledger is compared with the newest checkpoint that is kept outside it; another file without `--checkpoint`
//! is compared with none: a rollback of all of it cannot be seen then, and the answer says `anchored: false`.

use crate::compose::Composition;
use crate::files;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::{Selected, folder};
use crate::view::duration::plural;
use crate::view::progress::Progress;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_access::reading::Reading;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::tlog_proof::TlogProof;
use dvt_ledger::verifier_key::VerifierKey;
use dvt_ledger::verify::result::{Finding, Layer, Status, VerificationResult, Witness};
use dvt_ledger::verify::source::Source as _;
use dvt_model::code::Code;
use dvt_model::proof::{AuditRead, Authorized};
use dvt_model::resource::Ledger;
use dvt_store::verify::LedgerFile;
use dvt_store::{Store, known};
use std::path::{Path, PathBuf};

/// Check every entry, the tree over them and the signed checkpoints, offline.
///
/// Example:
///   dvt audit verify
///   dvt audit verify --ledger ledger.db --keys profile.vkey
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The ledger's file; without it, the one of the profile.
    #[arg(long, value_name = "FILE", requires = "keys")]
    ledger: Option<PathBuf>,
    /// Public keys, one `vkey` a line; without it, those that lie beside the profile.
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// A signed checkpoint that you have from elsewhere: with it a rollback is seen too.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// With the tenant's keys: MACs and payloads are checked too. Needs the right to read the ledger, and is an entry.
    #[arg(long)]
    pub(crate) with_keys: bool,
    /// A proof of one entry instead of a ledger, as `dvt audit prove` writes it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ledger", "checkpoint", "with_keys"])]
    proof: Option<PathBuf>,
}

/// The findings that people are shown.
const SHOWN: usize = 10;

/// What is verified, and with what.
struct Subject {
    path: PathBuf,
    file: LedgerFile,
    name: String,
    keys: Vec<VerifierKey>,
    anchor: Option<Checkpoint>,
}

/// Does it, offline.
pub(crate) fn run(arguments: &Arguments, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    if let Some(path) = &arguments.proof {
        return proof(path, &public_keys(arguments, selected)?, screen);
    }
    let Subject { file, name, keys, anchor, .. } = subject(arguments, selected)?;
    let progress = Progress::begin(screen);
    let file = file.counted_by(progress.tally());
    let result = dvt_ledger::verify::verify(&file, &keys, anchor.as_ref(), &crate::clock::now);
    drop(progress);
    end(&result, &name, screen)
}

/// Does it with the tenant's keys. What was entered so far is sealed first, so that nothing of it stands above a checkpoint.
pub(crate) async fn with_keys(
    arguments: &Arguments,
    selected: &Selected,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let route = "dvt audit verify --with-keys";
    let proof: Authorized<Ledger, AuditRead> = composition.access.ledger(&composition.context, route).await?;
    let question = serde_json::json!({ "layers": ["mac", "payload"] });
    composition.access.entered_reading(&proof, Reading::Page, question, route).await?;
    let tenant = proof.scope().tenant();
    composition.store.seal(tenant).await?;
    let Subject { path, file, name, keys, anchor } = subject(arguments, selected)?;
    let mut opened = match arguments.ledger {
        Some(_) => composition.store.with_keys_of(tenant, &path)?,
        None => composition.store.with_keys(tenant)?,
    };
    let now = &crate::clock::now;
    let progress = Progress::begin(screen);
    let file = file.counted_by(progress.tally());
    let result = dvt_ledger::verify::verify_with_keys(&file, &keys, anchor.as_ref(), &mut opened, now);
    drop(progress);
    end(&result, &name, screen)
}

fn end(result: &VerificationResult, name: &str, screen: &mut Screen) -> Result<Exit, Problem> {
    show(result, name, screen)?;
    Ok(match result.status {
        Status::Valid => Exit::Completed,
        Status::Invalid | Status::Incomplete => {
            dvt_telemetry::not_verified();
            Exit::Failed
        }
    })
}

fn public_keys(arguments: &Arguments, selected: &Selected) -> Result<Vec<VerifierKey>, Problem> {
    let files = if arguments.keys.is_empty() { vec![selected.keys_path()] } else { arguments.keys.clone() };
    let mut keys = Vec::new();
    for path in &files {
        keys.extend(read_keys(path)?);
    }
    Ok(keys)
}

fn subject(arguments: &Arguments, selected: &Selected) -> Result<Subject, Problem> {
    let (path, name) = match &arguments.ledger {
        Some(path) => (path.clone(), folder::shown(path)),
        None => of_profile(selected)?,
    };
    let keys = public_keys(arguments, selected)?;
    let anchor = arguments.checkpoint.as_deref().map(|path| read_anchor(path, &keys)).transpose()?;
    // Of the profile's own file it is known that it was a ledger: whatever it is now, it does not verify.
    if arguments.ledger.is_some() && !LedgerFile::is_one(&path).unwrap_or(true) {
        return Err(Problem::usage(format!("`{}` is no ledger of DVT", path.display()))
            .why("a ledger is a tenant's database file, or a copy of one")
            .fix("dvt config show --output json    names this profile's as `ledgerFile`"));
    }
    let file = LedgerFile::open(&path).map_err(|error| {
        let problem = Problem::from(error);
        Problem {
            message: format!("the ledger `{}` cannot be read: {}", path.display(), problem.message),
            ..problem
        }
    })?;
    let anchor = match anchor {
        Some(anchor) => Some(anchor),
        None if arguments.ledger.is_none() => of_installation(selected, &file, &keys)?,
        None => None,
    };
    Ok(Subject { path, file, name, keys, anchor })
}

/// A proof of one entry, checked by itself.
fn proof(path: &Path, keys: &[VerifierKey], screen: &mut Screen) -> Result<Exit, Problem> {
    let text = read(path)?;
    let file = TlogProof::parse(&text);
    let checked = file.and_then(|file| file.verify(keys).map(|checkpoint| (file, checkpoint)));
    let (status, exit) = if checked.is_ok() { ("VALID", Exit::Completed) } else { ("INVALID", Exit::Failed) };
    if checked.is_err() {
        dvt_telemetry::not_verified();
    }
    if !screen.for_people() {
        let entry = checked.as_ref().ok().and_then(|(file, _)| serde_json::from_slice(&file.envelope).ok());
        screen.json(&serde_json::json!({
            "status": status,
            "index": checked.as_ref().ok().map(|(file, _)| file.index),
            "size": checked.as_ref().ok().map(|(_, checkpoint)| checkpoint.size),
            "entry": entry.unwrap_or(serde_json::Value::Null),
            "reason": checked.as_ref().err().map(ToString::to_string),
        }));
        return Ok(exit);
    }
    let paint = screen.paint();
    let line = match &checked {
        Ok((file, checkpoint)) => format!(
            "entry {} of {} in {}: {}",
            file.index,
            checkpoint.size,
            safe(&checkpoint.origin),
            paint.green(status)
        ),
        Err(error) => format!("{}: {}: {}", folder::shown(path), paint.red(status), safe(&error.to_string())),
    };
    screen.line(&line);
    if let Ok((file, _)) = &checked {
        screen.line(&safe(&String::from_utf8_lossy(&file.envelope)));
    }
    Ok(exit)
}

fn of_profile(selected: &Selected) -> Result<(PathBuf, String), Problem> {
    let profile = selected.read()?.ok_or_else(|| {
        Problem::new(Code::NotFound, format!("there is no profile `{}` and so no ledger", selected.name)).fix(
            "dvt run examples/orders-etl/plan.yaml --allow-host\ndvt audit verify --ledger FILE --keys FILE",
        )
    })?;
    let path = Store::ledger_path(&selected.folders.data, profile.tenant_id);
    Ok((path, format!("tenant {}", profile.name)))
}

/// The newest checkpoint that this installation keeps of the ledger.
fn of_installation(
    selected: &Selected,
    file: &LedgerFile,
    keys: &[VerifierKey],
) -> Result<Option<Checkpoint>, Problem> {
    let folders = [known::folder(&selected.folders.data), selected.folders.checkpoints()];
    let ledger = file.header()?.ledger_id;
    Ok(known::newest(&folders, ledger, keys)?.map(|known| known.checkpoint))
}

/// The most bytes of a proof, a checkpoint or a list of keys.
const MOST_BYTES: u64 = 1 << 20;

fn read(path: &Path) -> Result<String, Problem> {
    files::read(path, MOST_BYTES)
}

fn read_keys(path: &Path) -> Result<Vec<VerifierKey>, Problem> {
    let text = read(path)?;
    let lines =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let keys: Vec<VerifierKey> = lines
        .map(|(index, line)| {
            VerifierKey::parse(line.trim())
                .map_err(|error| Problem::usage(format!("`{}`, line {}: {error}", path.display(), index + 1)))
        })
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(Problem::usage(format!("`{}` holds no key", path.display()))
            .fix("one line a key, as `dvt config show` names the file of them"));
    }
    Ok(keys)
}

fn read_anchor(path: &Path, keys: &[VerifierKey]) -> Result<Checkpoint, Problem> {
    let (checkpoint, _) = Checkpoint::open(&read(path)?, keys).map_err(|error| {
        Problem::usage(format!("the checkpoint `{}` is not accepted: {error}", path.display()))
    })?;
    Ok(checkpoint)
}

fn show(result: &VerificationResult, name: &str, screen: &mut Screen) -> Result<(), Problem> {
    if !screen.for_people() {
        let value =
            serde_json::to_value(result).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
        screen.json(&value);
        return Ok(());
    }
    let paint = screen.paint();
    let status = match result.status {
        Status::Valid => paint.green("VALID"),
        Status::Invalid => paint.red("INVALID"),
        Status::Incomplete => paint.yellow("INCOMPLETE"),
    };
    let layers: Vec<&str> = result.layers.iter().map(|layer| layer_name(*layer)).collect();
    let entries = plural(result.entries_checked, "entry", "entries");
    let root = result.checkpoint.as_ref().map_or_else(
        || "no checkpoint".to_owned(),
        |head| {
            format!(
                "sealed at size {}, root {}…",
                head.size,
                head.root_hash.chars().take(12).collect::<String>()
            )
        },
    );
    let witness = match result.witness {
        Witness::Witnessed => "WITNESSED",
        Witness::Unwitnessed => "UNWITNESSED",
        Witness::UnwitnessedLocal => "UNWITNESSED_LOCAL",
    };
    let anchored = if result.anchored { " · anchored" } else { "" };
    let payloads = if result.layers.contains(&Layer::Payload) {
        format!(
            " · {} checked, {} erased",
            plural(result.payloads_checked, "payload", "payloads"),
            result.erased
        )
    } else {
        String::new()
    };
    screen.line(&format!(
        "ledger of {}: {entries}, {root}  {status} ({}) · {} unsealed{payloads} · {witness}{anchored}",
        safe(name),
        layers.join(", "),
        result.unsealed
    ));
    for finding in result.findings.iter().take(SHOWN) {
        screen.line(&format!("  {} {}", paint.red("✗"), safe(&line(finding))));
    }
    if let Some(more) = result.findings.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        screen.line(&format!("  … {more} more: dvt audit verify --output json"));
    }
    if !result.anchored && result.status == Status::Valid && screen.verbose {
        screen.note("not anchored: give --checkpoint FILE to see a rollback of the whole file too");
    }
    Ok(())
}

fn line(finding: &Finding) -> String {
    let place = match (finding.index, finding.range) {
        (Some(index), _) => format!("entry {index}: "),
        (None, Some(span)) => format!("entries {} to {}: ", span.from, span.to),
        (None, None) => String::new(),
    };
    format!("{place}{} (class {})", finding.detail, finding.class)
}

fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Leaf => "leaf",
        Layer::Tree => "tree",
        Layer::Checkpoint => "checkpoint",
        Layer::Mac => "mac",
        Layer::Payload => "payload",
        Layer::Witness => "witness",
    }
}
