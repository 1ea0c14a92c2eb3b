//! Degraded modes of a whole engine (contract 5.10) on a disk that fails: what is refused, what is waited for, and that each mode is
//! left again, with both entries in the ledger.

use dvt_engine::client::Client;
use dvt_engine::{LOOK_EVERY, Surroundings};
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
use std::time::{Duration, Instant};

const GATE: &str = "apiVersion: dvt/v1\nname: gate\nsteps:\n  release: { approval: { role: operator } }\n  after: { needs: release, uses: dvt/noop@1 }\n";
const QUICK: &str = "apiVersion: dvt/v1\nname: quick\nsteps:\n  one: { uses: dvt/noop@1 }\n";
const LONGEST: Duration = Duration::from_secs(60);

struct Place {
    folder: tempfile::TempDir,
    disk: Arc<Disk>,
    /// How far the time was moved on.
    pushed_ms: Arc<AtomicI64>,
    /// How far the wall clock alone was set.
    set_ms: Arc<AtomicI64>,
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
        let (pushed_ms, set_ms) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        let (pushed, set, real) = (Arc::clone(&pushed_ms), Arc::clone(&set_ms), house::clock());
        let clock: Clock = Arc::new(move || {
            let moved = pushed.load(Ordering::SeqCst) + set.load(Ordering::SeqCst);
            Timestamp::from_ms(real().ms() + moved)
        });
        let minter = Arc::new(Minter::behind_the_test_seam());
        let store = house::store(&ground, &clock, &minter).unwrap();
        let mut house =
            House::of(store, &ground, (clock, minter), PathBuf::from("/bin/false")).await.unwrap();
        let (pushed, begun) = (Arc::clone(&pushed_ms), Instant::now());
        let steady = move || {
            begun.elapsed() + Duration::from_millis(u64::try_from(pushed.load(Ordering::SeqCst)).unwrap())
        };
        house.parts.surroundings = Surroundings { steady: Arc::new(steady), every: LOOK_EVERY };
        Self { folder, disk, pushed_ms, set_ms, ground, house }
    }

    /// Whether the mode of the machine holds, as whoever asks how the engine is would be told.
    fn is_told(&self, mode: &str) -> bool {
        let parts = &self.house.parts;
        let told = dvt_engine::degraded(&parts.store, &parts.folder, self.ground.ids.tenant_id);
        told.iter().any(|degraded| degraded.mode == mode)
    }

    /// Waits until a mode holds, or no longer does.
    async fn until_told(&self, mode: &str, holds: bool) {
        while self.is_told(mode) != holds {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
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
            let mode = ["SLOW_STARTS", "SEALER_BEHIND", "KEY_UNREADABLE", "CLOCK_STEPPED"]
                .into_iter()
                .find(|mode| part.contains(mode))
                .unwrap();
            found.push(format!("{word} {mode}"));
        }
        found
    }

    /// Waits until the ledger tells so often of a mode.
    async fn until_entered(&self, mode: &str, count: usize) -> Vec<String> {
        loop {
            let mut found = self.incidents().await;
            found.retain(|told| told.ends_with(mode));
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
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
        let checked =
            place.house.parts.store.check(place.ground.ids.tenant_id, &Arc::default()).await.unwrap();
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

/// The engine looks often; without it, it never looks at all: the control of what follows.
fn looks(place: &mut Place, often: bool) {
    place.house.parts.surroundings.every =
        if often { Duration::from_millis(5) } else { Duration::from_secs(100_000) };
}

/// The key file goes away, or another one lies there: told in the ledger while the keys that are open still write it, and again when
/// it is back. After fifteen minutes nothing is taken without it. Control: an engine that does not look notices neither.
#[test]
fn a_key_file_that_is_gone_is_told_and_its_return_too() {
    const MODE: &str = "KEY_UNREADABLE";
    play(async {
        let mut place = Place::new().await;
        for often in [false, true] {
            looks(&mut place, often);
            let client = place.house.attach().await.unwrap();
            let run = place.gate(&client).await;
            let (key, away) = (place.ground.key.clone(), place.ground.key.with_extension("away"));
            std::fs::rename(&key, &away).unwrap();
            if often {
                place.until_told(MODE, true).await;
                place.until_entered(MODE, 1).await;
            }
            // Another one in its place is not it; and what is open is used for a while and no longer.
            let mut other = std::fs::read(&away).unwrap();
            other[7] ^= 1;
            std::fs::write(&key, &other).unwrap();
            std::fs::set_permissions(&key, std::fs::metadata(&away).unwrap().permissions()).unwrap();
            place.push(16 * 60_000);
            assert!(place.approve(&client, run, "first").await.unwrap_err().is_retryable());
            assert_eq!(place.is_told(MODE), often);
            std::fs::rename(&away, &key).unwrap();
            place.until_told(MODE, false).await;
            let found = place.until_entered(MODE, if often { 2 } else { 0 }).await;
            let both = ["entered KEY_UNREADABLE", "left KEY_UNREADABLE"];
            assert_eq!(
                found,
                both[..if often { 2 } else { 0 }],
                "without a look nothing is told: the control"
            );
            // What waited for the key is sealed by now, or soon.
            place.until_told("SEALER_BEHIND", false).await;
            let proof = place.house.run_proof::<SignalSend>(run).await.unwrap();
            drop(client.resume_run(&proof, true).await);
            place.approve(&client, run, "back").await.unwrap();
            assert_eq!(place.to_the_end(&client, run).await, RunStatus::Completed);
            client.close().await.unwrap();
        }
        place.house.parts.store.close().await.unwrap();
    });
}

/// The wall clock is set, forward and back: told in the ledger, and again when it has run evenly for a minute; no act is refused for
/// it. Control: time that goes on by an hour is no mode, and an engine that does not look notices nothing.
#[test]
fn a_clock_that_is_set_is_told_until_it_runs_evenly() {
    play(async {
        let mut place = Place::new().await;
        let quick = place.house.ready(QUICK).unwrap();
        for often in [false, true] {
            looks(&mut place, often);
            let client = place.house.attach().await.unwrap();
            place.house.play(&client, &quick).await.unwrap();
            place.push(3_600_000);
            place.house.play(&client, &quick).await.unwrap();
            assert!(!place.is_told("CLOCK_STEPPED"));
            for (set, told) in [(3_600_000, 1), (-7_200_000, 2)] {
                place.set_ms.fetch_add(set, Ordering::SeqCst);
                if often {
                    place.until_told("CLOCK_STEPPED", true).await;
                }
                place.house.play(&client, &quick).await.unwrap();
                place.push(61_000);
                place.until_told("CLOCK_STEPPED", false).await;
                let found = place.until_entered("CLOCK_STEPPED", if often { told * 2 } else { 0 }).await;
                let both = ["entered CLOCK_STEPPED", "left CLOCK_STEPPED"].repeat(told);
                assert_eq!(found, both[..if often { told * 2 } else { 0 }], "without a look: the control");
            }
            client.close().await.unwrap();
        }
        place.house.parts.store.close().await.unwrap();
    });
}
