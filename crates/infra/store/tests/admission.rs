//! Admission: once per run, request and plan version, within the quota.

use crate::support::*;
use dvt_model::run::{PlanRef, RunStatus};
use dvt_store::Refusal;
use dvt_store::port::operation::{Committed, PlanFilter, PublishPlan, Rights};
use dvt_store::port::transaction::TenantTx;
use serde_json::json;

async fn admit(
    house: &House,
    operation: dvt_store::port::operation::BootstrapRun,
) -> Result<Committed, Refusal> {
    let mut tx = house.engine();
    tx.bootstrap_run(operation);
    tx.commit().await
}

#[tokio::test]
async fn the_same_request_is_the_same_run() {
    let house = House::new().await;
    let first = run();
    let operation = house.bootstrap(&first);
    assert!(!admit(&house, operation.clone()).await.unwrap().already);
    assert!(admit(&house, operation).await.unwrap().already, "the same block");
    let house = house.again().await;
    let mut again = run();
    again.admission = first.admission.clone();
    let same = house.bootstrap(&again);
    let mut other = house.bootstrap(&again);
    other.request = json!({ "inputs": { "k": "w" } });
    assert_eq!(admit(&house, same).await, Err(Refusal::Admitted { run: first.id, same: true }));
    assert_eq!(admit(&house, other).await, Err(Refusal::Admitted { run: first.id, same: false }));
    let mut taken = run();
    taken.id = first.id;
    assert_eq!(admit(&house, house.bootstrap(&taken)).await, Err(Refusal::RunAlreadyExists));
}

#[tokio::test]
async fn a_published_version_keeps_its_digest() {
    let house = House::new().await;
    let first = run();
    house.admit(&first).await;
    let mut second = run();
    (second.plan, second.name) = (first.plan, first.name.clone());
    house.admit(&second).await;
    let mut third = run();
    (third.plan, third.name) = (first.plan, first.name.clone());
    let mut changed = house.bootstrap(&third);
    changed.plan_document = json!({ "name": first.name, "steps": [] });
    assert!(
        matches!(admit(&house, changed.clone()).await, Err(Refusal::Contract(_))),
        "the digest is not the document's"
    );
    let bytes = dvt_model::canonical::to_bytes(&changed.plan_document).unwrap();
    changed.metadata.plan.digest = dvt_model::digest::Digest::of(&bytes);
    assert_eq!(admit(&house, changed).await, Err(Refusal::PlanVersionExists));
    let name = dvt_model::id::PlanName::parse(&first.name).unwrap();
    assert_eq!(house.act().plan_id(&name).await.unwrap(), Some(first.plan));
    let row = house.act().plan(first.plan, "1.0.0").await.unwrap().unwrap();
    assert_eq!(row.document["name"], first.name);
    // Publishing without a run is under the same rules.
    let of = |bytes: &serde_json::Value| {
        dvt_model::digest::Digest::of(&dvt_model::canonical::to_bytes(bytes).unwrap())
    };
    let publish = |version: &str, document: serde_json::Value, epoch: u64| PublishPlan {
        plan: PlanRef { plan_id: first.plan, plan_version: version.to_owned(), digest: of(&document) },
        name: name.clone(),
        document,
        engine_epoch: epoch,
        rights: Rights::Nobody,
        block: house.an_act().block,
    };
    let commit = async |mut tx: TenantTx, operation: PublishPlan| {
        tx.publish_plan(operation);
        tx.commit().await
    };
    let epoch = house.bootstrap(&first).engine_epoch;
    let new = json!({ "name": first.name, "steps": ["new"] });
    let other = publish("1.0.0", new.clone(), epoch);
    assert_eq!(commit(house.engine(), other).await, Err(Refusal::PlanVersionExists));
    let old = publish("1.1.0", new.clone(), epoch + 1);
    assert_eq!(commit(house.engine(), old).await, Err(Refusal::LeaseLost));
    let act = commit(house.act(), publish("1.1.0", new.clone(), epoch)).await;
    assert!(matches!(act, Err(Refusal::Contract(_))), "only the engine: {act:?}");
    let mut lying = publish("1.1.0", new.clone(), epoch);
    lying.document = json!({ "name": "another" });
    assert!(matches!(commit(house.engine(), lying).await, Err(Refusal::Contract(_))));
    assert!(house.act().plan_version(first.plan, "1.1.0").await.unwrap().is_none());
    commit(house.engine(), publish("1.1.0", new.clone(), epoch)).await.unwrap();
    commit(house.engine(), publish("1.1.0", new, epoch)).await.unwrap();
    let page = house.act().list_plans(&PlanFilter::default(), 50, None).await.unwrap();
    let versions: Vec<&str> = page.rows.iter().map(|row| row.plan.plan_version.as_str()).collect();
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert!(house.act().plan(first.plan, "1.0.1").await.unwrap().is_none());
}

#[tokio::test]
async fn the_quota_counts_open_runs_alone() {
    let house = House::new().await;
    let first = run();
    house.admit(&first).await;
    let second = run();
    let mut operation = house.bootstrap(&second);
    operation.most_open_runs = 1;
    assert_eq!(admit(&house, operation.clone()).await, Err(Refusal::Quota("concurrent runs".to_owned())));
    let mut end = house.advance(&first, 1, json!({}));
    end.status = RunStatus::Failed;
    house.append(end).await.unwrap();
    admit(&house, operation).await.unwrap();
}

#[tokio::test]
async fn pages_and_prefixes_of_runs() {
    let house = House::new().await;
    let mut all = Vec::new();
    for _ in 0..7 {
        let run = run();
        house.admit(&run).await;
        all.push(run.id);
    }
    all.reverse();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = house.act().list_runs(3, cursor.as_deref()).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.metadata.run_id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let text = all[0].to_string();
    assert_eq!(house.act().runs_by_prefix(&text[..14]).await.unwrap(), [all[0]]);
    assert_eq!(house.act().runs_by_prefix(&text).await.unwrap(), [all[0]]);
    assert!(house.act().runs_by_prefix("run_").await.unwrap().is_empty());
    let error = house.act().list_runs(3, Some("AAAA")).await.unwrap_err();
    assert_eq!(error.code(), dvt_model::code::Code::InvalidCursor);
}
