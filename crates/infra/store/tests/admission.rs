//! Admission: once per run, request and plan version, within the quota.

use crate::support::*;
use dvt_model::run::RunStatus;
use dvt_store::Refusal;
use dvt_store::port::operation::Committed;
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
