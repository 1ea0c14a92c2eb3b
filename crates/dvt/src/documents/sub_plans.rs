//! Sub-plans of a plan that lies in a folder: `plan: ./load.yaml` is read beside the document that names it, and
//! `plan: load@1.2.0` is looked up among the published plans of the profile.
//!
//! A path never leaves the folder: symbolic links are followed and what they lead to must lie inside as well. A check itself
//! asks no store: it says which published plans it misses, those are looked up, and it is done again. Where a document
//! names none of them, no profile is opened.

use crate::compose::{Composition, compose};
use crate::documents::pack::{self, Packed};
use crate::documents::source;
use crate::files::reason;
use crate::problem::Problem;
use crate::profile::Selected;
use crate::view::screen::Screen;
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::PlanName;
use dvt_model::proof::{Authorized, PlanRead};
use dvt_model::resource::Project;
use dvt_plan::canonical::Document;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::PlanReference;
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, Outcome, Reach, Surroundings};
use dvt_store::port::operation::PlanFilter;
use dvt_store::port::transaction::{Kind, TenantTx};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a plan and the plans below it need to run: documents and packed files, by digest.
pub(crate) type Below = BTreeMap<Digest, Vec<u8>>;

/// The published plans that checks of this command have asked for, and the installation in which they are looked up.
pub(crate) struct Library<'a> {
    /// `None`: nothing is looked up.
    selected: Option<&'a Selected>,
    composition: Option<Composition>,
    runtime: Option<tokio::runtime::Runtime>,
    known: Known,
}

/// Answers so far: a document, or why there is none.
#[derive(Default)]
struct Known {
    named: BTreeMap<(String, String), Result<Value, String>>,
    pinned: BTreeMap<Digest, Result<Value, String>>,
    bundles: Below,
}

/// What a check has asked for and nobody has looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Missing {
    Named(String, String),
    Pinned(Digest),
}

const ROUTE: &str = "lookUpPlan";

impl<'a> Library<'a> {
    /// Looks up in this profile.
    pub(crate) fn of(selected: &'a Selected) -> Self {
        Self { selected: Some(selected), composition: None, runtime: None, known: Known::default() }
    }

    /// Looks nothing up.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self { selected: None, composition: None, runtime: None, known: Known::default() }
    }

    /// The installation, where it had to be opened.
    pub(crate) fn into_composition(self) -> Option<Composition> {
        self.composition
    }

    /// Checks a plan together with its sub-plans, from a command that does not run in the runtime.
    pub(crate) fn check(&mut self, source: &Source, screen: &Screen) -> Result<Outcome, Problem> {
        let (outcome, _, missing) = check_once(source, &self.known);
        if missing.is_empty() {
            return Ok(outcome);
        }
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => {
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(
                    |error| Problem::config(format!("no thread can be started: {}", reason(&error))),
                )?
            }
        };
        let checked = runtime.block_on(self.check_and_pack(source, screen));
        self.runtime = Some(runtime);
        checked.map(|(outcome, _)| outcome)
    }

    /// The same with all that the plans below need to run.
    pub(crate) async fn check_and_pack(
        &mut self,
        source: &Source,
        screen: &Screen,
    ) -> Result<(Outcome, Below), Problem> {
        loop {
            let (outcome, below, missing) = check_once(source, &self.known);
            if missing.is_empty() {
                return Ok((outcome, below));
            }
            // Each round answers all that it was asked, so the next one asks for less or for what lies deeper.
            self.look_up(missing, screen).await?;
        }
    }

    /// A published plan, as it is stored, with the worst case of it and all below it.
    pub(crate) async fn published(
        &mut self,
        name: &PlanName,
        version: &str,
        screen: &Screen,
    ) -> Result<Checked, Problem> {
        let key = (name.as_str().to_owned(), version.to_owned());
        loop {
            let document = match self.known.named.get(&key) {
                Some(Ok(document)) => document.clone(),
                Some(Err(why)) => {
                    return Err(Problem::new(Code::NotFound, why.clone())
                        .fix(format!("dvt plan list {name}    shows its versions")));
                }
                None => {
                    self.look_up([Missing::Named(key.0.clone(), key.1.clone())].into(), screen).await?;
                    continue;
                }
            };
            let beside =
                Beside { known: &self.known, packed: RefCell::default(), missing: RefCell::default() };
            let surroundings = Surroundings { sub_plans: &beside, reach: Reach::Runs };
            let loaded = dvt_plan::load_with(&document, &surroundings);
            let missing = beside.missing.into_inner();
            if !missing.is_empty() {
                self.look_up(missing, screen).await?;
                continue;
            }
            let refused = || {
                let message = format!("`{name}` {version} cannot be run by this release as it is stored");
                Problem::new(Code::PlanIntegrityValidationFailed, message)
                    .fix("dvt plan publish FILE    under a higher version")
            };
            let plan = loaded.map_err(|_| refused())?;
            let canonical = Document::of(document).map_err(|_| refused())?;
            let bounds = dvt_plan::bounds::of(&plan);
            return Ok(Checked { plan, canonical, bounds, sub_plans: BTreeMap::new() });
        }
    }

    async fn look_up(&mut self, missing: BTreeSet<Missing>, screen: &Screen) -> Result<(), Problem> {
        let composition = match self.composition.take() {
            Some(composition) => composition,
            None => match self.selected {
                Some(selected) if selected.read()?.is_some() => compose(selected, screen).await?,
                _ => {
                    self.known.refuse(missing, "no plan is published on this machine yet");
                    return Ok(());
                }
            },
        };
        let read: Authorized<Project, PlanRead> =
            composition.access.project(&composition.context, ROUTE).await?;
        let transaction = composition.store.begin(read.scope(), Kind::Act)?;
        for one in missing {
            self.known.fetch(one, &transaction).await?;
        }
        drop(transaction);
        self.composition = Some(composition);
        Ok(())
    }
}

impl Known {
    fn refuse(&mut self, missing: BTreeSet<Missing>, why: &str) {
        for one in missing {
            match one {
                Missing::Named(name, version) => {
                    drop(self.named.insert((name, version), Err(why.to_owned())))
                }
                Missing::Pinned(digest) => drop(self.pinned.insert(digest, Err(why.to_owned()))),
            }
        }
    }

    async fn fetch(&mut self, one: Missing, transaction: &TenantTx) -> Result<(), Problem> {
        let found = match &one {
            Missing::Named(name, version) => published(transaction, name, version).await?,
            Missing::Pinned(digest) => match transaction.get_bundle(*digest).await? {
                Some(bytes) => canonical::parse(&bytes).map_err(|error| format!("it is no plan: {error}")),
                None => Err("it is no longer kept; publish it again".to_owned()),
            },
        };
        let found = match found {
            Ok(document) => self.with_files(document, transaction).await?,
            refused => refused,
        };
        match one {
            Missing::Named(name, version) => drop(self.named.insert((name, version), found)),
            Missing::Pinned(digest) => drop(self.pinned.insert(digest, found)),
        }
        Ok(())
    }

    /// The same document, once what it packs is there as well.
    async fn with_files(
        &mut self,
        document: Value,
        transaction: &TenantTx,
    ) -> Result<Result<Value, String>, Problem> {
        let files = document.get("filesDigest").and_then(Value::as_str).and_then(Digest::parse);
        let Some(files) = files.filter(|files| !self.bundles.contains_key(files)) else {
            return Ok(Ok(document));
        };
        match transaction.get_bundle(files).await? {
            Some(bytes) => drop(self.bundles.insert(files, bytes)),
            None => return Ok(Err("its packed files are no longer kept; publish it again".to_owned())),
        }
        Ok(Ok(document))
    }
}

async fn published(
    transaction: &TenantTx,
    name: &str,
    version: &str,
) -> Result<Result<Value, String>, Problem> {
    let unknown = || format!("no plan `{name}` is published here; dvt plan publish FILE");
    let Ok(parsed) = PlanName::parse(name) else { return Ok(Err(unknown())) };
    let Some(id) = transaction.plan_id(&parsed).await? else { return Ok(Err(unknown())) };
    let newest = PlanFilter { name: Some(parsed.clone()), development: false };
    let latest = match version {
        "latest" => transaction.list_plans(&newest, 1, None).await?.rows.into_iter().next(),
        _ => None,
    };
    let version = latest.as_ref().map_or(version, |latest| latest.plan.plan_version.as_str());
    if let Some(row) = transaction.plan(id, version).await? {
        return Ok(Ok(row.document));
    }
    if transaction.plan_version(id, version).await?.is_some() {
        return Ok(Err("its document is no longer kept; publish it again".to_owned()));
    }
    let newest = transaction.list_plans(&newest, 5, None).await?.rows;
    let has: Vec<String> = newest.into_iter().map(|known| known.plan.plan_version).collect();
    Ok(Err(match has.as_slice() {
        [] => unknown(),
        has => format!("`{name}` has no version {version}; it has {}", has.join(", ")),
    }))
}

/// Checks with what is known, and says what is not.
fn check_once(source: &Source, known: &Known) -> (Outcome, Below, BTreeSet<Missing>) {
    let beside = Beside { known, packed: RefCell::default(), missing: RefCell::default() };
    let outcome = dvt_plan::check_with(source, &Surroundings { sub_plans: &beside, reach: Reach::Runs });
    let mut below = beside.packed.into_inner();
    for (digest, document) in outcome.checked.iter().flat_map(|checked| &checked.sub_plans) {
        // A checked document has a canonical form: its digest is that of these bytes.
        if let Ok(bytes) = canonical::to_bytes(document) {
            below.insert(*digest, bytes);
        }
    }
    below.extend(known.bundles.iter().map(|(digest, bytes)| (*digest, bytes.clone())));
    (outcome, below, beside.missing.into_inner())
}

/// Finds what lies beside a document or is known to be published, and keeps what its files pack.
struct Beside<'k> {
    known: &'k Known,
    packed: RefCell<Below>,
    missing: RefCell<BTreeSet<Missing>>,
}

impl Beside<'_> {
    fn answer(&self, known: Option<&Result<Value, String>>, missing: Missing) -> Result<Found, String> {
        match known {
            Some(Ok(document)) => Ok(Found::Stored(document.clone())),
            Some(Err(why)) => Err(why.clone()),
            None => {
                self.missing.borrow_mut().insert(missing);
                Err("it was not looked up".to_owned())
            }
        }
    }
}

impl SubPlans for Beside<'_> {
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String> {
        // A stored document pins what it runs; what has its name by now does not matter.
        if let Some(digest) = wanted.digest {
            return self.answer(self.known.pinned.get(&digest), Missing::Pinned(digest));
        }
        let path = match wanted.reference {
            PlanReference::Path(path) => path,
            PlanReference::Published { name, version } => {
                let key = (name.clone(), version.clone());
                return self.answer(self.known.named.get(&key), Missing::Named(key.0.clone(), key.1.clone()));
            }
        };
        let folder = folder(Path::new(wanted.from));
        let file: PathBuf = folder.join(path.trim_start_matches("./"));
        let inside = match (file.canonicalize(), folder.canonicalize()) {
            (Ok(file), Ok(folder)) => file.starts_with(folder),
            // The reading below says what is wrong.
            _ => true,
        };
        if !inside {
            return Err("it leads out of the plan's folder".to_owned());
        }
        source::read(&file).map(Found::Written).map_err(|problem| problem.message)
    }

    fn pack(&self, source: &Source, checked: &Checked) -> Result<Option<Digest>, String> {
        let packed = pack::pack(&folder(Path::new(&source.name)), &checked.plan.files);
        let Some(Packed { digest, bytes, .. }) = packed.map_err(|problem| problem.message)? else {
            return Ok(None);
        };
        self.packed.borrow_mut().insert(digest, bytes);
        Ok(Some(digest))
    }
}

/// The folder of a document.
fn folder(document: &Path) -> PathBuf {
    let folder = document.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}
