//! The process dies at each place of the store; what it acknowledged before is there afterwards, once (INV-29).

use crate::support::*;
use dvt_ledger::verify::result::Status;
use dvt_model::id::{DecisionId, RunId, TenantId};
use dvt_model::scope::{Minter, TenantScope};
use dvt_store::Store;
use serde_json::json;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

const FOLDER: &str = "DVT_CRASH_FOLDER";

/// What the child does: it prints each acknowledgement and never ends by itself before the end of its work.
async fn work(folder: &Path) {
    let clock = clock();
    let store = Store::open(options(folder, clock.clone()), root_key(folder)).unwrap();
    let (ids, scope, ledger) = tenant(&store).await;
    println!("\nACK tenant {}", ids.tenant_id);
    store.claim(ids.tenant_id, 1).await.unwrap();
    let house = House { folder: tempfile::tempdir().unwrap(), store, clock, ids, scope, ledger };
    let run = run();
    println!("\nACK {}", house.admit(&run).await.first_index);
    for seq in 1..6 {
        let large = "x".repeat(100_000);
        let place = house.append(house.advance(&run, seq, json!({ "large": large }))).await.unwrap();
        println!("\nACK {}", place.first_index);
        house.store.seal(ids.tenant_id).await.unwrap();
    }
    // Keys are replaced, and a run that has ended is erased.
    let mut tx = house.act();
    tx.rotate_keys(by_nobody(vec![house.decision(DecisionId::from_random(random()))]), &dvt_store::ROTATED);
    tx.commit().await.unwrap();
    println!("\nACK rotated");
    let erased = crate::erase::a_run(&house, None, 2).await;
    let decision = DecisionId::from_random(random());
    let mut tx = house.act();
    tx.order_erasure(by_nobody(vec![house.decision(decision)]), decision, dvt_store::Target::Run(erased.id));
    tx.commit().await.unwrap();
    println!("\nACK erased {}", erased.id);
    house.store.work_off(ids.tenant_id).await.unwrap();
}

/// What was acknowledged of keys and erasures holds, once what is owed is worked off.
async fn kept(house: &House, acknowledged: &[&str], name: &str) {
    house.store.work_off(house.ids.tenant_id).await.unwrap();
    if acknowledged.contains(&"rotated") {
        let ages = house.act().key_ages().await.unwrap();
        assert!(ages.iter().all(|age| age.in_use.epoch == 2), "{name}: {ages:?}");
    }
    for erased in acknowledged.iter().filter_map(|line| line.strip_prefix("erased ")) {
        let run = RunId::parse(erased).unwrap();
        let events = house.act().fetch_events(run, 0, 100).await.unwrap();
        assert!(!events.is_empty() && events.iter().all(|event| event.payload.is_none()), "{name}");
    }
}

#[tokio::test]
async fn acknowledged_is_there_after_every_crash() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return work(Path::new(&folder)).await;
    }
    let once = dvt_store::crash::MORE_SITES.iter().map(|site| (site, 1));
    let sites = dvt_store::crash::SITES.iter().flat_map(|site| [(site, 1), (site, 3)]).chain(once);
    let mut killed = 0;
    for (site, hit) in sites {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::acknowledged_is_there_after_every_crash", "--nocapture"])
            .env(FOLDER, folder.path())
            .env("DVT_CRASH_AT", format!("{site}:{hit}"))
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(9), "{site}:{hit} was not met: {child:?}");
        let text = String::from_utf8(child.stdout).unwrap();
        let acknowledged: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("ACK ")).collect();
        let Some(named) = acknowledged.first().and_then(|line| line.strip_prefix("tenant ")) else {
            continue;
        };
        let id = TenantId::parse(named).unwrap();
        let clock = clock();
        let store = Store::open(options(folder.path(), clock.clone()), root_key(folder.path())).unwrap();
        let mut house = House::around(folder, store, clock, id).await;
        let entries = house.gapless();
        let highest = acknowledged.iter().filter_map(|line| line.parse::<u64>().ok()).max().unwrap_or(0);
        assert!(entries > highest, "{site}:{hit}: {entries} entries, {highest} was acknowledged");
        for open in house.store.open_runs(id).await.unwrap() {
            house.scope = TenantScope::mint(&Minter::behind_the_test_seam(), open.row.metadata.scope);
            let events = house.act().fetch_events(open.row.metadata.run_id, 0, 100).await.unwrap();
            assert_eq!(events.len() as u64, open.row.last_run_seq);
            assert!(events.iter().all(|event| event.payload.is_some()), "{site}:{hit}");
        }
        kept(&house, &acknowledged, &format!("{site}:{hit}")).await;
        house.store.seal(id).await.unwrap();
        assert_eq!(verify(&house).await.status, Status::Valid, "{site}:{hit}");
        killed += 1;
    }
    println!("{killed} kills of the store: 0 acknowledged lost, 0 erased again readable");
}
