//! A life: opens what the last cut left, looks for what was told, becomes the engine and brings the run to its end, unless the
//! power goes before. A process of its own.
//!
//! When the power is gone, what survived goes to the next life's folder and this process ends where it stands. An error while the
//! power is on is a finding; one after it is not heard.

use super::hands;
use super::judge::found_again;
use super::plans::{self, Plan};
use super::text;
use super::told::Told;
use crate::house::{self, Ground, House};
use crate::power_cut::disk::{Disk, SyncKind};
use crate::power_cut::{blobs, vfs};
use dvt_engine::client::Client;
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::{DecisionId, RunId};
use dvt_model::proof::{RunCancel, SignalSend, StepApprove};
use dvt_model::run::RunStatus;
use dvt_model::scope::Minter;
use dvt_store::Store;
use dvt_store::port::transaction::Kind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The word by which the program becomes a life.
pub const VERB: &str = "__life";
/// How it ends: the run came to its end; the power went.
pub(super) const ENDED: u8 = 10;
pub(super) const DARK: u8 = 11;
/// The witness, beside the worker's name.
pub(super) const WITNESS: &str = "witness";
/// The name under which this program is the worker.
pub(super) const WORKER: &str = "power-cut-hands";
/// A life that takes longer is stuck.
const STUCK: Duration = Duration::from_secs(40);
/// Between two looks at the disk.
const TICK: Duration = Duration::from_micros(500);
/// For how long nothing happens to a run before it sleeps.
const IDLE: Duration = Duration::from_millis(3);
/// The log is moved into the database after so many operations, so that syncs of that file are met as well.
const MOVED_AFTER: u64 = 60;

/// Which life.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) plan: &'static Plan,
    pub(super) number: u32,
    pub(super) seed: u64,
    pub(super) cut_at: u64,
    pub(super) removed: Option<SyncKind>,
}

impl Life {
    pub(super) fn arguments(&self) -> [String; 5] {
        let removed = self.removed.map_or("none".to_owned(), |kind| format!("{kind:?}"));
        let numbers = (self.number.to_string(), self.seed.to_string(), self.cut_at.to_string());
        [self.plan.name.to_owned(), numbers.0, numbers.1, numbers.2, removed]
    }

    fn parse(words: &[String]) -> Option<Self> {
        let [plan, number, seed, cut_at, removed] = words else { return None };
        let removed = SyncKind::UNDER_AN_ENGINE.into_iter().find(|kind| format!("{kind:?}") == *removed);
        Some(Self {
            plan: Plan::named(plan)?,
            number: number.parse().ok()?,
            seed: seed.parse().ok()?,
            cut_at: cut_at.parse().ok()?,
            removed,
        })
    }

    /// Where its data lies.
    pub(super) fn data(folder: &Path, number: u32) -> PathBuf {
        folder.join(number.to_string()).join("data")
    }
}

/// Becomes a life: the history's folder, and what [`Life::arguments`] gives.
pub fn main(words: &[String]) -> ExitCode {
    let known =
        words.split_first().and_then(|(folder, rest)| Some((PathBuf::from(folder), Life::parse(rest)?)));
    let Some((folder, life)) = known else {
        eprintln!("`{VERB}` is for this program alone");
        return ExitCode::FAILURE;
    };
    match live(folder, life) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

enum Never {}

struct Living {
    folder: PathBuf,
    life: Life,
    disk: Arc<Disk>,
    told: Mutex<Told>,
    has_ended: AtomicBool,
}

fn live(folder: PathBuf, life: Life) -> Result<Never, String> {
    // Nobody's hands from before the cut still bear witness.
    drop(hands::alone(&folder)?);
    let told = Mutex::new(Told::read(&folder)?);
    let disk = Arc::new(Disk::new(life.seed, life.cut_at, life.removed));
    let data = Life::data(&folder, life.number);
    std::fs::create_dir_all(&data).map_err(text)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&data, mode).map_err(text)?;
    vfs::mount(&data, &disk)?;
    blobs::mount(&disk);
    let living = Arc::new(Living { folder, life, disk, told, has_ended: AtomicBool::new(false) });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(text)?;
    let (working, moving) = (Arc::clone(&living), Arc::clone(&living));
    let work = runtime.spawn(async move { working.work().await });
    std::thread::spawn(move || moving.move_the_log());
    let (begun, mut work) = (Instant::now(), Some(work));
    loop {
        if living.disk.is_dark() {
            living.end();
        }
        if let Some(done) = work.take_if(|work| work.is_finished()) {
            match runtime.block_on(done).map_err(text)? {
                Ok(()) => {
                    living.has_ended.store(true, Ordering::SeqCst);
                    living.disk.cut();
                }
                // What the cut explains is no finding.
                Err(_) if living.disk.is_dark() => {}
                Err(error) => return Err(format!("with the power on: {error}")),
            }
        }
        if begun.elapsed() > STUCK {
            return Err("stuck: the run does not come to its end".to_owned());
        }
        std::thread::park_timeout(TICK);
    }
}

impl Living {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power is gone: what survived, and what was told, are all that is left.
    fn end(&self) -> ! {
        let code = match self.leave() {
            Ok(()) if self.has_ended.load(Ordering::SeqCst) => ENDED,
            Ok(()) => DARK,
            Err(error) => {
                eprintln!("the harness: {error}");
                1
            }
        };
        std::process::exit(i32::from(code))
    }

    fn leave(&self) -> Result<(), String> {
        let mut told = self.told();
        let counts = self.disk.counts();
        (told.operations, told.syncs) = (self.disk.operations(), counts.syncs);
        told.keep(&self.folder)?;
        let (from, to) =
            (Life::data(&self.folder, self.life.number), Life::data(&self.folder, self.life.number + 1));
        // What does not lie on the disk that was cut: logs of steps, locks, blobs of earlier lives. Sockets end with their process.
        self.copy(&from, &to)?;
        self.disk.restore(&from, &to).map_err(text)
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<(), String> {
        std::fs::create_dir_all(to).map_err(text)?;
        let mode = std::fs::metadata(from).map_err(text)?.permissions();
        std::fs::set_permissions(to, mode).map_err(text)?;
        for entry in std::fs::read_dir(from).map_err(text)? {
            let entry = entry.map_err(text)?;
            let (kind, path) = (entry.file_type().map_err(text)?, entry.path());
            if kind.is_dir() {
                self.copy(&path, &to.join(entry.file_name()))?;
            } else if kind.is_file() && !path.to_str().is_some_and(|name| self.disk.knows(name)) {
                std::fs::copy(&path, to.join(entry.file_name())).map_err(text)?;
            }
        }
        Ok(())
    }

    /// Moves the log into the database file again and again. Busy is an ordinary answer: a writer is at work.
    fn move_the_log(&self) {
        let path = Store::ledger_path(&Life::data(&self.folder, self.life.number), self.told().ids.tenant_id);
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (mut at, mut connection) = (0, None);
        while !self.disk.is_dark() {
            std::thread::park_timeout(TICK);
            let now = self.disk.operations();
            if !self.told().tenant || now < at + MOVED_AFTER {
                continue;
            }
            at = now;
            if connection.is_none() {
                connection = rusqlite::Connection::open_with_flags_and_vfs(&path, flags, vfs::NAME)
                    .and_then(|opened| opened.execute_batch("PRAGMA synchronous = FULL").map(|()| opened))
                    .ok();
            }
            if let Some(connection) = &connection {
                let manner = if now.is_multiple_of(2) { "PASSIVE" } else { "RESTART" };
                let moved: Result<i64, _> =
                    connection.query_row(&format!("PRAGMA wal_checkpoint({manner})"), [], |row| row.get(0));
                drop(moved);
            }
        }
    }

    async fn work(&self) -> Result<(), String> {
        let ids = self.told().ids;
        let data = Life::data(&self.folder, self.life.number);
        let ground =
            Ground { data, key: self.folder.join("key").join("root"), vfs: Some(vfs::NAME.to_owned()), ids };
        let (clock, minter) = (house::clock(), Arc::new(Minter::behind_the_test_seam()));
        let store = house::store(&ground, &clock, &minter)?;
        let before = self.told().clone();
        let found = found_again(&store, &self.folder, before).await?;
        *self.told() = found;
        let mut house = House::of(store, &ground, (clock, minter), self.folder.join(WORKER)).await?;
        // Runs fall asleep and are woken all the time.
        house.parts.idle = IDLE;
        self.told().tenant = true;
        let client = house.attach().await?;
        if self.life.plan.publishes && self.told().published.is_none() {
            let published = house.publish(&client, &plans::below()?).await?;
            self.told().published = Some(published.plan.plan_version);
        }
        let first = self.bring(&house, &client).await?;
        self.follow(&house, &client, (0, first)).await?;
        if self.life.plan.again {
            let known = self.told().runs[1].run;
            let second = match known {
                Some(run) => self.go_on(&house, &client, run).await?,
                None => house.run_again(&client, first, (&plans::RUN_AGAIN, "again")).await?.run_id,
            };
            self.told().runs[1].run = Some(second);
            self.follow(&house, &client, (1, second)).await?;
        }
        self.end_the_rest(&house, &client).await?;
        client.close().await.map_err(text)?;
        house.parts.store.close().await.map_err(text)
    }

    /// Goes on with what is open besides: the run of a sub-plan whose parent has ended was left by a cut, and ends as well.
    async fn end_the_rest(&self, house: &House, client: &Client) -> Result<(), String> {
        let tenant = self.told().ids.tenant_id;
        for open in house.parts.store.open_runs(tenant).await.map_err(text)? {
            let run = open.row.metadata.run_id;
            let proof = house.run_proof::<SignalSend>(run).await?;
            match client.resume_run(&proof, true).await {
                Ok(_) => {}
                // It has just ended, or it is being ended.
                Err(problem) if matches!(problem.code, Code::RunTerminal | Code::InvalidStateTransition) => {
                    house.follow(client, run).await?;
                }
                Err(problem) => return Err(format!("the rest does not go on: {problem}")),
            }
            let mut known = 0;
            loop {
                let news = client.progress(run, known).await.map_err(text)?;
                if news.status.is_terminal() {
                    break;
                }
                known = news.last_run_seq;
            }
        }
        Ok(())
    }

    /// The run: gone on with where somebody was told of it, else asked for; perhaps once more.
    async fn bring(&self, house: &House, client: &Client) -> Result<RunId, String> {
        let known = self.told().runs[0].run;
        if let Some(run) = known {
            return self.go_on(house, client, run).await;
        }
        let answer = house.start_as(client, &self.life.plan.ready()?, "asked-for").await?;
        self.told().runs[0].run = Some(answer.run_id);
        // Where the answer to an earlier request was lost, and the run has ended since.
        house.follow(client, answer.run_id).await?;
        Ok(answer.run_id)
    }

    async fn go_on(&self, house: &House, client: &Client, run: RunId) -> Result<RunId, String> {
        let proof = house.run_proof::<SignalSend>(run).await?;
        match client.resume_run(&proof, true).await {
            Ok(_) => {}
            Err(problem) if problem.code == Code::RunTerminal => house.follow(client, run).await?,
            Err(problem) => return Err(format!("it does not go on: {problem}")),
        }
        Ok(run)
    }

    /// Follows a run to its end, and does what a person does in it.
    async fn follow(
        &self,
        house: &House,
        client: &Client,
        (place, run): (usize, RunId),
    ) -> Result<(), String> {
        let mut known = 0;
        loop {
            let news = client.progress(run, known).await.map_err(text)?;
            known = news.last_run_seq;
            self.hear(house, (place, run), (known, news.status)).await?;
            if news.status.is_terminal() {
                return Ok(());
            }
            while place == 0 && self.act(house, client, run).await? {}
        }
    }

    /// Notes what the news acknowledge, and not what may stand behind it.
    async fn hear(
        &self,
        house: &House,
        (place, run): (usize, RunId),
        (last, status): (u64, RunStatus),
    ) -> Result<(), String> {
        let scope = crate::drafts::scope(self.told().ids);
        let after = self.told().heard(place).events.len() as u64;
        let transaction = house.parts.store.begin(&scope, Kind::Act).map_err(text)?;
        let events = transaction.fetch_events(run, after, 1_000).await.map_err(text)?;
        let parts = events.into_iter().filter_map(|event| event.envelope.run);
        let new: Vec<_> = parts.filter(|part| part.run_seq <= last).map(|part| part.event_id).collect();
        let mut told = self.told();
        let heard = told.heard(place);
        heard.events.extend(new);
        heard.status = Some(status);
        if heard.events.len() as u64 >= last {
            Ok(())
        } else {
            Err(format!("news of {last} events, fewer are there"))
        }
    }

    /// Tries the next act; whether it is done.
    async fn act(&self, house: &House, client: &Client, run: RunId) -> Result<bool, String> {
        let number = self.told().acts;
        let Some(act) = self.life.plan.acts.get(number) else { return Ok(false) };
        let (deed, signal) = (act.deed()?, format!("act-{number}"));
        let asked = (&deed, signal.as_str());
        let (decision, answer): (DecisionId, _) = match deed {
            Deed::Cancel {} => house.act::<RunCancel>(client, run, asked).await?,
            Deed::Approve { .. } | Deed::Reject { .. } => {
                house.act::<StepApprove>(client, run, asked).await?
            }
            _ => house.act::<SignalSend>(client, run, asked).await?,
        };
        match answer {
            Ok(_) => {
                let mut told = self.told();
                told.decisions.push(decision);
                told.acts += 1;
                Ok(true)
            }
            // An earlier life's answer was lost.
            Err(problem) if problem.code == Code::StepTerminal => {
                self.told().acts += 1;
                Ok(true)
            }
            Err(problem) => match problem.code {
                // Too early, or the run ends just now.
                Code::InvalidStateTransition | Code::StepNotTerminal | Code::RunTerminal => Ok(false),
                _ => Err(format!("{act:?}: {} {problem}", problem.code)),
            },
        }
    }
}
