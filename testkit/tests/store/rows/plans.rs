//! Publishing of a plan without a run of it.

use super::{Case, Foreign, Repeat, Row, Stale};
use crate::house::{Do, House, probe, staged};
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::{PlanId, PlanName};
use dvt_model::run::PlanRef;
use dvt_store::port::operation::{PublishPlan, Rights};
use dvt_store::port::transaction::Kind;
use dvt_testkit::drafts::{block, random};
use serde_json::{Value, json};

pub(super) fn rows() -> Vec<Row> {
    vec![Row { name: "publishPlan", make: |house| Box::pin(publish(house)), not: &[] }]
}

/// A version of a plan, its document and the decision that allows it.
fn version(house: &House, (plan_id, name): (PlanId, &str), version: &str, document: Value) -> PublishPlan {
    let digest = Digest::of(&canonical::to_bytes(&document).unwrap());
    PublishPlan {
        plan: PlanRef { plan_id, plan_version: version.to_owned(), digest },
        name: PlanName::parse(name).unwrap(),
        document,
        engine_epoch: house.drafts.epoch,
        rights: house.drafts.rights,
        block: block(vec![house.drafts.decision(None)]),
    }
}

fn published(draft: PublishPlan) -> Do {
    staged(Kind::Engine, draft, |tx, draft| tx.publish_plan(draft))
}

async fn publish(house: &House) -> Case {
    let (plan, other) = (PlanId::from_random(random()), PlanId::from_random(random()));
    let mine = (plan, "orders");
    let first = version(house, mine, "1.0.0", json!({ "name": "orders", "version": "1.0.0" }));
    published(first)(house.store.clone(), house.scope).await.unwrap();
    let second = || version(house, mine, "2.0.0", json!({ "name": "orders", "version": "2.0.0" }));
    let Rights::Of { principal, epoch } = house.drafts.rights else {
        panic!("the house rests on its member")
    };
    let another = version(house, mine, "1.0.0", json!({ "name": "orders", "another": true }));
    let wrong = vec![
        ("the version keeps its digest", published(another), Code::PlanVersionExists),
        (
            "the name is of this plan",
            published(version(house, (other, "orders"), "3.0.0", json!({ "name": "orders" }))),
            Code::PlanVersionExists,
        ),
        (
            "engine epoch",
            published(PublishPlan { engine_epoch: house.drafts.epoch + 1, ..second() }),
            Code::LeaseLost,
        ),
        (
            "principalEpoch",
            published(PublishPlan { rights: Rights::Of { principal, epoch: epoch + 1 }, ..second() }),
            Code::AuthzDenied,
        ),
        (
            "the document has the digest",
            published(PublishPlan { document: json!({ "name": "smuggled" }), ..second() }),
            Code::ContractViolation,
        ),
    ];
    Case {
        go: published(second()),
        foreign: Foreign::Refused,
        stale: Stale::Fenced,
        repeat: Repeat::SamePlace,
        effect: probe(move |store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            let mut seen = Vec::new();
            for version in ["1.0.0", "2.0.0", "3.0.0"] {
                seen.push(tx.plan(plan, version).await.unwrap().map(|row| row.document));
            }
            format!("{seen:?}")
        }),
        changes: true,
        entries: 1,
        wrong,
    }
}
