//! Degraded modes of a whole engine (contract 5.10) on a disk that fails: what is refused, what is waited for, and that each mode is
//! left again, with both entries in the ledger.

use dvt_engine::client::Client;
use dvt_model::code::Code;
use dvt_model::deed::Deed;
use dvt_model::id::{RunId, StepId};
use dvt_model::proof::{SignalSend, StepApprove};
use dvt_model::run::RunStatus;
use dvt_model::scope::Minter;
use dvt_model::time::Timestamp;
use dvt_store::Clock;
use dvt_testkit::drafts::ids;
use dvt_testkit::house::{self, Ground, House, Ready};
use dvt_testkit::power_cut::disk::Disk;
use dvt_testkit::power_cut::fault::Fault;
use dvt_testkit::power_cut::vfs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const GATE: &str = "apiVersion: dvt/v1\nname: gate\nsteps:\n  release: { approval: { role: operator } }\n  after: { needs: release, uses: dvt/noop@1 }\n";
const QUICK: &str = "apiVersion: dvt/v1\nname: quick\nsteps:\n  one: { uses: dvt/noop@1 }\n";
const LONGEST: Duration = Duration::from_secs(60);

struct Place {
    folder: tempfile::TempDir,
    disk: Arc<Disk>,
    pushed_ms: Arc<AtomicI64>,
    ground: Ground,
    house: House,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(Disk::new(1, u64::MAX, None));
        let data = folder.path().join("data");
        vfs::mount(&data, &disk).unwrap();
        let key = folder.path().join("key").join("root");
        let ground = Ground { data, key, vfs: Some(vfs::NAME.to_owned()), ids: ids() };
        let pushed_ms = Arc::new(AtomicI64::new(0));
        let (pushed, real) = (Arc::clone(&pushed_ms), house::clock());
        let clock: Clock = Arc::new(move || Timestamp::from_ms(real().ms() + pushed.load(Ordering::SeqCst)));
        let minter = Arc::new(Minter::behind_the_test_seam());
        let store = house::store(&ground, &clock, &minter).unwrap();
        let house = House::of(store, &ground, (clock, minter), PathBuf::from("/bin/false")).await.unwrap();
        Self { folder, disk, pushed_ms, ground, house }
    }

    fn push(&self, ms: i64) {
        self.pushed_ms.fetch_add(ms, Ordering::SeqCst);
    }

    async fn gate(&self, client: &Client) -> RunId {
        let run = self.house.start(client, &self.house.ready(GATE).unwrap()).await.unwrap();
        let mut known = 0;
        while known < 3 {
            known = client.progress(run, known).await.unwrap().last_run_seq;
        }
        run
    }

    async fn approve(&self, client: &Client, run: RunId, signal: &str) -> Result<RunStatus, Code> {
        let deed = Deed::Approve { step_id: StepId::parse("release").unwrap() };
        let asked = self.house.act::<StepApprove>(client, run, (&deed, signal)).await;
        let (_, answer) = asked.map_err(|_| Code::LedgerUnavailable)?;
        answer.map_err(|problem| problem.code)
    }

    async fn to_the_end(&self, client: &Client, run: RunId) -> RunStatus {
        let mut known = 0;
        loop {
            let news = client.progress(run, known).await.unwrap();
            if news.status.is_terminal() {
                return news.status;
            }
            known = news.last_run_seq;
        }
    }

    /// The incidents of the ledger, each with its mode.
    async fn incidents(&self) -> Vec<String> {
        self.house.parts.store.seal(self.ground.ids.tenant_id).await.unwrap();
        let path = dvt_store::Store::ledger_path(&self.ground.data, self.ground.ids.tenant_id);
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags_and_vfs(&path, flags, vfs::NAME).unwrap();
        let mut statement =
            connection.prepare("SELECT envelopes FROM ledger_block ORDER BY first_index").unwrap();
        let blocks = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        let text: String =
            blocks.map(|block| String::from_utf8_lossy(&block.unwrap()).into_owned()).collect();
        let mut found = Vec::new();
        for part in text.split("DegradedMode").skip(1) {
            let word = if part.starts_with("Entered") { "entered" } else { "left" };
            let mode = ["SLOW_STARTS", "SEALER_BEHIND"].into_iter().find(|mode| part.contains(mode)).unwrap();
            found.push(format!("{word} {mode}"));
        }
        found
    }

    async fn until_incidents(&self, count: usize) -> Vec<String> {
        loop {
            let found = self.incidents().await;
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn play<F: Future<Output = ()>>(work: F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LONGEST, work).await.expect("it is stuck") });
}

/// No room: nothing is acknowledged and nothing half-done; with room again the run goes on from what it had.
#[test]
fn a_full_disk_refuses_acts_and_starts_until_there_is_room() {
    play(async {
        let place = Place::new().await;
        let client = place.house.attach().await.unwrap();
        let run = place.gate(&client).await;
        place.disk.break_now(Fault::Full);
        assert!(place.approve(&client, run, "first").await.unwrap_err().is_retryable());
        let quick: Ready = place.house.ready(QUICK).unwrap();
        place.house.start(&client, &quick).await.unwrap_err();
        assert!(place.disk.mend() > 0, "control: the disk was full");
        let proof = place.house.run_proof::<SignalSend>(run).await.unwrap();
        // It was given up when it could not be written, or it is still there: either way it goes on.
        if let Err(problem) = client.resume_run(&proof, true).await {
            assert_eq!(problem.code, Code::InvalidStateTransition, "{problem}");
        }
        place.approve(&client, run, "second").await.unwrap();
        assert_eq!(place.to_the_end(&client, run).await, RunStatus::Completed);
        place.house.play(&client, &quick).await.unwrap();
        client.close().await.unwrap();
        let checked = place.house.parts.store.check(place.ground.ids.tenant_id).await.unwrap();
        assert!(checked.is_whole(), "{:?}", checked.faults);
        place.house.parts.store.close().await.unwrap();
        drop(place.folder);
    });
}

/// A ledger that cannot be sealed takes no acts after five minutes, says why, and takes them again when it is sealed.
#[test]
fn a_ledger_that_cannot_be_sealed_closes_and_opens_again() {
    play(async {
        let place = Place::new().await;
        let client = place.house.attach().await.unwrap();
        let run = place.gate(&client).await;
        place.disk.break_now(Fault::Full);
        // Its newest entries wait for a seal that fails. Control: until five minutes are over it is the disk that refuses.
        assert_eq!(place.approve(&client, run, "first").await, Err(Code::LedgerUnavailable));
        place.push(310_000);
        let mut refused = Code::LedgerUnavailable;
        while refused == Code::LedgerUnavailable {
            refused = place.approve(&client, run, "first").await.unwrap_err();
        }
        assert_eq!(refused, Code::ServiceDegraded);
        assert!(place.disk.mend() > 0);
        let found = place.until_incidents(2).await;
        assert_eq!(found, ["entered SEALER_BEHIND", "left SEALER_BEHIND"]);
        let proof = place.house.run_proof::<SignalSend>(run).await.unwrap();
        drop(client.resume_run(&proof, true).await);
        place.approve(&client, run, "second").await.unwrap();
        assert_eq!(place.to_the_end(&client, run).await, RunStatus::Completed);
        client.close().await.unwrap();
        place.house.parts.store.close().await.unwrap();
    });
}

/// Starts that take longer than five seconds close the door for a minute; control: before that, and after it, it is open.
#[test]
fn slow_starts_close_the_door_for_a_minute() {
    play(async {
        let place = Place::new().await;
        let client = Arc::new(place.house.attach().await.unwrap());
        let quick = place.house.ready(QUICK).unwrap();
        place.house.play(&client, &quick).await.unwrap();
        // The log's syncs wait while the clock goes on.
        place.disk.hold();
        let house = &place.house;
        let starts: Vec<_> = (0..8).map(|_| house.start(&client, &quick)).collect();
        let slow = async {
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            place.push(7_000);
            place.disk.release();
        };
        let mut set = Vec::new();
        let all = async {
            let mut pending: Vec<_> = starts.into_iter().map(Box::pin).collect();
            std::future::poll_fn(|context| {
                pending.retain_mut(|start| match start.as_mut().poll(context) {
                    std::task::Poll::Ready(started) => {
                        set.push(started);
                        false
                    }
                    std::task::Poll::Pending => true,
                });
                if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        };
        tokio::join!(all, slow);
        assert!(set.iter().filter(|started| started.is_ok()).count() >= 5, "{set:?}");
        let refused = place.house.start(&client, &quick).await.unwrap_err();
        assert!(refused.contains("longer than 5 s"), "{refused}");
        place.push(61_000);
        place.house.play(&client, &quick).await.unwrap();
        assert_eq!(place.until_incidents(2).await, ["entered SLOW_STARTS", "left SLOW_STARTS"]);
        Arc::into_inner(client).unwrap().close().await.unwrap();
        place.house.parts.store.close().await.unwrap();
    });
}
