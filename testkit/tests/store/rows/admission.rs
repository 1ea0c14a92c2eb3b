//! `bootstrapRun`: a run that starts at once, and one that waits in the queue.

use super::{Case, Foreign, Repeat, Row, Stale};
use crate::house::{Do, House, Probe, probe, staged};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::RunId;
use dvt_store::port::operation::{BootstrapRun, Group, Queueing, Rights, SeenSetting};
use dvt_store::port::transaction::Kind;
use dvt_testkit::drafts::random;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { name: "bootstrapRun", make: |house| Box::pin(at_once(house)), not: &[] },
        Row { name: "queueRun", make: |house| Box::pin(queued(house)), not: &[] },
    ]
}

fn admit(draft: BootstrapRun) -> Do {
    staged(Kind::Engine, draft, |tx, draft| tx.bootstrap_run(draft))
}

/// All runs, plans and waiting places of the tenant.
fn effect() -> Probe {
    probe(|store, scope| async move {
        let tx = store.begin(&scope, Kind::Act).unwrap();
        let runs = tx.list_runs(500, None).await.unwrap().rows;
        let mut text = String::new();
        for run in runs {
            let plan = tx.plan(run.metadata.plan.plan_id, &run.metadata.plan.plan_version).await.unwrap();
            let events = tx.fetch_events(run.metadata.run_id, 0, 10).await.unwrap().len();
            text += &format!("{} {} {events} {}; ", run.metadata.run_id, run.last_run_seq, plan.is_some());
        }
        for place in tx.waiting_runs(500).await.unwrap() {
            text += &format!("{} waits as {:?}, {}; ", place.run_id, place.state, place.version);
        }
        text
    })
}

async fn at_once(house: &House) -> Case {
    let there = house.run().await;
    let drafts = &house.drafts;
    let fresh = || RunId::from_random(random());
    let mut right = drafts.bootstrap(fresh());
    // Nobody set it, which is what the draft says.
    right.setting = Some(SeenSetting { kind: "policy".to_owned(), name: "absent".to_owned(), version: None });
    let wrong = |change: &dyn Fn(&mut BootstrapRun)| {
        let mut draft = drafts.bootstrap(fresh());
        change(&mut draft);
        admit(draft)
    };
    let exists = {
        // Its own admission key, another's run id.
        let mut draft = drafts.bootstrap(there);
        draft.admission_key = Digest::of(&random::<16>()).hex();
        admit(draft)
    };
    let Rights::Of { principal, epoch } = drafts.rights else { panic!("the house rests on its member") };
    let grouped = |most_open: u64| Some(Group { name: "nightly".to_owned(), most_open });
    // A run of the same plan and group is open.
    let mut first = drafts.bootstrap(fresh());
    first.group = grouped(1);
    let plan = first.metadata.plan.clone();
    let name = first.metadata.plan_name.clone();
    let mut tx = house.store.begin(&house.scope, Kind::Engine).unwrap();
    tx.bootstrap_run(first);
    tx.commit().await.unwrap();
    let same_plan = |draft: &mut BootstrapRun| {
        draft.metadata.plan = plan.clone();
        draft.metadata.plan_name.clone_from(&name);
    };
    Case {
        go: admit(right),
        foreign: Foreign::Refused,
        stale: Stale::Fenced,
        repeat: Repeat::SamePlace,
        effect: effect(),
        changes: true,
        entries: 1,
        wrong: vec![
            ("mustNotExist(run)", exists, Code::RunAlreadyExists),
            (
                "mustNotExist(admission key)",
                wrong(&|draft| draft.admission_key = Digest::of(&there.bytes()).hex()),
                Code::IdempotencyKeyReused,
            ),
            ("count(running)", wrong(&|draft| draft.most_open_runs = 2), Code::QuotaExceeded),
            (
                "count(group)",
                wrong(&|draft| {
                    same_plan(draft);
                    draft.group = grouped(1);
                }),
                Code::ConcurrencyBusy,
            ),
            (
                "principalEpoch",
                wrong(&|draft| draft.rights = Rights::Of { principal, epoch: epoch + 1 }),
                Code::AuthzDenied,
            ),
            (
                "principalEpoch, nobody's",
                wrong(&|draft| {
                    draft.rights =
                        Rights::Of { principal: dvt_model::id::PrincipalId::from_random(random()), epoch }
                }),
                Code::AuthzDenied,
            ),
            (
                "rowVersion(setting)",
                wrong(&|draft| {
                    draft.setting = Some(SeenSetting {
                        kind: "policy".to_owned(),
                        name: "absent".to_owned(),
                        version: Some(1),
                    });
                }),
                Code::VersionConflict,
            ),
            ("engine epoch", wrong(&|draft| draft.engine_epoch = 7), Code::LeaseLost),
            (
                "the plan's digest",
                wrong(&|draft| {
                    same_plan(draft);
                    draft.plan_document = json!({ "name": "another" });
                    let bytes = dvt_model::canonical::to_bytes(&draft.plan_document).unwrap();
                    draft.metadata.plan.digest = Digest::of(&bytes);
                }),
                Code::PlanVersionExists,
            ),
        ],
    }
}

async fn queued(house: &House) -> Case {
    let drafts = &house.drafts;
    let place = |most_waiting: u64| {
        let run = RunId::from_random(random());
        let mut draft = drafts.bootstrap(run);
        draft.queue = Some(Queueing { request_id: run.to_string(), most_waiting });
        draft
    };
    let mut tx = house.store.begin(&house.scope, Kind::Engine).unwrap();
    tx.bootstrap_run(place(1));
    tx.commit().await.unwrap();
    Case {
        go: admit(place(2)),
        foreign: Foreign::Refused,
        stale: Stale::Fenced,
        repeat: Repeat::SamePlace,
        effect: effect(),
        changes: true,
        entries: 1,
        wrong: vec![("count(queued)", admit(place(1)), Code::QuotaExceeded)],
    }
}
