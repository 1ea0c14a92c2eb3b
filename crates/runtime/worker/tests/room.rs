//! What a worker may have at once: logs that are on their way.

use crate::fixture::{Worker, shell};
use crate::harness::Case;
use dvt_worker::protocol::{FromWorker, LOG_ROOM, Outcome, ToWorker};

pub(crate) const CASES: &[Case] = &[("room::logs_that_nobody_keeps_hold_up_their_step_alone", unkept_logs)];

/// What came until the report of the step with this name.
fn until_report(worker: &mut Worker, name: &str) -> Vec<FromWorker> {
    let mut came = Vec::new();
    loop {
        match worker.next() {
            FromWorker::Report(report) if report.key.step_id.to_string() == name => {
                assert!(matches!(report.outcome, Outcome::Completed { .. }), "{report:?}");
                return came;
            }
            message => came.push(message),
        }
    }
}

fn logged(came: &[FromWorker], name: &str) -> (usize, usize) {
    let bodies = came.iter().filter_map(|message| match message {
        FromWorker::Log { key, body, .. } if key.step_id.to_string() == name => Some(body.len()),
        _ => None,
    });
    bodies.fold((0, 0), |(messages, bytes), length| (messages + 1, bytes + length))
}

fn unkept_logs() {
    const BYTES: usize = 4 << 20;
    let mut worker = Worker::ready();
    worker.keeps = false;
    let loud = shell("loud", &format!("yes | head -c {BYTES}"));
    worker.dispatch(&loud);
    let room = usize::try_from(LOG_ROOM).unwrap();
    let mut came = Vec::new();
    while logged(&came, "loud").0 < room {
        came.push(worker.next());
    }
    // Others go on, and what they log is their own.
    for name in ["first", "second"] {
        worker.dispatch(&shell(name, "echo a line"));
        let others = until_report(&mut worker, name);
        assert_eq!((logged(&others, name), logged(&others, "loud")), ((1, 7), (0, 0)));
    }
    // As much as is kept may follow, and no more.
    worker.send(ToWorker::Kept { key: loud.key.clone(), messages: 2 });
    let mut more = Vec::new();
    while logged(&more, "loud").0 < 2 {
        more.push(worker.next());
    }
    worker.dispatch(&shell("third", "echo a line"));
    assert_eq!(logged(&until_report(&mut worker, "third"), "loud"), (0, 0));
    came.append(&mut more);
    worker.keeps = true;
    worker.send(ToWorker::Kept { key: loud.key, messages: LOG_ROOM });
    came.append(&mut until_report(&mut worker, "loud"));
    assert_eq!(logged(&came, "loud").1, BYTES, "nothing is lost");
    worker.close();
}
