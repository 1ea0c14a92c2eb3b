//! From one engine to the next: a question is put to whichever engine there is, and each new one is brought the runs of this client.

use super::{Client, One, Right, Side, Stance};
use crate::engine::Engine;
use crate::forward::request::{Command, Reply};
use crate::lease::{self, Place};
use crate::{Parts, Problem};
use dvt_model::code::Code;
use std::sync::{Arc, PoisonError};

/// How many engines one question is put to; more than that means that something else is wrong.
const MOST_TURNS: u32 = 8;

impl Client {
    /// Asks the engine, and the next one when it ended before it answered. Every command may be asked twice: a start by its
    /// request id, a cancel by its signal id, a resume by its decision.
    pub(super) async fn ask<F>(&self, question: impl Fn(Side) -> F) -> Result<Reply, Problem>
    where
        F: Future<Output = Result<Reply, Problem>>,
    {
        let mut turns = 0;
        loop {
            let side = self.side();
            match question(side.clone()).await {
                Err(problem) if problem.code == Code::LeaseLost && turns < MOST_TURNS => {
                    self.turn(&side).await?
                }
                answer => return answer,
            }
            turns += 1;
        }
    }

    /// Finds the engine that came after `old`, which may be this process, and brings it the runs that this client attends.
    pub(super) async fn turn(&self, old: &Side) -> Result<(), Problem> {
        let _turning = self.turning.lock().await;
        if !same(old, &self.side()) {
            return Ok(());
        }
        let mut gone = old.clone();
        for _ in 0..MOST_TURNS {
            if let Side::Engine(engine) = &gone {
                // It must have given up everything before it can be asked for again.
                engine.stop();
                engine.ended().await;
            }
            let side = find(&self.parts, self.stance).await?;
            *self.side.write().unwrap_or_else(PoisonError::into_inner) = side.clone();
            if self.bring(&side).await.is_ok() {
                return Ok(());
            }
            gone = side;
        }
        Err(Problem::engine_gone())
    }

    /// Brings an engine the runs of this client; an error is that it is gone as well, or ending.
    async fn bring(&self, side: &Side) -> Result<(), Problem> {
        for (run, One { attends, right: Right { grant, host_allowed } }) in self.held.all() {
            let brought = match (side, attends) {
                (Side::Engine(engine), true) => engine.attend(&grant, run, host_allowed).await.map(drop),
                (Side::Engine(_), false) => Ok(()),
                (Side::Remote(remote), true) => {
                    remote.call(&Command::Attach { run, host_allowed }, &[&grant]).await.map(drop)
                }
                (Side::Remote(remote), false) => {
                    remote.call(&Command::Follow { run }, &[&grant]).await.map(drop)
                }
            };
            match (brought, side) {
                (Err(problem), _) if problem.code == Code::LeaseLost => return Err(problem),
                // This run cannot go on here; whoever follows it is told why. The others do.
                (Err(problem), Side::Engine(engine)) => engine.give_up(run, problem),
                (Ok(()) | Err(_), _) => {}
            }
        }
        Ok(())
    }
}

fn same(left: &Side, right: &Side) -> bool {
    match (left, right) {
        (Side::Engine(left), Side::Engine(right)) => Arc::ptr_eq(left, right),
        (Side::Remote(left), Side::Remote(right)) => Arc::ptr_eq(left, right),
        (Side::Engine(_), Side::Remote(_)) | (Side::Remote(_), Side::Engine(_)) => false,
    }
}

pub(super) async fn find(parts: &Parts, stance: Stance) -> Result<Side, Problem> {
    if stance == Stance::Asks {
        return Ok(Side::Remote(Arc::new(lease::connect_only(parts).await?)));
    }
    match lease::take_or_connect(parts).await? {
        Place::Standby(remote) => {
            dvt_telemetry::serves_none();
            Ok(Side::Remote(Arc::new(remote)))
        }
        Place::Holder(row, inherits, socket) => {
            let engine = Engine::begin(parts.clone(), (row, inherits), socket);
            // Detached runs are the engine's own duty; that one of them cannot be read takes nothing from this client.
            drop(engine.take_up_open(stance == Stance::LeadsAll).await);
            Ok(Side::Engine(engine))
        }
    }
}
