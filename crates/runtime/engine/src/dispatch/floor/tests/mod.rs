//! Whom the floor's own task hears, with orders that others carry out in between; in which order runs hear of it.

use super::super::desk::Desk;
use super::super::pipe::pipe;
use super::super::tests::run;
use super::*;
use crate::{Door, Grant, Judging, Opened, Problem, Surroundings, TwoPersons};
use dvt_keys::RootKey;
use dvt_model::code::Code;
use dvt_model::context::OpContext;
use dvt_model::scope::Minter;
use dvt_model::time::Timestamp;
use dvt_store::port::operation::LogChunk;
use dvt_store::{Clock, Options, Store};
use std::future::poll_fn;
use std::path::Path;
use std::pin::{Pin, pin};
use std::task::Poll;

/// Nobody comes through it here.
struct Shut;

fn refusal() -> Problem {
    Problem::new(Code::AuthorizationRequired, "nobody comes in".to_owned())
}

impl Door for Shut {
    fn open(&self, _: &str, _: &[u8]) -> Result<Opened, Problem> {
        Err(refusal())
    }

    fn seal(&self, _: &Grant, _: &[u8]) -> Result<String, Problem> {
        Err(refusal())
    }

    fn cancel<'a>(&'a self, _: &'a OpContext, _: RunId, _: String) -> Judging<'a> {
        Box::pin(async { Err(refusal()) })
    }
}

mod full;

fn parts(folder: &Path) -> Parts {
    let clock: Clock = Arc::new(|| Timestamp::from_ms(1_771_200_000_000));
    let root = RootKey::create(&folder.join("key").join("root")).unwrap();
    let options = Options {
        folder: folder.join("data"),
        vfs: None,
        clock: Arc::clone(&clock),
        minter: Arc::new(Minter::behind_the_test_seam()),
    };
    Parts {
        store: Store::open(options, root).unwrap(),
        folder: folder.join("data"),
        worker: "/nonexistent".into(),
        clock,
        door: Arc::new(Shut),
        idle: crate::IDLE,
        patience: crate::PATIENCE,
        surroundings: Surroundings { steady: Arc::new(|| Duration::ZERO), every: crate::LOOK_EVERY },
        two_persons: TwoPersons::Required,
    }
}

impl Floor {
    /// Starts one that lives for as long as its link does.
    fn start(&mut self, folder: &Path) -> Option<u32> {
        let mut link = Link::spawn_verb(Path::new("/bin/cat"), "-", &folder.join("lock")).unwrap();
        let (pid, files) = (link.pid(), Given::default());
        self.incoming = link.incoming();
        self.working = Some(Working { link, files, said_hello: true, heard: Instant::now() });
        pid
    }
}

/// Lets the task do what it can do by now, after everybody else has had his turn.
async fn goes_on(task: &mut Pin<&mut impl Future<Output = ()>>) {
    tokio::task::yield_now().await;
    let polled = poll_fn(|context| Poll::Ready(task.as_mut().poll(context))).await;
    assert!(polled.is_pending(), "nobody told it to end");
}

/// The worker that the desk's floor has, and when it was heard.
fn working(desk: &Desk) -> Option<(Option<u32>, Instant)> {
    let floor = desk.floor.try_lock().unwrap();
    floor.as_ref().unwrap().working.as_ref().map(|working| (working.link.pid(), working.heard))
}

#[tokio::test]
async fn the_end_of_a_worker_that_was_given_up_is_not_that_of_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Arc::new(Desk::new());
    let (pipe, _outlet) = pipe();
    let mut floor = Floor::new(parts(folder.path()), pipe, Arc::downgrade(&desk));
    let first = floor.start(folder.path());
    *desk.floor.lock().await = Some(floor);
    let (ends, stop) = watch::channel(false);
    let mut serving = pin!(Floor::serve(&desk, stop));
    // It says nothing and is given up. Where this test itself is held up meanwhile its silence begins anew.
    while working(&desk).is_some() {
        let heard = Instant::now() - SILENCE;
        if let Some(working) = &mut desk.floor.try_lock().unwrap().as_mut().unwrap().working {
            working.heard = heard;
        }
        desk.call();
        while working(&desk) == Some((first, heard)) {
            goes_on(&mut serving).await;
        }
    }
    // A run has the floor and starts the next one; meanwhile what the first one said has come to its end.
    let mut floor = desk.floor.try_lock().unwrap();
    for _ in 0..100 {
        goes_on(&mut serving).await;
    }
    let next = floor.as_mut().unwrap().start(folder.path());
    assert!(next.is_some() && next != first);
    drop(floor);
    desk.call();
    for _ in 0..100 {
        goes_on(&mut serving).await;
    }
    let kept = working(&desk).and_then(|(pid, _)| pid);
    assert_eq!(kept, next, "the end of the first one was taken for that of the next");
    ends.send_replace(true);
    serving.await;
}

#[tokio::test]
async fn a_word_is_told_at_once_but_not_before_the_log_that_came_first() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, outlet) = pipe();
    let (run, hot, mut inbox) = run(1);
    let word = || Item::Word(hot.clone(), Message::Turn);
    pipe.put(word());
    assert!(matches!(inbox.try_recv(), Ok(Message::Turn)), "nothing was before it");
    let log = Item::Log {
        scope: *hot.scope(),
        under: dvt_store::port::operation::Protection::default(),
        run,
        step: StepId::parse("one").unwrap(),
        attempt: LogicalAttemptId::FIRST,
        chunk: LogChunk { stream: "stdout".to_owned(), at: Timestamp::from_ms(0), text: "a line".to_owned() },
        makes_room: None,
    };
    pipe.put(log);
    pipe.put(word());
    assert!(inbox.try_recv().is_err(), "the log is on its way still");
    // It is another tenant's log for others.
    let (_, others, mut others_inbox) = super::super::tests::run(2);
    pipe.put(Item::Word(others, Message::Turn));
    assert!(matches!(others_inbox.try_recv(), Ok(Message::Turn)), "nothing of its own was before it");
    let serving = tokio::spawn(outlet.serve(parts(folder.path()).store, Weak::new()));
    assert!(matches!(inbox.recv().await, Some(Message::Turn)));
    drop(pipe);
    serving.await.unwrap();
}
