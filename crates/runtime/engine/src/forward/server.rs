//! The engine's end of the socket: opens envelopes, checks them against the command, and lets the engine act.
//!
//! A connection may ask for news only of runs that it proved a right on. It refuses a command without the envelopes that
//! the command needs, and one whose envelope was made for another command, engine, tenant or moment.

use super::frame;
use super::request::{self, Answer, Call, Command, Greeting, Reply};
use super::socket::Socket;
use crate::engine::Engine;
use crate::held::Held;
use crate::status::Follow;
use crate::{Grant, Problem, act};
use dvt_model::id::RunId;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The pause after an accept that failed.
const AFTER_A_FAULT: Duration = Duration::from_millis(200);

/// Accepts until the engine ends; then every connection is cut, which is how clients learn of it.
pub(crate) async fn serve(engine: Arc<Engine>, socket: Socket, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let audience: Arc<str> = Arc::from(socket.name());
    loop {
        tokio::select! {
            () = crate::engine::told_to_stop(&mut stop) => break,
            accepted = socket.accept() => match accepted {
                Ok(stream) => {
                    connections.spawn(converse(Arc::clone(&engine), Arc::clone(&audience), stream));
                }
                // No descriptors, most likely: others cannot reach us just now, and the runs of this process go on.
                Err(_) => sleep(AFTER_A_FAULT).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

/// What a connection has proved: the runs it may ask about, and which of them it attends.
#[derive(Default)]
struct Proved(Held<Follow>);

impl Proved {
    fn add(&self, run: RunId, follow: Follow) {
        self.0.hold(run, follow.attends, follow);
    }

    fn of(&self, run: RunId) -> Result<Follow, Problem> {
        self.0.of(run).map(|held| held.right).ok_or_else(Problem::not_found)
    }
}

async fn converse(engine: Arc<Engine>, audience: Arc<str>, stream: UnixStream) {
    let (mut reader, mut writer) = stream.into_split();
    if frame::write(&mut writer, &Greeting { epoch: engine.epoch() }).await.is_err() {
        return;
    }
    let (answers, mut to_write) = mpsc::unbounded_channel::<Answer>();
    let proved = Arc::new(Proved::default());
    let mut working = JoinSet::new();
    working.spawn(async move {
        while let Some(answer) = to_write.recv().await {
            if frame::write(&mut writer, &answer).await.is_err() {
                return;
            }
        }
    });
    while let Ok(Some(call)) = frame::read::<Call>(&mut reader).await {
        let (engine, audience, answers) = (Arc::clone(&engine), Arc::clone(&audience), answers.clone());
        let proved = Arc::clone(&proved);
        working.spawn(async move {
            let id = call.id;
            let result = answer(&engine, &audience, &proved, call).await;
            // The client may be gone.
            drop(answers.send(Answer { id, result }));
        });
        while working.try_join_next().is_some() {}
    }
    // Dropping the set ends the waiting polls. What was accepted goes on: the runs belong to the engine.
}

// INVARIANT(INV-12): the other process's word is worth nothing; each command that changes something brings its proof.
async fn answer(engine: &Arc<Engine>, audience: &str, proved: &Proved, call: Call) -> Result<Reply, Problem> {
    let command = request::read(audience, &call.text)?;
    let open = |envelope: &String| engine.parts().door.open(envelope, call.text.as_bytes());
    let grants = call.envelopes.iter().map(open).collect::<Result<Vec<Grant>, _>>()?;
    match (command, grants.as_slice()) {
        (Command::Start(request), [publish, start]) => {
            let answer = engine.start(publish, start, *request).await?;
            proved.add(answer.run_id, Follow::attending(start));
            Ok(Reply::Started(answer))
        }
        (Command::Publish(request), [publish]) => {
            engine.publish(publish, *request).await.map(Reply::Published)
        }
        (Command::Act { run, asked, host_allowed }, [grant]) => {
            let acted = engine.act(grant, run, &asked, host_allowed).await?;
            // Who ends a run sees its end; another act is no right to attend it.
            if act::ends(&asked.deed) {
                proved.add(run, Follow::attending(grant));
            }
            Ok(Reply::Acted(acted))
        }
        (Command::Retry { run, asked, again }, [start, signal]) => {
            let answer = engine.retry_run((start, signal), run, &asked, again).await?;
            proved.add(answer.run_id, Follow::attending(start));
            Ok(Reply::Started(answer))
        }
        (Command::Resume { run, host_allowed }, [grant]) => {
            let status = engine.resume(grant, run, host_allowed).await?;
            proved.add(run, Follow::attending(grant));
            Ok(Reply::Status(status))
        }
        (Command::Attach { run, host_allowed }, [grant]) => {
            let status = engine.attend(grant, run, host_allowed).await?;
            proved.add(run, Follow::attending(grant));
            Ok(Reply::Status(status))
        }
        (Command::Follow { run }, [grant]) => {
            engine.may_follow(grant, run).await?;
            proved.add(run, Follow::watching(grant));
            Ok(Reply::Done)
        }
        (Command::Progress { run, known_seq }, []) => {
            let news = engine.progress(&proved.of(run)?, run, known_seq).await?;
            if news.status.is_terminal() {
                proved.0.has_ended(run);
            }
            Ok(Reply::News(news))
        }
        (Command::Seal { run }, []) => Ok(Reply::Sealed(engine.seal(proved.of(run)?.tenant()).await?)),
        (Command::StopHard, []) => {
            engine.stop_hard(&proved.0.attended());
            Ok(Reply::Done)
        }
        _ => Err(Problem::unproved("it has not the envelopes that this command needs")),
    }
}
