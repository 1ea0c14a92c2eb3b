//! The engine lease: conditional updates only, an epoch that only rises.

use crate::support::*;
use dvt_store::port::lease::Holder;

fn holder(pid: u32) -> Holder {
    Holder { pid, pid_start: 7 + u64::from(pid), address: format!("/run/{pid}.sock") }
}

#[tokio::test]
async fn one_of_two_takes_the_lease_and_only_the_holder_renews() {
    let house = House::new().await;
    let other = house.second();
    let (here, there) = (house.store.lease(), other.lease());
    assert_eq!(here.read().unwrap(), None);
    let first = here.take(None, &holder(1)).unwrap().unwrap();
    assert_eq!(there.take(None, &holder(2)).unwrap(), None, "somebody was quicker");
    assert_eq!((first.epoch, there.read().unwrap().unwrap()), (1, first.clone()));
    assert!(here.renew(&first).unwrap());
    // Somebody who looked before the renewal may not take it: the row is no longer what he saw.
    assert_eq!(there.take(Some(&first), &holder(2)).unwrap(), None);
    let seen = there.read().unwrap().unwrap();
    let second = there.take(Some(&seen), &holder(2)).unwrap().unwrap();
    assert_eq!(second.epoch, 2);
    assert!(!here.renew(&first).unwrap(), "the lease is another's");
    here.release(&first).unwrap();
    assert_eq!(there.read().unwrap().unwrap(), second, "who lost it gives nothing back");
    there.release(&second).unwrap();
    let row = here.read().unwrap().unwrap();
    assert_eq!((row.holder.pid, row.epoch, row.expires_at.ms()), (0, 2, 0));
    assert_eq!(here.take(Some(&row), &holder(3)).unwrap().unwrap().epoch, 3);
}

#[tokio::test]
async fn a_tenant_file_without_a_row_is_adopted() {
    let house = House::new().await;
    house.store.close().await.unwrap();
    let control = rusqlite::Connection::open(house.folder.path().join("control.db")).unwrap();
    let key = house.ids.tenant_id.bytes();
    assert_eq!(control.execute("DELETE FROM tenant WHERE tenant_id = ?1", [key]).unwrap(), 1);
    drop(control);
    // What a crash before the first commit leaves: a file that was never filled. It is passed over.
    let empty = ids().tenant_id;
    std::fs::write(house.folder.path().join("tenants").join(format!("{}.db", empty.key())), b"").unwrap();
    let store = house.second();
    assert_eq!(store.tenants().unwrap(), [house.ids.tenant_id]);
    let platform = store.platform().unwrap();
    store.close().await.unwrap();
    assert_eq!(house.second().platform().unwrap(), platform, "the platform is made once");
}
