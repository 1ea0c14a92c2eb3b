//! Acts and reads: entries that change no run.

use super::{Case, Foreign, Repeat, Row, Stale};
use crate::house::{Do, House, probe, staged};
use dvt_model::code::Code;
use dvt_model::id::PrincipalId;
use dvt_store::port::operation::{AppendAct, Rights};
use dvt_store::port::transaction::Kind;
use dvt_testkit::drafts::random;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { name: "append of an act", make: |house| Box::pin(make(house, false)), not: &[] },
        Row { name: "append of reads", make: |house| Box::pin(make(house, true)), not: &[] },
    ]
}

fn append(draft: AppendAct) -> Do {
    staged(Kind::Act, draft, |tx, draft| tx.append_act(draft))
}

async fn make(house: &House, reads: bool) -> Case {
    let drafts = house.drafts.clone();
    let act = || AppendAct { reads, ..drafts.act(Some(json!({ "why": "because" }))) };
    let known = act();
    append(known.clone())(house.store.clone(), house.scope).await.unwrap();
    let wrong = |change: &dyn Fn(&mut AppendAct)| {
        let mut draft = act();
        change(&mut draft);
        append(draft)
    };
    let Rights::Of { principal, epoch } = drafts.rights else { panic!("the house rests on its member") };
    let right = act();
    let decision = right.block.entries[0].envelope.decision_id.unwrap();
    let run = house.run().await;
    Case {
        go: append(right),
        foreign: Foreign::Refused,
        stale: Stale::Free,
        repeat: Repeat::SamePlace,
        effect: probe(move |store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            format!("{}", tx.decision_recorded(decision).await.unwrap())
        }),
        changes: true,
        entries: 1,
        wrong: vec![
            (
                "principalEpoch, newer",
                wrong(&|draft| draft.rights = Rights::Of { principal, epoch: epoch + 1 }),
                Code::AuthzDenied,
            ),
            (
                "principalEpoch, older",
                wrong(&|draft| draft.rights = Rights::Of { principal, epoch: epoch - 1 }),
                Code::AuthzDenied,
            ),
            (
                "principalEpoch, nobody's",
                wrong(&|draft| {
                    draft.rights = Rights::Of { principal: PrincipalId::from_random(random()), epoch }
                }),
                Code::AuthzDenied,
            ),
            (
                "a decision is entered once",
                wrong(&|draft| {
                    draft.block.entries[0].envelope.decision_id = known.block.entries[0].envelope.decision_id
                }),
                Code::ContractViolation,
            ),
            (
                "never a run event",
                wrong(&|draft| draft.block.entries.push(drafts.event(run, 2, json!({})))),
                Code::ContractViolation,
            ),
            (
                "its own ledger",
                wrong(&|draft| {
                    draft.block.entries[0].envelope.ledger_id = dvt_model::id::LedgerId::from_random(random())
                }),
                Code::ContractViolation,
            ),
        ],
    }
}
