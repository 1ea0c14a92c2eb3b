//! The line for slots: whose turn it is, whatever goes with reports. And who is told of attempts that nobody reports.

use super::Order;
use super::desk::Desk;
use super::flight::Slots;
use super::missing::{Missing, Stop};
use super::pipe::Item;
use crate::run::{Hot, Message};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::id::{EnvironmentId, ProjectId, RunId, StepId, TenantId};
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

/// A run of a tenant of its own, and what reaches it.
pub(super) fn run(number: u8) -> (RunId, Hot, UnboundedReceiver<Message>) {
    run_of(number, number)
}

fn tenant(number: u8) -> TenantId {
    TenantId::from_random([number; 16])
}

/// A run of this tenant.
fn run_of(tenant: u8, number: u8) -> (RunId, Hot, UnboundedReceiver<Message>) {
    let ids = ScopeIds {
        tenant_id: self::tenant(tenant),
        project_id: ProjectId::from_random([tenant; 16]),
        environment_id: EnvironmentId::from_random([tenant; 16]),
    };
    let run = RunId::from_random([number; 16]);
    let (hot, inbox) = Hot::alone(TenantScope::mint(&Minter::behind_the_test_seam(), ids), run);
    (run, hot, inbox)
}

fn slots_in(inbox: &mut UnboundedReceiver<Message>) -> Option<u32> {
    match inbox.try_recv().ok()? {
        Message::Slots(granted) => Some(granted.slots()),
        _ => None,
    }
}

/// Does what the floor does with orders.
fn settle(slots: &mut Slots, desk: &Desk) {
    while let Some(Order::Settle(granted)) = desk.next() {
        slots.settle(granted);
    }
}

#[test]
fn the_slot_goes_with_the_report_unless_another_run_waits() {
    let desk = Arc::new(Desk::new());
    let mut slots = Slots::new(2, Arc::downgrade(&desk));
    let ((mine, my_hot, mut my_inbox), (others, other_hot, mut other_inbox)) = (run(1), run(2));
    // Nobody waits: one slot, however many are free, for another run may come.
    let granted = slots.hand_on(mine, tenant(1)).unwrap();
    assert_eq!((granted.slots(), slots.free()), (1, 1));
    drop(granted);
    settle(&mut slots, &desk);
    assert_eq!(slots.free(), 2);
    // The run waits itself, alone: all of them, and it stands in line no more.
    slots.want(mine, my_hot.clone());
    let granted = slots.hand_on(mine, tenant(1)).unwrap();
    assert_eq!((granted.slots(), slots.free()), (2, 0));
    drop(granted);
    settle(&mut slots, &desk);
    slots.grant();
    assert!(slots_in(&mut my_inbox).is_none());
    // Another run waits, before or after it: it is its turn, and everybody gets one part.
    for hands in [[(mine, &my_hot), (others, &other_hot)], [(others, &other_hot), (mine, &my_hot)]] {
        for (run, hot) in hands {
            slots.want(run, hot.clone());
        }
        assert!(slots.hand_on(mine, tenant(1)).is_none());
        slots.grant();
        assert_eq!((slots_in(&mut my_inbox), slots_in(&mut other_inbox)), (Some(1), Some(1)));
        settle(&mut slots, &desk);
    }
    slots.want(others, other_hot);
    assert!(slots.hand_on(mine, tenant(1)).is_none());
    // What goes to a run that has left comes back.
    drop(other_inbox);
    slots.grant();
    settle(&mut slots, &desk);
    assert_eq!(slots.free(), 2);
}

#[test]
fn tenants_have_equal_parts_however_many_runs_they_have() {
    const SLOTS: u32 = 16;
    let desk = Arc::new(Desk::new());
    let mut slots = Slots::new(SLOTS, Arc::downgrade(&desk));
    let mut many: Vec<_> = (0..100).map(|number| run_of(1, number)).collect();
    let (single, single_hot, mut single_inbox) = run_of(2, 200);
    many.iter().for_each(|(run, hot, _)| slots.want(*run, hot.clone()));
    slots.want(single, single_hot.clone());
    slots.grant();
    let parts: Vec<_> = many.iter_mut().filter_map(|(.., inbox)| slots_in(inbox)).collect();
    assert_eq!((slots_in(&mut single_inbox), parts), (Some(SLOTS / 2), vec![1; 8]), "half for each");
    settle(&mut slots, &desk);
    // One slot after another becomes free: the single run has every other one, and of the many it is the next one's turn.
    slots.set_capacity(1);
    let mut whose = Vec::new();
    for _ in 0..6 {
        slots.want(single, single_hot.clone());
        slots.grant();
        let of_many = many.iter_mut().position(|(.., inbox)| slots_in(inbox).is_some());
        assert_eq!(slots_in(&mut single_inbox).is_some(), of_many.is_none());
        whose.push(of_many);
        settle(&mut slots, &desk);
    }
    let first = usize::from(whose[0].is_none());
    assert_eq!(whose.split_off(first)[..5], [Some(8), None, Some(9), None, Some(10)]);
    // Who leaves waits no more, and neither does a tenant whose last run has left.
    slots.forget(single);
    many.iter().for_each(|(run, ..)| slots.forget(*run));
    assert!(!slots.are_wanted());
}

#[test]
fn with_more_taken_than_there_are_nothing_goes_with_a_report() {
    let desk = Arc::new(Desk::new());
    let mut slots = Slots::new(2, Arc::downgrade(&desk));
    let (mine, hot, mut inbox) = run(1);
    let granted = slots.hand_on(mine, tenant(1));
    slots.set_capacity(1);
    slots.want(mine, hot);
    assert!(slots.hand_on(mine, tenant(1)).is_none());
    // It has its place in the line still.
    drop(granted);
    settle(&mut slots, &desk);
    slots.grant();
    assert_eq!(slots_in(&mut inbox), Some(1));
    // Control: where nobody takes them back there are no more either.
    settle(&mut slots, &desk);
    drop(desk);
    assert!(slots.hand_on(mine, tenant(1)).is_none());
}

#[test]
fn an_attempt_is_gone_once_it_is_not_dying_and_only_for_who_waits() {
    let (mine, hot, _inbox) = run(1);
    let step = |name: &str| StepId::parse(name).unwrap();
    let stop = |name: &str, waits: bool| Stop {
        run: mine,
        step_id: step(name),
        logical: LogicalAttemptId::FIRST,
        engine: EngineAttemptId::FIRST,
        grace_ms: 0,
        waits: waits.then(|| hot.clone()),
    };
    let step_of = |item: Item| match item {
        Item::Word(_, Message::Gone((step, ..))) => Some(step.to_string()),
        _ => None,
    };
    let mut missing = Missing::default();
    assert!(!missing.note(stop("ended", false)) && missing.is_empty());
    for name in ["dying", "dying", "lost"] {
        assert!(missing.note(stop(name, true)));
    }
    let dying = (mine, step("dying"));
    let sure: Vec<_> = missing.gone_but(|place| *place == dying).into_iter().map(step_of).collect();
    assert_eq!(sure, [Some("lost".to_owned())]);
    assert_eq!(missing.gone(&dying).and_then(step_of), Some("dying".to_owned()));
    assert!(missing.gone(&dying).is_none() && missing.is_empty());
    // Whose run has left hears nothing.
    missing.note(stop("lost", true));
    missing.forget(run(2).0);
    assert!(!missing.is_empty());
    missing.forget(mine);
    assert!(missing.is_empty());
}
